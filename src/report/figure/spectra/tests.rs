use super::super::tests::{crowded, texts};
use super::*;
use crate::report::By;

/// Three arms over linears of two kinds, of the shapes that spectra have.
fn rows() -> Vec<SpectrumRow> {
    let mut rows = Vec::new();
    for (arm, steepness) in [("plain-svd", 2.0), ("asvd", 5.0), ("corda", 20.0)] {
        for (linear, rank) in
            [(0, "self_attn.o_proj", 576), (29, "self_attn.o_proj", 576), (0, "self_attn.k_proj", 192)]
                .map(|(layer, name, rank)| (format!("model.layers.{layer}.{name}"), rank))
                .into_iter()
                .chain([("lm_head".to_string(), 64)])
        {
            let value = |index: u32| (-steepness * f64::from(index) / f64::from(rank)).exp();
            rows.extend((0..rank).map(|index| SpectrumRow {
                experiment: "x".into(),
                arm: arm.into(),
                label: format!("{arm} (32 samples)"),
                method: arm.into(),
                linear: linear.clone(),
                index,
                value: 3.0 * value(index),
                normalised: value(index),
            }));
        }
    }
    rows
}

#[test]
fn a_row_a_kind_and_a_column_a_block() {
    let rows = rows();
    let grid = grid(&rows);
    let headings: Vec<Vec<&str>> =
        grid.iter().map(|row| row.iter().map(|panel| panel.heading.as_str()).collect()).collect();
    assert_eq!(headings, [vec!["layer 0  o_proj", "layer 29  o_proj"], vec!["layer 0  k_proj"], vec!["lm_head"]]);
    assert!(grid[0].iter().all(|panel| panel.lines.len() == 3 && panel.lines[2].values.len() == 576));
}

#[test]
fn energy_is_that_of_the_last() {
    let style = palette::assign([("corda", "a")])[0].1;
    let line = Line { label: "a", style, values: vec![3.0, 2.0, 1.0] };
    assert_eq!([line.energy(1), line.energy(2), line.energy(9)], [1.0 / 14.0, 5.0 / 14.0, 1.0]);
}

#[test]
fn drawn_in_bounds_and_the_same_twice() {
    let meta = crate::report::tests::meta(By::Components);
    let drawn = svg(&rows(), 16, &meta).unwrap();
    assert!(drawn == svg(&rows(), 16, &meta).unwrap());
    assert_eq!(crowded(&drawn), None);
    let said: Vec<String> = texts(&drawn).into_iter().map(|(text, _)| text).collect();
    assert_eq!(said.iter().filter(|text| *text == "energy of the last 16").count(), 4);
    assert!(matches!(svg(&[], 16, &meta), Err(ReportError::Empty)));
    super::super::tests::keep("spectra", &drawn);
}
