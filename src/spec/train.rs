//! The `train` and `questions` keys.

use std::collections::HashSet;

use super::text::{self, Context};
use super::{Arm, Asks, Corpus, Discard, Learner, Questions, Start, TextPlace, Train, raw};
use crate::corpus::Format;
use crate::model::shape::Linear;
use crate::yaml::{self, Error, Errors, Key, Node, Span, Spanned};

/// Learners without a decomposition, by name.
const BESIDE: [&str; 3] = ["full", "lora", "dora"];

// Defaults: the official settings, except for batch and length, which suit small machines.
pub(super) const LENGTH: usize = 512;
pub(super) const EPOCHS: usize = 1;
pub(super) const BATCH: usize = 16;
pub(super) const WARMUP: f64 = 0.03;
pub(super) const WEIGHT_DECAY: f64 = 0.0;
pub(super) const CLIP: f64 = 1.0;

/// The parts of the experiment that learners are made of.
pub(super) struct Parts<'a> {
    pub arms: &'a [Arm],
    pub discard: Option<&'a Discard>,
    pub linears: &'a [Linear],
}

/// Fine-tuning, and its demands on texts.
pub(super) struct Resolved {
    pub train: Train,
    pub examples: TextPlace,
    pub validation: TextPlace,
}

/// Resolves `train`.
pub(super) fn resolve(node: &Node, context: &Context, parts: &Parts, errors: &mut Errors) -> Option<Resolved> {
    let raw: raw::Train = errors.keep(yaml::from_node(node))?;
    let validation: Option<raw::Validation> = errors.keep(yaml::from_node(&raw.validation));
    for (what, value) in
        [("examples", &raw.examples), ("length", &raw.length), ("epochs", &raw.epochs), ("batch", &raw.batch)]
    {
        value.iter().for_each(|value| text::at_least(1, what, value, errors));
    }
    raw.length.iter().for_each(|length| text::within_context(length, context, errors));
    let warmup = share(raw.warmup.as_ref(), errors);
    let weight_decay = not_negative("weight-decay", raw.weight_decay.as_ref(), WEIGHT_DECAY, errors);
    let clip = not_negative("clip", raw.clip.as_ref(), CLIP, errors);
    let (rates, seeds) = (rates(&raw.rates, errors), seeds(&raw.seeds, errors));
    let learners = learners(raw.beside.as_ref(), &rates, parts, errors);
    if learners.is_empty() && errors.is_empty() {
        errors.at(&node.span, "nothing is trained: add arms with `discard`, or `beside: [full]`");
    }
    let corpus = errors.keep(records(&raw.corpus, context));
    let validation_corpus = validation.as_ref().and_then(|v| errors.keep(records(&v.corpus, context)));
    let validation_examples = validation.as_ref().and_then(|v| v.examples.as_ref());
    validation_examples.iter().for_each(|value| text::at_least(1, "examples", value, errors));
    let (corpus, validation_corpus) = (corpus?, validation_corpus?);
    if corpus.id() == validation_corpus.id() {
        errors.at(&raw.validation.span, "learning rates would be chosen on the training examples: name another part");
    }
    let value = |spanned: &Option<Spanned<usize>>, default: usize| spanned.as_ref().map_or(default, |v| **v);
    let place = TextPlace::records(&raw.corpus, raw.examples.as_ref(), raw.length.as_ref());
    let validation_place = validation
        .as_ref()
        .map(|validation| TextPlace::records(&validation.corpus, validation.examples.as_ref(), raw.length.as_ref()));
    let train = Train {
        corpus,
        examples: raw.examples.as_ref().map(|n| **n),
        validation: validation_corpus,
        validation_examples: validation_examples.map(|n| **n),
        length: value(&raw.length, LENGTH),
        epochs: value(&raw.epochs, EPOCHS),
        batch: value(&raw.batch, BATCH),
        warmup,
        weight_decay,
        clip: (clip > 0.0).then_some(clip),
        seeds,
        learners,
    };
    Some(Resolved { train, examples: place, validation: validation_place? })
}

