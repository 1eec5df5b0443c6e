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
fn media_go_with_their_captions() {
    let markup = "[[File:a.jpg|thumb|left|A [[link|b]] and [http://x.org c] {{d|[[e]]}}]]Text [[Image:x.png]]here.";
    assert_eq!(body(markup), "Text here.");
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
