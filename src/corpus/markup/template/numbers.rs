//! Numbers, quantities with their units, money.

use super::arguments::Arguments;

/// Words between the numbers of a range, and how they read.
const BETWEEN: [(&str, &str); 22] = [
    ("to", " to "),
    ("to(-)", " to "),
    ("to about", " to about "),
    ("and", " and "),
    ("and(-)", " and "),
    ("or", " or "),
    ("-", "–"),
    ("–", "–"),
    ("by", " by "),
    ("by(x)", " by "),
    ("x", " × "),
    ("xx", " × "),
    ("*", " × "),
    ("×", " × "),
    ("+", " + "),
    ("&", " & "),
    (",", ", "),
    (", and", ", and "),
    (", or", ", or "),
    ("+/-", " ± "),
    ("±", " ± "),
    ("to-", " to "),
];

/// Units whose code is not how they are written.
const UNITS: [(&str, &str); 42] = [
    ("sqmi", "sq mi"),
    ("sqft", "sq ft"),
    ("sqin", "sq in"),
    ("sqyd", "sq yd"),
    ("sqkm", "km2"),
    ("sqm", "m2"),
    ("sqcm", "cm2"),
    ("cumi", "cu mi"),
    ("cuft", "cu ft"),
    ("cuin", "cu in"),
    ("cuyd", "cu yd"),
    ("cum", "m3"),
    ("cukm", "km3"),
    ("cuft/s", "cu ft/s"),
    ("C", "°C"),
    ("F", "°F"),
    ("C-change", "°C"),
    ("F-change", "°F"),
    ("kmh", "km/h"),
    ("km/hr", "km/h"),
    ("foot", "ft"),
    ("feet", "ft"),
    ("inch", "in"),
    ("inches", "in"),
    ("mile", "mi"),
    ("miles", "mi"),
    ("metre", "m"),
    ("meter", "m"),
    ("metres", "m"),
    ("meters", "m"),
    ("kilometre", "km"),
    ("kilometer", "km"),
    ("kilometres", "km"),
    ("kilometers", "km"),
    ("ST", "short tons"),
    ("LT", "long tons"),
    ("MT", "tonnes"),
    ("PD/sqmi", "/sq mi"),
    ("PD/km2", "/km2"),
    ("usgal", "US gal"),
    ("impgal", "imp gal"),
    ("oz-f", "ozf"),
];

/// Pairs of units that one quantity is given in: 5 ft 8 in.
const PAIRS: [(&str, &str); 10] = [
    ("ft", "in"),
    ("yd", "ft"),
    ("mi", "yd"),
    ("mi", "ft"),
    ("mi", "ch"),
    ("lb", "oz"),
    ("st", "lb"),
    ("LT", "cwt"),
    ("foot", "inch"),
    ("h", "min"),
];

fn is_number(text: &str) -> bool {
    let rest = text.trim_start_matches(['-', '−', '+', '.', '~', '±', '<', '>', '$', '£', '€']);
    rest.starts_with(|c: char| c.is_ascii_digit() || "½¼¾⅓⅔⅛".contains(c))
}

fn unit(code: &str) -> &str {
    UNITS.iter().find(|(known, _)| *known == code).map_or(code, |(_, written)| written)
}

/// `5+1/2` and `5+1//2` are five and a half.
fn fraction(number: &str) -> String {
    let number = number.replace("//", "/");
    match number.split_once('+') {
        Some((whole, part)) if is_number(whole) && part.contains('/') => format!("{whole} {part}"),
        _ => number,
    }
}

/// A number with its unit: `10|km|mi` is 10 km, `3|to|5|ft|m` is 3 to 5 ft, `5|ft|8|in|m` is 5 ft 8 in.
pub fn quantity(arguments: &Arguments) -> Option<String> {
    let all = arguments.all();
    let mut made = String::new();
    let mut at = 0;
    while let Some(text) = all.get(at).filter(|text| !text.is_empty()) {
        match BETWEEN.iter().find(|(word, _)| at > 0 && word == text) {
            Some((_, between)) => made.push_str(between),
            None if is_number(text) => made.push_str(&fraction(text)),
            None => break,
        }
        at += 1;
    }
    if made.is_empty() {
        return None;
    }
    loop {
        let code = arguments.get(at);
        let written = unit(code);
        // Per something, or a sign: right behind the number.
        let apart = !written.is_empty() && !written.starts_with(['/', '%', '"', '′', '″']);
        // `adj=mid|-long`: 10-ft-long.
        let long = all.last().filter(|text| arguments.named(&["adj"]) == "mid" && text.starts_with('-'));
        made.push_str(match (apart, long) {
            (false, _) => "",
            (true, None) => " ",
            (true, Some(_)) => "-",
        });
        made.push_str(written);
        if let Some(long) = long {
            made.push_str(long);
            return Some(made);
        }
        let (number, second) = (arguments.get(at + 1), arguments.get(at + 2));
        if !(is_number(number) && PAIRS.contains(&(code, second))) {
            return Some(made);
        }
        made.push(' ');
        made.push_str(&fraction(number));
        at += 2;
    }
}