/// Resolves `questions`; those of the corpus that is learned are about the task by default.
pub(super) fn questions(
    node: &Node,
    train: Option<&Train>,
    context: &Context,
    errors: &mut Errors,
) -> Vec<(Key, Questions, TextPlace)> {
    let pairs = errors.keep(node.pairs("questions by name: {NAME: {corpus: ..., examples: N, tokens: N}}"));
    let mut all = Vec::new();
    for (key, node) in pairs.unwrap_or_default() {
        errors.keep(super::safe_name("questions", &key.name, &key.span));
        let raw = yaml::from_node(node).map_err(|error| error.about(format!("questions `{}`", key.name)));
        let Some(raw): Option<raw::Questions> = errors.keep(raw) else { continue };
        raw.examples.iter().for_each(|value| text::at_least(1, "examples", value, errors));
        text::at_least(1, "tokens", &raw.tokens, errors);
        text::within_context(&raw.tokens, context, errors);
        let Some(corpus) = errors.keep(records(&raw.corpus, context)) else { continue };
        if let Some(train) = train
            && [&train.corpus, &train.validation].iter().any(|learned| learned.id() == corpus.id())
        {
            let message = format!(
                "these questions of {}/{} are training or validation examples: use another part",
                corpus.name, corpus.split
            );
            errors.at(&raw.corpus.span, message);
        }
        let learned = train.is_some_and(|train| train.corpus.name == corpus.name);
        let asks = raw.asks.unwrap_or(if learned { Asks::Task } else { Asks::Knowledge });
        let place = TextPlace::records(&raw.corpus, raw.examples.as_ref(), Some(&raw.tokens));
        let (examples, tokens) = (raw.examples.map(|n| n.value), raw.tokens.value);
        all.push((key.clone(), Questions { name: key.name.clone(), corpus, examples, tokens, asks }, place));
    }
    all
}

/// A corpus of records: prompts with answers, not plain text.
fn records(node: &Node, context: &Context) -> Result<Corpus, Error> {
    let corpus = text::corpus(node, context.catalog)?;
    if matches!(corpus.format, Format::Records(_)) {
        return Ok(corpus);
    }
    let known: Vec<&str> = context.catalog.corpora.iter().filter(|c| c.is_records()).map(|c| c.name.as_str()).collect();
    let message = format!(
        "{}/{} is plain text, and a corpus of records (questions with answers) is needed here: {}",
        corpus.name,
        corpus.split,
        known.join(", ")
    );
    Err(Error::at(&node.span, message))
}

/// The learners: those of `beside`, then each arm, at each point that takes components.
fn learners(beside: Option<&Node>, rates: &[f64], parts: &Parts, errors: &mut Errors) -> Vec<Learner> {
    let takes = |discard: &Discard, point: usize| parts.linears.iter().any(|l| discard.components(point, l) > 0);
    let points: Vec<(usize, usize)> = parts.discard.map_or(Vec::new(), |discard| {
        let points = (0..discard.len()).filter(|&point| takes(discard, point));
        points.map(|point| (point, discard.named(point, parts.linears))).collect()
    });
    let mut all = Vec::new();
    let nodes = beside.map(|node| errors.keep(node.elements("a list of full, lora, dora")).unwrap_or_default());
    let mut seen = HashSet::new();
    for node in nodes.unwrap_or_default() {
        let Some(Beside { method, rates: own, label }) = read_beside(node, errors) else { continue };
        if !seen.insert(method.clone()) {
            errors.at(&node.span, format!("`{method}` is listed twice"));
        }
        let usual = match method.as_str() {
            "full" => "Full fine-tuning",
            "dora" => "DoRA",
            _ => "LoRA",
        };
        let place = label.as_ref().map_or(&node.span, |label| &label.span).clone();
        let title = label.map_or_else(|| usual.to_owned(), |label| label.value);
        if let Err(why) = distinct(&title, parts.arms, &all) {
            errors.at(&place, why);
        }
        let rates = own.unwrap_or_else(|| rates.to_vec());
        match method.as_str() {
            "full" => {
                all.push(Learner { id: method, label: title, start: Start::Full, rates });
            }
            _ if points.is_empty() => {
                errors.at(&node.span, format!("`{method}` needs a rank: add `discard: {{components: [r]}}`"));
            }
            _ => all.extend(points.iter().map(|&(point, r)| {
                let start = if method == "dora" { Start::Dora { point } } else { Start::Lora { point } };
                Learner { id: format!("{method}-r{r}"), label: title.clone(), start, rates: rates.clone() }
            })),
        }
    }
    for (arm, written) in parts.arms.iter().enumerate() {
        all.extend(points.iter().map(|&(point, r)| Learner {
            id: format!("{}-r{r}", written.id),
            label: written.label.clone(),
            start: Start::Components { arm, point },
            rates: rates.to_vec(),
        }));
    }
    all
}

