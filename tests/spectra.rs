//! Spectra from outside, on a tiny model: what is saved, what is drawn, and that it needs no test set.

use crate::tiny;
use crate::tiny::binary::{fails, succeeds};
use corda::results::{SpectrumRow, read_rows};

const SPEC: &str = "\
name: tiny
title: Spectra of a tiny model
model: {path: model}
targets: ['model.layers.[02].*.[ko]_proj', '*.0.mlp.down_proj']
calibrations:
  own: {corpus: {file: train.txt, format: text}, samples: 6, length: 128}
arms:
  - {method: plain-svd}
  - {method: asvd, calibration: own}
  - {method: corda, calibration: own}
discard: {components: [8]}
spectra: {last: 8}
";

#[test]
fn spectra_need_no_test_set() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let spec = |text: &str| std::fs::write(folder.path().join("tiny.yaml"), text).unwrap();
    spec(SPEC);
    let said = succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert!(said.contains("spectra.svg") && !said.contains("figure2"), "{said}");
    let results = folder.path().join("results/tiny");
    let rows: Vec<SpectrumRow> = read_rows(&results.join("spectra.parquet")).unwrap();
    // Two k_proj of rank 32, two o_proj and a down_proj of rank 64, under three arms.
    assert_eq!(rows.len(), 3 * (2 * 32 + 3 * 64));
    let spectra: Vec<&[SpectrumRow]> = rows.chunk_by(|a, b| (&a.arm, &a.linear) == (&b.arm, &b.linear)).collect();
    assert_eq!(spectra.len(), 3 * 5);
    let energy = |values: &[SpectrumRow]| values.iter().map(|row| row.normalised.powi(2)).sum::<f64>();
    for spectrum in &spectra {
        assert!(spectrum.is_sorted_by(|a, b| a.value >= b.value && a.index + 1 == b.index));
        assert!((energy(spectrum) - 1.0).abs() < 1e-12);
    }
    // Weighing by the covariance moves energy away from the smallest components, in every linear.
    let last = |arm: &str| -> Vec<f64> {
        let of_arm = spectra.iter().filter(|s| s[0].arm.starts_with(arm));
        of_arm.map(|s| energy(&s[s.len() - 8..])).collect()
    };
    let (plain, corda) = (last("plain"), last("corda"));
    assert!(plain.iter().zip(&corda).all(|(plain, corda)| *corda < 0.5 * plain), "{plain:?} {corda:?}");
    assert!(succeeds(folder.path(), &["run", "tiny.yaml"]).contains("nothing to do"));

    // The report needs the saved rows only.
    let figures = || {
        ["spectra.svg", "spectra.png", "spectra.pdf", "report.html"]
            .map(|name| std::fs::read(results.join(name)).unwrap())
    };
    let first = figures();
    std::fs::remove_file(results.join("spectra.svg")).unwrap();
    std::fs::remove_dir_all(folder.path().join(".cache")).unwrap();
    succeeds(folder.path(), &["report", "tiny.yaml"]);
    assert!(figures() == first);
    let page = String::from_utf8(first[3].clone()).unwrap();
    assert!(page.contains("spectra.svg</code>") && page.contains("Frobenius"), "{page}");

    // Mistakes.
    for (from, to, said) in [
        ("last: 8", "last: 32", "`last` is 32"),
        ("last: 8", "last: 0", "`last` is 0"),
        ("last: 8", "first: 8", "first"),
        ("discard: {components: [8]}\n", "", "missing key `discard`"),
        ("spectra: {last: 8}", "", "missing key `evaluate`"),
        ("spectra: {last: 8}", "spectra: {last: 8}\nadapters: {}", "missing key `evaluate`"),
    ] {
        assert!(SPEC.contains(from));
        spec(&SPEC.replace(from, to));
        fails(folder.path(), &["run", "tiny.yaml"], &[said]);
    }

    // Together with a study.
    let evaluate = "evaluate:\n  test: {corpus: {file: test.txt, format: text}, windows: 2, length: 128}\n";
    spec(&format!("{SPEC}{evaluate}"));
    let said = succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert!(said.contains("spectra.svg") && said.contains("parameters.svg"), "{said}");
}
