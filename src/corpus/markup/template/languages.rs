//! Templates of other languages: a table of the commonest, and what an unknown one leaves. Every wiki has its own; these are
//! known in part only.

use super::arguments::{Arguments, is_english};
use super::stays::Stays;
use super::{Call, Page, dates, functions, link, named, numbers, words};

/// By code of a language: what stays, and names in lower case, separated by `|`. Looked at before the English ones.
const TABLE: &[(&str, &[(Stays, &str)])] = &[
    (
        "de",
        &[
            (Stays::Made(dates::local), "datum"),
            (Stays::Made(dates::local), "julgregdatum"),
            (Stays::Made(number), "zahl"),
            (Stays::Made(height), "höhe"),
            (Stays::Made(numbers::ratio), "bruch"),
            (Stays::Made(words::ship), "schiff"),
            (Stays::Made(dates::age), "alter"),
            (Stays::Made(|a| law(a, "§")), "§"),
            (Stays::Made(|a| law(a, "Art.")), "art.|art"),
            (Stays::Made(verse), "bibel"),
            (Stays::Joined(" "), "si"),
            (Stays::Argument(0), "hoch|tief|überlinie"),
            (Stays::Last, "farbe|audio"),
            (
                Stays::Nothing,
                "fn|fnz|fußnote|anker|ewz|inflation|belege|quelle|hauptartikel|veraltet|lückenhaft|überarbeiten",
            ),
        ],
    ),
    (
        "fr",
        &[
            (Stays::Made(century), "s|s-|s2|s2-|sp|sp-|siècle|-s|-s-|-sp|-sp-"),
            (Stays::Text("er"), "er"),
            (Stays::Text("re"), "re"),
            (Stays::Made(|a| Some(if a.get(0).is_empty() { "e" } else { a.get(0) }.to_owned())), "e"),
            (Stays::Made(dates::text), "date-|date rapide|date de naissance|date de naissance-"),
            (Stays::Made(|a| behind("n°", a)), "n°|numéro|no|n°-"),
            (Stays::Made(|a| behind("p.", a)), "p.|p"),
            (Stays::Made(|a| behind("vol.", a)), "vol.|vol"),
            (Stays::Made(|a| behind("M.", a)), "m."),
            (Stays::Made(|a| behind("Mme", a)), "mme|mme."),
            (Stays::Made(|a| behind("Mgr", a)), "mgr"),
            (Stays::Made(|a| behind("Dr", a)), "dr"),
            (Stays::Made(|a| behind("St", a)), "st"),
            (Stays::Made(|a| Some(format!("× 10^{}", a.get(0)))), "x10"),
            (Stays::Made(|a| quoted(a, ["« ", " »"])), "citation|guil|guillemets"),
            (Stays::Made(|a| quoted(a, ["– ", " –"])), "incise"),
            (Stays::Body, "citation étrangère|citation bloc|début citation"),
            (Stays::Text("av. J.-C."), "av. j.-c.|av jc|av. jc|avjc"),
            (Stays::Text("apr. J.-C."), "ap. j.-c.|apr. j.-c.|ap jc|ap. jc"),
            (Stays::Text("°C"), "°c"),
            (Stays::Text("–"), "tiret"),
            (Stays::Argument(0), "exp|ind|rom-maj|pc|refnec|citation nécessaire|référence nécessaire|nobr|romain"),
            (Stays::Joined(""), "fchim|formule chimique"),
            (Stays::Joined(" "), "nb|nb p.|heure|tmini"),
            (Stays::Made(|a| Some(format!("{} €", a.get(0)))), "euro|euros"),
            (Stays::Made(words::nihongo), "japonais"),
            (Stays::Made(linked), "lien"),
            (Stays::Nothing, "ancre|drapeau|bibl|article détaillé|note|ébauche|clr|en langue|prononciation"),
        ],
    ),
    (
        "ru",
        &[
            (Stays::Made(number), "число|num|fn"),
            (Stays::Made(dates::local), "дата|date|дата рождения|дата смерти|др|дс"),
            (Stays::Made(dates::age), "возраст"),
            (Stays::Joined(" "), "сс|сс2|сс3|юлиандата|старый стиль"),
            (Stays::Made(functions::form), "склонение|plural|числ"),
            (Stays::Made(numbers::ratio), "дробь"),
            (
                Stays::Made(|a| Some(a.name.to_owned())),
                "сша|ссср|россия|франция|германия|италия|испания|польша|украина|китай|япония",
            ),
            (Stays::Text("км²"), "км²|км2"),
            (Stays::Text("м²"), "м²|м2"),
            (Stays::Text("м³"), "м³|м3"),
            (Stays::Argument(0), "s|нет аи 2|флагификация"),
            (Stays::Last, "аудио|цвет|шрифт"),
            (Stays::Nothing, "нет аи|флаг|герб|якорь|источник|уточнить|прояснить|значимость|врезка|проблемы"),
        ],
    ),
    (
        "ja",
        &[
            (Stays::Made(reading), "読み仮名|読み仮名 ruby不使用"),
            (Stays::Argument(0), "ルビ|ruby|要出典範囲|いつ範囲|誰範囲|行内引用|補助漢字フォント|jis2004フォント"),
            (Stays::Made(linked), "仮リンク|ill2"),
            (Stays::Made(dates::local), "年月日|生年月日と年齢|和暦"),
            (Stays::Nothing, "要出典|没年齢|死亡年月日と没年齢|いつ|誰|要検証"),
        ],
    ),
    (
        "es",
        &[
            (Stays::Made(|a| behind("siglo", a)), "siglo"),
            (Stays::Made(dates::local), "fecha|fecha de nacimiento|fecha de inicio"),
            (Stays::Made(numbers::quantity), "convertir"),
            (Stays::Made(|a| Some(format!("{} euros", a.get(0)))), "euros|euro"),
            (Stays::Argument(0), "cita requerida|bandera2|esd|versalitas"),
            (Stays::Nothing, "cr|bandera|edad|dato|ancla|sinopsis"),
        ],
    ),
    (
        "tr",
        &[
            (Stays::Argument(1), "dil"),
            (Stays::Made(numbers::quantity), "çevir"),
            (Stays::Made(dates::text), "tarih|başlangıç tarihi|doğum tarihi|ölüm tarihi"),
            (Stays::Made(dates::age), "yaş"),
            (Stays::Made(words::ship), "gemi"),
            (Stays::Body, "alıntı"),
            (Stays::Text("ABD"), "abd"),
            (Stays::Argument(0), "bayrak|yaklaşık|y."),
            (Stays::Nothing, "bayrak simgesi|kaynak belirt"),
        ],
    ),
    ("zh", &[(Stays::Argument(2), "tsl"), (Stays::Argument(0), "le"), (Stays::Nothing, "noteta|fact")]),
];

