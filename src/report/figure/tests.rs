//! Figures of made-up rows: well-formed, complete, reproducible, in bounds.

use super::font::{self, Weight};
use super::*;
use crate::report::study::{By, arrange};
use crate::report::tests::meta;
use crate::results::Row;
use crate::results::fixture::{curve, undamaged};
use crate::spec::{PublishedRow, PublishedTest};

const R: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

fn along(evaluation: &str, arm: &str, method: &str, label: &str, perplexities: [f64; 8]) -> Vec<Row> {
    let points: Vec<(u32, f64)> = R.into_iter().zip(perplexities).collect();
    let mut rows = curve(evaluation, arm, method, &points);
    rows.iter_mut().for_each(|row| row.label = label.to_string());
    rows
}

/// Ten curves over two test sets, of the shapes the real study has.
fn ten_curves() -> Vec<Row> {
    const PLAIN: [f64; 8] = [500.0, 900.0, 4e3, 1.5e4, 4.7e4, 3e5, 2.2e6, 1e7];
    const ASVD: [f64; 8] = [59.8, 60.9, 63.0, 69.0, 86.0, 140.0, 420.0, 3100.0];
    let corda = |shift: f64| [59.02, 59.1, 59.4, 60.2, 62.0, 66.5, 79.0, 131.0].map(|p| p + shift * (p - 58.9));
    let mut rows = vec![undamaged("wiki"), undamaged("ptb")];
    for (set, other) in [("wiki", "ptb"), ("ptb", "wiki")] {
        let label = |what: &str, samples: u32, text: &str| format!("{what} ({samples} {text} samples)");
        rows.extend(along(set, "plain", "plain-svd", "Plain SVD", PLAIN));
        rows.extend(along(set, &format!("asvd-{set}"), "asvd", &label("ASVD", 64, set), ASVD));
        for (samples, text, shift) in [(8, set, 0.12), (64, set, 0.0), (64, other, 0.4)] {
            rows.extend(along(
                set,
                &format!("corda-{text}-{samples}"),
                "corda",
                &label("CO-SVD", samples, text),
                corda(shift),
            ));
        }
    }
    rows
}

/// Arms that lose all meaning, at different r, one from the start.
fn not_finite() -> Vec<Row> {
    const INF: f64 = f64::INFINITY;
    let mut rows = vec![undamaged("ptb")];
    rows.extend(along("ptb", "plain", "plain-svd", "Plain SVD", [500.0, 3e3, 4e5, 1e7, INF, INF, f64::NAN, INF]));
    rows.extend(along(
        "ptb",
        "asvd",
        "asvd",
        "ASVD (64 wiki samples)",
        [60.0, 61.0, 64.0, 70.0, 90.0, 400.0, 5e5, INF],
    ));
    rows.extend(along("ptb", "all", "other", "never finite", [INF; 8]));
    rows.extend(along("ptb", "corda", "corda", "CO-SVD", [59.1, 59.2, 60.0, 61.0, INF, 66.0, 70.0, 90.0]));
    rows
}

fn one_curve() -> Vec<Row> {
    let mut rows = vec![undamaged("ptb")];
    rows.extend(along(
        "ptb",
        "corda",
        "corda",
        "CO-SVD (64 ptb samples)",
        [59.01, 59.05, 59.1, 59.2, 59.5, 60.0, 61.2, 64.0],
    ));
    rows
}

fn one_point() -> Vec<Row> {
    let mut rows = vec![undamaged("ptb")];
    rows.extend(curve("ptb", "corda", "corda", &[(16, 62.0)]));
    rows
}

/// Three panels, unknown methods, labels with mark-up and without blanks, no intervals.
fn awkward() -> Vec<Row> {
    let mut rows = Vec::new();
    for set in ["a", "b", "c"] {
        rows.push(undamaged(set));
        for index in 0..12 {
            let label = format!("method <{index}> & \"co\" with a long description of its calibration");
            let arm = format!("arm-{index}");
            let method = format!("m{}", index % 5);
            rows.extend(along(
                set,
                &arm,
                &method,
                &label,
                R.map(|r| 60.0 + f64::from(r) * (1.0 + 0.001 * f64::from(index))),
            ));
        }
    }
    rows.iter_mut().for_each(|row| (row.ppl_low, row.ppl_high) = (f64::NAN, f64::NAN));
    rows
}

