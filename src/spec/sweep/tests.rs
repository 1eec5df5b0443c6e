use super::*;

#[test]
fn names_are_fit_for_files() {
    let cases = [
        ("seed-1", "seed-1"),
        ("targets-*.q_proj", "targets-q_proj"),
        ("targets-model.layers.0.*", "targets-model.layers.0"),
        ("arms[0].alpha-0.25", "arms-0-alpha-0.25"),
        ("a-../../b", "a-b"),
        ("published-null", "published-null"),
        ("title-Größe", "title-Gr-e"),
    ];
    for (text, expected) in cases {
        assert_eq!(slug(text), expected, "{text}");
    }
}
