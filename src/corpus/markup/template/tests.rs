use super::super::tests::body;
use super::*;
use crate::corpus::site::Site;

/// Every pair: markup, and the text it stands for.
fn check(pairs: &[(&str, &str)]) {
    for (markup, text) in pairs {
        assert_eq!(body(&format!("a {markup} z")), format!("a {text} z"), "{markup}");
    }
}

#[test]
fn quantities_keep_their_numbers_and_units() {
    check(&[
        ("{{convert|10|km|mi}}", "10 km"),
        ("{{convert|1,300|mi|km|abbr=on|sigfig=2}}", "1,300 mi"),
        ("{{convert|2413|ft|0|abbr=on}}", "2413 ft"),
        ("{{convert|60|and(-)|80|kg}}", "60 and 80 kg"),
        ("{{convert|20|-|30|C|F}}", "20–30 °C"),
        ("{{Convert|3|to|5|ft|m}}", "3 to 5 ft"),
        ("{{cvt|3|x|4|by|5|m|ft}}", "3 × 4 by 5 m"),
        ("{{convert|3|xx|4|m}}", "3 × 4 m"),
        ("{{convert|5|ft|8|in|m|abbr=on}}", "5 ft 8 in"),
        ("{{convert|5+1/2|in|cm}}", "5 1/2 in"),
        ("{{convert|1.2|PD/sqmi|PD/km2}}", "1.2/sq mi"),
        ("{{convert|5|metres|ft}}", "5 m"),
        ("{{convert|{{formatnum:1500}}|km}}", "1,500 km"),
        ("{{height|ft=5|in=8}}", "5 ft 8 in"),
        ("{{km to mi|12}}", "12 km"),
        ("{{RailGauge|1435mm|disp=1}}", "1435 mm"),
        ("{{Pop density|3645257|640081.87|km2|sqmi|prec=1}}", "5.7/km2"),
        ("{{val|6.241|0.003|e=18|u=C}}", "6.241±0.003×10^18 C"),
        ("{{val|30000|ul=m|up=s}}", "30000 m/s"),
        ("{{frac|3}} {{frac|1|3}} {{frac|1|1|2}} 1{{sfrac|1|4}} {{1/2}}", "1/3 1/3 1 1/2 1 1/4 1/2"),
        (
            "{{Coord|30|12|N|74|7|W|name=x}} {{coord|1|2|3.5|S|4|5|6|E|type:city}} {{coord|44.5|-87.25}}",
            "30°12′N 74°7′W 1°2′3.5″S 4°5′6″E 44.5°N 87.25°W",
        ),
        ("5.98{{e|24}}", "5.98×10^24"),
        ("{{gaps|1|000|000}} {{num|7}} {{ordinal|22}} {{percentage|1|3|1}}", "1 000 000 7 22nd 33.3%"),
        (
            "{{US$|2 billion}} {{GBP|5}} {{pound sign}}7 {{INRConvert|10|c}} {{currency|3|USD}}",
            "US$2 billion £5 £7 ₹10 crore USD 3",
        ),
    ]);
}

#[test]
fn dates_and_ages_are_written_out() {
    check(&[
        ("{{start date|1999|1|2}}", "January 2, 1999"),
        ("{{Start date|1999|1|2|df=y}}", "2 January 1999"),
        ("{{start date|1999|12}} {{end date|2000}}", "December 1999 2000"),
        ("{{birth date and age|1950|5|2}}", "May 2, 1950 (age 65)"),
        ("{{death date and age|2000|1|2|1950|3|4}}", "January 2, 2000 (aged 49)"),
        (
            "{{dts|1999-01-02|format=dmy}} {{dts|2 May 1999}} {{date|1|janvier|2000}}",
            "2 January 1999 2 May 1999 1 janvier 2000",
        ),
        ("{{age|1969|07|20}} {{age|1969|7|20|1970|7|19}}", "46 0"),
        (
            "{{as of|2014|6}}, {{As of|2015|6|30|lc=y}}, {{as of|2016|since=y}}, {{as of|2016|alt=lately}}",
            "As of June 2014, as of 30 June 2015, Since 2016, lately",
        ),
        (
            "{{circa|1200}} {{c.|1200|1250}} {{ca}} {{reign|1060|1078}} {{fl.|1100}}",
            "c. 1200 c. 1200 – c. 1250 c. r. 1060–1078 fl. 1100",
        ),
        ("{{OldStyleDate|February 2|1905|January 20}}", "February 2 [O.S. January 20] 1905"),
        ("{{CURRENTYEAR}} {{CURRENTMONTHNAME}} {{CURRENTDAY}}", "2016 April 22"),
    ]);
}

