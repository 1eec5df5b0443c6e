//! Fine-tuning: training each learner, measuring what it leaves, and the rows and files that come of it.

mod failure;
pub(super) mod measure;
pub(super) mod publish;
pub mod rows;
pub(super) mod saved;
pub(super) mod train;

pub(super) use failure::Failure;