/// The paper's three kinds of curves on two test sets, one of which ours lack.
fn published() -> Published {
    let row = |method: &str, calibration: Option<&str>, perplexities: [f64; 8]| PublishedRow {
        method: method.into(),
        label: format!("{method} (256 {} samples)", calibration.unwrap_or("no")),
        calibration: calibration.map(str::to_string),
        samples: calibration.map(|_| 256),
        perplexity: [0u32, 16, 32, 64, 128, 256, 512, 1024].into_iter().zip(perplexities).collect(),
    };
    let test = |evaluation: &str| PublishedTest {
        evaluation: evaluation.into(),
        name: format!("Paper's {evaluation}"),
        rows: vec![
            row("plain-svd", None, [5.47, 6.32, 7.31, 9.89, 18.03, 18.5, 25.42, 73.92]),
            row("asvd", Some(evaluation), [5.47, 6.08, 6.67, 7.86, 8.71, 9.92, 12.37, 20.34]),
            row("corda", Some(evaluation), [5.47, 5.48, 5.48, 5.48, 5.5, 5.54, 5.69, 6.35]),
        ],
    };
    Published {
        title: "T".into(),
        citation: "C".into(),
        model: "Fixture-7B".into(),
        tests: vec![test("ptb"), test("elsewhere")],
    }
}

/// Figures of every shape, drawn.
fn shapes() -> Vec<(&'static str, String)> {
    let components = |rows: &[Row]| drawn(rows, By::Components);
    let by_parameters = |rows: &[Row], by| parameters(&arrange(rows, by).unwrap(), &meta(by)).unwrap();
    let tests = ten_curves();
    let tests = arrange(&tests, By::Components).unwrap();
    let beside = study(&tests, Some(&published()), &meta(By::Components)).unwrap();
    vec![
        ("ten-curves", components(&ten_curves())),
        ("ten-curves-by-share", drawn(&ten_curves(), By::Share)),
        ("ten-curves-by-parameters", by_parameters(&ten_curves(), By::Components)),
        ("not-finite-by-parameters-of-shares", by_parameters(&not_finite(), By::Share)),
        ("beside-the-papers", beside),
        ("not-finite", components(&not_finite())),
        ("one-curve", components(&one_curve())),
        ("one-point", components(&one_point())),
        ("one-point-by-parameters", by_parameters(&one_point(), By::Components)),
        ("awkward", components(&awkward())),
    ]
}

fn drawn(rows: &[Row], by: By) -> String {
    study(&arrange(rows, by).unwrap(), None, &meta(by)).unwrap()
}

/// Every text with its box: left, top, right, bottom; turned text is left out.
pub(crate) fn texts(svg: &str) -> Vec<(String, [f64; 4])> {
    let document = resvg::usvg::roxmltree::Document::parse(svg).unwrap();
    let nodes =
        document.descendants().filter(|node| node.has_tag_name("text") && node.attribute("transform").is_none());
    let text = |node: resvg::usvg::roxmltree::Node| {
        let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let content = node.text().unwrap().trim().to_string();
        let weight = if node.attribute("font-weight") == Some("bold") { Weight::Bold } else { Weight::Regular };
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let width = font::width(&content, size, weight);
        let left = match node.attribute("text-anchor") {
            Some("middle") => x - 0.5 * width,
            Some("end") => x - width,
            _ => x,
        };
        // Capitals and descenders reach about half an em up and down from the middle.
        (content, [left, y - 0.5 * size, left + width, y + 0.5 * size])
    };
    nodes.map(text).collect()
}

/// The first text that is cut off or overlaps another, if any.
pub(crate) fn crowded(svg: &str) -> Option<String> {
    let document = resvg::usvg::roxmltree::Document::parse(svg).unwrap();
    let view = document.root_element().attribute("viewBox").unwrap();
    let size: Vec<f64> = view.split(' ').map(|number| number.parse().unwrap()).collect();
    let texts = texts(svg);
    for (i, (text, [left, top, right, bottom])) in texts.iter().enumerate() {
        if *left < 0.0 || *top < 0.0 || *right > size[2] || *bottom > size[3] {
            return Some(format!("{text} is cut off"));
        }
        let apart = |[l, t, r, b]: &[f64; 4]| right <= l || r <= left || bottom <= t || b <= top;
        if let Some((other, _)) = texts[i + 1..].iter().find(|(_, other)| !apart(other)) {
            return Some(format!("`{text}` and `{other}` overlap"));
        }
    }
    None
}