/// The same in a wiki of another language.
fn check_in(language: &str, pairs: &[(&str, &str)]) {
    let mut site = Site::default();
    site.speak(language);
    let page = Page { site: &site, title: "T", date: Some((2016, 4, 22)) };
    for (markup, text) in pairs {
        let made = super::super::article(&page, &format!("a {markup} z")).text;
        assert_eq!(
            made.trim_start_matches(" = T = ").trim(),
            format!("a {text} z").replace("  ", " "),
            "{language} {markup}"
        );
    }
}

#[test]
fn other_languages_have_no_english_words() {
    check_in(
        "fr",
        &[
            ("{{date|14|07|1789}} {{Start date|1999|1|2}} {{as of|2014|6}}", "14 07 1789 1999 1 2 2014 6"),
            ("{{birth date and age|1950|5|2}} {{death date and age|2000|1|2|1950|3|4}}", "1950 5 2 2000 1 2"),
            ("{{DEU}} {{DEU|Bayern}}{{AUT|#}} {{zh|c=漢字|p=hànzì}}", "DEU Bayern 漢字; hànzì"),
            ("{{CURRENTDAY}} {{CURRENTMONTHNAME}} {{plural:0|jour|jours}}", "22 avril jour"),
            (
                "{{unité|20|à=30|km}}, {{unité|1234.5|km|2}}, {{unité|9.81|m|1|s|-2}}, {{unité|3|m|par=s}}",
                "20 à 30 km, 1 234,5 km2, 9,81 m s-2, 3 m/s",
            ),
        ],
    );
    check_in(
        "ru",
        &[
            (
                "{{date|5|6|1999}} {{plural:1|год|года|лет}} {{plural:2|год|года|лет}} {{plural:5|год|года|лет}}",
                "5 июня 1999 год года лет",
            ),
            (
                "{{plural:11|год|года|лет}} {{plural:21|год|года|лет}} {{plural:112|год|года|лет}} {{plural:34|год|года|лет}}",
                "лет год лет года",
            ),
            ("{{нп3|Джон Смит|Джона Смита|en|J}} {{не переведено 5|А||Б}} {{не переведено|А|Б}}", "Джона Смита А Б"),
        ],
    );
    check_in(
        "pl",
        &[("{{plural:1|rok|lata|lat}} {{plural:22|rok|lata|lat}} {{plural:21|rok|lata|lat}}", "rok lata lat")],
    );
    check_in(
        "tr",
        &[("{{lc:ISPARTA İ}} {{uc:izmirı}} {{ucfirst:izmir}} {{lcfirst:Ihlara}}", "ısparta i İZMİRI İzmir ıhlara")],
    );
    check_in("hu", &[("{{CURRENTMONTHNAME}}{{date|5|6|1999}}", "5 6 1999")]);
}

