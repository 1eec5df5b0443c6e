//! The `calibrations` and `evaluate` keys, and the texts they name.

use super::{Calibration, Catalog, Corpus, Evaluation, Model, TextPlace, raw, safe_name, source};
use crate::assets::Source;
use crate::corpus::{Bos, Format, Sampling};
use crate::yaml::{self, Error, Errors, Key, Node, Scalar, Spanned, Value};

/// Things by name with their demands on texts, in the order of the file; `None` if the thing is wrong, which has been
/// reported.
pub(super) type Named<T> = Vec<(Key, Option<(T, TextPlace)>)>;

/// What calibrations and evaluations are resolved against.
pub(super) struct Context<'a> {
    pub catalog: &'a Catalog,
    /// `None` if the model is wrong, which has been reported.
    pub model: Option<&'a Model>,
    /// The experiment's seed.
    pub seed: u64,
}

/// Resolves `calibrations`.
pub(super) fn calibrations(node: Option<&Node>, context: &Context, errors: &mut Errors) -> Named<Calibration> {
    let Some(node) = node else { return Vec::new() };
    let pairs = errors.keep(node.pairs("calibrations by name: {NAME: {corpus: ..., ...}}")).unwrap_or_default();
    let mut all = Vec::new();
    for (key, node) in pairs {
        errors.keep(safe_name("calibration", &key.name, &key.span));
        let raw = yaml::from_node(node).map_err(|error| error.about(format!("calibration `{}`", key.name)));
        let raw: Option<raw::Calibration> = errors.keep(raw);
        all.push((key.clone(), raw.and_then(|raw| calibration(key, raw, context, errors))));
    }
    all
}

fn calibration(
    key: &Key,
    raw: raw::Calibration,
    context: &Context,
    errors: &mut Errors,
) -> Option<(Calibration, TextPlace)> {
    at_least(1, "samples", &raw.samples, errors);
    if raw.samples.value.saturating_mul(raw.length.value) > MOST_TOKENS {
        errors.at(&raw.samples.span, "this asks for more tokens than any text has");
    }
    at_least(1, "length", &raw.length, errors);
    within_context(&raw.length, context, errors);
    let corpus = errors.keep(corpus(&raw.corpus, context.catalog))?;
    let place = TextPlace::calibration(&raw);
    let calibration = Calibration {
        name: key.name.clone(),
        corpus,
        samples: raw.samples.value,
        length: raw.length.value,
        sampling: raw.sampling.unwrap_or(Sampling::RandomCharacters),
        seed: raw.seed.unwrap_or(context.seed),
    };
    Some((calibration, place))
}

/// Resolves `evaluate`.
pub(super) fn evaluations(node: &Node, context: &Context, errors: &mut Errors) -> Named<Evaluation> {
    let pairs = errors.keep(node.pairs("evaluations by name: {NAME: {corpus: ..., ...}}"));
    if pairs.is_some_and(<[_]>::is_empty) {
        errors.at(&node.span, "`evaluate` is empty: name at least one test set, e.g. {wiki: {corpus: ..., ...}}");
    }
    let mut all = Vec::new();
    for (key, node) in pairs.unwrap_or_default() {
        errors.keep(safe_name("evaluation", &key.name, &key.span));
        let raw = yaml::from_node(node).map_err(|error| error.about(format!("evaluation `{}`", key.name)));
        let raw: Option<raw::Evaluation> = errors.keep(raw);
        all.push((key.clone(), raw.and_then(|raw| evaluation(key, raw, context, errors))));
    }
    all
}

fn evaluation(
    key: &Key,
    raw: raw::Evaluation,
    context: &Context,
    errors: &mut Errors,
) -> Option<(Evaluation, TextPlace)> {
    // A window of n tokens has n - 1 predictions.
    at_least(2, "length", &raw.length, errors);
    within_context(&raw.length, context, errors);
    let windows = errors.keep(windows(&raw.windows));
    if windows.flatten().is_some_and(|windows| windows.saturating_mul(raw.length.value) > MOST_TOKENS) {
        errors.at(&raw.windows.span, "this asks for more tokens than any text has");
    }
    let corpus = errors.keep(corpus(&raw.corpus, context.catalog))?;
    let place = TextPlace::evaluation(&raw);
    let needs = context.model.is_some_and(|model| model.shape.family.bos_each_window);
    let bos = raw.bos.unwrap_or(if needs { Bos::Window } else { Bos::Stream });
    Some((Evaluation { name: key.name.clone(), corpus, windows: windows?, length: raw.length.value, bos }, place))
}

fn windows(node: &Node) -> Result<Option<usize>, Error> {
    match &node.value {
        Value::Scalar(Scalar::String(word)) if word == "all" => Ok(None),
        Value::Scalar(Scalar::Integer(number)) if *number > 0 => yaml::from_node(node).map(Some),
        _ => Err(node.unexpected("a number of windows from 1, or `all`")),
    }
}

