use plotters::style::RGBColor;

use super::*;
use crate::report::By;
use crate::report::figure::heat::STEPS;
use crate::report::tests::meta;

#[test]
fn globs_are_short() {
    let label = |globs: &str| {
        let column = Column::new(globs);
        (column.label, column.block)
    };
    assert_eq!(label("model.layers.12.*"), ("12".into(), true));
    assert_eq!(label("*.q_proj"), ("q_proj".into(), false));
    assert_eq!(label("model.layers.[01].*"), ("model.layers.[01].*".into(), false));
    assert_eq!(label("decoder"), ("decoder".into(), false));
}

#[test]
fn the_scale_spans_what_is_positive_and_not_chance() {
    assert_eq!(ends([0.0, 0.01, 1.0, f64::INFINITY].into_iter()), (-2.0, 0.0));
    assert_eq!(ends([-0.1, 0.01, 1.0].into_iter()), (-1.0, 0.0));
    assert_eq!(ends([1e-9, 1.0].into_iter()), (DEPTH.log10(), 0.0));
    assert_eq!(ends([-1.0, f64::NAN].into_iter()), (-3.0, 0.0));
    let (low, high) = ends([0.5].into_iter());
    assert!(low < high);
}

#[test]
fn every_measured_variant_has_a_cell_of_its_colour() {
    let columns = ["model.layers.0.*", "model.layers.1.*", "*.q_proj"].map(Column::new).into();
    let values = vec![Some(0.01), Some(1.0), None];
    let damage = Damage { columns, groups: vec![("wiki: x".into(), vec![Line { label: "An arm".into(), values }])] };
    let svg = svg(&damage, &meta(By::Components)).unwrap();
    let hex = |c: RGBColor| format!("#{:02X}{:02X}{:02X}", c.0, c.1, c.2);
    let cells = |step| svg.matches(&hex(colour(step))).count();
    // One in the map and one in the scale.
    assert_eq!((cells(0), cells(STEPS - 1)), (2, 2));
    assert!(svg.contains(">q_proj</") || svg.contains("q_proj"));
    assert!(svg.contains("An arm: most at 1 (+1.000)"));
    assert!(super::svg(&Damage { columns: Vec::new(), groups: Vec::new() }, &meta(By::Components)).is_err());
}