#[test]
fn templates_of_other_languages_are_known_in_part() {
    check_in(
        "de",
        &[
            (
                "{{Datum|3|4|1900}}, {{JULGREGDATUM|14|1|1736}}, {{Zahl|1234567}}, {{Bruch|1|2}}",
                "3. April 1900, 14. Januar 1736, 1.234.567, 1/2",
            ),
            (
                "{{Höhe|1234|DE-NHN|link=on}}, {{Schiff|SMS|Emden}}, {{enS|river}}, {{§|433|bgb|juris}}",
                "1234 m ü. NHN, SMS Emden, river, § 433 BGB",
            ),
            (
                "{{Bibel|Mt|5|3}} und {{Sperrschrift|gesperrt}} und {{Audio|x.ogg|Berlin}}{{FN|1}}",
                "Mt 5,3 und gesperrt und Berlin",
            ),
        ],
    );
    check_in(
        "fr",
        &[
            (
                "{{s|XIX}}, {{s-|I|er}}, {{s2-|XVI|XVII}}, {{sp-|XVI|au|XVII}}, {{-s|II|e}}",
                "XIXe siècle, Ier siècle, XVIe et XVIIe siècles, XVIe au XVIIe siècle, IIe siècle av. J.-C.",
            ),
            (
                "1{{er}} 2{{e}} {{1er}} {{XIXe siècle}} {{3e|édition}} {{n°|5}} {{p.|12}}",
                "1er 2e 1er XIXe siècle 3e édition n° 5 p. 12",
            ),
            (
                "{{date-|14 juillet 1789}} {{nb|5|pages}} {{Lien|langue=en|trad=J|fr=Jean|texte=S}} 5 {{av. J.-C.}}",
                "14 juillet 1789 5 pages S 5 av. J.-C.",
            ),
        ],
    );
    check_in(
        "ru",
        &[
            (
                "{{s|3530 км}} {{число|1234567}} {{дата|5|6|1999}} {{склонение|22|год|года|лет}}",
                "3530 км 1 234 567 5 июня 1999 года",
            ),
            ("{{нет АИ|1|2|2020}}{{Нет АИ 2|текст|1|2}} {{abbr|РФ|Россия|0}}", "текст РФ"),
        ],
    );
    check_in(
        "ja",
        &[
            ("{{読み仮名|日本|にほん}}{{ルビ|首都|しゅと}}{{仮リンク|川|en|R|label=河}}", "日本（にほん）首都河"),
            ("は{{縦書き|字}}と", "は字と"),
        ],
    );
    check_in(
        "es",
        &[("{{siglo|XIX}}, {{fecha|14|7|1789}}, {{convertir|5|km|mi}}", "siglo XIX, 14 de julio de 1789, 5 km")],
    );
    check_in("tr", &[("{{dil|la|verbum}} {{çevir|10|km|mi}} {{tarih|2000|5|6}}", "verbum 10 km 2000 5 6")]);
    // Unknown ones: the one argument, or the first with a letter or digit; not a note, a link, or what has names.
    check_in(
        "sv",
        &[
            (
                "{{okänd|–|ord|b}} och {{okänd|c}} {{okänd}} {{okänd|d|e=f}} {{okänd|http://x.org}} {{#switch:a|a=b|c}}",
                "ord och c",
            ),
            ("b{{fotnot|1}}, c.{{okänd|2}}", "b, c."),
        ],
    );
    let mut site = Site::default();
    site.speak("sv");
    let page = Page { site: &site, title: "T", date: None };
    assert_eq!(
        super::super::article(&page, "{{xa|b}}\n{{xb|d}}{{xc|f}}\n* {{xd|h}}\n{{xe|\nj}} k").text,
        " = T = \n\nk"
    );
}

#[test]
fn signs_and_phrases_of_english_stay() {
    check(&[
        (
            "B{{flat}} C{{sharp}} D{{natural}} {{CO2}} {{H2O}} {{pi}} {{sqrt|3}} {{tfrac|1|2}}",
            "B♭ C♯ D♮ CO2 H2O π √3 1/2",
        ),
        (
            "{{nobreak|5 km}} 3{{x}}4 3{{by}}4 6{{nbnd}}7 {{abs|x}} {{overline|AB}} {{small caps|Lord}}",
            "5 km 3×4 3×4 6–7 |x| AB Lord",
        ),
        (
            "44 {{BCE}} {{AD|79}} {{BCE|44}} {{since|2011}} {{ft in|5|6}} {{US Route|66}}",
            "44 BCE AD 79 44 BCE since 2011 5 ft 6 in U.S. Route 66",
        ),
        (
            "{{audio|f.ogg|word}} {{lang|fr|text=mot}} {{lang|code=fr|text=mot}} {{Citation needed span|text=so}}",
            "word mot mot so",
        ),
        (
            "{{flagathlete|[[X Y]]|GBR}} {{harvs|txt|last=Smith|year=2000}} {{harvs|nb|last1=A|last2=B|year=1}}",
            "X Y (GBR) Smith (2000) A & B 1",
        ),
        ("{{convert|10|ft|m|adj=mid|-long}} {{convert|10|ft|m|adj=on}}", "10-ft-long 10 ft"),
    ]);
    // A reference inside does not make a template long.
    let long = format!("<ref>{{{{cite web|title={}}}}}</ref>", "long ".repeat(220));
    check(&[(
        &format!("{{{{lang-el|λόγος{long}}}}} {{{{nihongo|Tokyo|東京|Tōkyō|capital{long}}}}} {{{{circa|1500{long}}}}}"),
        "λόγος Tokyo (東京, Tōkyō, capital) c. 1500",
    )]);
}

