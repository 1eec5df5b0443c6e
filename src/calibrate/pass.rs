//! The calibration pass: the hidden states of all samples go through one block after another.

use candle_core::Tensor;
use rayon::prelude::*;

use super::accumulate::{Marginals, Tile, statistics};
use super::{CalibrationError, Normalisation, Snapshot, Statistics};
use crate::model::ModelError;
use crate::model::arch::Family;
use crate::model::decoder::{block_forward, embed, final_norm};
use crate::model::rotary::Rotary;
use crate::model::shape::Site;
use crate::model::weights::Weights;

/// The tokens whose linear inputs are in memory at a time, over all samples of a group. No result depends on it.
const GROUP_TOKENS: usize = 8192;

/// A calibration pass in progress, with the hidden states of the samples before block [`Pass::layer`].
pub struct Pass<'a> {
    name: &'a str,
    weights: &'a dyn Weights,
    rotary: Rotary,
    hidden: Vec<Tensor>,
    layer: usize,
}

/// What a pass collected at the inputs of one block (or of the head).
pub struct Collected {
    family: &'static Family,
    layer: usize,
    sites: Vec<CollectedSite>,
}

/// What it collected at one input.
struct CollectedSite {
    site: Site,
    width: usize,
    tiles: Vec<Tile>,
    /// One per sample.
    marginals: Vec<Marginals>,
}

