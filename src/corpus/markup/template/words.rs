//! Names, languages, pronunciations, ships, references in running text.

use super::arguments::Arguments;
use crate::corpus::site;

/// `text`, or nothing.
fn unless_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `{{lang-ru|Россия|Rossiya}}` and `{{langx|ru|Россия|Rossiya}}`: the words, without the name of the language.
pub fn language(arguments: &Arguments) -> Option<String> {
    let from = usize::from(arguments.name.eq_ignore_ascii_case("langx"));
    let mut words = arguments.given(from);
    let named = ["text", "translit", "tr"].map(|name| arguments.named(&[name]));
    words.extend(named.iter().filter(|word| !word.is_empty()));
    // Chinese has its words under names.
    if words.is_empty() { scripts(arguments) } else { Some(words.join(", ")) }
}

/// `{{nihongo|English|漢字|romaji|more}}`: English (漢字, romaji, more); without English the romaji leads.
pub fn nihongo(arguments: &Arguments) -> Option<String> {
    let [english, kanji, romaji] = [0, 1, 2].map(|place| arguments.get(place));
    let (head, inside) = match (english, romaji) {
        ("", "") => return unless_empty(kanji),
        ("", romaji) => (romaji, [kanji, ""]),
        (english, romaji) => (english, [kanji, romaji]),
    };
    headed(arguments, head, &inside)
}

/// `{{nihongo3|English|漢字|romaji}}`: romaji (漢字, English).
pub fn nihongo_romaji(arguments: &Arguments) -> Option<String> {
    let [english, kanji, romaji] = [0, 1, 2].map(|place| arguments.get(place));
    match romaji {
        "" => nihongo(arguments),
        romaji => headed(arguments, romaji, &[kanji, english]),
    }
}

/// The head, what there is in parentheses, and what the fourth and fifth arguments add inside and behind.
fn headed(arguments: &Arguments, head: &str, inside: &[&str]) -> Option<String> {
    let more = [arguments.get(3), arguments.named(&["extra"])];
    let inside: Vec<&str> = inside.iter().chain(&more).copied().filter(|text| !text.is_empty()).collect();
    let mut made = head.to_owned();
    if !inside.is_empty() {
        made.push_str(&format!(" ({})", inside.join(", ")));
    }
    let behind = match arguments.get(4) {
        "" => arguments.named(&["extra2"]),
        behind => behind,
    };
    if !behind.is_empty() {
        made.push_str(&format!(" {behind}"));
    }
    Some(made)
}

/// Words in other scripts by the name of the argument, with what they are called.
const SCRIPTS: [(&str, &str); 16] = [
    ("c", "Chinese"),
    ("t", "traditional Chinese"),
    ("s", "simplified Chinese"),
    ("hangul", "Korean"),
    ("hanja", "Hanja"),
    ("rr", "RR"),
    ("mr", "MR"),
    ("p", "pinyin"),
    ("tp", "Tongyong Pinyin"),
    ("w", "Wade–Giles"),
    ("j", "Jyutping"),
    ("y", "Yale"),
    ("cy", "Cantonese Yale"),
    ("poj", "Pe̍h-ōe-jī"),
    ("l", "lit."),
    ("lit", "lit."),
];

