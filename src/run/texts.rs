//! What the texts of an experiment have for it: counted before anything is computed, where text and tokenizer are at hand.
//!
//! `check`, `plan` and `run` all ask here. Nothing is fetched: of a text that is not in the cache nothing is said, and
//! without the model's tokenizer only what no tokenizer could make right. Counts are kept in the cache by their content, and a
//! long text is tokenised only as far as the question goes.

mod known;
mod library;
mod samples;

use std::rc::Rc;

use rayon::prelude::*;

use super::{Context, RunError, sources};
use crate::assets::AssetError;
use crate::cache::ReadArrays;
use crate::corpus::{self, Bos, CorpusError, Format, Sampling, records};
use crate::model::tokenised::Tokenised;
use crate::plan::Plan;
use crate::spec::{
    Calibration, Corpus, Evaluation, Experiment, Loaded, Places, Questions, SpecErrors, TextPlace, Train, Warning,
    WarningKind, merge_warnings, thin,
};
use crate::yaml::Span;

pub use known::{Asked, Known};
use library::{Count, Reader, Whole};
pub use library::{Library, Patience};
use samples::{characters, cut_short, sampled, without_tokenizer};

/// Counts what an experiment's texts have.
///
/// # Errors
/// Everything that a text is too short for, at its place in the spec.
pub fn look(
    experiment: &Experiment,
    places: &Places,
    warnings: &[Warning],
    plan: &Plan,
    context: &Context,
    library: &Library,
) -> Result<Known, SpecErrors> {
    let mut desk = Desk { experiment, plan, context, library, errors: SpecErrors::default() };
    let mut known = Known::default();
    let mut more = Vec::new();
    for (i, (calibration, place)) in experiment.calibrations.iter().zip(&places.calibrations).enumerate() {
        let found = desk.samples(i, calibration, place);
        if let Some((lengths, text)) = &found {
            more.extend(cut_short(calibration, place, lengths, *text));
        }
        known.samples.push(found.map(|(lengths, _)| lengths));
    }
    for (i, (evaluation, place)) in experiment.evaluations.iter().zip(&places.evaluations).enumerate() {
        let windows = desk.windows(i, evaluation, place);
        known.windows.push(windows);
        more.extend(desk.without_bos(evaluation, place));
    }
    for (i, (questions, place)) in experiment.questions.iter().zip(&places.questions).enumerate() {
        let prompts = desk.prompts(i, questions, place);
        known.prompts.push(prompts);
    }
    if let (Some(train), Some(place), Some(validation)) = (&experiment.train, &places.train, &places.validation) {
        known.examples = desk.lessons(train, place, validation);
    }
    let errors = desk.errors;
    let counted = |calibration: usize, samples: usize| {
        let lengths = known.samples.get(calibration)?.as_ref()?;
        Some(lengths.get(..samples)?.iter().map(|tokens| *tokens as usize).sum())
    };
    // Samples that were counted may have fewer tokens than the file asks for.
    let small = |warning: &Warning| matches!(warning.kind, WarningKind::SmallCalibration { .. });
    let mut all: Vec<Warning> = warnings.iter().filter(|warning| !small(warning)).cloned().collect();
    all.extend(thin(experiment, &places.arms, &counted));
    all.extend(more);
    known.warnings = all;
    errors.into_result(known)
}

/// Counts what the texts of a file have, of a sweep for every variant; each variant's, and the warnings of all said once.
///
/// # Errors
/// As [`look`]; and sources that cannot be identified.
pub fn look_all(
    loaded: &Loaded,
    context: &Context,
    patience: Patience,
) -> Result<(Vec<Known>, Vec<Warning>), RunError> {
    let library = Library::new(context, patience);
    let one = |experiment: &Experiment, places, warnings: &[Warning]| {
        let plan = match sources::plan(experiment, &context.store) {
            Ok(plan) => plan,
            // A revision that can move is known once it is fetched.
            Err(RunError::Asset(why))
                if patience == Patience::Check
                    && matches!(&why, AssetError::BadSource { origin, .. } if !origin.starts_with("path:")) =>
            {
                return Ok(Ok(Known { warnings: warnings.to_vec(), ..Known::default() }));
            }
            Err(error) => return Err(error),
        };
        Ok::<_, RunError>(look(experiment, places, warnings, &plan, context, &library))
    };
    let Some(sweep) = &loaded.sweep else {
        let known = one(&loaded.experiment, &loaded.places, &loaded.warnings)??;
        let warnings = known.warnings.clone();
        return Ok((vec![known], warnings));
    };
    let (mut all, mut errors) = (Vec::new(), SpecErrors::default());
    for variant in &sweep.variants {
        match one(&variant.experiment, &variant.places, &variant.warnings)? {
            Ok(known) => all.push(known),
            Err(found) => {
                // What several variants have wrong is said once.
                let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let new = found.iter().filter(|error| !said.contains(&error.to_string())).cloned();
                new.for_each(|error| errors.push(error));
            }
        }
    }
    let all = errors.into_result(all)?;
    let warnings = merge_warnings(&sweep.variants, all.iter().map(|known| known.warnings.as_slice()));
    Ok((all, warnings))
}

