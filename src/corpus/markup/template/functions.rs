//! Parser functions and variables: `{{lc:..}}`, `{{formatnum:..}}`, `{{PAGENAME}}`, under their English names and some others.

use super::arguments::Arguments;
use super::dates;
use super::stays::Stays;

/// Other names of functions, in lower case.
const NAMES: [(&str, &str); 30] = [
    ("zahlenformat", "formatnum"),
    ("klein", "lc"),
    ("gross", "uc"),
    ("groß", "uc"),
    ("initial_klein", "lcfirst"),
    ("initial_gross", "ucfirst"),
    ("seitenname", "pagename"),
    ("minus", "lc"),
    ("minúsculas", "lc"),
    ("mayus", "uc"),
    ("mayúsculas", "uc"),
    ("formatonúmero", "formatnum"),
    ("formatonumero", "formatnum"),
    ("nombredepagina", "pagename"),
    ("nombredepágina", "pagename"),
    ("nompage", "pagename"),
    ("nomepagina", "pagename"),
    ("nomedapagina", "pagename"),
    ("paginanaam", "pagename"),
    ("nazwastrony", "pagename"),
    ("форматчисла", "formatnum"),
    ("форматироватьчисло", "formatnum"),
    ("нижнийрегистр", "lc"),
    ("нижнийригистр", "lc"),
    ("верхнийрегистр", "uc"),
    ("названиестраницы", "pagename"),
    ("имястраницы", "pagename"),
    ("ページ名", "pagename"),
    ("页名", "pagename"),
    ("множественное", "plural"),
];

fn english(name: &str) -> String {
    let name = name.trim().to_lowercase();
    NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, english)| (*english).to_owned())
}

/// What becomes of a function or variable; `None` if it is neither.
pub fn stays(name: &str) -> Option<Stays> {
    if let Some((function, _)) = name.split_once(':') {
        return match english(function).as_str() {
            "lc" | "uc" | "lcfirst" | "ucfirst" | "formatnum" | "plural" | "grammar" | "gender" | "padleft"
            | "padright" | "#if" | "#ifeq" | "#formatdate" | "#dateformat" => Some(Stays::Made(call)),
            _ => None,
        };
    }
    match english(name).as_str() {
        "!" => Some(Stays::Text("|")),
        "pagename" | "fullpagename" | "basepagename" | "subpagename" | "rootpagename" | "titel" => {
            Some(Stays::Made(|arguments| Some(arguments.page.title.to_owned())))
        }
        "sitename" => Some(Stays::Made(|arguments| Some(arguments.page.site.name.clone()))),
        _ if name.starts_with("CURRENT") || name.starts_with("LOCAL") => Some(Stays::Made(dates::today)),
        _ => None,
    }
}

fn call(arguments: &Arguments) -> Option<String> {
    let (function, _) = arguments.name.split_once(':')?;
    let first = arguments.first.as_str();
    let language = arguments.language();
    Some(match english(function).as_str() {
        "lc" => lower(first, language),
        "uc" => upper(first, language),
        "lcfirst" => with_first(first, |c| lower(c.encode_utf8(&mut [0; 4]), language)),
        "ucfirst" => with_first(first, |c| upper(c.encode_utf8(&mut [0; 4]), language)),
        "formatnum" => match arguments.get(0).to_uppercase().as_str() {
            "R" => plain(first, &arguments.page.site.language),
            "NOSEP" => grouped(first, &arguments.page.site.language, false),
            _ => grouped(first, &arguments.page.site.language, true),
        },
        "plural" => plural(first, &arguments.given(0), language)?,
        "gender" | "grammar" => (*arguments.given(0).first()?).to_owned(),
        "padleft" => padded(first, arguments, true),
        "padright" => padded(first, arguments, false),
        "#if" => arguments.get(usize::from(first.is_empty())).to_owned(),
        "#ifeq" => arguments.get(if first == arguments.get(0) { 1 } else { 2 }).to_owned(),
        _ => first.to_owned(),
    })
}

