//! Typed values that remember where they were written, and nodes as fields of typed values.
//!
//! Serde's data model has no place for positions. So while [`super::from_node`] deserializes a type that asks for the
//! node (by a reserved name), it leaves a copy in a thread-local for that type's visitor to pick up.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::{Node, Span};

/// The newtype name by which a type asks for the node it is read from.
pub(super) const WITH_NODE: &str = "corda::yaml::with-node";

thread_local! {
    static HANDED_OVER: RefCell<Option<Node>> = const { RefCell::new(None) };
}

/// Leaves the node for the visitor that is called next.
pub(super) fn hand_over(node: &Node) {
    HANDED_OVER.with(|slot| slot.replace(Some(node.clone())));
}

fn handed_over<E: Error>() -> Result<Node, E> {
    HANDED_OVER.with(RefCell::take).ok_or_else(|| E::custom("positions are known for YAML read by this crate only"))
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The place where a value was written is not part of its schema.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpannedVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
            type Value = Spanned<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
                let span = handed_over::<D::Error>()?.span;
                Ok(Spanned { value: T::deserialize(inner)?, span })
            }
        }
        deserializer.deserialize_newtype_struct(WITH_NODE, SpannedVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;
        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Node, D::Error> {
                handed_over()
            }
        }
        deserializer.deserialize_newtype_struct(WITH_NODE, NodeVisitor)
    }
}
