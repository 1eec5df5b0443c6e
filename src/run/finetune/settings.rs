//! What a fine-tuning experiment says of itself on its page: settings, and examples that were left out.

use crate::run::RunError;
use crate::run::session::Run;
use crate::spec::Experiment;

/// A line where examples were too long to be learned.
pub(in crate::run) fn too_long(run: &Run) -> Result<Option<String>, RunError> {
    let train = run.training()?;
    let lesson = run.lesson(&train.corpus, train.examples, train.length)?;
    let (long, all) = (lesson.too_long, lesson.too_long + lesson.examples.len());
    Ok((long > 0)
        .then(|| format!("{long} of {all} examples are longer than {} tokens: left out, not cut", train.length)))
}

/// What was trained and asked, one line each.
pub(in crate::run) fn settings(experiment: &Experiment) -> Vec<String> {
    let Some(train) = &experiment.train else { return Vec::new() };
    let all = |n: Option<usize>| n.map_or("all".into(), |n| n.to_string());
    let (learned, checked) = (&train.corpus, &train.validation);
    let mut lines = vec![
        format!(
            "training: {} examples of {}/{}, at most {} tokens each, {} epoch{}, {} examples per step; loss on the response only",
            all(train.examples),
            learned.name,
            learned.split,
            train.length,
            train.epochs,
            if train.epochs == 1 { "" } else { "s" },
            train.batch
        ),
        format!(
            "AdamW, cosine schedule, warm-up {}, weight decay {}, gradients clipped at {}",
            train.warmup,
            train.weight_decay,
            train.clip.map_or("no norm".into(), |clip| clip.to_string())
        ),
        format!(
            "learning rates chosen by the loss on {} examples of {}/{} from seed {}; seeds {}",
            all(train.validation_examples),
            checked.name,
            checked.split,
            train.seeds[0],
            train.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        ),
    ];
    lines.extend(experiment.questions.iter().map(|questions| {
        let (corpus, tokens) = (&questions.corpus, questions.tokens);
        let count = all(questions.examples);
        format!(
            "questions {}: {count} of {}/{}, answers of at most {tokens} tokens",
            questions.name, corpus.name, corpus.split
        )
    }));
    lines
}