/// What stays of a template, its name in lower case, in wikis of a language.
pub fn stays(language: &str, name: &str) -> Option<Stays> {
    let (_, own) = TABLE.iter().find(|(code, _)| *code == language)?;
    let known = own.iter().find(|(_, names)| names.split('|').any(|known| known == name)).map(|(stays, _)| *stays);
    known.or_else(|| (language == "fr" && is_count(name)).then_some(Stays::Made(|a| behind(a.name, a))))
}

/// French `{{1er}}`, `{{XIXe}}`, `{{XIXe siècle}}`: its own name is the text.
fn is_count(name: &str) -> bool {
    let count = name.strip_suffix(" siècle").unwrap_or(name);
    let letters = ["ère", "ème", "er", "re", "e"].iter().find_map(|end| count.strip_suffix(end));
    letters.is_some_and(|number| {
        let all = |set: &str| !number.is_empty() && number.chars().all(|c| set.contains(c));
        all("0123456789") || all("ivxlc")
    })
}

/// Whether an unknown template stands for a word: within a sentence, on one line, with no named arguments.
pub fn may_be_a_word(page: &Page, call: &Call) -> bool {
    let language = page.site.language.as_str();
    let range = &call.range;
    let inside = &call.text[range.clone()];
    let name = call.pieces.first().map_or("", |(_, name)| name);
    // The length first: looking into long templates would not be linear where they nest.
    if is_english(language) || inside.len() > super::LONGEST || inside.contains('\n') {
        return false;
    }
    if name.contains([':', '#', '<']) || call.pieces.len() < 2 {
        return false;
    }
    let whole = call.pieces[1..].iter().all(|(_, text)| {
        let address = link::address(text.trim_start()) > 0;
        !address && named(text).is_none_or(|(name, _)| name.bytes().all(|b| b.is_ascii_digit()))
    });
    let before = call.text[..range.start].chars().rev().take(20).take_while(|c| *c != '\n');
    let before = before.skip_while(|c| [' ', '\u{a0}'].contains(c)).find(|c| !"*#:;".contains(*c));
    let after = call.text[range.end..].chars().take(20).take_while(|c| *c != '\n').find(|c| *c != ' ');
    let sentence = before.is_some_and(|c| !"}|>".contains(c)) || after.is_some_and(|c| !"{}|<".contains(c));
    // Right behind a word or full stop it is the mark of a note; languages without blanks have words there.
    let last = call.text[..range.start].chars().next_back();
    let mark = last.is_some_and(|c| c.is_alphanumeric() || ".,;:!?»”\"".contains(c));
    whole && sentence && (!mark || matches!(language, "ja" | "zh" | "th" | "lo" | "km" | "my" | "wuu" | "yue" | "gan"))
}

