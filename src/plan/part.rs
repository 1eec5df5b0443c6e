//! The parts of a model that hold target linears: its blocks, and the head.

use crate::model::shape::{Linear, Shape, Site};

/// A unit of calibration and decomposition: a block, or the head. The cache holds one file a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index of the block; the number of blocks for the head.
    pub layer: usize,
    /// Whether it is the head.
    pub head: bool,
    /// Its target linears, with the input that feeds each.
    pub linears: Vec<(Linear, Site)>,
}

impl Part {
    /// The parts of a model that hold at least one of `targets`, in order.
    pub fn all(shape: &Shape, targets: &[Linear]) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let each = shape.family.linears;
        for (i, linear) in shape.linears().iter().enumerate().filter(|(_, linear)| targets.contains(linear)) {
            let layer = i / each.len();
            let head = layer == shape.layers;
            let site = if head { Site::Head } else { each[i % each.len()].role.site() };
            match parts.last_mut() {
                Some(part) if part.layer == layer => part.linears.push((linear.clone(), site)),
                _ => parts.push(Self { layer, head, linears: vec![(linear.clone(), site)] }),
            }
        }
        parts
    }

    /// The inputs of its linears, one for each linear.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        self.linears.iter().map(|(_, site)| *site)
    }

    /// Its distinct inputs: those whose statistics are kept.
    pub fn inputs(&self) -> Vec<Site> {
        if self.head { vec![Site::Head] } else { Site::BLOCK.to_vec() }
    }

    /// The name of its files in the cache.
    pub fn name(&self) -> String {
        if self.head { "head".into() } else { format!("layer-{:03}", self.layer) }
    }
}
