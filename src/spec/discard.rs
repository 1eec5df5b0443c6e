//! The `discard` key: how many of the smallest components are dropped.

use super::{Discard, raw};
use crate::model::shape::Linear;
use crate::yaml::{self, Error, Errors, Node, Span};

impl Discard {
    /// The number of points of a curve.
    pub fn len(&self) -> usize {
        match self {
            Self::Components { values, .. } => values.len(),
            Self::Share { values } => values.len(),
        }
    }

    /// Whether there is none; [`super::load`] refuses that.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of components that point `index` drops from a linear of rank `rank`, always below the rank.
    ///
    /// # Panics
    /// If `index` is not below [`Discard::len`].
    pub fn components(&self, index: usize, rank: usize) -> usize {
        let wanted = match self {
            Self::Components { values, .. } => values[index],
            Self::Share { values } => (values[index] * rank as f64 + 0.5).floor() as usize,
        };
        wanted.min(rank.saturating_sub(1))
    }
}

/// Resolves the `discard` key against the target linears, if they are known.
pub(super) fn resolve(node: &Node, linears: Option<&[Linear]>) -> Result<Discard, Errors> {
    let raw: raw::Discard = yaml::from_node(node)?;
    match (&raw.components, &raw.share, &raw.cap) {
        (Some(list), None, cap) => components(list, cap.as_ref().is_some_and(|cap| **cap), linears),
        (None, Some(list), None) => share(list),
        (None, Some(_), Some(cap)) => {
            Err(Error::at(&cap.span, "`cap` goes with `components`; a share always leaves a component").into())
        }
        (Some(_), Some(share), _) => {
            let message =
                "`components` and `share` are two ways to say it: keep one (`components: null` drops a base's)";
            Err(Error::at(&share.span, message).into())
        }
        (None, None, _) => Err(Error::at(&node.span, "write `components: [...]` or `share: [...]`").into()),
    }
}

fn components(list: &Node, cap: bool, linears: Option<&[Linear]>) -> Result<Discard, Errors> {
    let mut errors = Errors::default();
    let mut values = Vec::new();
    for node in some_elements(list)? {
        let Some(r) = errors.keep(yaml::from_node::<usize>(node)) else { continue };
        if !cap && r > 0 {
            errors.keep(below_every_rank(r, &node.span, linears.unwrap_or_default()));
        }
        values.push(r);
    }
    values.sort_unstable();
    values.dedup();
    errors.into_result(Discard::Components { values, cap })
}

fn below_every_rank(r: usize, span: &Span, linears: &[Linear]) -> Result<(), Error> {
    let mut exhausted = linears.iter().filter(|linear| linear.rank() <= r);
    let Some(smallest) = exhausted.clone().min_by_key(|linear| linear.rank()) else { return Ok(()) };
    exhausted.next();
    let others = match exhausted.count() {
        0 => String::new(),
        1 => " and of 1 more linear".into(),
        more => format!(" and of {more} more linears"),
    };
    let (name, rank) = (&smallest.name, smallest.rank());
    Err(Error::at(
        span,
        format!(
            "r = {r} is not below the rank of {name} ({rank}){others}: use r < {rank}, `share: [...]` of each rank \
             instead, or `cap: true` to leave one component there"
        ),
    ))
}

fn share(list: &Node) -> Result<Discard, Errors> {
    let mut errors = Errors::default();
    let mut values = Vec::new();
    for node in some_elements(list)? {
        match errors.keep(yaml::from_node::<f64>(node)) {
            Some(share) if (0.0..1.0).contains(&share) => values.push(share + 0.0),
            Some(share) => errors.at(&node.span, format!("a share is from 0 to below 1 of the rank, not {share}")),
            None => {}
        }
    }
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    errors.into_result(Discard::Share { values })
}

fn some_elements(list: &Node) -> Result<&[Node], Error> {
    match list.elements("a list of numbers")? {
        [] => Err(Error::at(&list.span, "nothing to discard: list at least one number")),
        elements => Ok(elements),
    }
}
