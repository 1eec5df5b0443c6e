use super::*;
use crate::corpus::site::Site;

fn made(stripped: &str) -> Article {
    article(&Page { site: &Site::default(), title: "T", date: None }, stripped)
}

fn titles(stripped: &str) -> String {
    made(stripped).text.replace("\n\n", "|").replace(" = T = ", "T")
}

#[test]
fn blocks_are_laid_out_as_in_wikitext() {
    let made = made("One.\n\n\nTwo.\n== A ==\n* x\n** y\n: z\n=== B ===\nThree.\n----\n");
    assert_eq!(made.text, " = T = \n\nOne.\n\nTwo.\n\n = = A = = \n\nx\ny\nz\n\n = = = B = = = \n\nThree.");
    assert_eq!(made.prose, "One.Two.Three.".len());
}

#[test]
fn wrapped_lines_are_one_paragraph() {
    assert_eq!(titles("a\nb\n\nc\n* d\ne\n f\n g\n== H ==\ni"), "T|a b|c|d|e|f|g| = = H = = |i");
}

#[test]
fn empty_sections_go_with_their_parents() {
    assert_eq!(titles("== A ==\n=== B ===\n== C ==\nx\n== D =="), "T| = = C = = |x");
    assert_eq!(titles("== A ==\n=== B ===\nx\n=== C ===\n\n"), "T| = = A = = | = = = B = = = |x");
    assert_eq!(titles("== ==\n=\n==\n===\nx"), "T|x");
}

#[test]
fn apparatus_goes_unless_it_has_running_text() {
    let text = "See the long story of this thing. ".repeat(5);
    assert_eq!(titles("x\n== See also ==\n* y\nshort\n=== Sub ===\n* z\n== Next ==\nw"), "T|x| = = Next = = |w");
    assert_eq!(titles(&format!("== Notes ==\n{text}")), format!("T| = = Notes = = |{}", text.trim()));
}