#[test]
fn magic_words_are_applied() {
    check(&[
        ("{{formatnum:1234567.8901}} {{formatnum: 3003}} {{formatnum:12}}", "1,234,567.8901 3,003 12"),
        ("{{formatnum:1,234.5|R}} {{FORMATNUM:1234|NOSEP}}", "1234.5 1234"),
        ("{{lc:ABC Déf}} {{uc:straße}} {{ucfirst:éa}} {{lcfirst:ABC}}", "abc déf STRASSE Éa aBC"),
        ("{{lc:[[A|B]] ''C''}}", "b c"),
        ("{{plural:1|is|are}} {{plural:2|is|are}}", "is are"),
        ("{{PAGENAME}} {{SITENAME}} {{!}}", "T Wikipedia |"),
        ("{{padleft:7|3|0}} {{#if:x|yes|no}} {{#if:|yes|no}} {{#ifeq:a|a|same|other}}", "007 yes no same"),
    ]);
    let mut german = Site::default();
    german.speak("de");
    let page = Page { site: &german, title: "T", date: None };
    let text = super::super::article(&page, "x {{formatnum:1234567.5}} {{Zahlenformat:1234}} {{CURRENTYEAR}} y").text;
    assert!(text.ends_with("x 1.234.567,5 1.234 y"), "{text}");
}

#[test]
fn words_of_other_languages_stay() {
    check(&[
        ("{{lang|fr|mot}} {{lang-cu|Слово}} {{Langx|el|λόγος|lógos}}", "mot Слово λόγος, lógos"),
        ("{{lang-ar|{{large|الله}}}} {{transl|ar|ALA|Allāh}} {{Script|Copt|Ⲁ}} {{script/Arabic|ﷲ}}", "الله Allāh Ⲁ ﷲ"),
        ("{{Nihongo|'''Aikido'''|合気道|Aikidō|lead=yes}}", "Aikido (合気道, Aikidō)"),
        ("{{nihongo||受身|Ukemi}} {{nihongo|Sun|日|}} {{nihongo3|Sun|日|hi}}", "Ukemi (受身) Sun (日) hi (日, Sun)"),
        ("{{zh|c=漢字|p=hànzì}}", "Chinese: 漢字; pinyin: hànzì"),
        (
            "{{IPA-de|tʃ|lang}} {{IPA|/a/}} {{IPA|fr|mo}} {{IPAslink|ʃ}} {{IPAc-en|lang|'|eɪ|,_|a}} {{respell|AZ|ər-by|JAHN|'}}",
            "[tʃ] /a/ [mo] /ʃ/ /ˈeɪ, a/ AZ-ər-by-JAHN",
        ),
        ("{{ill|Jane Doe|de|Jane Doe (Autorin)}} {{ill|de|Gymnasium X|Gymnasium X|the school}}", "Jane Doe the school"),
        (
            "{{interlanguage link|A B|fr|C|lt=label}} {{frS|mot}} {{нп5|Слово|слова|en|Word}} {{仮リンク|語|en|Word}}",
            "label mot слова 語",
        ),
    ]);
}

