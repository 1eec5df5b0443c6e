//! The `discard` key: how many of the smallest components are dropped.

use globset::Glob;

use super::{Discard, Exception, raw};
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

    /// Whether there are none; [`super::load`] refuses that.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of point `index`: its r, or with shares the r of the linear with the largest rank.
    ///
    /// # Panics
    /// If `index` is not below [`Discard::len`].
    pub fn named(&self, index: usize, linears: &[Linear]) -> usize {
        match self {
            Self::Components { values, .. } => values[index],
            Self::Share { .. } => {
                linears.iter().max_by_key(|l| l.rank()).map_or(0, |widest| self.components(index, widest))
            }
        }
    }

    /// The number of components that point `index` takes from a linear, always below its rank.
    ///
    /// # Panics
    /// If `index` is not below [`Discard::len`].
    pub fn components(&self, index: usize, linear: &Linear) -> usize {
        let rank = linear.rank();
        let wanted = match self {
            Self::Components { values, .. } if values[index] == 0 => 0,
            Self::Components { values, except, .. } => except
                .iter()
                .find(|exception| exception.matches(&linear.name))
                .map_or(values[index], |exception| exception.components),
            Self::Share { values } => (values[index] * rank as f64 + 0.5).floor() as usize,
        };
        wanted.min(rank.saturating_sub(1))
    }
}

impl Exception {
    fn matches(&self, linear: &str) -> bool {
        Glob::new(&self.linears).is_ok_and(|glob| glob.compile_matcher().is_match(linear))
    }
}

/// Resolves the `discard` key against the target linears, if they are known.
pub(super) fn resolve(node: &Node, linears: Option<&[Linear]>) -> Result<Discard, Errors> {
    let discard = read(node, linears)?;
    let linears = linears.unwrap_or_default();
    let takes = |point: usize| linears.iter().any(|linear| discard.components(point, linear) > 0);
    if !linears.is_empty() && !(0..discard.len()).any(takes) {
        let message = "nothing is discarded from any linear: list a number above 0 (a share must round to at least one component)";
        return Err(Error::at(&node.span, message).into());
    }
    Ok(discard)
}

/// Two points that would have the same name, if there are any: shares that round to the same r.
pub(super) fn same_name(discard: &Discard, linears: &[Linear]) -> Option<usize> {
    let names: Vec<usize> = (0..discard.len()).map(|point| discard.named(point, linears)).collect();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn read(node: &Node, linears: Option<&[Linear]>) -> Result<Discard, Errors> {
    let raw: raw::Discard = yaml::from_node(node)?;
    match (&raw.components, &raw.share, &raw.cap) {
        (Some(list), None, cap) => {
            let cap = cap.as_ref().is_some_and(|cap| **cap);
            components(list, cap, raw.except.as_ref(), linears.unwrap_or_default())
        }
        (None, Some(_), None) if raw.except.is_some() => Err(Error::at(
            &node.span,
            "`except` can only be used with `components`; with `share` each linear has an r of its own",
        )
        .into()),
        (None, Some(list), None) => share(list),
        (None, Some(_), Some(cap)) => {
            Err(Error::at(&cap.span, "`cap` can only be used with `components`; `share` always leaves a component")
                .into())
        }
        (Some(_), Some(share), _) => {
            let message = "`components` and `share` exclude each other: keep one (`components: null` removes that of the extended file)";
            Err(Error::at(&share.span, message).into())
        }
        (None, None, _) => Err(Error::at(&node.span, "write `components: [...]` or `share: [...]`").into()),
    }
}

fn components(list: &Node, cap: bool, except: Option<&Node>, linears: &[Linear]) -> Result<Discard, Errors> {
    let mut errors = Errors::default();
    let except = except.map_or(Vec::new(), |node| exceptions(node, cap, linears, &mut errors));
    let ruled = |linear: &&Linear| !except.iter().any(|exception: &Exception| exception.matches(&linear.name));
    let others: Vec<Linear> = linears.iter().filter(ruled).cloned().collect();
    let mut values = Vec::new();
    for node in some_elements(list)? {
        let Some(r) = errors.keep(yaml::from_node::<usize>(node)) else { continue };
        if !cap && r > 0 {
            errors.keep(below_every_rank(r, &node.span, &others));
        }
        values.push(r);
    }
    values.sort_unstable();
    values.dedup();
    errors.into_result(Discard::Components { values, cap, except })
}

/// `except: {GLOB: r}`. The first glob that matches a linear counts.
fn exceptions(node: &Node, cap: bool, linears: &[Linear], errors: &mut Errors) -> Vec<Exception> {
    let mut all = Vec::new();
    for (key, value) in errors.keep(node.pairs("numbers of components by glob: {'*.k_proj': 8}")).unwrap_or_default() {
        let Some(components) = errors.keep(yaml::from_node::<usize>(value)) else { continue };
        if let Err(why) = Glob::new(&key.name) {
            errors.at(&key.span, format!("`{}` is not a valid glob: {}", key.name, why.kind()));
            continue;
        }
        let exception = Exception { linears: key.name.clone(), components };
        let matching: Vec<Linear> = linears.iter().filter(|l| exception.matches(&l.name)).cloned().collect();
        if matching.is_empty() && !linears.is_empty() {
            errors.at(&key.span, format!("`{}` matches none of the targets", key.name));
        }
        if !cap {
            errors.keep(below_every_rank(components, &value.span, &matching));
        }
        all.push(exception);
    }
    all
}

fn below_every_rank(r: usize, span: &Span, linears: &[Linear]) -> Result<(), Error> {
    let mut exhausted = linears.iter().filter(|linear| linear.rank() <= r);
    let Some(smallest) = exhausted.clone().min_by_key(|linear| linear.rank()) else { return Ok(()) };
    exhausted.next();
    let others = match exhausted.count() {
        0 => String::new(),
        1 => " nor of 1 other linear".into(),
        more => format!(" nor of {more} other linears"),
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
            Some(share) => errors.at(&node.span, format!("a share must be at least 0 and below 1, not {share}")),
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
