//! The figures of fine-tuning.

pub mod kept;
pub mod training;

use super::{Kind, Learner, Measure, Study};
