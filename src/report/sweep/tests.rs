//! The report over variants, of made-up rows.

use super::*;
use crate::report::tests::meta;
use crate::results::fixture::{curve, undamaged};

fn varied(variant: &str, points: &[(u32, f64)]) -> Vec<Varied<Row>> {
    let mut rows = vec![undamaged("wiki")];
    rows.extend(curve("wiki", "corda", "corda", points));
    rows.into_iter().map(|row| Varied { row, variant: Some(variant.into()) }).collect()
}

fn provenance() -> Provenance {
    let run = serde_json::json!({"command": ["corda"], "started": "", "finished": "", "git": null, "stages": [],
        "machine": {"system": "x", "cpu": null, "cores": 1, "threads": 1, "memory": null, "instruction_sets": []}});
    let all = serde_json::json!({"version": "0", "spec": {}, "overrides": [], "results_key": "0", "assets": [],
        "warnings": [], "run": run});
    serde_json::from_value(all).expect("it is one")
}

fn rendered(keys: &[&str], variants: &[(&str, &str, &str)], rows: &[Varied<Row>], pages: bool) -> [String; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let keys: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
    let values: Vec<Vec<String>> = variants.iter().map(|(_, _, value)| vec![value.to_string()]).collect();
    let combined = Combined {
        keys: &keys,
        variants: variants.iter().zip(&values).map(|((name, label, _), v)| (*name, *label, v.as_slice())).collect(),
        replicates: keys == ["seed"],
        beside: keys == ["alpha"],
        over_targets: keys == ["targets"],
        pages,
        rows,
    };
    render(&combined, &meta(By::Components), &provenance(), folder.path()).expect("a report");
    ["table.md", "table.tex", "report.html"].map(|file| std::fs::read_to_string(folder.path().join(file)).expect(file))
}

#[test]
fn replicates_are_mean_and_deviation() {
    let rows: Vec<_> = [("seed-1", 60.0), ("seed-2", 62.0), ("seed-3", 64.0)]
        .into_iter()
        .flat_map(|(name, value)| varied(name, &[(16, value), (64, f64::INFINITY)]))
        .collect();
    let variants = [("seed-1", "seed = 1", "1"), ("seed-2", "seed = 2", "2"), ("seed-3", "seed = 3", "3")];
    let [markdown, latex, page] = rendered(&["seed"], &variants, &rows, true);
    // 60, 62 and 64: mean 62, standard deviation 2.
    assert!(markdown.contains("| corda, corda | 59.00 ± 0.00 | 62.00 ± 2.00 | inf |"), "{markdown}");
    assert!(markdown.contains("over 3 replicates") && markdown.contains("+0.049 ± 0.032"), "{markdown}");
    assert!(latex.contains("62.00 $\\pm$ 2.00") && latex.contains("$+0.049$ $\\pm$ 0.032"), "{latex}");
    assert!(page.contains("62.00 ± 2.00") && page.contains("<a href=\"seed-2/report.html\">seed = 2</a>"), "{page}");
}

#[test]
fn other_variants_stand_side_by_side() {
    let rows = [varied("a", &[(16, 60.0)]), varied("b", &[(16, 61.0), (64, 70.0)])].concat();
    let variants = [("a", "alpha = 0.5", "0.5"), ("b", "alpha = 1", "1")];
    let [markdown, _, page] = rendered(&["alpha"], &variants, &rows, true);
    assert!(page.contains("alpha = 0.5; wiki: ") && page.contains("alpha = 1; wiki: "), "a panel each: {page}");
    assert!(markdown.contains("| corda, corda; alpha = 0.5 | 59.00 | 60.00 |  |"), "{markdown}");
    assert!(markdown.contains("| corda, corda; alpha = 1 | 59.00 | 61.00 | 70.00 |"), "{markdown}");
}

#[test]
fn targets_are_drawn_and_need_no_pages() {
    let rows = [varied("a", &[(16, 60.0)]), varied("b", &[(16, 61.0)])].concat();
    let variants = [("a", "targets = x", "model.layers.0.*"), ("b", "targets = y", "*.q_proj")];
    let [_, _, page] = rendered(&["targets"], &variants, &rows, false);
    assert!(page.contains("<svg") && !page.contains("href="), "{page}");
}
