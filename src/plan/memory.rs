//! What stages hold in memory and leave on disk, in bytes, counted from shapes; and from that, how a run is laid out.
//!
//! `plan` prints this account and `run` makes the same choices from it, before anything is read.

use std::collections::BTreeSet;

use super::{Calibrate, Part};
use crate::calibrate::Snapshot;
use crate::calibrate::pass::group;
use crate::decompose::Factorisation;
use crate::decompose::tall::is_tall;
use crate::model::arch::Role;
use crate::model::generate::{GROUP, ROWS, kept_bytes};
use crate::model::shape::{Linear, Shape, Site};
use crate::spec::Experiment;
use crate::train::Tuning;

/// Bytes of an f32 and of an f64.
const SINGLE: u64 = 4;
const DOUBLE: u64 = 8;

/// What the program holds whatever it does: itself and the texts.
const PROGRAM: u64 = 30 << 20;

/// What the tokenizer holds for each token of the vocabulary, its merges included (measured: 262,144 tokens take 0.4 GB).
const TOKEN: u64 = 1500;

/// The part of the room that weights of models held side by side may take.
const FOR_WEIGHTS: f64 = 0.5;

/// The part of the room that hidden states of windows may take where every block is read from disk.
const FOR_WINDOWS: f64 = 0.25;

/// Memory that a run may use, and the threads that share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Threads.
    pub threads: usize,
}

/// What a calibration pass has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassSize {
    /// Samples in all.
    pub samples: usize,
    /// Tokens a sample.
    pub length: usize,
    /// Prefixes that end before the last sample.
    pub earlier: usize,
    /// Weightings of the samples.
    pub normalisations: usize,
}

impl PassSize {
    /// Of one pass of an experiment.
    pub fn of(experiment: &Experiment, pass: &Calibrate) -> Self {
        let snapshots: Vec<Snapshot> = pass.statistics.iter().map(|statistics| statistics.snapshot).collect();
        let samples = snapshots.iter().map(|snapshot| snapshot.samples).max().unwrap_or(0);
        let normalisations: BTreeSet<_> = snapshots.iter().map(|snapshot| snapshot.normalisation).collect();
        Self {
            samples,
            length: experiment.calibrations[pass.calibration].length,
            earlier: snapshots.iter().filter(|snapshot| snapshot.samples < samples).count(),
            normalisations: normalisations.len(),
        }
    }
}

/// How the statistics of a block are made from its sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Making {
    /// Snapshots whose full matrices are made side by side.
    pub at_once: usize,
    /// Whether they are made and written while the next block passes, its sums beside theirs.
    pub behind: bool,
}

/// How a model is laid out in the room there is. No result depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    shape: Shape,
    room: Room,
    /// Whether all weights are in memory; if not, every block is read from disk each time it is needed.
    pub resident: bool,
}

impl Layout {
    /// Weights are in memory if three copies (the model, and two with components taken away, which are measured side by
    /// side so that an odd number of windows leaves no thread idle) take at most half of the room.
    pub fn new(shape: &Shape, room: Room) -> Self {
        let copies = 3 * SINGLE * shape.parameters();
        Self { shape: shape.clone(), room, resident: copies as f64 <= FOR_WEIGHTS * room.bytes as f64 }
    }

    /// Damaged models held at once; where blocks are read from disk, none is held as a whole.
    pub fn models(&self) -> usize {
        if self.resident { 2 } else { 0 }
    }

    /// Windows of `length` tokens that pass the blocks together where blocks are read from disk, over all models that are
    /// measured: each block is then read once for all of them.
    pub fn windows(&self, length: usize) -> usize {
        let one = SINGLE * (length * self.shape.hidden) as u64;
        ((FOR_WINDOWS * self.room.bytes as f64) as u64 / one).max(self.room.threads as u64) as usize
    }

    /// The program and the tokenizer.
    fn program(&self) -> u64 {
        PROGRAM + TOKEN * self.shape.vocabulary as u64
    }

    /// Embedding, norm and head.
    fn frame(&self) -> u64 {
        let wide = (self.shape.vocabulary * self.shape.hidden) as u64 * SINGLE;
        if self.shape.tied { wide } else { 2 * wide }
    }

    fn block(&self) -> u64 {
        SINGLE * self.shape.block_linears(0).map(|l| (l.d_out * l.d_in) as u64).sum::<u64>()
    }

