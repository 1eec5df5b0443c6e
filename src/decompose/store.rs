//! Decompositions in the cache: one file per block (or for the head), with the factors in f32 and the singular values and
//! conditioning in f64.

use std::path::Path;

use super::tall::Tall;
use super::truncate::Truncation;
use super::{Damped, End, Factorisation};
use crate::cache::{Arrays, CacheError, ReadArrays};
use crate::calibrate::{Spectrum, Statistics};

/// One decomposed linear.
#[derive(Debug, Clone)]
pub struct Decomposed {
    /// The Hugging Face name.
    pub linear: String,
    /// The factors that remove components.
    pub truncation: Truncation,
    /// The singular values of W T, descending, `[R]`.
    pub singular: Vec<f64>,
    /// How well-posed the decomposition was.
    pub conditioning: Conditioning,
}

/// How well-posed the decomposition of a linear was, given its calibration.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Conditioning {
    /// Calibration tokens per input dimension.
    pub tokens_per_dimension: Option<f64>,
    /// (sum of the covariance's eigenvalues)^2 / (sum of their squares), in dimensions.
    pub effective_rank: Option<f64>,
    /// Condition number of the covariance, after damping if the method uses it.
    pub condition: Option<f64>,
    /// The damping that was added.
    pub lambda: Option<f64>,
    /// How many times it was doubled.
    pub damping_rounds: Option<f64>,
}

impl Conditioning {
    /// From the statistics (none for methods that need none) and the damping that the method applied.
    pub fn new(statistics: Option<&Statistics>, damping: Option<Damped>) -> Self {
        let lambda = damping.map(|d| d.lambda);
        let of = |f: &dyn Fn(&Statistics) -> f64| statistics.map(f);
        Self {
            tokens_per_dimension: of(&|s| s.tokens as f64 / s.abs_mean.len() as f64),
            effective_rank: of(&|s| s.spectrum.effective_rank),
            condition: of(&|s| {
                let Spectrum { largest, smallest, .. } = s.spectrum;
                // Rounding may leave the smallest eigenvalue of a singular covariance slightly negative.
                (largest + lambda.unwrap_or(0.0)) / (smallest + lambda.unwrap_or(0.0)).max(0.0)
            }),
            lambda,
            damping_rounds: damping.map(|d| f64::from(d.rounds)),
        }
    }

    fn to_array(self) -> [f64; 5] {
        let Self { tokens_per_dimension, effective_rank, condition, lambda, damping_rounds } = self;
        [tokens_per_dimension, effective_rank, condition, lambda, damping_rounds].map(|x| x.unwrap_or(f64::NAN))
    }

    fn from_array(values: &[f64]) -> Option<Self> {
        let [tokens_per_dimension, effective_rank, condition, lambda, damping_rounds] =
            <[f64; 5]>::try_from(values).ok()?.map(|x| (!x.is_nan()).then_some(x));
        Some(Self { tokens_per_dimension, effective_rank, condition, lambda, damping_rounds })
    }
}

impl Decomposed {
    /// The part of a factorisation that the cache keeps.
    pub fn new(linear: String, w: &Tall, factorisation: &Factorisation, conditioning: Conditioning) -> Self {
        let truncation = Truncation::new(w, factorisation);
        Self { linear, truncation, singular: factorisation.singular.clone(), conditioning }
    }
}

/// Writes the decompositions of one block.
pub fn write(path: &Path, all: &[Decomposed]) -> Result<(), CacheError> {
    let mut arrays = Arrays::default();
    for one in all {
        let Truncation { left, projected, depth, .. } = &one.truncation;
        let name = |part: &str| format!("{}/{part}", one.linear);
        arrays.push_f32(name("left"), &[left.len() / depth.max(&1), *depth], left.iter().copied());
        arrays.push_f32(name("projected"), &[*depth, projected.len() / depth.max(&1)], projected.iter().copied());
        arrays.push_f64(name("singular"), &[one.singular.len()], one.singular.iter().copied());
        arrays.push_f64(name("conditioning"), &[5], one.conditioning.to_array().into_iter());
    }
    arrays.write(path)
}

/// Reads the decomposition of one linear; the key guarantees that its components are those at `end`.
pub fn read(file: &ReadArrays, path: &Path, linear: &str, end: End) -> Result<Decomposed, CacheError> {
    let name = |part: &str| format!("{linear}/{part}");
    let (shape, left) = file.f32(&name("left"))?;
    let (across, projected) = file.f32(&name("projected"))?;
    let (&[_, depth], &[rows, _]) = (&shape[..], &across[..]) else {
        return Err(CacheError::Read { path: path.into(), why: format!("{linear} has factors that are not matrices") });
    };
    if depth != rows {
        return Err(CacheError::Read { path: path.into(), why: format!("{linear} has factors that do not fit") });
    }
    let (singular, conditioning) = read_spectrum(file, path, linear)?;
    Ok(Decomposed {
        linear: linear.into(),
        truncation: Truncation { end, left, projected, depth },
        singular,
        conditioning,
    })
}

/// Reads the singular values of one linear, and its conditioning.
pub fn read_spectrum(file: &ReadArrays, path: &Path, linear: &str) -> Result<(Vec<f64>, Conditioning), CacheError> {
    let conditioning = Conditioning::from_array(&file.f64(&format!("{linear}/conditioning"))?)
        .ok_or_else(|| CacheError::Read { path: path.into(), why: "a conditioning of the wrong length".into() })?;
    Ok((file.f64(&format!("{linear}/singular"))?, conditioning))
}
