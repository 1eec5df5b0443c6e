//! Calibration samples: where they start, and their tokens.
//!
//! `random-characters` reproduces the official code exactly: the same seed picks the same places of a text, counted in
//! characters. The caller passes the tokenizer as a function, which may be called from several threads.

use rayon::prelude::*;

use super::mersenne::Random;
use super::{CorpusError, Sampling, Text};

/// Turns text into token ids, with whatever the tokenizer adds at the start. Errors are for people.
pub type Encode<'a> = &'a (dyn Fn(&str) -> Result<Vec<u32>, String> + Sync);

/// The official code tokenises this many characters for each token it wants, then cuts.
const CHARACTERS_A_TOKEN: usize = 10;

/// Start positions of the official sampler, in characters: `randint(0, characters - length - 1)` for each sample, after
/// `random.seed(seed)`.
///
/// # Errors
/// A text of at most `length` characters.
pub fn starts(seed: u64, characters: usize, length: usize, samples: usize) -> Result<Vec<usize>, CorpusError> {
    let last = characters
        .checked_sub(length)
        .and_then(|rest| rest.checked_sub(1))
        .ok_or(CorpusError::TooShort { characters, length })?;
    let mut random = Random::seeded(seed);
    Ok((0..samples).map(|_| random.up_to(last as u64) as usize).collect())
}

/// `samples` samples of at most `length` tokens, in an order that does not depend on threads.
///
/// - `random-characters`: as the official code; a sample near the end of the text may be shorter.
/// - `contiguous`: the joined text's tokens cut into runs of exactly `length`.
/// - `documents`: the first documents that have tokens, each cut at `length`.
///
/// Only `random-characters` uses `seed`. A smaller number of samples is a prefix of a larger one.
///
/// # Errors
/// If there is too little text for so many samples (the message says how many there are), a sample has no tokens, or the
/// tokenizer refuses a text.
pub fn samples(
    text: &Text,
    sampling: Sampling,
    seed: u64,
    samples: usize,
    length: usize,
    encode: Encode,
) -> Result<Vec<Vec<u32>>, CorpusError> {
    if length == 0 {
        return Err(CorpusError::ZeroLength);
    }
    match sampling {
        Sampling::RandomCharacters => random_characters(&text.joined(), seed, samples, length, encode),
        Sampling::Contiguous => contiguous(text, samples, length, encode),
        Sampling::Documents => documents(text, samples, length, encode),
    }
}

fn random_characters(
    text: &str,
    seed: u64,
    samples: usize,
    length: usize,
    encode: Encode,
) -> Result<Vec<Vec<u32>>, CorpusError> {
    let characters = Characters::of(text);
    let starts = starts(seed, characters.count, length, samples)?;
    let encoded: Vec<_> = starts
        .par_iter()
        .map(|&start| encode(characters.slice(start, length.saturating_mul(CHARACTERS_A_TOKEN))))
        .collect();
    let mut all = Vec::with_capacity(samples);
    for (sample, (tokens, start)) in encoded.into_iter().zip(starts).enumerate() {
        let mut tokens = tokens.map_err(|what| CorpusError::Encode { sample, what })?;
        tokens.truncate(length);
        if tokens.is_empty() {
            return Err(CorpusError::NoToken { sample, start });
        }
        all.push(tokens);
    }
    Ok(all)
}

fn contiguous(text: &Text, samples: usize, length: usize, encode: Encode) -> Result<Vec<Vec<u32>>, CorpusError> {
    let wanted = samples.saturating_mul(length);
    let mut budget = wanted.saturating_mul(CHARACTERS_A_TOKEN);
    // A long text is not tokenised to its end for a few samples. The first tokens of a text do not depend on what follows
    // a document further on, but the last few may: one sample more than wanted must be there before a prefix will do.
    loop {
        let (part, whole) = beginning(text, budget);
        let tokens = encode(&part).map_err(|what| CorpusError::Encode { sample: 0, what })?;
        if tokens.len() >= wanted.saturating_add(length) || (whole && tokens.len() >= wanted) {
            return Ok(tokens.chunks_exact(length).take(samples).map(<[u32]>::to_vec).collect());
        }
        if whole {
            let what = format!("samples of {length} tokens");
            let why = format!(" ({} tokens)", tokens.len());
            return Err(CorpusError::TooFew { what, wanted: samples, available: tokens.len() / length, why });
        }
        budget = budget.saturating_mul(2);
    }
}

/// The first whole documents that together have at least `bytes` bytes, joined; and whether these are all.
fn beginning(text: &Text, bytes: usize) -> (String, bool) {
    let mut part = String::new();
    for (index, document) in text.documents.iter().enumerate() {
        if part.len() >= bytes && index > 0 {
            return (part, false);
        }
        if index > 0 {
            part.push_str(Text::SEPARATOR);
        }
        part.push_str(document);
    }
    (part, true)
}

fn documents(text: &Text, samples: usize, length: usize, encode: Encode) -> Result<Vec<Vec<u32>>, CorpusError> {
    let mut all = Vec::new();
    let mut next = 0;
    let mut empty = 0;
    while all.len() < samples && next < text.documents.len() {
        // As many as are still missing: more are looked at only if some of these are empty.
        let end = text.documents.len().min(next + samples - all.len());
        let batch: Vec<_> = text.documents[next..end].par_iter().map(|document| encode(document)).collect();
        for (at, tokens) in batch.into_iter().enumerate() {
            let mut tokens = tokens.map_err(|what| CorpusError::Encode { sample: next + at, what })?;
            tokens.truncate(length);
            match tokens.is_empty() {
                true => empty += 1,
                false => all.push(tokens),
            }
        }
        next = end;
    }
    if all.len() < samples {
        let why = format!(" documents with tokens ({} in all, {empty} of them empty)", text.documents.len());
        let what = "samples of one document each".to_owned();
        return Err(CorpusError::TooFew { what, wanted: samples, available: all.len(), why });
    }
    Ok(all)
}

/// A string that can be sliced by characters without walking it from the start.
struct Characters<'a> {
    text: &'a str,
    /// Byte offset of every [`Self::STRIDE`]th character.
    marks: Vec<usize>,
    count: usize,
}

impl<'a> Characters<'a> {
    const STRIDE: usize = 1024;

    fn of(text: &'a str) -> Self {
        let mut marks = Vec::new();
        let mut count = 0;
        for (offset, _) in text.char_indices() {
            if count % Self::STRIDE == 0 {
                marks.push(offset);
            }
            count += 1;
        }
        Self { text, marks, count }
    }

    /// Python's `text[start : start + length]`.
    fn slice(&self, start: usize, length: usize) -> &'a str {
        &self.text[self.offset(start)..self.offset(start.saturating_add(length))]
    }

    /// Byte offset of character `index`, or the end of the text.
    fn offset(&self, index: usize) -> usize {
        if index >= self.count {
            return self.text.len();
        }
        let mark = self.marks[index / Self::STRIDE];
        let walked = self.text[mark..].char_indices().nth(index % Self::STRIDE);
        mark + walked.map_or(0, |(offset, _)| offset)
    }
}

#[cfg(test)]
mod tests;