/// The form of a word that goes with a number.
fn plural(number: &str, forms: &[&str], language: &str) -> Option<String> {
    let (bare, point) = (plain(number, language), number.contains(['.', ',']));
    let count = bare.parse::<f64>().map_or(f64::NAN, f64::abs);
    let index = match (language, forms.len()) {
        ("ru" | "uk" | "be" | "sr" | "hr" | "bs" | "sh", 3..) => {
            let (ten, hundred) = (count % 10.0, count % 100.0);
            match () {
                () if point || !count.is_finite() => 2,
                () if ten == 1.0 && hundred != 11.0 => 0,
                () if (2.0..=4.0).contains(&ten) && !(12.0..=14.0).contains(&hundred) => 1,
                () => 2,
            }
        }
        ("pl", 3..) if (2.0..=4.0).contains(&(count % 10.0)) && !(12.0..=14.0).contains(&(count % 100.0)) => 1,
        ("cs" | "sk", 3..) if (2.0..=4.0).contains(&count) => 1,
        ("fr", _) if count < 2.0 => 0,
        _ if count == 1.0 => 0,
        _ => usize::MAX,
    };
    forms.get(index).or_else(|| forms.last()).map(|form| (*form).to_owned())
}

/// `{{склонение|5|год|года|лет}}`: the form of a word that goes with the first argument.
pub fn form(arguments: &Arguments) -> Option<String> {
    let (number, forms) = arguments.all().split_first()?;
    let forms: Vec<&str> = forms.iter().map(String::as_str).filter(|form| !form.is_empty()).collect();
    plural(number, &forms, arguments.language())
}

/// In lower case; Turkish and Azerbaijani have an i with and one without a dot.
fn lower(text: &str, language: &str) -> String {
    match language {
        "tr" | "az" => text.replace('I', "ı").replace('İ', "i").to_lowercase(),
        _ => text.to_lowercase(),
    }
}

fn upper(text: &str, language: &str) -> String {
    match language {
        "tr" | "az" => text.replace('i', "İ").to_uppercase(),
        _ => text.to_uppercase(),
    }
}

/// A text with its first character changed.
fn with_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| change(first) + rest.as_str())
}

fn padded(text: &str, arguments: &Arguments, left: bool) -> String {
    let width = arguments.get(0).parse::<usize>().unwrap_or(0).min(100);
    let with = if arguments.get(1).is_empty() { "0" } else { arguments.get(1) };
    let padding: String = with.chars().cycle().take(width.saturating_sub(text.chars().count())).collect();
    if left { padding + text } else { text.to_owned() + &padding }
}

/// How a language writes numbers: between thousands, before decimals, and the least digits of a grouped number.
fn separators(language: &str) -> (&'static str, &'static str, usize) {
    match language {
        "de" | "nl" | "da" | "id" | "tr" | "ro" | "el" | "sr" | "hr" | "bs" | "sl" | "is" | "eu" | "gl" | "vi"
        | "az" | "mk" => (".", ",", 4),
        "es" | "it" | "pt" | "ca" => (".", ",", 5),
        "fr" | "ru" | "uk" | "cs" | "sk" | "sv" | "no" | "nb" | "nn" | "fi" | "et" | "lt" | "lv" | "be" | "kk"
        | "eo" => ("\u{a0}", ",", 4),
        "pl" | "bg" | "hu" => ("\u{a0}", ",", 5),
        _ => (",", ".", 4),
    }
}

/// Numbers as the language writes them: 1234567.89 is 1,234,567.89 in English.
pub fn grouped(text: &str, language: &str, thousands: bool) -> String {
    let (between, point, least) = separators(language);
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    let mut decimals = false;
    while let Some(c) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = &rest[..digits];
        let next = rest[c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        match c {
            _ if digits > 0 && (decimals || !thousands || digits < least) => made.push_str(number),
            _ if digits > 0 => {
                let head = (digits - 1) % 3 + 1;
                made.push_str(&number[..head]);
                for group in number.as_bytes()[head..].chunks(3) {
                    made.push_str(between);
                    made.extend(group.iter().map(|&digit| char::from(digit)));
                }
            }
            '.' if next && made.ends_with(|c: char| c.is_ascii_digit()) => made.push_str(point),
            c => made.push(c),
        }
        decimals = c == '.' && next;
        rest = &rest[digits.max(c.len_utf8())..];
    }
    made
}

/// A number without what its language puts between thousands.
fn plain(text: &str, language: &str) -> String {
    let (between, point, _) = separators(language);
    let bare = text.replace(between, "").replace("&nbsp;", "");
    if point == "." { bare } else { bare.replace(point, ".") }
}
