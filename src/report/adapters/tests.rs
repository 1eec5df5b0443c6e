use super::*;
use crate::report::By;
use crate::report::tests::meta;
use crate::results::fixture::{curve, undamaged};

fn row(arm: &str, components: u32, layer: u32, energy: f64, text: &str, share: f64) -> AdapterRow {
    AdapterRow {
        experiment: "x".into(),
        arm: arm.into(),
        label: arm.to_uppercase(),
        method: "corda".into(),
        components,
        linear: format!("model.layers.{layer}.mlp.up_proj"),
        layer,
        rank: components,
        energy,
        text: Some(text.into()),
        output_share: Some(share),
    }
}

fn rows() -> Vec<AdapterRow> {
    let of = |arm, r, a, b| {
        [row(arm, r, 0, a, "own", b), row(arm, r, 1, 3.0 * a, "own", 3.0 * b), row(arm, r, 0, a, "other", 0.5)]
    };
    [of("kpm", 4, 0.01, 1e-6), of("kpm", 16, 0.02, 1e-5), of("lora", 4, 0.0, 0.0)].concat()
}

#[test]
fn the_table_has_means_and_what_is_left_behind() {
    let mut study = vec![undamaged("ptb")];
    study.extend(curve("ptb", "kpm", "corda", &[(4, 60.0), (16, 61.5)]));
    let meta = Meta { title: "T".into(), model: "m".into(), ..meta(By::Components) };
    insta::assert_snapshot!(table(&rows(), &study, &meta));
}

#[test]
fn panels_are_ranks_and_lines_are_means_by_block() {
    let rows = rows();
    let all = measures(&rows);
    assert_eq!(
        all.iter().map(|m| m.title.as_str()).collect::<Vec<_>>()[1..],
        ["output share, own", "output share, other"]
    );
    let (heading, lines) = &all[1].panels[0];
    assert_eq!((heading.as_str(), lines.len()), ("r = 4", 1));
    assert_eq!(lines[0].values, [(0, 1e-6), (1, 3.0 * 1e-6)]);
}
