use super::*;

#[test]
fn ranges_nest_and_overlap() {
    let cut = |range, with: &'static str| Cut { range, with: with.into() };
    let cuts = vec![cut(3..4, "x"), cut(2..6, "-"), cut(5..7, "y"), cut(8..8, "+")];
    assert_eq!(within("0123456789", 3..8, &cuts), "x4y7+");
    assert_eq!(apply("0123456789", cuts), "01-7+89");
    assert_eq!(apply("0123", Vec::new()), "0123");
}