    /// The undamaged weights that are in memory while blocks pass: all of them, or the frame and `blocks` blocks.
    fn weights(&self, blocks: u64) -> u64 {
        if self.resident { SINGLE * self.shape.parameters() } else { self.frame() + blocks * self.block() }
    }

    /// What the forward pass of one window holds besides its hidden states: the MLP's three products, or a chunk of the
    /// head's logits.
    fn activations(&self, length: usize) -> u64 {
        let Shape { hidden, heads, head_dim, intermediate, .. } = self.shape;
        // A fused linear's output is there beside its parts.
        let gates = if self.shape.family.has(Role::GateUp) { 5 } else { 3 };
        let block = gates * intermediate + 3 * hidden + 2 * heads * head_dim;
        SINGLE * (length * block.max(1024 + 2 * self.shape.hidden)) as u64
    }

    /// Widths of a block's distinct linear inputs.
    fn widths(&self) -> [usize; 4] {
        Site::BLOCK.map(|site| site.width(&self.shape))
    }

    /// Entries of their covariances.
    fn squares(&self) -> u64 {
        self.widths().into_iter().map(|d| (d * d) as u64).sum()
    }

    /// Peak of a calibration pass.
    pub fn calibration(&self, pass: &PassSize) -> u64 {
        self.calibrating(pass, self.making(pass))
    }

    /// The fastest that there is room for; a snapshot at a time where there is little.
    pub fn making(&self, pass: &PassSize) -> Making {
        let most = self.room.threads.min(pass.earlier + pass.normalisations).max(1);
        let fast = [true, false].map(|behind| Making { at_once: most, behind });
        let fits = |making: &Making| self.calibrating(pass, *making) <= self.room.bytes;
        fast.into_iter().find(fits).unwrap_or(Making { at_once: 1, behind: false })
    }

    fn calibrating(&self, pass: &PassSize, making: Making) -> u64 {
        let &PassSize { samples, length, earlier, normalisations } = pass;
        let hidden = SINGLE * (samples * length * self.shape.hidden) as u64;
        let group = group(length, self.room.threads).min(samples);
        let widths = self.widths();
        let inputs = SINGLE * (group * length * widths.iter().sum::<usize>()) as u64;
        let threads = self.room.threads.min(samples) as u64;
        let forward = inputs + threads * self.activations(length);
        let squares = self.squares();
        // Lower triangles: the f32 product, the f64 sums, and those of prefixes as they are taken.
        let kept = normalisations + earlier;
        let held = if making.behind { 2 } else { 1 };
        let tiles = squares / 2 * (SINGLE + held * DOUBLE * kept as u64);
        // Full matrices; the spectrum of the widest input needs C + lambda I and its Cholesky factor beside.
        let widest = self.widths().into_iter().max().unwrap_or(0) as u64;
        let widest = widest * widest;
        let statistics = DOUBLE * making.at_once as u64 * (squares + 2 * widest);
        // What the forward pass let go of stays with the allocator: measured, the two add up.
        self.program() + self.weights(1) + hidden + tiles + forward + statistics
    }

    /// Peak of decomposing the targets of these parts; `dense` says whether the method has a covariance.
    pub fn decomposition(&self, parts: &[Part], depth: &dyn Fn(&Linear) -> usize, dense: bool) -> u64 {
        // Threads take linears in order: at any time as many neighbours are under way, of one part or of several. A part's
        // block is read with its first linear, the statistics of an input with the first that it feeds.
        let linears: Vec<(usize, u64, u64)> = parts
            .iter()
            .enumerate()
            .flat_map(|(part, one)| {
                let mut read = 0;
                let mut last = None;
                one.linears.iter().map(move |(linear, site)| {
                    if dense && last != Some(*site) {
                        read += DOUBLE * (linear.d_in * linear.d_in) as u64;
                        last = Some(*site);
                    }
                    (part, read, factorising(linear, depth(linear), dense))
                })
            })
            .collect();
        let block = if self.resident { 0 } else { self.block() };
        let under_way = linears.windows(self.room.threads.clamp(1, linears.len().max(1))).map(|window| {
            let parts = window.chunk_by(|a, b| a.0 == b.0);
            let shared: u64 = parts.map(|part| block + part.last().map_or(0, |(_, read, _)| *read)).sum();
            shared + window.iter().map(|(_, _, own)| own).sum::<u64>()
        });
        self.program() + self.weights(0) + under_way.max().unwrap_or(0)
    }