impl Collected {
    /// The statistics of some of the requested snapshots, in their order; all of them are in memory at once.
    pub fn statistics(&self, snapshots: &[Snapshot]) -> Result<Vec<Vec<(Site, Statistics)>>, CalibrationError> {
        // In parallel. The spectrum of the widest input takes longest, once per snapshot, so the widest come first.
        let sites = self.sites.iter().rev();
        let pairs: Vec<(&CollectedSite, Snapshot)> =
            sites.flat_map(|site| snapshots.iter().map(move |&snapshot| (site, snapshot))).collect();
        let found = pairs.par_iter().with_max_len(1).map(|&(one, snapshot)| {
            let found = statistics(one.width, &one.tiles, &one.marginals, snapshot);
            found
                .map(|found| (one.site, found))
                .ok_or_else(|| CalibrationError::Indefinite { linear: one.site.first_linear(self.family, self.layer) })
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let mut by_snapshot: Vec<Vec<(Site, Statistics)>> = snapshots.iter().map(|_| Vec::new()).collect();
        for (i, one) in found.into_iter().enumerate() {
            by_snapshot[i % snapshots.len()].insert(0, one);
        }
        Ok(by_snapshot)
    }
}

/// The linear inputs of one sample at one block.
struct Inputs {
    /// The flat activations [n, d] and their marginals, in the order of the sites.
    sites: Vec<(Vec<f32>, Marginals)>,
}

impl<'a> Pass<'a> {
    /// Starts from the embeddings. `name` is the name of the calibration, for messages.
    pub fn start(name: &'a str, weights: &'a dyn Weights, samples: &[Vec<u32>]) -> Result<Self, ModelError> {
        let hidden = samples.iter().map(|tokens| embed(weights, tokens)).collect::<Result<Vec<_>, _>>()?;
        Self::resume(name, weights, hidden, 0)
    }

    /// Resumes with the hidden states before block `layer`.
    pub fn resume(
        name: &'a str,
        weights: &'a dyn Weights,
        hidden: Vec<Tensor>,
        layer: usize,
    ) -> Result<Self, ModelError> {
        let mut longest = 0;
        for sample in &hidden {
            longest = longest.max(sample.dim(0)?);
        }
        let rotary = Rotary::new(weights.config(), longest, weights.embedding().device())?;
        Ok(Self { name, weights, rotary, hidden, layer })
    }

    /// The next block; the number of blocks once all are done.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The hidden states of the samples before that block, [n, hidden] each.
    pub fn hidden(&self) -> &[Tensor] {
        &self.hidden
    }

    /// Passes the next block without collecting anything.
    pub fn skip(&mut self) -> Result<(), ModelError> {
        let block = self.weights.block(self.layer)?;
        self.hidden.par_iter_mut().try_for_each(|hidden| {
            *hidden = block_forward(self.weights.config(), &self.rotary, &block, hidden, &mut |_, _| Ok(()))?;
            Ok::<_, ModelError>(())
        })?;
        self.layer += 1;
        Ok(())
    }

    /// Passes the next block and returns what is needed for the statistics of its inputs. `done` receives the number of
    /// tokens as they are processed.
    pub fn block(
        &mut self,
        snapshots: &[Snapshot],
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<Collected, CalibrationError> {
        let block = self.weights.block(self.layer)?;
        let (config, rotary) = (self.weights.config(), &self.rotary);
        let sites = Site::BLOCK.map(|site| (site, site.width(&config.shape)));
        let found = collect(&mut self.hidden, &sites, snapshots, done, |hidden| {
            let mut sites = Vec::with_capacity(4);
            let next = block_forward(config, rotary, &block, hidden, &mut |_, x| {
                sites.push(inputs(x)?);
                Ok(())
            })?;
            Ok((next, Inputs { sites }))
        });
        let family = config.shape.family;
        let sites = found.map_err(|e| e.named(self.name, family, self.layer))?;
        let collected = Collected { family, layer: self.layer, sites };
        self.layer += 1;
        Ok(collected)
    }

    /// After the last block: what is needed for the statistics of the input of the head.
    pub fn head(&mut self, snapshots: &[Snapshot], done: &(dyn Fn(u64) + Sync)) -> Result<Collected, CalibrationError> {
        let weights = self.weights;
        let width = weights.config().shape.hidden;
        let found = collect(&mut self.hidden, &[(Site::Head, width)], snapshots, done, |hidden| {
            Ok((hidden.clone(), Inputs { sites: vec![inputs(&final_norm(weights, hidden)?)?] }))
        });
        let family = weights.config().shape.family;
        let sites = found.map_err(|e| e.named(self.name, family, self.layer))?;
        Ok(Collected { family, layer: self.layer, sites })
    }
}

fn inputs(x: &Tensor) -> Result<(Vec<f32>, Marginals), ModelError> {
    let d = x.dim(1)?;
    let x = x.flatten_all()?.to_vec1::<f32>()?;
    let marginals = Marginals::of(&x, d);
    Ok((x, marginals))
}

/// An error without the names of the calibration and the layer.
enum Unnamed {
    NotFinite(usize, Site),
    ZeroMaximum(usize, Site),
    Model(ModelError),
}

impl From<ModelError> for Unnamed {
    fn from(e: ModelError) -> Self {
        Unnamed::Model(e)
    }
}

impl Unnamed {
    fn named(self, calibration: &str, family: &Family, layer: usize) -> CalibrationError {
        let calibration = calibration.to_string();
        match self {
            Unnamed::NotFinite(sample, site) => {
                CalibrationError::NotFinite { calibration, sample, linear: site.first_linear(family, layer) }
            }
            Unnamed::ZeroMaximum(sample, site) => {
                CalibrationError::ZeroMaximum { calibration, sample, linear: site.first_linear(family, layer) }
            }
            Unnamed::Model(e) => e.into(),
        }
    }
}

/// Runs `forward` on every sample, in groups, and adds the inputs of each sample to the tiles of every site.
fn collect(
    hidden: &mut [Tensor],
    sites: &[(Site, usize)],
    snapshots: &[Snapshot],
    done: &(dyn Fn(u64) + Sync),
    forward: impl Fn(&Tensor) -> Result<(Tensor, Inputs), ModelError> + Sync,
) -> Result<Vec<CollectedSite>, Unnamed> {
    let mut normalisations: Vec<Normalisation> = snapshots.iter().map(|s| s.normalisation).collect();
    normalisations.sort();
    normalisations.dedup();
    // Snapshots that end with the last sample are read from the sums themselves.
    let earlier: Vec<Snapshot> = snapshots.iter().filter(|s| s.samples < hidden.len()).copied().collect();
    let mut collected: Vec<CollectedSite> = sites
        .iter()
        .map(|&(site, width)| {
            let tiles = Tile::cover(width, &normalisations);
            CollectedSite { site, width, tiles, marginals: Vec::with_capacity(hidden.len()) }
        })
        .collect();
    let longest = hidden.iter().map(|h| h.dims()[0]).max().unwrap_or(1);
    let group = group(longest, rayon::current_num_threads());
    for start in (0..hidden.len()).step_by(group) {
        let end = (start + group).min(hidden.len());
        let passed: Vec<Inputs> = hidden[start..end]
            .par_iter_mut()
            .map(|hidden| {
                let (next, inputs) = forward(hidden)?;
                done(next.dims()[0] as u64);
                *hidden = next;
                Ok(inputs)
            })
            .collect::<Result<_, ModelError>>()?;
        check(&passed, sites, start, &normalisations)?;
        let mut tiles: Vec<(usize, usize, &mut Tile)> = Vec::new();
        for (i, CollectedSite { width, tiles: its, .. }) in collected.iter_mut().enumerate() {
            tiles.extend(its.iter_mut().map(|tile| (i, *width, tile)));
        }
        // The large tiles at the end of the list take longest and start first.
        tiles.par_iter_mut().rev().with_max_len(1).for_each(|(site, width, tile)| {
            for (i, sample) in passed.iter().enumerate() {
                let (x, marginals) = &sample.sites[*site];
                tile.add(start + i, x, *width, marginals, &earlier);
            }
        });
        for sample in passed {
            for (one, (_, of_sample)) in collected.iter_mut().zip(sample.sites) {
                one.marginals.push(of_sample);
            }
        }
    }
    Ok(collected)
}

/// The number of samples of up to `longest` tokens whose inputs are in memory at a time.
pub fn group(longest: usize, threads: usize) -> usize {
    (GROUP_TOKENS / longest).max(threads)
}

fn check(
    passed: &[Inputs],
    sites: &[(Site, usize)],
    start: usize,
    normalisations: &[Normalisation],
) -> Result<(), Unnamed> {
    for (i, sample) in passed.iter().enumerate() {
        for ((site, _), (_, marginals)) in sites.iter().zip(&sample.sites) {
            if !marginals.finite {
                return Err(Unnamed::NotFinite(start + i, *site));
            }
            if marginals.max == 0.0 && normalisations.contains(&Normalisation::Max) {
                return Err(Unnamed::ZeroMaximum(start + i, *site));
            }
        }
    }
    Ok(())
}