/// `{{zh|c=漢字|p=hànzì}}`: Chinese: 漢字; pinyin: hànzì. `{{korean|hangul=..|hanja=..}}` likewise.
pub fn scripts(arguments: &Arguments) -> Option<String> {
    let labels = arguments.named(&["labels"]) != "no" && arguments.is_english();
    let parts = SCRIPTS.iter().filter_map(|(name, label)| {
        let word = arguments.named(&[name]);
        let shown = match labels {
            true if label.ends_with('.') => format!("{label} '{word}'"),
            true => format!("{label}: {word}"),
            false => word.to_owned(),
        };
        (!word.is_empty()).then_some(shown)
    });
    let parts: Vec<String> = parts.chain(arguments.given(0).into_iter().map(str::to_owned)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `{{IPA-de|tʃ|}}`: [tʃ].
pub fn pronounced(arguments: &Arguments) -> Option<String> {
    let sounds = arguments.get(0);
    let bracketed = sounds.starts_with(['[', '/', '⟨']);
    (!sounds.is_empty()).then(|| if bracketed { sounds.to_owned() } else { format!("[{sounds}]") })
}

/// `{{IPA|/a/}}`: /a/; with the code of a language before it `{{IPA|fr|mo}}`: [mo].
pub fn ipa(arguments: &Arguments) -> Option<String> {
    match arguments.get(1) {
        sounds if !sounds.is_empty() && site::is_language(arguments.get(0)) => Some(format!("[{sounds}]")),
        _ => unless_empty(arguments.get(0)),
    }
}

/// `{{IPAslink|ʃ}}`: /ʃ/.
pub fn phoneme(arguments: &Arguments) -> Option<String> {
    unless_empty(arguments.get(0)).map(|sounds| format!("/{sounds}/"))
}

/// `{{IPAc-en|ˈ|æ|s|k|i}}`: /ˈæski/.
pub fn sounds(arguments: &Arguments) -> Option<String> {
    const LABELS: [&str; 10] = ["lang", "local", "pron", "also", "us", "uk", "au", "ipa", "usalso", "ukalso"];
    let mut made = String::new();
    for sound in arguments.given(0) {
        if LABELS.contains(&sound.to_lowercase().as_str()) {
            continue;
        }
        match sound {
            "'" => made.push('ˈ'),
            "," => made.push('ˌ'),
            ",_" | ", " => made.push_str(", "),
            ";" | ";_" => made.push_str("; "),
            other => made.push_str(&other.replace('_', " ")),
        }
    }
    let made = made.trim();
    (!made.is_empty()).then(|| format!("/{made}/"))
}

/// `{{respell|ASS|kee}}`: ASS-kee.
pub fn respelled(arguments: &Arguments) -> Option<String> {
    let mut made = String::new();
    let mut hyphen = false;
    for part in arguments.given(0) {
        match part {
            "_" => made.push(' '),
            "'" | "-" => {}
            "," | ",_" => made.push_str(", "),
            part => {
                made.push_str(if hyphen { "-" } else { "" });
                made.push_str(part);
            }
        }
        hyphen = !matches!(part, "_" | "," | ",_");
    }
    unless_empty(made.trim())
}

/// Prefixes of ships that have templates of their own.
const NAVIES: [&str; 40] = [
    "USS", "USNS", "USCGC", "USAT", "USRC", "USC&GS", "CSS", "HMS", "HMAS", "HMCS", "HMNZS", "HMIS", "HMSAS", "HMY",
    "HMT", "HMD", "HNLMS", "HDMS", "HSwMS", "HNoMS", "HMBS", "INS", "PNS", "BNS", "RFA", "RMS", "SS", "MV", "MS", "MT",
    "TS", "TSS", "PS", "SMS", "GS", "SM", "NMS", "ARA", "NRP", "USAV",
];

/// Whether a template is one of ships. Only in capitals: `{{ms}}` is another.
pub fn is_navy(name: &str) -> bool {
    NAVIES.contains(&name)
}

/// `{{USS|Enterprise|CV-6}}`: USS Enterprise (CV-6); `{{ship|HMS|Ajax|22|6}}` likewise. The last argument chooses what is shown.
pub fn ship(arguments: &Arguments) -> Option<String> {
    let own = is_navy(arguments.name);
    let (prefix, from) = match own {
        // German submarines and the like have no prefix.
        true if matches!(arguments.name, "GS" | "SM") => ("", 0),
        true => (arguments.name, 0),
        false => (arguments.get(0), 1),
    };
    let [name, id, format] = [from, from + 1, from + 2].map(|place| arguments.get(place));
    let format = if format.is_empty() { arguments.named(&["format"]) } else { format };
    let parts = match (format, id) {
        ("1", id) if !id.is_empty() => ["", "", id].map(str::to_owned),
        ("2", _) => ["", name, ""].map(str::to_owned),
        ("5", id) if !id.is_empty() => [prefix, "", id].map(str::to_owned),
        ("6", _) | (_, "") => [prefix, name, ""].map(str::to_owned),
        ("3", id) => [String::new(), name.to_owned(), format!("({id})")],
        (_, id) => [prefix.to_owned(), name.to_owned(), format!("({id})")],
    };
    let shown: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    (!shown.is_empty()).then(|| shown.join(" "))
}

/// `{{sclass|Nimitz|aircraft carrier}}`: Nimitz-class aircraft carrier.
pub fn ship_class(arguments: &Arguments) -> Option<String> {
    let [class, kind, format] = [0, 1, 2].map(|place| arguments.get(place));
    Some(match (class, kind, format) {
        ("", ..) => return None,
        (class, _, "4") => format!("{class} class"),
        (class, _, "1" | "5") => format!("{class} class"),
        (class, "", _) => format!("{class} class"),
        (class, kind, _) => format!("{class}-class {kind}"),
    })
}

/// `{{ill|English title|de|Titel|lt=label}}`, or as it was until 2016 `{{ill|de|Titel|English title|label}}`.
pub fn interlanguage(arguments: &Arguments) -> Option<String> {
    let label = arguments.named(&["lt", "display", "label", "preserve_label"]);
    if !label.is_empty() {
        return Some(label.to_owned());
    }
    let first = arguments.get(0);
    let old = site::is_language(first) && !arguments.get(1).is_empty() && !site::is_language(arguments.get(1));
    let shown = match old {
        true => [3, 2, 1].map(|place| arguments.get(place)).into_iter().find(|text| !text.is_empty())?,
        false if first.is_empty() => arguments.named(&["en", "1"]),
        false => first,
    };
    unless_empty(shown)
}

/// `{{sortname|Jane|Doe}}`: Jane Doe.
pub fn sort_name(arguments: &Arguments) -> Option<String> {
    let name = arguments.given(0).into_iter().take(2).collect::<Vec<_>>();
    (!name.is_empty()).then(|| name.join(" "))
}

/// `{{sic|word}}`: word [sic].
pub fn sic(arguments: &Arguments) -> Option<String> {
    let word = arguments.given(0).into_iter().take(2).collect::<Vec<_>>().concat();
    let hidden = ["hide", "nolink", "hidden"].iter().any(|name| *name != "nolink" && arguments.says(name));
    Some(match (word.as_str(), hidden) {
        ("", _) => "[sic]".to_owned(),
        (_, true) => word,
        (_, false) => format!("{word} [sic]"),
    })
}

/// `{{harvtxt|Boolos|Jeffrey|1974}}`: Boolos & Jeffrey (1974); `{{harv|..}}` (Boolos & Jeffrey 1974).
pub fn author_and_year(arguments: &Arguments) -> Option<String> {
    let given = arguments.given(0);
    let (year, authors) = given.split_last()?;
    let authors = match authors {
        [] => return unless_empty(year),
        [one] => (*one).to_owned(),
        [most @ .., last] if most.len() < 3 => format!("{} & {last}", most.join(", ")),
        [first, ..] => format!("{first} et al."),
    };
    Some(match arguments.name.to_lowercase().as_str() {
        "harv" | "harvard citation" => format!("({authors} {year})"),
        "harvtxt" | "harvard citation text" => format!("{authors} ({year})"),
        _ => format!("{authors} {year}"),
    })
}

/// `{{ISBN|0-14-022697-4}}`: ISBN 0-14-022697-4.
pub fn numbered(arguments: &Arguments) -> Option<String> {
    let what = match arguments.name.to_lowercase().as_str() {
        "us patent" => "U.S. Patent".to_owned(),
        "doi" => "doi".to_owned(),
        "arxiv" => "arXiv".to_owned(),
        "isbnt" | "isbn" => "ISBN".to_owned(),
        other => other.to_uppercase(),
    };
    unless_empty(arguments.get(0)).map(|number| format!("{what} {number}"))
}

/// `{{PCT Rule|8}}`, `{{EPC Article|85}}`: Rule 8 PCT, Article 85 EPC.
pub fn rule_of_law(arguments: &Arguments) -> Option<String> {
    let (law, what) = arguments.name.rsplit_once(' ')?;
    unless_empty(arguments.get(0)).map(|number| format!("{what} {number} {law}"))
}

/// `{{bibleverse|1|Kings|3:25}}`, `{{bibleref|Mark|3:25|9}}`, `{{cite quran|29|46}}`.
pub fn verse(arguments: &Arguments) -> Option<String> {
    let name = arguments.name.to_lowercase();
    let parts = match (name.contains("quran"), arguments.get(0)) {
        (true, chapter) => vec![format!("Quran {chapter}:{}", arguments.get(1))],
        // Bibleverse counts the books first: `{{bibleverse||Mark|3:25}}`.
        (false, "" | "1" | "2" | "3") => arguments
            .given(0)
            .into_iter()
            .take(if arguments.get(0).is_empty() { 2 } else { 3 })
            .map(str::to_owned)
            .collect(),
        (false, _) => arguments.given(0).into_iter().take(2).map(str::to_owned).collect(),
    };
    unless_empty(parts.join(" ").trim_end_matches(':'))
}

/// `{{music|flat}}`: ♭.
pub fn music(arguments: &Arguments) -> Option<String> {
    let sign = |word: &str| match word {
        "flat" | "b" => "♭".to_owned(),
        "sharp" | "#" => "♯".to_owned(),
        "natural" => "♮".to_owned(),
        "doubleflat" | "bb" => "♭♭".to_owned(),
        "doublesharp" | "##" | "x" => "x".to_owned(),
        other => other.to_owned(),
    };
    let signs: Vec<String> = arguments.given(0).into_iter().map(sign).collect();
    (!signs.is_empty()).then(|| signs.concat())
}

/// `{{DentalFormula|upper=0.0.2-3.3|lower=0.0.2.3}}`.
pub fn dental(arguments: &Arguments) -> Option<String> {
    let (upper, lower) = (arguments.named(&["upper"]), arguments.named(&["lower"]));
    (!upper.is_empty()).then(|| format!("{upper}/{lower}"))
}

/// `{{jct|state=CA|I|5|US|101}}`: I-5 / US 101.
pub fn junction(arguments: &Arguments) -> Option<String> {
    let roads = arguments.all().chunks(2).filter(|road| !road[0].is_empty()).map(|road| match road {
        [kind, number] if kind == "I" => format!("I-{number}"),
        [kind, number] => format!("{kind} {number}").trim().to_owned(),
        road => road.concat(),
    });
    let roads: Vec<String> = roads.collect();
    (!roads.is_empty()).then(|| roads.join(" / "))
}

/// `{{section link|Article|Section}}`: Article § Section.
pub fn section(arguments: &Arguments) -> Option<String> {
    let given = arguments.given(0);
    match (given.is_empty(), arguments.get(0)) {
        (true, _) => None,
        (false, "") => Some(format!("§ {}", given.join(" and § "))),
        (false, _) => Some(given.join(" § ")),
    }
}
