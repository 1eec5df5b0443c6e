use super::*;

#[test]
fn an_answer_ends_at_the_first_stop_after_it_has_begun() {
    let stop = ["\n", ". "].map(String::from);
    for (text, answer) in [
        (" Paris\nQuestion", Some(" Paris")),
        (" St. Louis", Some(" St")),
        ("\n\n0.46 dollars. It\n", Some("\n\n0.46 dollars")),
        ("\n", None),
        ("Paris.", None),
        ("", None),
    ] {
        assert_eq!(end(text, &stop).map(|end| &text[..end]), answer, "{text:?}");
    }
    assert_eq!(end("Paris\n", &[]), None);
}
