//! The report of made-up fine-tuning.

use super::super::figure::tests::{crowded, keep, texts};
use super::*;
use crate::report::claims::by_interval;
use crate::report::table::Cell;
use crate::report::{By, Meta, Sources};
use crate::results::TimingRow;
use crate::results::fixture::trained as fixture;
use crate::spec::{ScoreColumn, ScoreRow, Tests};

/// Owned rows, so that tests can change them.
#[derive(Clone)]
pub(crate) struct Rows {
    pub rows: Vec<TrainedRow>,
    pub steps: Vec<StepRow>,
    pub rates: Vec<RateRow>,
    pub answers: Vec<AnswerRow>,
    pub tested: Tested,
    pub published: Option<Scores>,
}

impl Rows {
    pub(crate) fn new() -> Self {
        let names = |all: &[&str]| all.iter().map(|name| name.to_string()).collect();
        Self {
            rows: fixture::rows(),
            steps: fixture::steps(),
            rates: fixture::rates(),
            answers: fixture::answers(),
            tested: Tested { task: names(&["asdiv"]), knowledge: names(&["nq", "ptb"]), contexts: names(&["nq"]) },
            published: Some(published()),
        }
    }

    pub(crate) fn trained(&self) -> Trained<'_> {
        Trained {
            rows: &self.rows,
            steps: &self.steps,
            rates: &self.rates,
            answers: &self.answers,
            failures: &[],
            tested: &self.tested,
            published: self.published.as_ref(),
        }
    }
}

fn published() -> Scores {
    let row = |label: &str, method: &str, end: Option<&str>, context: Option<&str>, scores: [f64; 2]| ScoreRow {
        label: label.into(),
        method: method.into(),
        end: end.map(str::to_string),
        context: context.map(str::to_string),
        rank: (method != "full").then_some(128),
        parameters: Some("320M".into()),
        scores: [("NQ".to_string(), scores[0]), ("GSM".to_string(), scores[1])].into(),
    };
    let column = |name: &str, tests| ScoreColumn { name: name.into(), tests };
    Scores {
        title: "Fixture table".into(),
        citation: "Nobody et al. & others, 2024".into(),
        model: "Fixture-7B".into(),
        setting: "Exact match in %".into(),
        contexts: vec!["questions".into()],
        columns: vec![column("NQ", Tests::Knowledge), column("GSM", Tests::Task)],
        rows: vec![
            row("LoRA", "lora", None, None, [1.91, 42.68]),
            row("PiSSA", "plain-svd", Some("largest"), None, [1.02, 51.48]),
            row("CorDA", "corda", Some("smallest"), Some("questions"), [9.36, 42.68]),
        ],
    }
}

fn meta() -> Meta {
    Meta { title: "Fixture: what fine-tuning keeps".into(), ..crate::report::tests::meta(By::Components) }
}

#[test]
fn tables_and_claims() {
    let rows = Rows::new();
    let trained = rows.trained();
    let study = Study::new(&trained).unwrap();
    insta::assert_snapshot!("trained.md", markdown(&study, &meta()));
    insta::assert_snapshot!("trained.tex", latex(&study, &meta()));
}

#[test]
fn claims_say_what_the_rows_say() {
    let mut rows = Rows::new();
    let verdict = |rows: &Rows, text: &str| {
        let trained = rows.trained();
        let study = Study::new(&trained).unwrap();
        let claim = claims::all(&study).into_iter().find(|claim| claim.rule.text.contains(text)).unwrap();
        let (Cell::Verdict(class, says), Cell::Verdict(_, paper)) = (by_interval(&claim.here), claim.in_scores())
        else {
            panic!("verdict and text")
        };
        (class, says.split([' ', '.']).next().unwrap().to_string(), paper, claim.here.len())
    };
    let expected = |class, says: &str, paper: &str, count| (class, says.to_string(), paper.to_string(), count);
    const IN_SCORES: &str = "Holds in 1 of 1 scores.";
    // nq's exact matches differ in too few questions; its answer loss and the text do not.
    assert_eq!(verdict(&rows, "better than PiSSA"), expected("partly", "Holds", IN_SCORES, 3));
    // Made up without a difference. In the paper both have the same score, which is as good.
    assert_eq!(verdict(&rows, "at least as well"), expected("soft", "Inconclusive", IN_SCORES, 2));
    let training = verdict(&rows, "lower training loss than PiSSA");
    assert_eq!((training.0, training.3), ("yes", 1));
    // With both swapped the opposite is told.
    let swap = |id: &mut String| match id.as_str() {
        "corda-nq-r8" => *id = "plain-svd-r8".into(),
        "plain-svd-r8" => *id = "corda-nq-r8".into(),
        _ => {}
    };
    rows.answers.iter_mut().for_each(|row| swap(&mut row.learner));
    for row in &mut rows.rows {
        swap(&mut row.learner);
        (row.method, row.end, row.calibration) = match row.learner.as_str() {
            "corda-nq-r8" => ("corda".into(), Some("smallest".into()), Some("nq".into())),
            "plain-svd-r8" => ("plain-svd".into(), Some("largest".into()), None),
            _ => continue,
        };
    }
    let swapped = verdict(&rows, "keeps knowledge better than PiSSA");
    assert_eq!((swapped.0, swapped.1.as_str()), ("no", "Does"));
    // A context of another kind is not the knowledge-preserved mode.
    rows.tested.contexts.clear();
    assert_eq!(verdict(&rows, "keeps knowledge better than LoRA"), expected("soft", "No", IN_SCORES, 0));
}

