use super::*;

#[test]
fn tags_are_told_from_text() {
    let tag = at("<Ref name=\"a/b\" >x").unwrap();
    assert_eq!((tag.name, tag.kind, tag.width, tag.opens, tag.closes), ("ref", Effect::Hidden, 17, true, false));
    let empty = at("<br />x").unwrap();
    assert_eq!((empty.name, empty.width, empty.opens, empty.closes), ("br", 6, false, false));
    let close = at("</ref\n>").unwrap();
    assert!(close.closes && !close.opens && close.width == 7);
    for text in ["< b>", "<unk>", "<b", "<b <i>", "<3", "a<b>", "<bé>", "<", "</", "</>"] {
        assert_eq!(at(text), None, "{text}");
    }
}
