use super::*;
use crate::results::fixture::trained;

#[test]
fn a_card_has_front_matter_loading_results_and_limits() {
    let rows = trained::rows();
    let measures: Vec<TrainedRow> =
        rows.into_iter().filter(|row| row.learner == "corda-nq-r8" && row.seed == Some(1)).collect();
    assert_eq!(measures.len(), 5);
    let facts = Card {
        experiment: "fixture",
        base: "owner/base-135M",
        licence: "Apache-2.0",
        citations: &["Nobody & al. (2024).".to_string()],
        label: "CorDA (nq, smallest), r = 8",
        method: "corda",
        end: Some("smallest"),
        rank: Some(8),
        calibration: Some("64 samples of nq/train"),
        data: &[
            Data { name: "asdiv", hub: None, licence: "CC-BY-NC-4.0" },
            Data { name: "nq", hub: Some("owner/nq"), licence: "CC-BY-SA-3.0" },
        ],
        settings: &["batch 16, 2 epochs".to_string()],
        seed: 1,
        rate: 2e-4,
        measures: &measures,
        command: "corda run experiments/fixture.yaml",
        form: Form::Residual,
    };
    insta::assert_snapshot!("card", card(&facts));
    let other = Card { licence: "Somebody's: own", form: Form::Whole, data: &[], method: "full", ..facts };
    let text = card(&other);
    assert!(text.contains("license: other\nlicense_name: \"Somebody's: own\"\n"), "{text}");
    assert!(text.contains("library_name: transformers") && !text.contains("datasets:"), "{text}");
}