/// Refuses a label that is empty or used already.
fn distinct(label: &str, arms: &[Arm], learners: &[Learner]) -> Result<(), String> {
    if label.trim().is_empty() || label.chars().any(char::is_control) {
        return Err("a label must be one line of text and not empty".into());
    }
    let taken = arms.iter().map(|arm| &arm.label).chain(learners.iter().map(|learner| &learner.label));
    match taken.into_iter().any(|other| other == label) || label == "Untrained" {
        true => Err(format!("the label `{label}` is used already")),
        false => Ok(()),
    }
}

/// An element of `beside` as written.
struct Beside {
    method: String,
    /// Learning rates of its own.
    rates: Option<Vec<f64>>,
    label: Option<Spanned<String>>,
}

fn read_beside(node: &Node, errors: &mut Errors) -> Option<Beside> {
    let (method, span, own, label) = match node.as_str() {
        Some(name) => (name.to_owned(), node.span.clone(), None, None),
        None => {
            let raw: raw::Beside = errors.keep(yaml::from_node(node))?;
            let own = raw.rates.as_ref().map(|node| rates(node, errors));
            (raw.method.value, raw.method.span, own, raw.label)
        }
    };
    if !BESIDE.contains(&method.as_str()) {
        errors.push(Error::unknown(&span, "method beside the arms", &method, BESIDE));
        return None;
    }
    Some(Beside { method, rates: own, label })
}

fn rates(node: &Node, errors: &mut Errors) -> Vec<f64> {
    let mut all = Vec::new();
    for node in some_elements(node, "learning rates", errors) {
        match errors.keep(yaml::from_node::<f64>(node)) {
            Some(rate) if rate > 0.0 && rate.is_finite() => all.push(rate),
            Some(rate) => errors.at(&node.span, format!("a learning rate must be above 0, not {rate}")),
            None => {}
        }
    }
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}

fn seeds(node: &Node, errors: &mut Errors) -> Vec<u64> {
    let mut all: Vec<u64> = Vec::new();
    for node in some_elements(node, "seeds", errors) {
        let Some(seed) = errors.keep(yaml::from_node::<u64>(node)) else { continue };
        if all.contains(&seed) {
            errors.at(&node.span, format!("seed {seed} is listed twice"));
        }
        all.push(seed);
    }
    all
}

fn some_elements<'a>(node: &'a Node, what: &str, errors: &mut Errors) -> &'a [Node] {
    let elements = errors.keep(node.elements(&format!("a list of {what}")));
    if elements.is_some_and(<[_]>::is_empty) {
        errors.at(&node.span, format!("no {what}: list at least one"));
    }
    elements.unwrap_or_default()
}

fn share(value: Option<&Spanned<f64>>, errors: &mut Errors) -> f64 {
    let Some(value) = value else { return WARMUP };
    if !(0.0..=1.0).contains(&**value) {
        errors.at(&value.span, format!("`warmup` is a share of the steps, from 0 to 1, not {}", **value));
    }
    **value
}

fn not_negative(what: &str, value: Option<&Spanned<f64>>, default: f64, errors: &mut Errors) -> f64 {
    let Some(value) = value else { return default };
    if !(**value >= 0.0 && value.is_finite()) {
        let span: &Span = &value.span;
        errors.at(span, format!("`{what}` is {}; it must be 0 or above", **value));
    }
    **value
}
