//! Phrases of English Wikipedia that are made of arguments: eras, heights, roots, roads, athletes, citations with names.

use super::arguments::Arguments;

fn with(arguments: &Arguments, make: impl Fn(&str) -> String) -> Option<String> {
    let text = arguments.get(0);
    (!text.is_empty()).then(|| make(text))
}

/// `{{AD|79}}`: AD 79; `{{BCE|44}}`: 44 BCE; without a year the era.
pub fn era(arguments: &Arguments) -> Option<String> {
    let era = arguments.name.to_uppercase();
    Some(match arguments.get(0) {
        "" => era,
        year if era == "AD" => format!("AD {year}"),
        year => format!("{year} {era}"),
    })
}

/// `{{abs|x}}`: |x|.
pub fn absolute(arguments: &Arguments) -> Option<String> {
    with(arguments, |x| format!("|{x}|"))
}

/// `{{sqrt|3}}`: √3.
pub fn root(arguments: &Arguments) -> Option<String> {
    with(arguments, |x| format!("√{x}"))
}

/// `{{by|1998}}` is a season's year, `{{by}}` a sign.
pub fn by(arguments: &Arguments) -> Option<String> {
    Some(if arguments.get(0).is_empty() { "×" } else { arguments.get(0) }.to_owned())
}

/// `{{audio|file.ogg|label}}`: the label.
pub fn label(arguments: &Arguments) -> Option<String> {
    (!arguments.get(1).is_empty()).then(|| arguments.get(1).to_owned())
}

/// `{{flagathlete|Bob Smith|GBR}}`: Bob Smith (GBR).
pub fn athlete(arguments: &Arguments) -> Option<String> {
    with(arguments, |name| match arguments.get(1) {
        "" => name.to_owned(),
        country => format!("{name} ({country})"),
    })
}

/// `{{US Route|66}}`: U.S. Route 66.
pub fn route(arguments: &Arguments) -> Option<String> {
    with(arguments, |number| format!("U.S. Route {number}"))
}

/// `{{ft in|5|6}}`: 5 ft 6 in.
pub fn feet(arguments: &Arguments) -> Option<String> {
    with(arguments, |feet| match arguments.get(1) {
        "" => format!("{feet} ft"),
        inches => format!("{feet} ft {inches} in"),
    })
}

/// `{{since|2011}}`: since 2011.
pub fn since(arguments: &Arguments) -> Option<String> {
    with(arguments, |year| format!("since {year}"))
}

/// `{{harvs|txt|last=Smith|year=2000}}`: Smith (2000); `nb` has no parentheses, neither all in one pair.
pub fn named_citation(arguments: &Arguments) -> Option<String> {
    let author = |index: usize| {
        let names = [format!("last{index}"), format!("author{index}")];
        match arguments.named(&[&names[0], &names[1]]) {
            "" if index == 1 => arguments.named(&["last", "author"]),
            name => name,
        }
    };
    let authors: Vec<&str> = (1..=4).map(author).filter(|name| !name.is_empty()).collect();
    let years: Vec<&str> = [["year", "year1"], ["year2", ""], ["year3", ""]]
        .iter()
        .map(|names| arguments.named(names))
        .filter(|y| !y.is_empty())
        .collect();
    let authors = match authors[..] {
        [] => return None,
        [one] => one.to_owned(),
        [first, _, _, _] => format!("{first} et al."),
        [ref most @ .., last] => format!("{} & {last}", most.join(", ")),
    };
    let (years, says) = (years.join(", "), |word: &str| arguments.all().iter().any(|argument| argument == word));
    Some(match (years.as_str(), says("txt"), says("nb")) {
        ("", ..) => authors,
        (_, true, _) => format!("{authors} ({years})"),
        (_, _, true) => format!("{authors} {years}"),
        _ => format!("({authors} {years})"),
    })
}
