use super::super::tests::rows;
use super::*;
use crate::report::By;
use crate::report::figure::tests::{crowded, texts};

#[test]
fn lines_are_means_by_block() {
    let rows = rows();
    let all = measures(&rows);
    let titles: Vec<&str> = all.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles[1..], ["output share, own", "output share, other"]);
    assert_eq!(line(&groups(&rows)[0], &all[1].1).values, [(0, 1e-6), (1, 3.0 * 1e-6)]);
}

#[test]
fn panels_are_ranks() {
    let drawn = svg(&rows(), &crate::report::tests::meta(By::Components)).unwrap();
    let said: Vec<String> = texts(&drawn).into_iter().map(|(text, _)| text).collect();
    let count = |what: &str| said.iter().filter(|text| *text == what).count();
    assert_eq!([count("r = 4"), count("r = 16"), count("KPM"), count("LORA")], [3, 3, 1, 1]);
    assert_eq!(crowded(&drawn), None);
}