/// Most tokens of one kind: far beyond any experiment, and small enough that what is made of it never overflows.
const MOST_TOKENS: usize = 1 << 36;
/// Most of anything else that is counted.
const MOST: usize = 1 << 24;

pub(super) fn at_least(least: usize, what: &str, value: &Spanned<usize>, errors: &mut Errors) {
    if **value < least {
        errors.at(&value.span, format!("`{what}` is {}; it must be at least {least}", **value));
    }
    if **value > MOST {
        errors.at(&value.span, format!("`{what}` is {}; it must be at most {MOST}", **value));
    }
}

pub(super) fn within_context(length: &Spanned<usize>, context: &Context, errors: &mut Errors) {
    if let Some(model) = context.model
        && **length > model.shape.context
    {
        let (length_, most) = (**length, model.shape.context);
        let message = format!("a length of {length_} exceeds the context of {}, which is {most} tokens", model.name);
        errors.at(&length.span, message);
    }
}

pub(super) fn corpus(node: &Node, catalog: &Catalog) -> Result<Corpus, Error> {
    if let Some(name) = node.as_str() {
        return catalog_corpus(name, node, catalog);
    }
    let raw: raw::InlineText = yaml::from_node(node)?;
    let written = raw.file.display().to_string();
    let path = source::existing(&raw.file, &raw.file.span)?;
    let sha256 = raw.sha256.as_ref().map(|sha256| source::is_checksum(sha256, &sha256.span)).transpose()?;
    let split = inline_split(&raw)?;
    Ok(Corpus {
        name: written,
        split,
        source: Source::Path { path, sha256 },
        format: inline_format(raw)?,
        licence: String::new(),
        citation: String::new(),
    })
}

/// The part of the file that is taken; `all` for all of it.
fn inline_split(raw: &raw::InlineText) -> Result<String, Error> {
    let Some(split) = &raw.split else { return Ok("all".into()) };
    match &raw.format.value {
        raw::InlineFormat::Records(records) if records.parts.get(split).is_some() => Ok(split.value.clone()),
        raw::InlineFormat::Records(records) => Err(Error::unknown(&split.span, "part", split, records.parts.names())),
        _ => Err(Error::at(&split.span, "this format has no parts; `split` is for records")),
    }
}

fn catalog_corpus(text: &str, node: &Node, catalog: &Catalog) -> Result<Corpus, Error> {
    let (name, split) = text.split_once('/').unwrap_or((text, ""));
    let entry = catalog.corpora.iter().find(|entry| entry.name == name).ok_or_else(|| {
        Error::unknown(&node.span, "corpus", name, catalog.corpora.iter().map(|entry| entry.name.as_str()))
    })?;
    let splits = || entry.splits.iter().map(|(split, _)| split.as_str());
    if split.is_empty() {
        let all: Vec<String> = splits().map(|split| format!("{name}/{split}")).collect();
        return Err(Error::at(&node.span, format!("which split of `{name}`? write one of: {}", all.join(", "))));
    }
    catalog.corpus(name, split).ok_or_else(|| Error::unknown(&node.span, &format!("split of {name}"), split, splits()))
}

fn inline_format(raw: raw::InlineText) -> Result<Format, Error> {
    use raw::InlineFormat::*;
    let format = raw.format.value;
    let needs = |keys: &str| Error::at(&raw.format.span, format!("this format needs {keys}"));
    let result = match &format {
        Text => Format::Text,
        Lines => Format::Lines,
        Jsonl => match (&raw.field, &raw.fields) {
            (Some(field), None) => Format::Jsonl { fields: vec![field.value.clone()] },
            (None, Some(fields)) if !fields.is_empty() => Format::Jsonl { fields: fields.value.clone() },
            _ => return Err(needs("either `field: NAME` or `fields: [NAME, ...]`")),
        },
        Parquet => {
            Format::Parquet { column: raw.column.as_ref().ok_or_else(|| needs("`column: NAME`"))?.value.clone() }
        }
        Records(records) => Format::Records(records.clone()),
    };
    let stray = match format {
        Jsonl => raw.column.map(|column| column.span),
        Parquet => raw.field.map(|field| field.span).or(raw.fields.map(|fields| fields.span)),
        Text | Lines | Records(_) => {
            let fields = raw.field.map(|field| field.span).or(raw.fields.map(|fields| fields.span));
            fields.or(raw.column.map(|column| column.span))
        }
    };
    match stray {
        Some(span) => {
            Err(Error::at(&span, "this key does not belong to this format: `field` is for jsonl, `column` for parquet"))
        }
        None => Ok(result),
    }
}