/// What is written ahead of the argument.
fn behind(what: &str, arguments: &Arguments) -> Option<String> {
    Some(format!("{what} {}", arguments.get(0)).trim_end().to_owned())
}

fn quoted(arguments: &Arguments, [open, close]: [&str; 2]) -> Option<String> {
    let text = arguments.get(0);
    (!text.is_empty()).then(|| format!("{open}{text}{close}"))
}

/// `{{Zahl|1234567}}`: 1.234.567.
fn number(arguments: &Arguments) -> Option<String> {
    let text = arguments.get(0);
    (!text.is_empty()).then(|| functions::grouped(text, arguments.language(), true))
}

/// `{{Höhe|1234|DE-NHN}}`: 1234 m ü. NHN.
fn height(arguments: &Arguments) -> Option<String> {
    let above = match arguments.get(1) {
        "DE-NHN" | "DE" => " ü. NHN",
        "DE-NN" => " ü. NN",
        "AT" => " ü. A.",
        "CH" => " ü. M.",
        _ => "",
    };
    (!arguments.get(0).is_empty()).then(|| format!("{} m{above}", arguments.get(0)))
}

/// `{{§|433|bgb}}`: § 433 BGB.
fn law(arguments: &Arguments, sign: &str) -> Option<String> {
    let (number, law) = (arguments.get(0), arguments.get(1).to_uppercase());
    (!number.is_empty()).then(|| format!("{sign} {number} {law}").trim_end().to_owned())
}

/// `{{Bibel|Mt|5|3}}`: Mt 5,3.
fn verse(arguments: &Arguments) -> Option<String> {
    Some(match arguments.given(0)[..] {
        [] => return None,
        [book] => book.to_owned(),
        [book, chapter] => format!("{book} {chapter}"),
        [book, chapter, verse, ..] => format!("{book} {chapter},{verse}"),
    })
}

/// `{{s|XIX}}`: XIXe siècle; `{{s2-|XVI|XVII}}`: XVIe et XVIIe siècles; `{{-s|II}}`: IIe siècle av. J.-C.
fn century(arguments: &Arguments) -> Option<String> {
    let name = arguments.name.to_lowercase();
    let is_number = |text: &&&str| text.chars().all(|c| "IVXLC0123456789".contains(c));
    let ordinal = |text: &str| format!("{text}{}", if matches!(text, "I" | "1") { "er" } else { "e" });
    let given = arguments.given(0);
    let numbers: Vec<String> = given.iter().filter(is_number).map(|text| ordinal(text)).collect();
    let between = given.get(1).filter(|word| name.contains("sp") && !is_number(word)).map_or("et", |word| word);
    let many = if numbers.len() > 1 && between == "et" { "s" } else { "" };
    let era = if name.starts_with('-') { " av. J.-C." } else { "" };
    (!numbers.is_empty()).then(|| format!("{} siècle{many}{era}", numbers.join(&format!(" {between} "))))
}

/// `{{Lien|langue=en|trad=John|fr=Jean|texte=J.}}`, `{{仮リンク|川|en|River|label=..}}`: the label, else the title here.
fn linked(arguments: &Arguments) -> Option<String> {
    match arguments.named(&["texte", "label", "fr", "titre"]) {
        "" => words::interlanguage(arguments),
        label => Some(label.to_owned()),
    }
}

/// `{{読み仮名|日本|にほん}}`: 日本（にほん）.
fn reading(arguments: &Arguments) -> Option<String> {
    Some(match arguments.given(0)[..] {
        [] => return None,
        [word] => word.to_owned(),
        [word, reading, ..] => format!("{word}（{reading}）"),
    })
}

/// `{{нп3|Джон Смит|Джона Смита|en|John Smith}}`: the second argument, which is what is shown, else the first.
pub fn untranslated(arguments: &Arguments) -> Option<String> {
    let shown = [arguments.get(1), arguments.get(0), arguments.named(&["надо"])];
    shown.into_iter().find(|text| !text.is_empty()).map(str::to_owned)
}