#[test]
fn names_of_things_stay() {
    check(&[
        (
            "{{USS|Enterprise|CV-6}} {{USS|Hornet|CV-12|6}} {{HMS|Ajax|22|2}} {{SS|Great Eastern}}",
            "USS Enterprise (CV-6) USS Hornet Ajax SS Great Eastern",
        ),
        (
            "{{ship|HMS|Victory||6}} {{sclass|Nimitz|aircraft carrier}} {{sclass-|Iowa|battleship|4}}",
            "HMS Victory Nimitz-class aircraft carrier Iowa class",
        ),
        ("{{flag|France}} {{flagcountry|USA}} {{NOR}} {{flagicon|Spain}} b", "France USA Norway b"),
        ("{{sortname|Jane|Doe}} {{abbr|BCE|Before Common Era}} {{tooltip|x|y}} {{nowrap|1=a=b}}", "Jane Doe BCE x a=b"),
        ("{{sic}} {{sic|teh}} {{sic|teh|hide=y}} {{not a typo|teh}}", "[sic] teh [sic] teh teh"),
        (
            "{{ISBN|0-14}} {{US patent|17}} {{harvtxt|A|B|1974}} {{bibleref|Mark|3:25|9}}",
            "ISBN 0-14 U.S. Patent 17 A & B (1974) Mark 3:25",
        ),
        ("A{{music|flat}} {{chem|H|2|O}} HA {{eqm}} B {{mono|x}} {{code|y}}", "A♭ H2O HA ⇌ B x y"),
        ("Eagle{{'}}s {{'s}} {{snd}} b{{ndash}}c {{vanchor|v|w}} {{section link|A|B}}", "Eagle's 's – b–c v A § B"),
    ]);
    assert_eq!(body("{{quote|text=A b.|sign=C}} {{Quote|d}} e"), "A b. d e");
    assert_eq!(body("Two:\n{{ordered list|one|two [[x|y]]}}\nEnd."), "Two:\n\none\ntwo y\n\nEnd.");
    assert_eq!(
        body("a {{ms|b}} {{main|c}} {{cite book|title=d}} {{unheard of|e}} {{coord|1|N|2|E|display=title}} f"),
        "a f"
    );
}

#[test]
fn what_is_nested_in_kept_arguments_is_processed() {
    assert_eq!(body("{{small|{{lang|fr|''mot''}} [[a|b]]<ref>c</ref> {{nope|x}}}} d"), "mot b d");
    assert_eq!(body("{{nihongo|[[a|b]]|{{lang|ja|日}}|{{nowrap|c}}<ref>d</ref>}} e"), "b (日, c) e");
    assert_eq!(body("{{nope|{{convert|3|km}}}} a {{IPA-de|{{unheard}}}} b"), "a b");
    assert_eq!(
        body("{{convert<!-- x -->|3|km}} {{Template:lang|fr|mot}} {{subst:lc:A}} {{ nowrap\n|b}}"),
        "3 km mot a b"
    );
    // Text is made of short templates only; a long argument that stays as it is may be of any length.
    let long = "word ".repeat(2000);
    assert_eq!(body(&format!("{{{{small|{long}}}}}")), long.trim());
    assert_eq!(body(&format!("a {{{{uc:{long}}}}} b")), "a b");
}

#[test]
fn names_stand_once_in_the_table() {
    names::check();
}

#[test]
fn holes_are_found_where_a_sentence_lost_a_word() {
    let site = Site::default();
    let page = Page { site: &site, title: "T", date: None };
    let lost = |markup: &str| -> Vec<String> {
        super::super::lost(&page, markup)
            .into_iter()
            .map(|lost| format!("{}: {}", lost.template, lost.around))
            .collect()
    };
    assert_eq!(
        lost("It is {{Unheard|1}} m long and (${{other of|2}} now)."),
        ["unheard: It is _ m long and ($ now).", "other of: It is  m long and ($_ now)."]
    );
    assert_eq!(lost("{{Unheard}} is a word."), ["unheard: _ is a word."]);
    let whole = "{{Sidebar of x}}\nA word.{{unheard}} And ({{unheard}}) more{{unheard}} of it {{convert|1|m}}. {{unheard}} It ends.\n\n{{alone}}\n";
    assert_eq!(lost(whole), Vec::<String>::new());
}