#[test]
fn only_learners_of_one_rank_are_compared() {
    let mut rows = Rows::new();
    rows.rows.iter_mut().filter(|row| row.method == "lora").for_each(|row| row.rank = Some(64));
    let trained = rows.trained();
    let claims = claims::all(&Study::new(&trained).unwrap());
    let duels = |text: &str| claims.iter().find(|claim| claim.rule.text.contains(text)).unwrap().here.len();
    assert_eq!([duels("better than LoRA"), duels("better than full")], [0, 3]);
}

#[test]
fn the_choice_of_a_rate_is_warned_of_at_the_edge() {
    let mut rows = Rows::new();
    let warnings = rates::warnings(&rows.rates);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]
            .starts_with("LoRA, r = 8: the chosen learning rate 2e-4 is the highest of those tried (5e-5, 1e-4, 2e-4)")
    );
    rows.rates.retain(|row| row.chosen == 1);
    assert_eq!(rates::warnings(&rows.rates).len(), 5);
    assert!(rates::table(&[]).is_none());
}

#[test]
fn incomplete_rows_are_refused() {
    let rows = Rows::new();
    let refused = |change: &dyn Fn(&mut Rows)| {
        let mut rows = rows.clone();
        change(&mut rows);
        let trained = rows.trained();
        Study::new(&trained).unwrap_err()
    };
    assert!(matches!(refused(&|rows| rows.rows.clear()), ReportError::Empty));
    assert!(matches!(refused(&|rows| rows.rows.retain(|row| row.method == "none")), ReportError::Empty));
    let lacks = |rows: &mut Rows| rows.rows.retain(|row| row.method != "none" || row.measure != "ptb");
    assert!(matches!(refused(&lacks), ReportError::NoUndamaged { .. }));
    assert!(matches!(refused(&|rows| rows.rows.push(rows.rows[9].clone())), ReportError::TrainedTwice { .. }));
    let error = refused(&|rows| rows.rows[9].kind = "f1".into());
    assert!(error.to_string().contains("`f1`"), "{error}");
}

#[test]
fn figures_are_drawn_in_bounds_and_the_same_twice() {
    let rows = Rows::new();
    let trained = rows.trained();
    let study = Study::new(&trained).unwrap();
    for (name, draw) in [("kept", figures::kept::svg as fn(&Study, &Meta) -> _), ("training", figures::training::svg)] {
        let svg: String = draw(&study, &meta()).unwrap();
        assert!(svg == draw(&study, &meta()).unwrap());
        assert_eq!(crowded(&svg), None, "{name}");
        keep(name, &svg);
    }
}

#[test]
fn ranks_have_panels_of_one_look() {
    let mut rows = Rows::new();
    let more = rows.rows.iter().filter(|row| row.method == "lora" || row.method == "corda").cloned();
    let more: Vec<TrainedRow> = more
        .map(|row| TrainedRow {
            learner: row.learner.replace("r8", "r32"),
            label: row.label.replace('8', "32"),
            rank: Some(32),
            ..row
        })
        .collect();
    rows.rows.extend(more);
    let steps = rows.steps.iter().filter(|row| row.learner.contains("lora") || row.learner.contains("corda")).cloned();
    let steps: Vec<StepRow> =
        steps.map(|row| StepRow { learner: row.learner.replace("r8", "r32"), loss: row.loss * 0.9, ..row }).collect();
    rows.steps.extend(steps);
    let trained = rows.trained();
    let study = Study::new(&trained).unwrap();
    let svg = figures::training::svg(&study, &meta()).unwrap();
    let said: Vec<String> = texts(&svg).into_iter().map(|(text, _)| text).collect();
    let panels: Vec<&String> = said.iter().filter(|text| text.starts_with("r = ")).collect();
    assert_eq!(panels, ["r = 32", "r = 8"]);
    assert_eq!(said.iter().filter(|text| *text == "Full fine-tuning").count(), 2);
    assert_eq!(crowded(&svg), None);
    keep("training-ranks", &svg);
    keep("kept-ranks", &figures::kept::svg(&study, &meta()).unwrap());
}