/// French `{{unité|20|à=30|km}}`: 20 à 30 km; `{{unité|9.81|m|1|s|-2}}`: 9,81 m s-2.
pub fn french(arguments: &Arguments) -> Option<String> {
    let all = arguments.all();
    let number = |text: &str| super::functions::grouped(text, "fr", true);
    let mut made = number(all.first().filter(|text| !text.is_empty())?);
    for (name, between) in [("à", " à "), ("et", " et "), ("ou", " ou "), ("-", "–"), ("x", " × "), ("/", "/")] {
        let other = arguments.named(&[name]);
        if !other.is_empty() {
            made.push_str(between);
            made.push_str(&number(other));
        }
    }
    for unit in all[1..].chunks(2).filter(|unit| !unit[0].is_empty()) {
        made.push(' ');
        made.push_str(&unit[0]);
        made.push_str(unit.get(1).map_or("", |power| if power == "1" { "" } else { power.as_str() }));
    }
    let per = arguments.named(&["par"]);
    if !per.is_empty() {
        made.push_str(&format!("/{per}"));
    }
    Some(made)
}

/// `{{height|ft=5|in=8}}`, `{{height|m=1.8}}`.
pub fn height(arguments: &Arguments) -> Option<String> {
    let parts = ["m", "cm", "ft", "in", "hand"].map(|unit| (arguments.named(&[unit]), unit));
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| !n.is_empty()).map(|(n, unit)| format!("{} {unit}", fraction(n))).collect();
    if parts.is_empty() { quantity(arguments) } else { Some(parts.join(" ")) }
}

/// `{{km to mi|5}}`: 5 km.
pub fn conversion(arguments: &Arguments) -> Option<String> {
    let from = arguments.name.split(" to ").next()?.trim();
    is_number(arguments.get(0)).then(|| format!("{} {}", arguments.get(0), unit(from)))
}

/// `{{RailGauge|1435mm}}`: 1435 mm.
pub fn gauge(arguments: &Arguments) -> Option<String> {
    let text = arguments.get(0);
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    is_number(text).then(|| format!("{} {}", text[..end].trim(), unit(text[end..].trim())).trim().to_owned())
}

/// `{{pop density|1200|10|km2|sqmi}}`: 120/km2, with `prec=` digits.
pub fn density(arguments: &Arguments) -> Option<String> {
    let value = |place| arguments.get(place).replace(',', "").parse::<f64>().ok();
    let (people, area) = (value(0)?, value(1)?);
    let digits = arguments.named(&["prec"]).parse().unwrap_or(0);
    (people.is_finite() && area > 0.0)
        .then(|| format!("{:.*}/{}", usize::min(digits, 6), people / area, unit(arguments.get(2))))
}

/// `{{val|6.241|0.003|e=18|u=C}}`: 6.241±0.003×10^18 C.
pub fn value(arguments: &Arguments) -> Option<String> {
    let mut made = format!("{}{}", arguments.named(&["p"]), arguments.get(0));
    match (arguments.get(1), arguments.get(2)) {
        ("", _) => {}
        (up, down) if up.starts_with('+') || !down.is_empty() => made.push_str(format!(" {up} {down}").trim_end()),
        (range, _) if range.starts_with(['(', '±']) => made.push_str(range),
        (range, _) => made.push_str(&format!("±{range}")),
    }
    if !arguments.named(&["e"]).is_empty() {
        made.push_str(&format!("×10^{}", arguments.named(&["e"])));
    }
    made.push_str(arguments.named(&["s"]));
    let (unit, per) = (arguments.named(&["u", "ul", "end"]), arguments.named(&["up", "upl"]));
    if !unit.is_empty() {
        made.push_str(if unit.starts_with(['%', '°']) { "" } else { " " });
        made.push_str(unit);
    }
    if !per.is_empty() {
        made.push_str(&format!("/{per}"));
    }
    (!made.is_empty()).then_some(made)
}

/// `{{e|24}}`: ×10^24.
pub fn power(arguments: &Arguments) -> Option<String> {
    (!arguments.get(0).is_empty()).then(|| format!("×10^{}", arguments.get(0)))
}

