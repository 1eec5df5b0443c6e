//! Which templates stay, and what of them: a table of names, and families of names.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::arguments::is_english;
use super::stays::Stays;
use super::{countries, dates, functions, languages, numbers, phrases, site, words};

/// Names in lower case, separated by `|`.
const TABLE: &[(Stays, &str)] = &[
    (
        Stays::Text(" "),
        "nbsp|space|spaces|thinsp|hairsp|sp|pad|indent|br|break|crlf|nnbsp|ensp|emsp|figure space|2spaces|spc",
    ),
    (Stays::Text("'"), "'|apostrophe"),
    (Stays::Text("'s"), "'s"),
    (Stays::Text("'\""), "' \"|'\""),
    (Stays::Text("\"'"), "\" '|\"'"),
    (Stays::Text("\""), "-\"|\"-"),
    (Stays::Text("–"), "ndash|en dash|–|dash|nbnd"),
    (Stays::Text(" – "), "snd|spnd|sndash|spndash|spaced ndash|spaced en dash"),
    (Stays::Text("—"), "mdash|mdashb|em dash|emdash|—"),
    (Stays::Text(" · "), "·|dot|middot|•|bull|bullet|\\"),
    (Stays::Text("="), "=|equals"),
    (Stays::Text("-"), "hyphen|nbhyph|nbh"),
    (Stays::Text("−"), "minus|−"),
    (Stays::Text("×"), "times|×|x"),
    (Stays::Text("&"), "&|amp"),
    (Stays::Text("{{"), "(("),
    (Stays::Text("}}"), "))"),
    (Stays::Text("⇌"), "eqm|equilibrium"),
    (Stays::Text("→"), "rarr|arrow"),
    (Stays::Text("ʻ"), "okina|'okina"),
    (Stays::Text("ʿ"), "ayin|ayn"),
    (Stays::Text("ʾ"), "hamza|aleph"),
    (Stays::Text("1/2"), "half"),
    (Stays::Text("°"), "deg|degree"),
    (Stays::Text("♭"), "flat"),
    (Stays::Text("♯"), "sharp"),
    (Stays::Text("♮"), "natural"),
    (Stays::Text("CO2"), "co2|carbon dioxide"),
    (Stays::Text("H2O"), "h2o"),
    (Stays::Text("π"), "pi"),
    (Stays::Made(phrases::era), "ad|bc|bce"),
    (Stays::Made(phrases::absolute), "abs"),
    (Stays::Made(phrases::root), "sqrt|radic"),
    (Stays::Made(phrases::by), "by"),
    (Stays::Made(phrases::label), "audio"),
    (Stays::Made(phrases::athlete), "flagathlete|flagmedalist|flagiocathlete|flagiocmedalist"),
    (Stays::Made(phrases::route), "us route"),
    (Stays::Made(phrases::feet), "ft in"),
    (Stays::Made(phrases::since), "since"),
    (Stays::Made(phrases::named_citation), "harvs"),
    (Stays::Text("C"), "carbon"),
    (Stays::Text("H"), "hydrogen"),
    (Stays::Text("O"), "oxygen"),
    (Stays::Text("N"), "nitrogen"),
    (
        Stays::Argument(0),
        "nowrap|nobr|small|smaller|big|bigger|large|larger|huge|sc|smallcaps|sc2|allcaps|caps|vanchor|visible anchor|nobold|\
         noitalic|normal|plain|nonserif|serif|angbr|angle bracket|allow wrap|em|strong|bold|italic|underline|u|ins|vr|keypress|\
         mvar|math|var|big math|sub|sup|su|abbr|abbrv|tooltip|hint|mono|code|tt|kbd|samp|pre2|not a typo|typo|proper name|\
         as written|num|nts|number|formatprice|format price|rnd|round|rn|roman|unicode|polytonic|grc|hebrew|hebr|iast|pie|\
         nq|arabic|angbr ipa|flag|flagcountry|flagu|flagdeco link|flag link|fb|stn|rws|stnlnk|mlby|nfly|nbay|nhly|\
         highlight|strike|center|centre|block indent|in5|gender|chem name|subatomic particle|particle|birth-date|death-date|\
         death year|birth year|death year and age|birth year and age|film year|noflag|bg|crossref|cross-reference|crossreference|\
         quotation mark|'-|tmath|no wrap|wj|nolink|no link|仮リンク|text|bdi|bdo|\
         literal translation|nobreak|small caps|overline|strikethrough|trans|translation|citation needed span|cn-span|clarify span|abbrlink|abbr link|polytonisch|ltr|rtl|esd",
    ),
    (
        Stays::Body,
        "quote|quotation|cquote|blockquote|bquote|block quote|centered pull quote|pull quote|poemquote|poem quote|poem|verse|blockquote2|\
         bq|zitat|citation bloc|cita|quoteblock|imagequote|talkquote|quote without source|long quotation|«|\"|„",
    ),
    (
        Stays::Argument(1),
        "lang|rtl-lang|hover title|h:title|title hover|youtube|native name|native phrase|rquote|langue|nativename|wikt-lang|wt-lang",
    ),
    (
        Stays::Last,
        "transl|transliteration|tlit|xlit|translit|color|colour|resize|font|font color|fontcolor|align|aligned|background color|\
         sort|hidden sort key|script|colored text|colour text|tcg|floatstyle",
    ),
    (Stays::Joined(""), "chem|chem2|chemform|ce|linktext|mp|mpl|mp-|mpl-"),
    (Stays::Joined("-"), "simplenuclide|simple nuclide|nuclide|nuclide2|simplenuclide2|isotope"),
    (Stays::Made(numbers::french), "unité|unite"),
    (Stays::Joined(" "), "gaps|unidad|unità di misura|unit|ordinateur|nombre"),
    (
        Stays::Joined(", "),
        "hlist|flatlist|ubl|unbulleted list|plainlist|city-state|city state|citystate|cslist|comma separated entries",
    ),
    (Stays::Joined("+"), "key press|keys"),
    (Stays::Listed, "ordered list|numbered list|bulleted list|unordered list|ol|ul"),
    (Stays::Made(dates::as_of), "as of|asof"),
    (
        Stays::Made(dates::date),
        "start date|end date|film date|birth date|death date|dob|dod|dts|date|start-date|end-date|start date and age|\
         start date and years ago|release date|launch date|date table sorting",
    ),
    (
        Stays::Made(dates::date_and_age),
        "birth date and age|bda|birth date and age2|birth-date and age|birthdate and age|dob and age",
    ),
    (Stays::Made(dates::death_and_age), "death date and age|dda|death-date and age|death date and given age"),
    (Stays::Made(dates::age), "age|age in years|age in years nts|age at date"),
    (Stays::Made(dates::old_style), "oldstyledate|oldstyledatedy|oldstyledatenylabel|old style date"),
    (Stays::Made(dates::circa), "circa|c.|ca|ca.|circa.|c"),
    (Stays::Made(dates::reign), "reign|r.|floruit|fl.|fl|born-in|b.|died-in|d.|married-in|m."),
    (Stays::Made(numbers::quantity), "convert|cvt"),
    (Stays::Made(numbers::height), "height"),
    (Stays::Made(numbers::gauge), "railgauge|track gauge|rail gauge"),
    (Stays::Made(numbers::density), "pop density|population density"),
    (Stays::Made(numbers::value), "val"),
    (Stays::Made(numbers::coordinates), "coord|coords|coordinate"),
    (Stays::Made(numbers::power), "e|10^|esp"),
    (Stays::Made(numbers::ratio), "frac|fraction|sfrac|fract|frac2|tfrac"),
    (Stays::Made(numbers::ordinal), "ordinal|ord|nth"),
    (Stays::Made(numbers::percentage), "percentage|pct|percent"),
    (Stays::Made(numbers::rupees), "inrconvert|inr convert"),
    (Stays::Made(numbers::currency), "currency|fx"),
    (Stays::Made(words::language), "langx"),
    (Stays::Made(words::nihongo), "nihongo|nihongo foot|nihongo krt"),
    (Stays::Made(words::nihongo_romaji), "nihongo3"),
    (Stays::Argument(0), "nihongo2|nihongo-s"),
    (Stays::Made(words::scripts), "zh|korean|ko-hhrm"),
    (Stays::Made(words::pronounced), "ipalink|ipablink|ipa2|ipa-all|ipa link|ipa blink"),
    (Stays::Made(words::ipa), "ipa"),
    (Stays::Made(words::phoneme), "ipaslink|ipa slink|ipaalink"),
    (Stays::Made(words::respelled), "respell|pronunciation respelling|pron-en|usdict|pronunciation-respelling"),
    (Stays::Made(words::ship), "ship|warship"),
    (Stays::Made(words::ship_class), "sclass|sclass-|sclass2|sclass2-"),
    (
        Stays::Made(words::interlanguage),
        "ill|interlanguage link|interlanguage link multi|ill2|illm|ilm|link-interwiki|interlanguage link forced|iw2|lwd",
    ),
    (Stays::Made(words::sort_name), "sortname|sort name"),
    (Stays::Made(words::sic), "sic|sic?"),
    (Stays::Made(words::author_and_year), "harvtxt|harvard citation text|harv|harvard citation|harvnb|harvcol|harvp"),
    (Stays::Made(words::numbered), "isbn|isbnt|oclc|issn|doi|arxiv|pmid|pmc|lccn|asin|bibcode|jstor|us patent"),
    (Stays::Made(words::verse), "bibleverse|bibleref|bibleref2|bible verse|cite quran|quran|qref|quran-usc|cite bible"),
    (Stays::Made(words::music), "music"),
    (Stays::Made(words::dental), "dentalformula"),
    (Stays::Made(words::junction), "jct"),
    (Stays::Made(words::section), "section link|slink|seclink"),
    (Stays::Made(|a| Some(format!("±{}", a.get(0)))), "±|plusminus|+-"),
    (Stays::Made(|a| Some(format!("'{}'", a.get(0)))), "gloss|gls|single+double quote"),
    (Stays::Made(|a| Some(format!("lit. '{}'", a.get(0)))), "lit|literally"),
    (
        Stays::Nothing,
        "main|see also|further|details|about|for|clear|-|anchor|flagicon|flagicon image|flagdeco|sfn|sfnp|sfnm|refn|efn|\
         note|notetag|r|rp|ref|reflist|fact|cn|clarify|who|when|where|which|whom|what|why|how|dubious|vague|refimprove|unreliable source|\
         peacock|weasel|by whom|according to whom|original research|or|verify source|qualify evidence|update after|update|expand section|\
         listen|pronunciation|color box|colour box|legend|refnec|citation|wayback|webarchive|dead link|hs|ntsh|dtsh|hidden|\
         short description|use dmy dates|use mdy dates|infobox|navbox|div col|div col end|col-begin|col-end|multiple image|toc|portal|\
         commons category|authority control|default sort|defaultsort|official website|imdb title|imdb name|\u{ad}|shy|zwj|zwnj|wbr|zwsp|0|00|\
         full|specify|better source|page number|page|attribution needed|contradiction|inflation-fn|inflation-year|pp|featured article|\
         good article|distinguish|redirect|other uses|hatnote|speciesbox|taxobox|automatic taxobox|quote box|sister project links",
    ),
];

