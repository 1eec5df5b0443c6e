//! The list of all products.

use super::adapters::Adapters;
use super::finetune::product::FineTuning;
use super::heatmaps::HeatMaps;
use super::linears::Linears;
use super::product::Product;
use super::spectra::Spectra;
use super::study::Study;
use crate::spec::Experiment;

/// What an experiment produces, in the order of its page.
pub(super) fn of(experiment: &Experiment) -> Vec<Box<dyn Product + '_>> {
    let mut products: Vec<Box<dyn Product + '_>> = Vec::new();
    products.extend(Linears::of(experiment).map(|one| Box::new(one) as Box<dyn Product>));
    products.extend(FineTuning::of(experiment).map(|one| Box::new(one) as Box<dyn Product + '_>));
    products.extend(Study::of(experiment).map(|one| Box::new(one) as Box<dyn Product>));
    products.extend(Adapters::of(experiment).map(|one| Box::new(one) as Box<dyn Product + '_>));
    products.extend(HeatMaps::of(experiment).map(|one| Box::new(one) as Box<dyn Product + '_>));
    products.extend(Spectra::of(experiment).map(|one| Box::new(one) as Box<dyn Product + '_>));
    products
}
