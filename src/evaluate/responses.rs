//! The losses of right answers: the mean loss of each example's response tokens.

use rayon::prelude::*;

use crate::model::ModelError;
use crate::model::generate::runs;
use crate::model::packed;
use crate::model::tokenised::Tokenised;
use crate::model::weights::Weights;

/// The most rows of a pass, unless a single example is longer.
const ROWS: usize = 512;

/// The mean loss of each example's response tokens, in nats per token. Consecutive examples are the rows of one pass, each seeing
/// only itself, and one thread computes a pass, so losses do not depend on the number of threads. Every pass asks for every
/// block, so `weights` should be in memory.
pub fn response_losses(weights: &dyn Weights, examples: &[Tokenised]) -> Result<Vec<f64>, ModelError> {
    check(weights.config().shape.context, examples)?;
    let passes: Vec<&[Tokenised]> = runs(examples, ROWS, Tokenised::inputs).collect();
    let losses = passes.par_iter().with_max_len(1).map(|pass| packed::response_losses(weights, pass.iter()));
    let losses = losses.collect::<Result<Vec<_>, _>>()?;
    let mean = |losses: &Vec<f64>| losses.iter().sum::<f64>() / losses.len() as f64;
    Ok(losses.iter().flatten().map(mean).collect())
}

fn check(context: usize, examples: &[Tokenised]) -> Result<(), ModelError> {
    for (index, Tokenised { tokens, response }) in examples.iter().enumerate() {
        if tokens.len() < 2 || *response >= tokens.len() {
            let why = format!("{} tokens, response from {response}: nothing to predict", tokens.len());
            return Err(ModelError::Prompt { index, why });
        }
        if tokens.len() > context {
            let why = format!("{} tokens exceed the context of {context}", tokens.len());
            return Err(ModelError::Prompt { index, why });
        }
    }
    Ok(())
}