static BY_NAME: LazyLock<HashMap<&str, Stays>> =
    LazyLock::new(|| TABLE.iter().flat_map(|(stays, names)| names.split('|').map(|name| (name, *stays))).collect());

/// What becomes of the template with this name.
pub fn stays(written: &str, language: &str) -> Stays {
    let head = super::link::head(written, 64);
    // Case matters: `{{CURRENTYEAR}}`, `{{USS|..}}`.
    if words::is_navy(head) {
        return Stays::Made(words::ship);
    }
    if let Some(stays) = functions::stays(head) {
        return stays;
    }
    if let Some(name) = countries::name(head) {
        return if is_english(language) { Stays::Text(name) } else { Stays::Made(countries::code) };
    }
    let name = site::plain(head);
    let known = languages::stays(language, &name).or_else(|| BY_NAME.get(name.as_str()).copied());
    known.unwrap_or_else(|| if is_german(head) { Stays::Argument(0) } else { family(&name) })
}

/// Families of names: `lang-xx`, `IPA-xx`, `km to mi`, `1/2`.
fn family(name: &str) -> Stays {
    let code = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if name.strip_prefix("lang-").is_some_and(code) {
        Stays::Made(words::language)
    } else if name.strip_prefix("ipac-").is_some_and(code) {
        Stays::Made(words::sounds)
    } else if name.strip_prefix("ipa-").is_some_and(code) {
        Stays::Made(words::pronounced)
    } else if numbers::is_money(name) {
        Stays::Made(numbers::money)
    } else if name.starts_with("script/") || name.starts_with("lang/") {
        Stays::Last
    } else if name.starts_with("convert/") {
        Stays::Made(numbers::quantity)
    } else if name.split_once('/').is_some_and(|(above, below)| digits(above) && digits(below)) {
        Stays::Made(|arguments| Some(arguments.name.to_owned()))
    } else if [
        "km to ", "mi to ", "m to ", "ft to ", "in to ", "cm to ", "mm to ", "kg to ", "lb to ", "c to ", "f to ",
    ]
    .iter()
    .any(|unit| name.starts_with(unit))
    {
        Stays::Made(numbers::conversion)
    } else if ["pct rule", "pct article", "epc article", "epc rule"].contains(&name) || name.starts_with("epc 1973 ") {
        Stays::Made(words::rule_of_law)
    } else if is_untranslated(name) {
        Stays::Made(languages::untranslated)
    } else if is_remark(name) {
        Stays::Nothing
    } else {
        Stays::Unknown
    }
}

