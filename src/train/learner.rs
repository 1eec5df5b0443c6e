//! The variables that are trained, and the model that computes with them.

use candle_core::{Tensor, Var};
use rayon::prelude::*;

use super::trained::{Trained, each_tensor, row_norms, tie};
use super::{Start, TrainError, Tuning, ZeroRows};
use crate::adapt::Adapter;
use crate::model::ops::{self, values::Values};
use crate::model::packed::Packed;
use crate::model::weights::{Block, Resident};

/// One trained tensor.
#[derive(Debug)]
pub(super) struct Parameter {
    /// Hugging Face's or PEFT's name.
    pub(super) name: String,
    /// Its values, which an update changes in place.
    pub(super) var: Var,
    /// Whether weight decay applies: not to norms, as Hugging Face has it.
    pub(super) decays: bool,
}

/// The variables of one linear's adapter.
#[derive(Debug)]
struct Adapted {
    a: Tensor,
    b: Tensor,
    /// DoRA's magnitude, [d_out].
    magnitude: Option<Tensor>,
}

/// A model with variables in it.
#[derive(Debug)]
pub(super) struct Learner {
    kind: Tuning,
    model: Resident,
    adapters: Vec<(String, Adapted)>,
    /// Index in `adapters` of each linear of each block.
    places: Vec<Vec<Option<usize>>>,
}

/// What all groups of a step share: for each adapter with a magnitude, 1 / row norms of W + B A.
pub(super) type Inverses = Vec<Option<Tensor>>;

impl Learner {
    /// The model with variables in it, and the variables in a fixed order.
    pub(super) fn new(start: &Start) -> Result<(Self, Vec<Parameter>), TrainError> {
        let places = start.base.blocks.iter().map(|block| vec![None; block.linears.len()]).collect();
        let mut learner = Self { kind: start.kind, model: start.base.clone(), adapters: Vec::new(), places };
        let mut parameters = Vec::new();
        match (start.kind, start.adapters.is_empty()) {
            (Tuning::Full, true) => learner.train_all(&mut parameters)?,
            (Tuning::Full, false) => {
                return Err(TrainError::Settings("adapters and all weights; merge the adapters first".into()));
            }
            (Tuning::Lora | Tuning::Dora, true) => {
                return Err(TrainError::Settings("no adapter and frozen weights".into()));
            }
            (Tuning::Lora | Tuning::Dora, false) => {
                let mut zero = Vec::new();
                for adapter in &start.adapters {
                    learner.train_adapter(adapter, &mut parameters, &mut zero)?;
                }
                if !zero.is_empty() {
                    return Err(TrainError::ZeroRows(zero));
                }
            }
        }
        Ok((learner, parameters))
    }

    fn train_all(&mut self, parameters: &mut Vec<Parameter>) -> Result<(), TrainError> {
        each_tensor(&mut self.model, |name, tensor| {
            // A copy: the caller's weights must not change.
            let var = Var::from_tensor(&tensor.copy()?)?;
            *tensor = var.as_tensor().clone();
            parameters.push(Parameter { name, var, decays: tensor.rank() > 1 });
            Ok(())
        })?;
        tie(&mut self.model);
        Ok(())
    }

    /// Makes the variables of an adapter. For DoRA, rows without a direction are added to `zero`.
    fn train_adapter(
        &mut self,
        adapter: &Adapter,
        parameters: &mut Vec<Parameter>,
        zero: &mut Vec<ZeroRows>,
    ) -> Result<(), TrainError> {
        let refused = |why: String| TrainError::Adapter { linear: adapter.linear.clone(), why };
        let Some((layer, at)) = self.model.config.shape.locate(&adapter.linear) else {
            return Err(refused("only linears of blocks can be adapted while training".into()));
        };
        let weight = self.model.blocks[layer].linears[at].clone();
        let ((d_out, d_in), r) = (weight.dims2()?, adapter.rank);
        if adapter.b.len() != d_out * r || adapter.a.len() != r * d_in || r == 0 {
            return Err(refused(format!("its matrices are not of rank {r} for a linear of {d_out} x {d_in}")));
        }
        let place = &mut self.places[layer][at];
        if place.is_some() {
            return Err(refused("there are two of them".into()));
        }
        *place = Some(self.adapters.len());
        let device = weight.device();
        let mut train = |part: &str, values: &[f32], dims: &[usize]| {
            let var = Var::from_slice(values, dims, device)?;
            let tensor = var.as_tensor().clone();
            parameters.push(Parameter { name: format!("{}.{part}", adapter.linear), var, decays: true });
            Ok::<_, TrainError>(tensor)
        };
        let a = train("lora_A", &adapter.a, &[r, d_in])?;
        let b = train("lora_B", &adapter.b, &[d_out, r])?;
        let magnitude = match self.kind {
            Tuning::Dora => {
                let norms = row_norms(&Values::of(&weight)?, adapter);
                zero.extend(zero_rows(&adapter.linear, &norms));
                Some(train("lora_magnitude_vector", &norms, &[d_out])?)
            }
            _ => None,
        };
        self.adapters.push((adapter.linear.clone(), Adapted { a, b, magnitude }));
        Ok(())
    }