    /// Peak of measuring what components carry of the output on `texts` texts: blocks side by side, a thread each.
    pub fn energy(&self, targets: &[Linear], depth: &dyn Fn(&Linear) -> usize, texts: usize) -> u64 {
        let threads = self.room.threads as u64;
        let squares = self.squares();
        let taken: u64 = targets.iter().map(|l| SINGLE * (depth(l) * (l.d_out + l.d_in)) as u64).sum();
        let widest = targets.iter().map(|l| (l.d_out * l.d_in) as u64).max().unwrap_or(0);
        let each = DOUBLE * squares * texts as u64 + taken / self.shape.layers as u64 + (SINGLE + 2 * DOUBLE) * widest;
        self.program() + self.weights(threads) + threads * each
    }

    /// The model, all of it in memory.
    pub fn model(&self) -> u64 {
        SINGLE * self.shape.parameters()
    }

    /// Peak of training a learner: the model as it came, where a learner starts from another one; and the step.
    pub fn training(&self, kind: Tuning, adapters: &[(Linear, usize)], longest: usize, from_another: bool) -> u64 {
        let came = if from_another || kind == Tuning::Full { self.weights(0) } else { 0 };
        self.program() + came + crate::train::memory::step(&self.shape, kind, adapters, longest, self.room.threads)
    }

    /// Peak of putting a trained model together: the model as it came, what the learner started from, what it became.
    pub fn merging(&self) -> u64 {
        self.program() + self.weights(0) + 2 * self.model()
    }

    /// Peak of asking a model questions of up to `longest` tokens, answers included: the groups that threads answer side by
    /// side, with keys and values kept, the rows of a pass, and the logits of each prompt's last token.
    pub fn asking(&self, longest: usize) -> u64 {
        let (threads, vocabulary) = (self.room.threads as u64, self.shape.vocabulary as u64);
        let kept = kept_bytes(&self.shape, GROUP * longest) + SINGLE * GROUP as u64 * vocabulary;
        self.program() + self.weights(1) + threads * (kept + self.activations(ROWS.max(longest)))
    }

    /// Peak of measuring `points` models with components of `targets` taken away (0: the undamaged one) on `windows`
    /// windows of `length` tokens.
    pub fn evaluation(&self, targets: &[Linear], points: usize, windows: usize, length: usize) -> u64 {
        let threads = self.room.threads as u64;
        let hidden = SINGLE * (length * self.shape.hidden) as u64;
        let forward = threads * self.activations(length);
        if self.resident {
            // Blocks without targets are shared.
            let damaged = SINGLE * targets.iter().map(|l| (l.d_out * l.d_in) as u64).sum::<u64>();
            let models = self.models().min(points) as u64;
            return self.program() + self.weights(0) + models * damaged + forward + threads * hidden;
        }
        let together = self.windows(length).min(windows * points.max(1)) as u64;
        // The block as it is, and the damaged one in its turn.
        self.program() + self.weights(if points == 0 { 1 } else { 2 }) + together * hidden + forward
    }
}

/// Most that decomposing one linear holds, all in f64: W and W T, and either T or the SVD and the vectors that are kept;
/// of a tall W its Q and R instead of W T.
fn factorising(linear: &Linear, depth: usize, dense: bool) -> u64 {
    let (m, n) = (linear.d_out, linear.d_in);
    let transform = if dense { DOUBLE * (n * n) as u64 } else { 0 };
    let (weighed, rows) = if is_tall(m, n) { (m * n + 2 * n * n + m * depth, n) } else { (m * n, m) };
    DOUBLE * (m * n + weighed) as u64 + transform.max(Factorisation::memory(rows, n, depth))
}

/// Bytes on disk of one snapshot's statistics at some inputs of a block (or of the head).
pub fn statistics_on_disk(shape: &Shape, sites: impl IntoIterator<Item = Site>) -> u64 {
    sites.into_iter().map(|site| site.width(shape) as u64).map(|d| DOUBLE * (d * (d + 1) / 2 + 2 * d)).sum()
}

/// Bytes on disk of one linear's decomposition for up to `depth` components.
pub fn decomposition_on_disk(linear: &Linear, depth: usize) -> u64 {
    SINGLE * (depth * (linear.d_out + linear.d_in)) as u64 + DOUBLE * linear.rank() as u64
}

/// Bytes on disk of a calibration pass's hidden states, while it is under way.
pub fn pass_on_disk(shape: &Shape, samples: usize, length: usize) -> u64 {
    SINGLE * (samples * length * shape.hidden) as u64
}