/// German `{{frS|mot}}`: a word in French, with the language's name. The capital tells it from `{{abs|x}}`.
fn is_german(written: &str) -> bool {
    let code = written.strip_suffix('S').map(str::to_lowercase);
    code.is_some_and(|code| (2..=3).contains(&code.len()) && site::is_language(&code))
}

/// Russian `{{нп5|..}}`, `{{не переведено 5|..}}`, `{{iw|..}}`: no article on it yet.
fn is_untranslated(name: &str) -> bool {
    let rest = ["нп", "не переведено"].iter().find_map(|start| name.strip_prefix(start));
    name == "iw" || rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == ' '))
}

/// Remarks on the sources and the state of an article.
fn is_remark(name: &str) -> bool {
    let ends =
        [" needed", " inline", "-inline", "?", " icon", " section", " infobox", " navbox", " banner", " box", " map"];
    let starts = [
        "cite ",
        "citation",
        "infobox",
        "navbox",
        "use ",
        "commons",
        "wiki",
        "#tag:",
        "#invoke:",
        "defaultsort:",
        "failed ",
        "main ",
        "see ",
        "further ",
        "displaytitle:",
        "col-",
        "multiple ",
        "more ",
    ];
    ends.iter().any(|end| name.ends_with(end)) || starts.iter().any(|start| name.starts_with(start))
}

/// Fails where a name stands twice in the table, or is not as names compare.
#[cfg(test)]
pub fn check() {
    let mut seen = std::collections::HashSet::new();
    for name in TABLE.iter().flat_map(|(_, names)| names.split('|')) {
        assert!(seen.insert(name), "`{name}` stands twice");
        assert_eq!(site::plain(name), name);
    }
}
