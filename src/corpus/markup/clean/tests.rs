use super::*;

fn cleaned(markup: &str) -> String {
    line(markup).unwrap_or_default()
}

#[test]
fn quotes_are_markup_where_mediawiki_says_so() {
    assert_eq!(cleaned("''a'' '''b''' '''''c''''' d'e"), "a b c d'e");
    assert_eq!(cleaned("''Apollo'''s crew"), "Apollo's crew");
    assert_eq!(cleaned("the crew of ''Apollo 1'''s and '''b'''"), "the crew of Apollo 1's and b");
    assert_eq!(cleaned("L'''Encyclop\u{e9}die''"), "L'Encyclop\u{e9}die");
    assert_eq!(cleaned("''''a''' ''''''b'''''"), "'a 'b");
}

#[test]
fn entities_are_decoded_once() {
    assert_eq!(
        cleaned("1&nbsp;&ndash;&#160;2 &#x3b1;&amp;nbsp; AT&T &bogus; &#xd800; &"),
        "1 – 2 α&nbsp; AT&T &bogus; &#xd800; &"
    );
}

#[test]
fn holes_are_closed() {
    assert_eq!(cleaned("A ( ; , ) is ( ; born 1950 ; ) here , or ; there ."), "A is (born 1950) here, or; there.");
    assert_eq!(cleaned("f() and (a, b) and 1 : 2 at .5 :-)"), "f() and (a, b) and 1: 2 at .5 :-)");
    assert_eq!(cleaned("a\u{a0}\u{2009} b\u{200b}c"), "a bc");
    assert_eq!(cleaned(" , the rest"), "the rest");
    assert_eq!(line(" ( ) ; ''' "), None);
}

#[test]
fn switches_go_and_other_underscores_stay() {
    assert_eq!(cleaned("__NOTOC__a __init__ __X b__ __FILE__ __FORCETOC__"), "a __init__ __X b__ __FILE__");
    let foreign = "__notoc____KEIN_INHALTSVERZEICHNIS__a __БЕЗОГЛ__b__目次非表示__ __İÇİNDEKİLERYOK__c__";
    assert_eq!(cleaned(foreign), "a b c__");
}

#[test]
fn wide_brackets_close_up_as_the_others() {
    assert_eq!(
        cleaned("東京（、とうきょう）は「」で（、；）大きい（首都）。"),
        "東京（とうきょう）はで大きい（首都）。"
    );
}
