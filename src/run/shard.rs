//! A part of an experiment, so that several processes on one file system share the work.
//!
//! Arms, or with fine-tuning learners, are assigned to shards in turn. A shard computes what its arms need into the cache and
//! writes no results; a plain run afterwards finds everything there. A calibration pass that several shards need is computed by
//! the first of them.

use std::str::FromStr;

/// Shard `part` of `of`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub part: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Self { part, of }),
            _ => Err(format!("{text:?} is not a shard; use I/N, e.g. 2/8 for the second of eight")),
        }
    }
}

impl Shard {
    /// Whether a turn, counted from 0, is this shard's.
    pub fn has(self, turn: usize) -> bool {
        turn % self.of == self.part - 1
    }
}

#[cfg(test)]
mod tests;
