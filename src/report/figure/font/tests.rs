use super::*;

#[test]
fn widths_are_those_of_the_renderer() {
    for (text, weight, attribute) in [
        ("CO-SVD (64 wiki samples)", Weight::Regular, ""),
        ("components discarded per linear, r", Weight::Regular, ""),
        ("wiki: enwiki/test, 16 windows of 512", Weight::Bold, "font-weight=\"bold\""),
        ("10⁷", Weight::Regular, ""),
    ] {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2000\" height=\"200\"><text x=\"10\" y=\"100\" \
             font-family=\"{FAMILY}\" font-size=\"40\" {attribute}>{text}</text></svg>"
        );
        let tree = tree(&svg).unwrap();
        let rendered = f64::from(tree.root().bounding_box().width());
        let measured = width(text, 40.0, weight);
        assert!((measured / rendered - 1.0).abs() < 0.03, "{text}: {measured} against {rendered}");
    }
}

#[test]
fn has_what_figures_need() {
    let face = Face::parse(notosans::REGULAR_TTF, 0).unwrap();
    for c in "0123456789⁰¹²³⁴⁵⁶⁷⁸⁹×–%(),.:/λα∞".chars() {
        assert!(face.glyph_index(c).is_some(), "{c}");
    }
}

#[test]
fn wraps_at_blanks() {
    let lines = wrap("CO-SVD (64 PTB samples)", 18.0, Weight::Regular, 130.0);
    assert_eq!(lines.join(" "), "CO-SVD (64 PTB samples)");
    assert!(lines.len() == 2 && lines.iter().all(|line| width(line, 18.0, Weight::Regular) <= 130.0), "{lines:?}");
    assert_eq!(wrap("unbreakable", 18.0, Weight::Regular, 10.0), ["unbreakable"]);
}