/// `{{frac|3}}`, `{{frac|1|3}}`, `{{frac|2|1|3}}`: 1/3, 1/3, 2 1/3.
pub fn ratio(arguments: &Arguments) -> Option<String> {
    let made = match arguments.given(0)[..] {
        [] => return None,
        [below] => format!("1/{below}"),
        [above, below] => format!("{above}/{below}"),
        [whole, above, below, ..] => return Some(format!("{whole} {above}/{below}")),
    };
    // `1{{frac|1|2}}` is one and a half.
    let behind = arguments.before.is_some_and(|c| c.is_ascii_digit());
    Some(if behind { format!(" {made}") } else { made })
}

/// `{{ordinal|22}}`: 22nd.
pub fn ordinal(arguments: &Arguments) -> Option<String> {
    let number: u64 = arguments.get(0).replace(',', "").parse().ok()?;
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    Some(format!("{}{ending}", arguments.get(0)))
}

/// `{{percentage|1|3|1}}`: 33.3%.
pub fn percentage(arguments: &Arguments) -> Option<String> {
    let value = |place| arguments.get(place).replace(',', "").parse::<f64>().ok();
    let share = 100.0 * value(0)? / value(1)?;
    let digits = value(2).map_or(0, |digits| digits.clamp(0.0, 9.0) as usize);
    share.is_finite().then(|| format!("{share:.digits$}%"))
}

/// `{{coord|30|12|N|74|7|W}}`: 30°12′N 74°7′W, unless it is shown beside the title only.
pub fn coordinates(arguments: &Arguments) -> Option<String> {
    let display = arguments.named(&["display"]);
    if matches!(display, "title" | "t" | "it" | "ti") || (display.contains("title") && !display.contains("inline")) {
        return Some(String::new());
    }
    let given = arguments.given(0);
    let decimal = |place: usize, signs: [char; 2]| {
        let value: f64 = given.get(place)?.replace('−', "-").parse().ok()?;
        Some(format!("{}°{}", value.abs(), if value < 0.0 { signs[1] } else { signs[0] }))
    };
    let is_side = |text: &str| matches!(text, "N" | "S" | "E" | "W");
    if !given.iter().take(8).any(|text| is_side(text)) {
        return Some(format!("{} {}", decimal(0, ['N', 'S'])?, decimal(1, ['E', 'W'])?));
    }
    let mut made = String::new();
    let (mut part, mut sides) = (0, 0);
    for text in given {
        if is_side(text) {
            (part, sides) = (0, sides + 1);
            made.push_str(text);
            if sides == 2 {
                return Some(made);
            }
            made.push(' ');
        } else {
            made.push_str(text);
            made.push_str(["°", "′", "″"].get(part)?);
            part += 1;
        }
    }
    None
}

/// Signs of money by the name of the template.
const MONEY: [(&str, &str); 30] = [
    ("us$", "US$"),
    ("usd", "US$"),
    ("us dollar", "US$"),
    ("$", "$"),
    ("a$", "A$"),
    ("au$", "A$"),
    ("aud", "A$"),
    ("ca$", "CA$"),
    ("c$", "C$"),
    ("cad", "C$"),
    ("nz$", "NZ$"),
    ("nzd", "NZ$"),
    ("hk$", "HK$"),
    ("hkd", "HK$"),
    ("s$", "S$"),
    ("gbp", "£"),
    ("£", "£"),
    ("pound sign", "£"),
    ("pound", "£"),
    ("eur", "€"),
    ("euro", "€"),
    ("€", "€"),
    ("inr", "₹"),
    ("₹", "₹"),
    ("indian rupee", "₹"),
    ("rupee", "₹"),
    ("jpy", "¥"),
    ("¥", "¥"),
    ("cny", "CN¥"),
    ("rub", "₽"),
];

/// Whether a template, its name in lower case, is one of money.
pub fn is_money(name: &str) -> bool {
    MONEY.iter().any(|(known, _)| *known == name)
}

/// `{{US$|2 billion}}`: US$2 billion.
pub fn money(arguments: &Arguments) -> Option<String> {
    let name = arguments.name.to_lowercase();
    let (_, sign) = MONEY.iter().find(|(known, _)| *known == name)?;
    Some(format!("{sign}{}", arguments.get(0)))
}

/// `{{INRConvert|10|c}}`: ₹10 crore.
pub fn rupees(arguments: &Arguments) -> Option<String> {
    let scale = match arguments.get(1) {
        "c" => " crore",
        "l" => " lakh",
        "k" => " thousand",
        "m" => " million",
        "b" => " billion",
        "t" => " trillion",
        "lc" => " lakh crore",
        _ => "",
    };
    (!arguments.get(0).is_empty()).then(|| format!("₹{}{scale}", arguments.get(0)))
}

/// `{{currency|10|USD}}`: USD 10.
pub fn currency(arguments: &Arguments) -> Option<String> {
    let (amount, code) = (arguments.get(0), arguments.get(1));
    (!amount.is_empty()).then(|| format!("{code} {amount}").trim().to_owned())
}
