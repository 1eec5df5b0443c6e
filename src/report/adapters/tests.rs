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

pub fn rows() -> Vec<AdapterRow> {
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
