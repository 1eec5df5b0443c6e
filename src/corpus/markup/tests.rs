use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The article of a page of English Wikipedia.
fn made(markup: &str) -> Article {
    article(&Page { site: &Site::default(), title: "T", date: Some((2016, 4, 22)) }, markup)
}

/// The body of an article with this markup.
pub(super) fn body(markup: &str) -> String {
    let text = made(markup).text;
    text.strip_prefix(" = T = ").unwrap_or(&text).trim_start().to_owned()
}

#[test]
fn links_leave_their_labels() {
    assert_eq!(
        body("[[cat]]s and [[dog|Dogs]], [[Foo (bar)|]], [[#Part]] [[:Category:X|x]]."),
        "cats and Dogs, Foo (bar), Part x."
    );
    assert_eq!(
        body("a [http://x.org label one] b [https://x.org] c [mailto:a@b d], [sic]"),
        "a label one b c d, [sic]"
    );
    assert_eq!(body("a [[http://x.org label]] b [http://x.org/?a|b c]"), "a label b |b c");
    assert_eq!(body("a [[wikt:word|word]] b[[wikt:gone]] [[fr:Nom]][[Category:A]][[UTC−05:00]]"), "a word b UTC−05:00");
}

#[test]
fn what_a_line_is_says_its_markup_and_not_what_is_left_of_it() {
    assert_eq!(body("[[!Kung people|!Kung]] live here in 1950.\n\nTwo."), "!Kung live here in 1950.\n\nTwo.");
    assert_eq!(
        body("|x| is the absolute value of 5.\n\n! is read factorial."),
        "|x| is the absolute value of 5.\n\n! is read factorial."
    );
    assert_eq!(body("a\n\n[[*NSYNC]] is a band.\n* b"), "a\n\n*NSYNC is a band.\n\nb");
    assert_eq!(
        body("[[Crush|#1 Crush]] is a song.\n\n[[A|:b]]; [[C|;d]].\n\n[[E|= f =]]"),
        "#1 Crush is a song.\n\n:b; ;d.\n\n= f ="
    );
    assert_eq!(
        body("{{nowrap|!Kung}} live.\n\n{{lang|en|*NSYNC}} sing.\n\n{{!}}y{{!}} is 3."),
        "!Kung live.\n\n*NSYNC sing.\n\n|y| is 3."
    );
    assert_eq!(body("* [[!Kung]]\n* {{small|#1}}"), "!Kung\n#1");
    // Cells of a table that is never closed, or that a template opened.
    assert_eq!(body("Text\n{| class=x\n| a\n! b\n\n== C ==\n|d| is e."), "Text\n\n = = C = = \n\n|d| is e.");
    assert_eq!(body("Text\n{{Table start}}\n|-\n| a || b\n| name = c\n|}"), "Text");
    assert_eq!(body("{{(!}} class=x\n! a\n|-\n| b\n{{!)}}\nText"), "Text");
}

#[test]
fn variants_of_a_language_leave_the_first() {
    let of = |language: &str, markup: &str| {
        let mut site = Site::default();
        site.speak(language);
        let text = article(&Page { site: &site, title: "T", date: None }, markup).text;
        text.trim_start_matches(" = T = ").trim().to_owned()
    };
    assert_eq!(
        of("zh", "是-{zh-hans:计算机;zh-hant:電腦}-的，-{A|zh-cn:软件; zh-tw:軟體;}-和-{x}-"),
        "是计算机的，软件和x"
    );
    assert_eq!(of("zh", "-{H|zh-cn:甲;zh-tw:乙}-a [[b|-{zh-hans:c;zh-hant:d}-]] -{R|e}- -{f"), "a c e -{f");
    assert_eq!(of("zh", "-{zh:{{lang|en|a;b}} [[c|d]];zh-tw:e}- }- f"), "a;b d }- f");
    assert_eq!(of("sr", "-{sr-ec:а;sr-el:a}- -{Windows}-"), "а Windows");
    assert_eq!(of("fr", "a -{b}- c"), "a -{b}- c");
}

