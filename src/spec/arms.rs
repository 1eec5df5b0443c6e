//! The `arms` key: the curves, their methods, ids and labels.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::text::Named;
use super::{Arm, Calibration, Evaluation, raw};
use crate::decompose::{End, Entry, Method, Needs};
use crate::names;
use crate::yaml::{self, Error, Errors, Key, Node, Span, Spanned, Value};

/// What arms are resolved against.
pub(super) struct Known<'a> {
    pub methods: &'a [Entry],
    pub calibrations: &'a Named<Calibration>,
    pub evaluations: &'a Named<Evaluation>,
}

/// A resolved arm, and where its number of samples was written (or the arm itself).
pub(super) struct Placed {
    pub arm: Arm,
    pub span: Span,
}

/// The id of each arm as far as the file alone determines it, so that the paths of overrides and of swept keys may name
/// arms. Empty for an arm that is too broken to have one.
pub(super) fn ids(root: &Node) -> Vec<String> {
    let count = |node: Option<&Node>| yaml::from_node::<usize>(node?).ok();
    let mut taken = HashSet::new();
    let mut one = |arm: &Node| {
        let method = arm.get("method").and_then(Node::as_str)?;
        let calibration = arm.get("calibration").and_then(Node::as_str);
        let whole = calibration.and_then(|name| root.get("calibrations")?.get(name)?.get("samples"));
        let samples = count(arm.get("samples").filter(|node| !node.is_null()).or(whole));
        let end = if arm.get("end").and_then(Node::as_str) == Some("largest") { End::Largest } else { End::Smallest };
        Some(unique_id(method, calibration.zip(samples), end, &mut taken))
    };
    let arms = root.get("arms").and_then(|arms| arms.elements("").ok()).unwrap_or_default();
    arms.iter().map(|arm| one(arm).unwrap_or_default()).collect()
}

/// Short, unique, and fit for a file name.
fn unique_id(method: &str, statistics: Option<(&str, usize)>, end: End, taken: &mut HashSet<String>) -> String {
    let mut stem = method.to_owned();
    if let Some((calibration, samples)) = statistics {
        stem = format!("{stem}-{calibration}-{samples}");
    }
    if end == End::Largest {
        stem.push_str("-largest");
    }
    names::free(&stem, taken)
}

/// Resolves the `arms` key.
pub(super) fn resolve(node: &Node, known: &Known, errors: &mut Errors) -> Vec<Placed> {
    let elements = errors.keep(node.elements("a list of arms, each {method: NAME, ...}"));
    if elements.is_some_and(<[_]>::is_empty) {
        errors.at(&node.span, "`arms` is empty: list at least one, e.g. {method: plain-svd}");
    }
    let mut arms = Vec::new();
    let (mut ids, mut labels) = (HashSet::new(), HashMap::new());
    for node in elements.unwrap_or_default() {
        let Some(draft) = draft(node, known, errors) else { continue };
        let (label, label_span) = match &draft.label {
            Some(label) => (label.value.clone(), &label.span),
            None => (draft.automatic_label(), &node.span),
        };
        errors.keep(distinct(&label, label_span, &mut labels));
        let span = draft.samples_span.clone().unwrap_or_else(|| node.span.clone());
        let id = draft.id(&mut ids);
        let Draft { method, calibration, samples, end, evaluations, .. } = draft;
        arms.push(Placed { arm: Arm { id, label, method, calibration, samples, end, evaluations }, span });
    }
    arms
}

/// An arm before it has a name.
struct Draft {
    method: Arc<dyn Method>,
    calibration: Option<String>,
    samples: Option<usize>,
    samples_span: Option<Span>,
    end: End,
    label: Option<Spanned<String>>,
    evaluations: Vec<String>,
}

impl Draft {
    fn automatic_label(&self) -> String {
        let title = match self.end {
            End::Smallest => self.method.title().to_owned(),
            End::Largest => format!("{}, largest", self.method.title()),
        };
        match (&self.calibration, self.samples) {
            (Some(calibration), Some(1)) => format!("{title} (1 {calibration} sample)"),
            (Some(calibration), Some(samples)) => format!("{title} ({samples} {calibration} samples)"),
            _ => title,
        }
    }

    fn id(&self, taken: &mut HashSet<String>) -> String {
        unique_id(self.method.name(), self.calibration.as_deref().zip(self.samples), self.end, taken)
    }
}

