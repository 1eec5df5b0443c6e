//! Dates and ages.

use super::arguments::{Arguments, is_english};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Year, month and day as numbers.
type Day = (i32, u32, u32);

/// A date as far as it is given.
struct Date {
    year: String,
    month: Option<u32>,
    day: Option<u32>,
}

impl Date {
    /// From three arguments, or one that is `1999-01-02`. `None` for a text.
    fn at(arguments: &Arguments, from: usize) -> Option<Self> {
        let first = arguments.get(from);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = match first.split('-').collect::<Vec<_>>() {
            parts if parts.len() == 3 && parts.iter().all(|part| digits(part)) => parts,
            _ if digits(first.trim_start_matches(['-', '−'])) => {
                vec![first, arguments.get(from + 1), arguments.get(from + 2)]
            }
            _ => return None,
        };
        let month = month(parts[1]);
        // A year ahead of a word that is no month is not a date of this order.
        if month.is_none() && !parts[1].is_empty() {
            return None;
        }
        let day = parts[2].parse().ok().filter(|day| (1..=31).contains(day) && month.is_some());
        Some(Self { year: parts[0].to_owned(), month, day })
    }

    fn text(&self, day_first: bool) -> String {
        let year = &self.year;
        match (self.month.map(|month| MONTHS[month as usize - 1]), self.day) {
            (Some(month), Some(day)) if day_first => format!("{day} {month} {year}"),
            (Some(month), Some(day)) => format!("{month} {day}, {year}"),
            (Some(month), None) => format!("{month} {year}"),
            (None, _) => year.clone(),
        }
    }

    /// With what is not given taken as the first.
    fn number(&self) -> Option<Day> {
        Some((self.year.parse().ok()?, self.month?, self.day?))
    }
}

fn month(text: &str) -> Option<u32> {
    let by_name = |name: &&str| text.len() >= 3 && name.to_lowercase().starts_with(&text.to_lowercase());
    let found = MONTHS.iter().position(by_name).map(|index| index as u32 + 1);
    text.parse().ok().filter(|month| (1..=12).contains(month)).or(found)
}

/// Months as other languages have them in a date.
const OTHER_MONTHS: [(&str, &str); 7] = [
    ("de", "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"),
    ("fr", "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"),
    ("es", "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"),
    ("it", "gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre"),
    ("pt", "janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"),
    ("nl", "januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december"),
    ("ru", "января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"),
];

/// The name of a month, from 1, in a language whose names are known.
fn month_name(language: &str, month: u32) -> Option<&'static str> {
    let index = (1..=12).contains(&month).then(|| month as usize - 1)?;
    if is_english(language) {
        return Some(MONTHS[index]);
    }
    let (_, names) = OTHER_MONTHS.iter().find(|(code, _)| *code == language)?;
    names.split('|').nth(index)
}

/// German `{{Datum|3|4|1900}}`: 3. April 1900; the like in other languages whose order is known.
pub fn local(arguments: &Arguments) -> Option<String> {
    let [first, second, third] = [0, 1, 2].map(|place| arguments.get(place));
    let name = second.parse().ok().and_then(|month| month_name(arguments.language(), month));
    Some(match (arguments.language(), name) {
        ("ja", _) if !third.is_empty() => format!("{first}年{second}月{third}日"),
        (_, None) => return first_three(arguments),
        ("de", Some(name)) => format!("{first}. {name} {third}"),
        ("es" | "pt", Some(name)) => format!("{first} de {name} de {third}"),
        (_, Some(name)) => format!("{first} {name} {third}"),
    })
}

/// What stands for a date where more follows it.
fn first_three(arguments: &Arguments) -> Option<String> {
    let given = arguments.given(0);
    (!given.is_empty()).then(|| given[..given.len().min(3)].join(" "))
}

/// Whole years between two days.
fn years((year, month, day): Day, to: Day) -> i32 {
    to.0 - year - i32::from((to.1, to.2) < (month, day))
}

fn day_first(arguments: &Arguments) -> bool {
    let format = arguments.named(&["format"]);
    arguments.says("df") || arguments.named(&["df"]) == "dmy" || format == "dmy" || arguments.get(1) == "dmy"
}

/// `{{start date|1999|1|2}}`: January 2, 1999; with `df=y` 2 January 1999. A text stays as it is.
pub fn date(arguments: &Arguments) -> Option<String> {
    if !arguments.is_english() {
        return text(arguments);
    }
    match Date::at(arguments, 0) {
        Some(date) => Some(date.text(day_first(arguments))),
        None => text(arguments),
    }
}

/// The arguments as they are, in their order. In a wiki that is not English nobody knows which of them is the month, and how
/// it is called.
pub fn text(arguments: &Arguments) -> Option<String> {
    let given = arguments.given(0);
    let given = if given.len() > 1 && given[1] == "dmy" { &given[..1] } else { &given[..] };
    (!given.is_empty()).then(|| given.join(" "))
}