#[test]
fn apparatus_is_known_in_other_languages() {
    let of = |language: &str, title: &str| {
        let mut site = Site::default();
        site.speak(language);
        let markup = format!("a\n\n== {title} ==\n* b\n\n== X ==\nc");
        !article(&Page { site: &site, title: "T", date: None }, &markup).text.contains('b')
    };
    for (language, titles) in [
        ("de", "Siehe auch|Literatur|Weblinks|Einzelnachweise"),
        ("fr", "Voir aussi|Notes et références|Liens externes"),
        ("ru", "См. также|Примечания|Литература|Ссылки"),
        ("ja", "関連項目|脚注|外部リンク|参考文献"),
        ("es", "Véase también|Referencias|Enlaces externos"),
        ("tr", "Kaynakça|Dış bağlantılar|Ayrıca bakınız"),
        ("it", "Note|Voci correlate|Collegamenti esterni"),
        ("pt", "Ver também|Referências|Ligações externas"),
        ("nl", "Zie ook|Externe links|Bronnen"),
        ("pl", "Zobacz też|Przypisy|Linki zewnętrzne"),
        ("bg", "Вижте също|Източници|Външни препратки"),
        ("zh", "参见|參考文獻|外部链接"),
        ("no", "Se også|References"),
    ] {
        assert!(titles.split('|').all(|title| of(language, title)), "{language}");
    }
    assert!(!of("en", "Literatur") && !of("de", "Note"));
}

#[test]
fn media_go_with_their_captions() {
    let markup = "[[File:a.jpg|thumb|left|A [[link|b]] and [http://x.org c] {{d|[[e]]}}]]Text [[Image:x.png]]here.";
    assert_eq!(body(markup), "Text here.");
    assert_eq!(body("[[File:A.jpg|thumb|One.\n\nTwo [[b]].\n\nC.]]Prose."), "Prose.");
    assert_eq!(body("a<gallery>\nFile:x.jpg|[[b]]\n</gallery>\n c"), "a\n\nc");
}

#[test]
fn templates_go_however_nested() {
    assert_eq!(body("a {{b|{{c|{{{1|}}}}}|d=[[e]]\n|\n}} f {{g}}}} h"), "a f h");
    assert_eq!(body("{{Infobox\n| name = {{nowrap|x}}\n|}}\nText"), "Text");
    assert_eq!(body("{{a|\n{| class=x\n|-\n| y\n|}}}\nText"), "Text");
}

#[test]
fn templates_that_are_words_of_the_sentence_leave_them() {
    let markup = "{{convert|10|km|mi}}, {{convert|3|to|5|ft|m|abbr=on}}, {{lang|la|albus}}, {{small|1=a=b}}{{nbsp}}{{lang-fr|''x''}} \
                  {{transl|ar|ISO|y}}{{'s}}";
    assert_eq!(body(markup), "10 km, 3 to 5 ft, albus, a=b x y's");
    let markup = "{{As of|2014}}, {{chem|H|2|O}} and {{frac|3|2}} {{as of|2015|lc=y}} {{lang}}{{convert}}.";
    assert_eq!(body(markup), "As of 2014, H2O and 3/2 as of 2015.");
}

#[test]
fn tables_references_comments_and_code_go() {
    assert_eq!(body("a\n{| class=\"b\"\n! c\n|-\n| d || {{e}}\n{|\n| f\n|}\n|}\ng"), "a\n\ng");
    assert_eq!(body("a<ref name=\"b\">{{c|d}} [[e]] <i>f</i></ref>.<ref name=g /> h<!-- i -->j<REF>k</REF >"), "a. hj");
    assert_eq!(body("x <math>a_{{b}} < [[c</math> y <source lang=\"c\">{|[[</source>z"), "x y z");
    assert_eq!(body("m<sup>2</sup>a<br/>b <code>f(x)</code> 1 < 2 <unk>"), "m2a b f(x) 1 < 2 <unk>");
    assert_eq!(body("a <ce>2H2O</ce> b <chem>CO2</chem> c <includeonly>[[d]]</includeonly>e"), "a 2H2O b CO2 c e");
    assert_eq!(
        body("a <syntaxhighlight lang=\"c\" inline>f(x)</syntaxhighlight> b <syntaxhighlight>g</syntaxhighlight>c"),
        "a f(x) b c"
    );
    assert_eq!(body("<nowiki>[[a]] {{b}}</nowiki> c"), "[[a]] {{b}} c");
}