fn draft(node: &Node, known: &Known, errors: &mut Errors) -> Option<Draft> {
    let pairs = errors.keep(node.pairs("an arm: {method: NAME, ...}"))?;
    let (common, own): (Vec<_>, Vec<_>) =
        pairs.iter().cloned().partition(|(key, _)| raw::ARM_KEYS.contains(&key.name.as_str()));
    let part = |pairs| Node { value: Value::Mapping(pairs), span: node.span.clone() };
    let raw: raw::Arm = errors.keep(yaml::from_node(&part(common)))?;

    let entry = known.methods.iter().find(|entry| entry.name == *raw.method);
    let names = known.methods.iter().map(|entry| entry.name);
    let found = entry.ok_or_else(|| Error::unknown(&raw.method.span, "method", &raw.method, names));
    let evaluations = evaluations(raw.evaluate.as_ref(), known, errors);
    let method = errors.keep(found).and_then(|entry| {
        errors.keep((entry.read)(&part(own)).map_err(|error| error.also_known(raw::ARM_KEYS).or_at(&node.span)))
    });
    let (calibration, samples) = statistics(&raw, method.as_deref(), known, errors);
    let samples_span = raw.samples.map(|samples| samples.span);
    let end = raw.end.unwrap_or_default();
    Some(Draft { method: method?, calibration, samples, samples_span, end, label: raw.label, evaluations })
}

/// The calibration and the number of its samples that an arm uses.
fn statistics(
    raw: &raw::Arm,
    method: Option<&dyn Method>,
    known: &Known,
    errors: &mut Errors,
) -> (Option<String>, Option<usize>) {
    let names = || known.calibrations.iter().map(|(key, _)| key.name.as_str());
    let Some(wanted) = &raw.calibration else {
        if method.is_some_and(|method| method.needs() == Needs::Statistics) {
            let keys: Vec<String> = names().map(|name| format!("`calibration: {name}`")).collect();
            let keys = if keys.is_empty() { "a calibration under `calibrations`".into() } else { keys.join(" or ") };
            let message = format!("`{}` needs statistics: add {keys}", *raw.method);
            errors.at(&raw.method.span, message);
        } else if let Some(samples) = &raw.samples {
            errors.at(&samples.span, "`samples` is the number of calibration samples, and this arm has no calibration");
        }
        return (None, None);
    };
    if method.is_some_and(|method| method.needs() == Needs::Nothing) {
        errors.at(&wanted.span, format!("`{}` needs no statistics: remove `calibration` here", *raw.method));
        return (None, None);
    }
    let Some((_, calibration)) = known.calibrations.iter().find(|(key, _)| key.name == **wanted) else {
        errors.push(Error::unknown(&wanted.span, "calibration", wanted, names()));
        return (None, None);
    };
    let Some((calibration, _)) = calibration else { return (None, None) };
    let samples = raw.samples.as_ref().map_or(calibration.samples, |samples| **samples);
    if let Some(span) = raw.samples.as_ref().map(|samples| &samples.span) {
        if samples == 0 {
            errors.at(span, "`samples` is 0; it must be at least 1");
        } else if samples > calibration.samples {
            let (most, name) = (calibration.samples, &calibration.name);
            errors.at(span, format!("{samples} samples exceed the {most} of calibration `{name}`"));
        }
    }
    (Some(calibration.name.clone()), Some(samples))
}

/// The evaluations an arm names, in the order of the spec; all if it names none.
fn evaluations(node: Option<&Node>, known: &Known, errors: &mut Errors) -> Vec<String> {
    let all = || known.evaluations.iter().map(|(key, _): &(Key, _)| key.name.as_str());
    let Some(node) = node else { return all().map(str::to_owned).collect() };
    let elements = errors.keep(node.elements("a list of evaluations' names"));
    if elements.is_some_and(<[_]>::is_empty) {
        errors
            .at(&node.span, "this arm is not measured: name an evaluation, or leave out `evaluate` to use all of them");
    }
    let mut wanted = HashSet::new();
    for node in elements.unwrap_or_default() {
        let Some(name) = errors.keep(yaml::from_node::<String>(node)) else { continue };
        if !all().any(|known| known == name) {
            errors.push(Error::unknown(&node.span, "evaluation", &name, all()));
        }
        wanted.insert(name);
    }
    all().filter(|name| wanted.contains(*name)).map(str::to_owned).collect()
}

/// Refuses a label that another arm, or the undamaged model, has.
fn distinct(label: &str, span: &Span, labels: &mut HashMap<String, Span>) -> Result<(), Error> {
    if label.trim().is_empty() {
        return Err(Error::at(span, "the label is empty"));
    }
    if label.chars().any(char::is_control) {
        return Err(Error::at(span, "a label must be one line of text, without tabs or other control characters"));
    }
    // Tables and pages show white space as one blank.
    let shown = label.split_whitespace().collect::<Vec<_>>().join(" ");
    if shown == "Undamaged" {
        return Err(Error::at(span, "`Undamaged` is the label of the model without decomposition: choose another"));
    }
    match labels.insert(shown, span.clone()) {
        None => Ok(()),
        Some(first) => {
            let message = format!(
                "this arm and the one at {first} have the same label `{label}`: give each a `label` of its own"
            );
            Err(Error::at(span, message))
        }
    }
}
