//! The samples of a calibration, counted: whether there are as many, and what there is to say of them.

use super::library::{Count, Library, Reader, Whole};
use super::too_few;
use crate::corpus::{self, CorpusError, Length, Sampling, sample};
use crate::spec::{Calibration, TextPlace, Warning, WarningKind};

/// Characters that counting a calibration's samples tokenises, at most.
pub(super) fn characters(calibration: &Calibration, whole: &Whole) -> usize {
    let Calibration { samples, length, sampling, .. } = calibration;
    match sampling {
        Sampling::RandomCharacters => samples.saturating_mul(*length).saturating_mul(corpus::BYTES_A_TOKEN),
        Sampling::Documents => whole.text.documents.iter().take(*samples).map(String::len).sum(),
        Sampling::Contiguous => {
            whole.joined.len().min(samples.saturating_mul(*length).saturating_mul(corpus::BYTES_A_TOKEN))
        }
    }
}

/// Tokens of each sample of a calibration.
pub(super) fn sampled(
    calibration: &Calibration,
    whole: &Whole,
    reader: &Reader,
    library: &Library,
    key: &str,
) -> Result<Vec<u32>, CorpusError> {
    let Calibration { samples, length, sampling, seed, .. } = calibration;
    if *sampling != Sampling::Contiguous {
        // Of the characters that the official sampler tokenises for a sample, mostly half have the tokens that it takes.
        let encode = |text: &str| match corpus::length(text, *length, &|text| {
            reader.tokenizer.encode(text).map_err(|e| e.to_string())
        })? {
            Length::Enough => Ok(vec![0; *length]),
            Length::Whole(tokens) => Ok(tokens),
        };
        let found = sample::samples(&whole.text, *sampling, *seed, *samples, *length, &encode)?;
        return Ok(found.iter().map(|tokens| tokens.len() as u32).collect());
    }
    let wanted = samples.saturating_mul(*length);
    let found = library.count(key, wanted, whole, reader, true);
    match found.map_err(|what| CorpusError::Encode { sample: 0, what })? {
        Count::All(tokens) if tokens < wanted => Err(too_few("samples", *samples, *length, tokens)),
        Count::All(_) | Count::AtLeast(_) => Ok(vec![*length as u32; *samples]),
    }
}

/// What there is to say of samples that the text cuts short, or that have more tokens together than the text (`text`, where
/// that is less). A document is as long as it is.
pub(super) fn cut_short(
    calibration: &Calibration,
    place: &TextPlace,
    lengths: &[u32],
    text: Option<usize>,
) -> Vec<Warning> {
    let Calibration { name, length, sampling, .. } = calibration;
    let (Some(&shortest), Some(&longest)) = (lengths.iter().min(), lengths.iter().max()) else { return Vec::new() };
    if *sampling != Sampling::RandomCharacters {
        return Vec::new();
    }
    let mut found = Vec::new();
    let short = lengths.iter().filter(|tokens| (**tokens as usize) < *length).count();
    let (calibration, samples) = (name.clone(), lengths.len());
    if short > 0 {
        let tokens = (shortest as usize, longest as usize);
        let kind =
            WarningKind::ShortSamples { calibration: calibration.clone(), samples, short, tokens, length: *length };
        found.push(Warning { kind, span: place.length.clone() });
    }
    let tokens = lengths.iter().map(|tokens| *tokens as usize).sum();
    if let Some(text) = text.filter(|text| *text < tokens) {
        let kind = WarningKind::OverlappingSamples { calibration, samples, tokens, text };
        found.push(Warning { kind, span: place.count.clone() });
    }
    found
}

/// What no tokenizer could make right.
pub(super) fn without_tokenizer(calibration: &Calibration, whole: &Whole) -> Result<(), CorpusError> {
    let Calibration { samples, length, sampling, seed, .. } = calibration;
    let (bytes, documents) = (whole.joined.len(), whole.text.documents.len());
    let most = corpus::most_tokens(bytes);
    match sampling {
        Sampling::RandomCharacters => {
            sample::starts(*seed, whole.joined.chars().count(), *length, *samples).map(|_| ())
        }
        Sampling::Documents if documents < *samples => {
            let what = "samples of one document each".to_owned();
            Err(CorpusError::TooFew { what, wanted: *samples, available: documents, why: " documents".to_owned() })
        }
        Sampling::Contiguous if most < samples.saturating_mul(*length) => {
            let (what, why) = (format!("samples of {length} tokens"), format!(" at most, in {bytes} bytes"));
            Err(CorpusError::TooFew { what, wanted: *samples, available: most / length, why })
        }
        Sampling::Documents | Sampling::Contiguous => Ok(()),
    }
}