    /// Computes what all groups of a step share.
    pub(super) fn inverses(&self) -> Result<Inverses, TrainError> {
        let blocks = self.places.iter().zip(&self.model.blocks);
        let linears = blocks.flat_map(|(places, block)| places.iter().zip(&block.linears));
        let mut jobs: Vec<_> = linears.filter_map(|(place, weight)| place.map(|i| (i, weight))).collect();
        jobs.sort_by_key(|(i, _)| *i);
        let inverse = |(i, weight): (usize, &Tensor)| {
            let (name, adapted) = &self.adapters[i];
            if adapted.magnitude.is_none() {
                return Ok(None);
            }
            let norms = row_norms(&Values::of(weight)?, &self.adapter(name, adapted)?);
            let inverses: Vec<f32> = norms.iter().map(|norm| 1.0 / norm).collect();
            Ok(Some(Tensor::from_slice(&inverses, inverses.len(), weight.device())?))
        };
        jobs.into_par_iter().map(inverse).collect()
    }

    /// Losses of the response tokens of packed examples, with a graph to the variables.
    pub(super) fn losses(&self, packed: &Packed, inverses: &Inverses) -> Result<Tensor, TrainError> {
        let linear = |layer: usize, block: &Block, i: usize, x: &Tensor| {
            let w = &block.linears[i];
            let Some(place) = self.places[layer][i] else { return ops::linear(x, w) };
            let Adapted { a, b, magnitude } = &self.adapters[place].1;
            let y = ops::adapted_linear(x, w, a, b)?;
            match (magnitude, &inverses[place]) {
                (Some(magnitude), Some(inverse)) => ops::scale_columns(&y, &(magnitude * inverse)?),
                _ => Ok(y),
            }
        };
        Ok(packed.losses(&self.model, &linear)?)
    }

    fn adapter(&self, name: &str, adapted: &Adapted) -> Result<Adapter, TrainError> {
        Ok(Adapter {
            linear: name.to_string(),
            rank: adapted.a.dim(0)?,
            b: Values::of(&adapted.b)?.to_vec(),
            a: Values::of(&adapted.a)?.to_vec(),
        })
    }

    /// The result so far: a copy, which further steps do not change.
    pub(super) fn trained(&self) -> Result<Trained, TrainError> {
        if self.kind != Tuning::Full {
            let adapters = self.adapters.iter().map(|(name, adapted)| self.adapter(name, adapted));
            let magnitudes = self.adapters.iter().filter_map(|(_, adapted)| adapted.magnitude.as_ref());
            return Ok(Trained::Adapters {
                kind: self.kind,
                adapters: adapters.collect::<Result<_, _>>()?,
                magnitudes: magnitudes.map(|m| Ok(Values::of(m)?.to_vec())).collect::<Result<_, TrainError>>()?,
            });
        }
        let mut model = self.model.clone();
        each_tensor(&mut model, |_, tensor| {
            *tensor = tensor.detach().copy()?;
            Ok(())
        })?;
        tie(&mut model);
        Ok(Trained::Full(model))
    }
}

/// The rows that cannot be divided by their norms, if there are any.
fn zero_rows(linear: &str, norms: &[f32]) -> Option<ZeroRows> {
    let zero = |norm: &f32| (1.0 / norm).is_infinite();
    let first = norms.iter().position(zero)?;
    let rows = norms.iter().filter(|norm| zero(norm)).count();
    Some(ZeroRows { linear: linear.into(), rows, of: norms.len(), first })
}