/// `{{birth date and age|1950|1|2}}`: the date, and the age at the time of the page.
pub fn date_and_age(arguments: &Arguments) -> Option<String> {
    if !arguments.is_english() {
        return first_three(arguments);
    }
    let Some(date) = Date::at(arguments, 0) else { return text(arguments) };
    let shown = date.text(day_first(arguments));
    Some(match date.number().zip(arguments.page.date) {
        Some((born, today)) if years(born, today) >= 0 => format!("{shown} (age {})", years(born, today)),
        _ => shown,
    })
}

/// `{{death date and age|2000|1|2|1950|3|4}}`: the date of death, and the age.
pub fn death_and_age(arguments: &Arguments) -> Option<String> {
    if !arguments.is_english() {
        return first_three(arguments);
    }
    let Some(died) = Date::at(arguments, 0) else { return text(arguments) };
    let shown = died.text(day_first(arguments));
    let born = Date::at(arguments, if arguments.get(0).contains('-') { 1 } else { 3 });
    Some(match born.and_then(|born| born.number()).zip(died.number()) {
        Some((born, died)) => format!("{shown} (aged {})", years(born, died)),
        None => shown,
    })
}

/// `{{age|1969|7|20}}`: whole years to another day, or to that of the page.
pub fn age(arguments: &Arguments) -> Option<String> {
    let from = Date::at(arguments, 0)?.number()?;
    let to = Date::at(arguments, 3).and_then(|date| date.number()).or(arguments.page.date)?;
    Some(years(from, to).to_string())
}

/// `{{as of|2014|6}}`: As of June 2014.
pub fn as_of(arguments: &Arguments) -> Option<String> {
    let alternative = arguments.named(&["alt"]);
    if !alternative.is_empty() {
        return Some(alternative.to_owned());
    }
    if !arguments.is_english() {
        return text(arguments);
    }
    let date = match Date::at(arguments, 0) {
        Some(date) => date.text(arguments.named(&["df"]).to_lowercase() != "us"),
        None => text(arguments)?,
    };
    let lower = ["lc", "lowercase"].into_iter().any(|name| arguments.says(name));
    Some(match (arguments.says("bare"), arguments.says("since"), lower) {
        (true, ..) => date,
        (_, true, true) => format!("since {date}"),
        (_, true, false) => format!("Since {date}"),
        (_, false, true) => format!("as of {date}"),
        (_, false, false) => format!("As of {date}"),
    })
}

/// `{{OldStyleDate|February 2|1905|January 20}}`: February 2 [O.S. January 20] 1905.
pub fn old_style(arguments: &Arguments) -> Option<String> {
    let parts = [arguments.get(0), arguments.get(1), arguments.get(2)];
    Some(match parts {
        ["", ..] => return None,
        [day, year, old] if !arguments.is_english() => format!("{day} {year} {old}").trim().to_owned(),
        [day, year, ""] => format!("{day} {year}").trim().to_owned(),
        [day, year, old] => format!("{day} [O.S. {old}] {year}").trim().to_owned(),
    })
}

/// `{{circa|1200|1250}}`: c. 1200 – c. 1250.
pub fn circa(arguments: &Arguments) -> Option<String> {
    Some(match arguments.given(0)[..] {
        [] => "c.".to_owned(),
        [year] => format!("c. {year}"),
        [from, to, ..] => format!("c. {from} – c. {to}"),
    })
}

/// `{{reign|1060|1078}}`: r. 1060–1078.
pub fn reign(arguments: &Arguments) -> Option<String> {
    let name = arguments.name.to_lowercase();
    let short = match name.as_bytes().first() {
        Some(b'f') => "fl.",
        Some(b'b') => "b.",
        Some(b'd') => "d.",
        Some(b'm') => "m.",
        _ => "r.",
    };
    let years = arguments.given(0);
    Some(if years.is_empty() { short.to_owned() } else { format!("{short} {}", years.join("–")) })
}

/// `{{CURRENTYEAR}}` and its like: of the page's own revision, so that a text does not depend on today.
pub fn today(arguments: &Arguments) -> Option<String> {
    let (year, month, day) = arguments.page.date.filter(|(_, month, _)| (1..=12).contains(month))?;
    Some(match arguments.name.trim_start_matches("CURRENT").trim_start_matches("LOCAL") {
        "YEAR" => year.to_string(),
        "MONTH" => format!("{month:02}"),
        "MONTH1" => month.to_string(),
        "MONTHNAME" | "MONTHNAMEGEN" => month_name(arguments.language(), month)?.to_owned(),
        "DAY" => day.to_string(),
        "DAY2" => format!("{day:02}"),
        _ => return None,
    })
}