/// For looking at: `CORDA_FIGURES=folder cargo test --release --lib report::figure` leaves the figures there.
pub(crate) fn keep(name: &str, svg: &str) {
    let Some(folder) = std::env::var_os("CORDA_FIGURES") else { return };
    let path = |kind: &str| std::path::Path::new(&folder).join(format!("{name}.{kind}"));
    std::fs::write(path("svg"), svg).unwrap();
    std::fs::write(path("png"), png(svg).unwrap()).unwrap();
    std::fs::write(path("pdf"), pdf(svg, name).unwrap()).unwrap();
}

#[test]
fn no_text_overlaps_another_or_the_edge() {
    for (name, svg) in shapes() {
        assert_eq!(crowded(&svg), None, "{name}");
    }
}

#[test]
fn every_label_is_there_once_a_panel() {
    let rows = ten_curves();
    let text: Vec<String> = texts(&drawn(&rows, By::Components)).into_iter().map(|(text, _)| text).collect();
    let text = text.join(" ");
    for (label, count) in [
        ("Plain SVD", 2),
        ("ASVD (64 wiki samples)", 1),
        ("ASVD (64 ptb samples)", 1),
        ("CO-SVD (8 wiki samples)", 1),
        ("CO-SVD (64 wiki samples)", 2),
        ("undamaged 59.00", 2),
        ("components discarded per linear, r", 2),
    ] {
        assert_eq!(text.matches(label).count(), count, "{label} in {text}");
    }
}

#[test]
fn accessible_and_without_machine_or_time() {
    for ((name, svg), (_, again)) in shapes().into_iter().zip(shapes()) {
        let document = resvg::usvg::roxmltree::Document::parse(&svg).unwrap();
        let title = document.descendants().find(|node| node.has_tag_name("title")).unwrap();
        assert_eq!(title.text().unwrap(), meta(By::Components).title, "{name}");
        assert!(again == svg, "{name}");
        assert!(png(&svg).unwrap() == png(&svg).unwrap(), "{name}");
        let (pdf, again) = (pdf(&svg, "title").unwrap(), pdf(&svg, "title").unwrap());
        assert!(pdf == again && pdf.starts_with(b"%PDF"), "{name}");
        // Text is text, in our font; and no picture, no date.
        let holds = |text: &str| pdf.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds("/FontFile") && holds("NotoSans"), "{name}");
        assert!(!holds("/Subtype /Image") && !holds("/CreationDate") && !holds("CreateDate"), "{name}");
    }
}

#[test]
fn the_papers_curves_stand_below_ours_on_their_own_axes() {
    let rows = ten_curves();
    let tests = arrange(&rows, By::Components).unwrap();
    let beside = study(&tests, Some(&published()), &meta(By::Components)).unwrap();
    let said: Vec<String> = texts(&beside).into_iter().map(|(text, _)| text).collect();
    let at = |what: &str| said.iter().position(|text| text.contains(what)).unwrap();
    assert!(at("wiki: fixture") < at("As published: Paper's ptb") && at("Paper's ptb") < at("Paper's elsewhere"));
    assert!(said.iter().any(|text| text == "1024") && said.iter().any(|text| text == "128"));
    let dashed = |row: &[Content]| -> Vec<bool> {
        row.iter().flat_map(|content| content.lines.iter().map(|line| line.style.dash.is_some())).collect()
    };
    let with = super::beside(&tests, Some(&published()), &meta(By::Components));
    assert!(dashed(&with[0]).iter().all(|dashed| !dashed) && dashed(&with[1]).iter().all(|dashed| *dashed));
    // Alone, dashes tell arms of a method apart.
    let alone = super::beside(&tests, None, &meta(By::Components));
    assert!(alone.len() == 1 && dashed(&alone[0]).contains(&true));
}

#[test]
fn not_finite_is_said_and_marked() {
    let svg = drawn(&not_finite(), By::Components);
    let words: Vec<String> = texts(&svg).into_iter().map(|(text, _)| text).collect();
    assert!(words.windows(2).any(|pair| pair[0] == "not" && pair[1] == "finite"), "{words:?}");
    assert!(!drawn(&one_curve(), By::Components).contains("finite\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf\""));
}

#[test]
fn pngs_are_of_twice_the_size() {
    for (name, svg) in shapes() {
        let bytes = png(&svg).unwrap();
        // Width and height stand at fixed places of a PNG's first chunk.
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let document = resvg::usvg::roxmltree::Document::parse(&svg).unwrap();
        let width: f64 = document.root_element().attribute("width").unwrap().parse().unwrap();
        assert!((f64::from(number(16)) - 2.0 * width).abs() <= 2.0, "{name}");
        assert!(number(20) > 600, "{name}");
        keep(name, &svg);
    }
}
