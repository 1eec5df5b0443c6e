//! The `targets` key: which linears are decomposed.

use globset::Glob;

use super::{Experiment, Targets};
use crate::model::shape::{Linear, Shape};
use crate::yaml::{self, Error, Errors, Node};

impl Targets {
    /// The matching linears of a model, in the order of computation. An invalid glob matches nothing; [`super::load`]
    /// refuses those.
    pub fn of(&self, shape: &Shape) -> Vec<Linear> {
        let all = shape.linears().into_iter();
        match self {
            Self::All => all.collect(),
            Self::Decoder => all.filter(|linear| linear.name != "lm_head").collect(),
            Self::Globs(globs) => {
                let globs: Vec<_> = globs.iter().filter_map(|glob| Glob::new(glob).ok()).collect();
                let globs: Vec<_> = globs.iter().map(Glob::compile_matcher).collect();
                all.filter(|linear| globs.iter().any(|glob| glob.is_match(&linear.name))).collect()
            }
        }
    }

    /// `decoder`, `all`, or the globs separated by spaces.
    pub fn describe(&self) -> String {
        match self {
            Self::Decoder => "decoder".into(),
            Self::All => "all".into(),
            Self::Globs(globs) => globs.join(" "),
        }
    }
}

impl Experiment {
    /// The linears that are decomposed, in the order of computation.
    pub fn linears(&self) -> Vec<Linear> {
        self.targets.of(&self.model.shape)
    }
}

/// Resolves the `targets` key; every glob must match a linear of the model, if the model is known.
pub(super) fn resolve(node: Option<&Node>, shape: Option<&Shape>) -> Result<Targets, Errors> {
    let Some(node) = node else { return Ok(Targets::Decoder) };
    match node.as_str() {
        Some("decoder") => return Ok(Targets::Decoder),
        Some("all") => return Ok(Targets::All),
        Some(other) if !other.contains('*') => {
            return Err(Error::unknown(&node.span, "targets", other, ["decoder", "all", "a list of globs"]).into());
        }
        _ => {}
    }
    let elements = node.elements("`decoder`, `all`, or a list of globs such as ['*.q_proj']")?;
    if elements.is_empty() {
        return Err(Error::at(&node.span, "there are no targets: use `decoder`, `all`, or at least one glob").into());
    }
    let names: Option<Vec<String>> = shape.map(|shape| shape.linears().into_iter().map(|linear| linear.name).collect());
    let mut errors = Errors::default();
    let globs = elements.iter().filter_map(|node| errors.keep(glob(node, names.as_deref()))).collect();
    errors.into_result(Targets::Globs(globs))
}

fn glob(node: &Node, names: Option<&[String]>) -> Result<String, Error> {
    let text: String = yaml::from_node(node)?;
    let matcher = Glob::new(&text)
        .map_err(|why| Error::at(&node.span, format!("`{text}` is not a valid glob: {}", why.kind())))?
        .compile_matcher();
    match names {
        Some(names) if !names.iter().any(|name| matcher.is_match(name)) => {
            let example = names.first().map(String::as_str).unwrap_or_default();
            let message = format!("`{text}` matches no linear of the model; names look like `{example}`");
            Err(Error::at(&node.span, message))
        }
        _ => Ok(text),
    }
}