/// An experiment whose texts are looked at.
struct Desk<'a> {
    experiment: &'a Experiment,
    plan: &'a Plan,
    context: &'a Context,
    library: &'a Library<'a>,
    errors: SpecErrors,
}

impl Desk<'_> {
    fn reader(&self) -> Option<Rc<Reader>> {
        self.library.reader(&self.experiment.model.source)
    }

    /// A text, if it is there; what is wrong with it is said at `place`.
    fn text(&mut self, who: &str, corpus: &Corpus, place: &Span) -> Option<Rc<Whole>> {
        let found = self.library.text(corpus);
        found.map_err(|why| self.errors.at(place, format!("{who}: {why}"))).ok().flatten()
    }

    /// Tokens of a calibration's samples, and of its text if those are fewer than the samples' together.
    fn samples(
        &mut self,
        index: usize,
        calibration: &Calibration,
        place: &TextPlace,
    ) -> Option<(Vec<u32>, Option<usize>)> {
        let key = self.plan.lengths.samples[index].clone();
        let wanted = |lengths: &[u32]| lengths.iter().map(|tokens| *tokens as usize).sum::<usize>();
        let of_text = |count| if let Count::All(tokens) = count { Some(tokens) } else { None };
        // Only samples at random places can overlap.
        let random = calibration.sampling == Sampling::RandomCharacters;
        let before = self.library.kept(&key, "samples").and_then(|lengths| {
            let count = if random { self.library.counted(&key, wanted(&lengths))? } else { Count::AtLeast(0) };
            Some((lengths, of_text(count)))
        });
        if before.is_some() {
            return before;
        }
        let who = format!("calibration `{}`", calibration.name);
        let whole = self.text(&who, &calibration.corpus, &place.corpus)?;
        let affords = self.library.affords(characters(calibration, &whole));
        let reader = self.reader().filter(|_| affords);
        let Some(reader) = reader else {
            let possible = without_tokenizer(calibration, &whole);
            possible.unwrap_or_else(|error| self.refuse(&who, &calibration.corpus, place, &error));
            return None;
        };
        let refused = |what| CorpusError::Encode { sample: 0, what };
        let found = sampled(calibration, &whole, &reader, self.library, &key).and_then(|lengths| {
            let count = if random {
                self.library.count(&key, wanted(&lengths), &whole, &reader, true).map_err(refused)?
            } else {
                Count::AtLeast(0)
            };
            Ok((lengths, of_text(count)))
        });
        match found {
            Ok(found) => {
                self.library.keep(&key, "samples", &found.0);
                Some(found)
            }
            Err(error) => {
                self.refuse(&who, &calibration.corpus, place, &error);
                None
            }
        }
    }

    /// Says that a text does not do, at what asks too much of it.
    fn refuse(&mut self, who: &str, corpus: &Corpus, place: &TextPlace, error: &CorpusError) {
        let span = match error {
            CorpusError::TooFew { available: 0, .. } | CorpusError::TooShort { .. } => &place.length,
            CorpusError::TooFew { .. } => &place.count,
            _ => &place.corpus,
        };
        self.errors.at(span, format!("{who}: {}", in_words(error, corpus)));
    }

    /// Windows that an evaluation measures; for `all` of a long text, none is known before a run counts them.
    fn windows(&mut self, index: usize, evaluation: &Evaluation, place: &TextPlace) -> Option<usize> {
        let Evaluation { name, corpus, windows, length, bos } = evaluation;
        let who = format!("evaluation `{name}`");
        let key = self.plan.tokens[index].clone();
        let count = match self.tokens(&who, &key, evaluation, place)? {
            Ok(count) => count,
            Err(error) => {
                self.refuse(&who, corpus, place, &error);
                return None;
            }
        };
        let Count::All(tokens) = count else { return *windows };
        let available = tokens / bos.of_text(*length);
        let wanted = windows.unwrap_or(1);
        if wanted <= available {
            return Some(windows.unwrap_or(available));
        }
        self.refuse(&who, corpus, place, &too_few("windows", wanted, *length, tokens));
        None
    }

    /// The warning that a model with a beginning-of-text token is measured without it; the error that there is no such token.
    fn without_bos(&mut self, evaluation: &Evaluation, place: &TextPlace) -> Option<Warning> {
        let family = self.experiment.model.shape.family;
        let tokenizer = || self.reader().map(|reader| (reader.tokenizer.bos(), reader.tokenizer.encode("").ok()));
        let lacks = match evaluation.bos {
            // The first window of a text has the token.
            Bos::Stream => family.bos_each_window && evaluation.windows != Some(1),
            Bos::None => tokenizer().is_some_and(|(_, added)| added.is_some_and(|ids| !ids.is_empty())),
            Bos::Window => {
                if let Some((None, _)) = tokenizer() {
                    let (evaluation, model) = (evaluation.name.clone(), self.experiment.model.name.clone());
                    let error = RunError::NoBos { evaluation, model };
                    self.errors.at(&place.length, error.to_string());
                }
                false
            }
        };
        let kind = WarningKind::WithoutBos { evaluation: evaluation.name.clone(), each: family.bos_each_window };
        lacks.then(|| Warning { kind, span: place.length.clone() })
    }

    /// Tokens of an evaluation's text; nothing where text or tokenizer are not at hand.
    fn tokens(
        &mut self,
        who: &str,
        key: &str,
        evaluation: &Evaluation,
        place: &TextPlace,
    ) -> Option<Result<Count, CorpusError>> {
        let Evaluation { corpus, windows, length, bos, .. } = evaluation;
        let path = self.context.cache.part("tokens", key, "tokens");
        if let Ok(tokens) = ReadArrays::open(&path).and_then(|file| file.u32("tokens")) {
            return Some(Ok(Count::All(tokens.len())));
        }
        let least = windows.unwrap_or(1).saturating_mul(bos.of_text(*length));
        let all = if windows.is_none() { usize::MAX } else { least };
        if let Some(count) = self.library.counted(key, all) {
            return Some(Ok(count));
        }
        let whole = self.text(who, corpus, &place.corpus)?;
        let Some(reader) = self.reader() else {
            let bytes = whole.joined.len();
            let most = corpus::most_tokens(bytes);
            return (most < least).then(|| {
                let (what, why) = (format!("windows of {length} tokens"), format!(" at most, in {bytes} bytes"));
                Err(CorpusError::TooFew { what, wanted: windows.unwrap_or(1), available: most / length, why })
            });
        };
        let bytes = whole.joined.len();
        // A run counts the windows of a whole text itself.
        let wanted = if self.library.is_check() && self.library.affords(bytes) { all } else { least };
        if !self.library.affords(bytes.min(wanted.saturating_mul(corpus::BYTES_A_TOKEN))) {
            return None;
        }
        let refused = |what| CorpusError::Encode { sample: 0, what };
        Some(self.library.count(key, wanted, &whole, &reader, bos.is_stream()).map_err(refused))
    }

    /// The examples of a part of a corpus of records.
    fn examples(
        &mut self,
        who: &str,
        corpus: &Corpus,
        most: Option<usize>,
        place: &TextPlace,
    ) -> Option<Vec<records::Example>> {
        let Format::Records(format) = &corpus.format else { return None };
        let read = records::examples(format, &corpus.split, &self.library.files(&corpus.source)?);
        let mut all = read.map_err(|why| self.errors.at(&place.corpus, format!("{who}: {why}"))).ok()?;
        if let Some(most) = most.filter(|most| *most > all.len()) {
            let (name, split, there) = (&corpus.name, &corpus.split, all.len());
            let message = format!(
                "{who}: {name}/{split} has {there} examples, and {most} were asked for: ask for at most {there}, or leave \
                 `examples` out for all"
            );
            self.errors.at(&place.count, message);
            return None;
        }
        all.truncate(most.unwrap_or(usize::MAX));
        Some(all)
    }

    /// Tokens of a set of questions, which must leave room for an answer.
    fn prompts(&mut self, index: usize, questions: &Questions, place: &TextPlace) -> Option<Vec<u32>> {
        let who = format!("questions `{}`", questions.name);
        let key = self.plan.lengths.prompts[index].clone();
        let lengths = match self.library.kept(&key, "prompts") {
            Some(lengths) => lengths,
            None => {
                let examples = self.examples(&who, &questions.corpus, questions.examples, place)?;
                let reader = self.reader()?;
                let tokenizer = &reader.tokenizer;
                let count = |e: &records::Example| Some(tokenizer.encode(&e.prompt).ok()?.len() as u32);
                let lengths = examples.par_iter().map(count).collect::<Option<Vec<u32>>>()?;
                self.library.keep(&key, "prompts", &lengths);
                lengths
            }
        };
        let (longest, context) = (lengths.iter().copied().max()? as usize, self.experiment.model.shape.context);
        if longest + questions.tokens > context {
            let tokens = questions.tokens;
            let message = format!(
                "{who}: the longest question has {longest} tokens, and with an answer of {tokens} it goes beyond the \
                 context of {context}: ask for fewer `tokens`"
            );
            self.errors.at(&place.length, message);
        }
        Some(lengths)
    }

    /// Tokens of the examples to learn; of those to choose on, whether any is short enough.
    fn lessons(&mut self, train: &Train, place: &TextPlace, validation: &TextPlace) -> Option<Vec<u32>> {
        let keys = self.plan.lengths.clone();
        let learned = self.lesson("train", (&train.corpus, train.examples), train.length, place, keys.examples?);
        let of = (&train.validation, train.validation_examples);
        self.lesson("validation", of, train.length, validation, keys.validation?);
        learned
    }

    fn lesson(
        &mut self,
        who: &str,
        (corpus, most): (&Corpus, Option<usize>),
        length: usize,
        place: &TextPlace,
        key: String,
    ) -> Option<Vec<u32>> {
        let lengths = match self.library.kept(&key, "examples") {
            Some(lengths) => lengths,
            None => {
                let examples = self.examples(&format!("`{who}`"), corpus, most, place)?;
                let reader = self.reader()?;
                let Reader { tokenizer, end } = reader.as_ref();
                let count = |e: &records::Example| {
                    let one = Tokenised::new(tokenizer, &e.prompt, &e.response, *end).ok()?;
                    Some(one.tokens.len() as u32)
                };
                let lengths = examples.par_iter().map(count).collect::<Option<Vec<u32>>>()?;
                self.library.keep(&key, "examples", &lengths);
                lengths
            }
        };
        let shortest = lengths.iter().copied().min()?;
        if shortest as usize > length {
            let (name, split) = (&corpus.name, &corpus.split);
            let message = format!(
                "`{who}`: no example of {name}/{split} has at most {length} tokens; the shortest has {shortest}"
            );
            self.errors.at(&place.length, message);
            return None;
        }
        Some(lengths.into_iter().filter(|tokens| *tokens as usize <= length).collect())
    }
}

fn too_few(what: &str, wanted: usize, length: usize, tokens: usize) -> CorpusError {
    let what = format!("{what} of {length} tokens");
    CorpusError::TooFew { what, wanted, available: tokens / length, why: format!(" ({tokens} tokens in all)") }
}

/// The error as said of a corpus in a spec.
fn in_words(error: &CorpusError, corpus: &Corpus) -> String {
    let text = format!("{}/{}", corpus.name, corpus.split);
    match error {
        CorpusError::TooFew { what, wanted, available: 0, why } => format!(
            "the text {text} has not one of the {wanted} {what} asked for{why}: use a shorter `length` or a longer text"
        ),
        CorpusError::TooFew { what, .. } if what.contains("document") => format!("{error} (the text is {text})"),
        CorpusError::TooFew { what, wanted, available, why } => {
            let what = if *available == 1 { what.replacen("s of ", " of ", 1) } else { what.clone() };
            format!("the text {text} has {available} {what}{why}, and {wanted} were asked for")
        }
        other => other.to_string(),
    }
}
