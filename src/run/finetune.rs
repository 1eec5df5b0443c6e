//! Fine-tuning: the stages that train each learner and measure what it leaves, and the product made of them.

mod account;
mod choice;
mod failure;
pub(super) mod learns;
pub(super) mod measure;
pub(super) mod product;
pub(super) mod rows;
pub(super) mod settings;
mod train;