#[test]
fn a_single_seed_and_no_answers_are_enough() {
    let mut rows = Rows::new();
    rows.rows.retain(|row| row.seed.is_none_or(|seed| seed == 1));
    rows.steps.retain(|row| row.seed == 1);
    (rows.answers, rows.rates, rows.published) = (Vec::new(), Vec::new(), None);
    let trained = rows.trained();
    let study = Study::new(&trained).unwrap();
    let text = markdown(&study, &meta());
    assert!(!text.contains('±') || text.contains("± standard deviation"), "{text}");
    assert!(!text.contains("NaN"), "{text}");
    assert!(text.contains("Inconclusive at this sample size") && !text.contains("Holds in"), "{text}");
    assert_eq!(crowded(&figures::kept::svg(&study, &meta()).unwrap()), None);
    let folder = tempfile::tempdir().unwrap();
    rows.steps.clear();
    rows.tested.knowledge.clear();
    let written = crate::report::render_trained(&rows.trained(), &meta(), folder.path()).unwrap();
    assert_eq!(written.len(), 2, "nothing to draw: {written:?}");
}

#[test]
fn the_page_has_every_section_and_escapes_what_models_say() {
    let rows = Rows::new();
    let trained = rows.trained();
    let study = Study::new(&trained).unwrap();
    let run = serde_json::json!({"command": ["corda"], "started": "", "finished": "", "git": null, "stages": [],
        "machine": {"system": "x", "cpu": null, "cores": 1, "threads": 1, "memory": null, "instruction_sets": []}});
    let all = serde_json::json!({"version": "0", "spec": {}, "overrides": [], "results_key": "0", "assets": [],
        "warnings": [], "run": run});
    let provenance = serde_json::from_value(all).unwrap();
    let meta = meta();
    let timings = rows.steps.iter().map(|step| TimingRow {
        experiment: step.experiment.clone(),
        stage: "train".into(),
        arm: step.learner.clone(),
        discarded: step.rank,
        share: None,
        measure: None,
        seed: Some(step.seed),
        step: Some(step.step),
        seconds: 1.25,
    });
    let timings: Vec<TimingRow> = timings.collect();
    let sources = Sources {
        meta: &meta,
        provenance: &provenance,
        rows: &[],
        windows: &[],
        timings: &timings,
        published: None,
        figures: vec![
            ("kept".into(), figures::kept::svg(&study, &meta).unwrap()),
            ("training".into(), figures::training::svg(&study, &meta).unwrap()),
        ],
        sweep: None,
        trained: Some(&trained),
    };
    let folder = tempfile::tempdir().unwrap();
    let written = crate::report::render_page(&sources, folder.path()).unwrap();
    let page = std::fs::read_to_string(&written[0]).unwrap();
    let headings: Vec<&str> =
        page.split("<h2>").skip(1).filter_map(|rest| rest.split_once("</h2>")).map(|(heading, _)| heading).collect();
    let expected = [
        "What was done",
        "Results",
        "The paper&#39;s claims",
        "The paper&#39;s scores",
        "Learning rates tried",
        "Some answers",
        "Where it comes from",
        "How it was run",
        "How to cite",
    ];
    assert_eq!(headings.iter().map(|h| h.replace('\'', "&#39;")).collect::<Vec<_>>(), expected);
    // What depends on the run is one block.
    let [open, close] = crate::results::exact::RUN_FACTS;
    assert_eq!((page.matches(open).count(), page.matches(close).count()), (1, 1));
    let facts = page.split_once(open).and_then(|(_, rest)| rest.split_once(close)).unwrap().0;
    assert!(facts.contains("Machine: x") && facts.contains("tokens per second"), "{facts}");
    assert!(!page.contains("So <b>") && page.contains("So &#60;b&#62;"), "answers are text, not mark-up");
    assert_eq!(page.matches("<svg").count(), 2);
    if let Some(folder) = std::env::var_os("CORDA_FIGURES") {
        std::fs::write(std::path::Path::new(&folder).join("trained.html"), &page).unwrap();
    }
}

/// For the notebook: `CORDA_FIGURES=folder` leaves the rows as a results folder has them.
#[test]
fn rows_are_stored_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("CORDA_FIGURES").map_or(folder.path().to_path_buf(), std::path::PathBuf::from);
    let rows = Rows::new();
    crate::results::write_rows(&folder.join("trained.parquet"), &rows.rows).unwrap();
    crate::results::write_rows(&folder.join("steps.parquet"), &rows.steps).unwrap();
    let read: Vec<TrainedRow> = crate::results::read_rows(&folder.join("trained.parquet")).unwrap();
    let steps: Vec<StepRow> = crate::results::read_rows(&folder.join("steps.parquet")).unwrap();
    assert!(read == rows.rows && steps == rows.steps);
}
