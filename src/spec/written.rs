//! How keys with several spellings may be written: types for the schema only. Nothing is read as one of these.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use schemars::JsonSchema;

use super::raw;

/// Things by name; `null` removes one that the extended file has.
pub(super) type Named<T> = BTreeMap<String, Option<T>>;

/// A list with at least one element.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct AtLeastOne<T>(#[schemars(length(min = 1))] Vec<T>);

/// A share of a rank.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Share(#[schemars(range(min = 0), extend("exclusiveMaximum" = 1))] f64);

/// A learning rate.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Positive(#[schemars(extend("exclusiveMinimum" = 0))] f64);

/// A learner without a decomposition.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Beside {
    /// By its name alone.
    Name(BesideName),
    /// With settings of its own.
    Settings(raw::Beside),
}

/// Its names.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "kebab-case")]
pub(super) enum BesideName {
    /// Every weight.
    Full,
    /// Adapters that start from a random A and B = 0.
    Lora,
    /// As `lora`, with a trained magnitude per row.
    Dora,
}

/// A model.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Model {
    /// A name in the catalog.
    Name(String),
    /// Files of your own, or fetched from elsewhere.
    Inline(raw::InlineModel),
}

/// Which linears.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Targets {
    /// A word.
    Word(TargetsWord),
    /// Globs on Hugging Face names, e.g. `*.q_proj`, `model.layers.0.*`.
    Globs(AtLeastOne<String>),
}

/// Which linears, in a word.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "kebab-case")]
pub(super) enum TargetsWord {
    /// Every linear inside the blocks.
    Decoder,
    /// Those of `decoder` and `lm_head`, which is untied first if it shares the embedding's weights.
    All,
}

/// A text.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Corpus {
    /// Corpus and split of the catalog.
    Catalog(#[schemars(extend("pattern" = "^[^/]+/[^/]+$"))] String),
    /// A file of your own.
    Inline(Box<raw::InlineText>),
}

/// How many windows.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Windows {
    /// A number of windows.
    Count(NonZeroUsize),
    /// All that fit.
    Word(AllWindows),
}

/// All windows.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "kebab-case")]
pub(super) enum AllWindows {
    /// All that fit.
    All,
}