#[test]
fn broken_markup_costs_only_itself() {
    assert_eq!(body("a {{b c\n\nd"), "a b c\n\nd");
    assert_eq!(body("a [[b c\n\nd ]] e"), "a b c\n\nd e");
    assert_eq!(body("a [[File:x|thumb|b\n\nc"), "a File:x|thumb|b\n\nc");
    assert_eq!(body("a [http://x.org b\nc] d"), "a b c] d");
    assert_eq!(body("{| class=x\n| a\n|-\n! b\nText"), "Text");
    assert_eq!(body("{{a\n== B ==\nc }} d"), "a\n\n = = B = = \n\nc d");
    assert_eq!(body("a <ref>b c"), "a b c");
    assert_eq!(body("a <ref name=x> b <ref>c</ref> d"), "a b d");
    assert_eq!(body("a <!-- b"), "a b");
    assert_eq!(body("a }} ]] |} b </ref> c"), "a |} b c");
    assert_eq!(body("{{a|[[b|c}} d ]] e"), "d e");
}

/// Pieces that open, close or resemble markup.
const PIECES: &str = "(\\{\\{|\\}\\}|\\{\\||\\|\\}|\\[\\[|\\]\\]|\\[http://x |\\]|\\||<ref>|</ref>|<ref/>|<!--|-->|<math>|<nowiki>|</nowiki>\
                      |''|'''|==|=|\n|\\*|&|&nbsp;|;|:|\\(|\\)|__|File:|lang|convert|convert\\||lc:|nihongo\\||frac\\||as of\\||3|=|fr|é|\u{a0}| |\\PC){0,120}";

proptest! {
    #[test]
    fn no_text_panics_and_the_layout_holds(markup in PIECES) {
        let made = made(&markup);
        prop_assert!(made.text.starts_with(" = T = "));
        prop_assert!(made.prose <= made.text.chars().count());
        prop_assert!(!made.text.contains("\n\n\n"));
    }

    #[test]
    fn plain_sentences_stay_as_they_are(words in prop::collection::vec("[a-zA-Zé0-9]{1,9}", 1..40)) {
        let sentence = words.join(" ");
        prop_assert_eq!(body(&sentence), sentence);
    }

    #[test]
    fn text_after_broken_markup_survives(markup in PIECES) {
        // Raw elements and comments may rightly run on to a closer, but there is none in what follows.
        let made = body(&format!("{markup}\n\n== Z ==\n\nsurvivor"));
        prop_assert!(made.ends_with("survivor"), "{}", made);
    }
}

/// Markup that a careless scanner takes quadratic time for: 2 MB each, which would then be minutes.
#[test]
fn time_is_linear_in_the_length() {
    let pieces = [
        "{{",
        "}}",
        "[[",
        "]]",
        "{{a|",
        "[[a|",
        "\n{|",
        "\n|}",
        "<ref>",
        "<ref",
        "<!--",
        "[http://x ",
        "''",
        "\n==a",
        "&",
        "(",
        "__",
        "<math><ref>",
        "[[[[ ]] {{",
        "{{lang|",
        "{{lc:",
        "{{convert|1|km}}",
        "-{",
        "<nowiki>",
        " ",
        ":",
        "'''a ''",
        "( ;",
    ];
    let closed = [
        ("[[", "]]"),
        ("{{", "}}"),
        ("{{lang|a|", "}}"),
        ("[[a|", "]]"),
        ("{{convert|", "}}"),
        ("{{uc:a", "}}"),
        ("{{nihongo|a|", "}}"),
        ("{{small|a {{convert|1|", "}}}}"),
        ("(", ")"),
        ("\n{|", "\n|}"),
    ];
    let mut inputs: Vec<String> = pieces.iter().map(|piece| piece.repeat(2_000_000 / piece.len())).collect();
    inputs.extend(closed.iter().map(|(open, close)| {
        let depth = 2_000_000 / (open.len() + close.len());
        open.repeat(depth) + &close.repeat(depth)
    }));
    for input in inputs {
        let start = Instant::now();
        made(&input);
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(20), "{taken:?} for {}...", &input[..20]);
    }
}
