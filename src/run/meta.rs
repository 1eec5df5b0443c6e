//! What a report says besides rows: headings, settings, citations.

use crate::corpus::Bos;
use crate::report::Meta;
use crate::results::provenance::{Provenance, Samples};
use crate::spec::{Calibration, Evaluation, Experiment};

use super::finetune::settings;
use super::texts::Known;
use super::{extent, sources};

/// What the report says besides rows.
pub(super) fn meta(experiment: &Experiment, provenance: &Provenance) -> Meta {
    let model = &experiment.model;
    let mut settings = vec![
        format!("model {} ({} parameters)", model.name, model.shape.parameters()),
        format!("targets {} ({} linears)", experiment.targets.describe(), experiment.linears().len()),
        format!("seed {}", experiment.seed),
    ];
    if !model.licence.is_empty() {
        let terms = model.terms.as_ref().map(|terms| format!("; {terms}")).unwrap_or_default();
        settings.insert(1, format!("licence of the model: {}{terms}", model.licence));
    }
    let counted = |c: &Calibration| provenance.samples.iter().find(|samples| samples.calibration == c.name);
    settings.extend(experiment.calibrations.iter().map(|c| sampling(c, counted(c))));
    settings.extend(experiment.evaluations.iter().map(protocol));
    settings.extend(settings::settings(experiment));
    Meta {
        title: experiment.title.clone(),
        description: experiment.description.clone(),
        name: experiment.name.clone(),
        file: experiment.origin.file.clone(),
        command: experiment.command("report"),
        model: model.name.clone(),
        by: extent::by(experiment),
        settings,
        warnings: provenance.warnings.clone(),
        citations: citations(experiment),
        parameters: extent::parameters(experiment),
        largest: experiment.arms.iter().filter(|arm| !arm.end.is_smallest()).map(|arm| arm.id.clone()).collect(),
    }
}

/// How the windows of an evaluation begin.
fn protocol(evaluation: &Evaluation) -> String {
    let Evaluation { name, corpus, length, bos, .. } = evaluation;
    let windows = format!("evaluation {name}: windows of {length} tokens of {}/{}", corpus.name, corpus.split);
    match bos {
        Bos::Stream => format!("{windows}, cut from the text as the tokenizer begins it"),
        Bos::Window => format!("{windows}, each the beginning-of-text token and {} tokens of the text", length - 1),
        Bos::None => format!("{windows}, cut from the text without a beginning-of-text token"),
    }
}

/// A calibration in the settings; samples that are not as long as was asked for are said as they are.
fn sampling(calibration: &Calibration, counted: Option<&Samples>) -> String {
    let Calibration { name, corpus, samples, length, .. } = calibration;
    let of = format!("of {}/{}", corpus.name, corpus.split);
    match counted {
        Some(Samples { shortest, longest, tokens, .. }) if (*shortest as usize) < *length => {
            let each = if shortest == longest { shortest.to_string() } else { format!("{shortest} to {longest}") };
            format!(
                "calibration {name}: {samples} samples of {each} tokens (asked: {length}) {of}, {tokens} tokens in all"
            )
        }
        _ => format!("calibration {name}: {samples} samples of {length} tokens {of}"),
    }
}

/// The paper, then the model and the texts, each once.
pub(super) fn citations(experiment: &Experiment) -> Vec<String> {
    let paper = "Yang et al. (2024). CorDA: Context-Oriented Decomposition Adaptation of Large Language Models for \
                 Task-Aware Parameter-Efficient Fine-tuning. NeurIPS. arXiv:2406.05223.";
    let mut all = vec![paper.to_string()];
    let corpora = sources::corpora(experiment);
    for citation in std::iter::once(&experiment.model.citation).chain(corpora.iter().map(|c| &c.citation)) {
        if !citation.is_empty() && !all.contains(citation) {
            all.push(citation.clone());
        }
    }
    all
}

/// The samples of each calibration as they were counted.
pub(super) fn samples(experiment: &Experiment, known: &Known) -> Vec<Samples> {
    let all = experiment.calibrations.iter().zip(&known.samples);
    let one = |(calibration, lengths): (&Calibration, &Option<Vec<u32>>)| {
        let lengths = lengths.as_ref()?;
        Some(Samples {
            calibration: calibration.name.clone(),
            samples: lengths.len(),
            tokens: lengths.iter().map(|tokens| u64::from(*tokens)).sum(),
            shortest: lengths.iter().copied().min()?,
            longest: lengths.iter().copied().max()?,
        })
    };
    all.filter_map(one).collect()
}
