//! YAML with positions: a tree whose every key and value knows file, line and column.
//!
//! [`load`] reads a file and what it `extends`, [`override_with`] applies `--set PATH=VALUE`, and [`from_node`] turns a
//! tree into typed values, so that serde's complaints (wrong type, unknown or missing key, unknown variant) point at
//! the place in the file. This module does not know what the values mean.
//!
//! This accepts the core schema of YAML 1.2, one document per file. Anchors, aliases, tags and keys that are not scalars
//! are refused with a message: an experiment should be readable without following references.

mod de;
mod error;
mod extends;
mod node;
mod overrides;
mod parse;
mod span;
mod spanned;
#[cfg(test)]
pub(crate) mod tests;

pub use de::from_node;
pub use error::{Error, Errors, nearest};
pub use extends::{load, merge, take};
pub use node::{Key, Node, Scalar, Value};
pub use overrides::{Added, Names, added, canonical, override_with, set_path};
pub use parse::parse;
pub use span::{File, Span};
pub use spanned::Spanned;
