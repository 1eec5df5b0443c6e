//! Tree to typed values: a serde deserializer whose errors carry the position of the node or key at fault.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::spanned::{WITH_NODE, hand_over};
use super::{Error, Key, Node, Scalar, Value};

/// Reads a typed value from a node.
///
/// # Errors
/// Whatever serde finds wrong, at the position of the innermost node or key that it is about.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Error> {
    T::deserialize(NodeDeserializer(node))
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'a>(&'a Node);

impl<'a> NodeDeserializer<'a> {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Scalar(scalar) => visit_scalar(scalar, visitor),
            Value::Sequence(elements) => {
                let mut access = Elements(elements.iter());
                let value = visitor.visit_seq(&mut access)?;
                match access.0.next() {
                    None => Ok(value),
                    Some(extra) => Err(Error::at(&extra.span, "one element more than expected")),
                }
            }
            Value::Mapping(pairs) => visitor.visit_map(Pairs { rest: pairs.iter(), value: None }),
        }
    }

    fn visit_enum<'de, V: Visitor<'de>>(self, variants: &[&str], visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Scalar(Scalar::String(name)) => visitor.visit_enum(Variant::Word(self.0, name)),
            Value::Mapping(pairs) if pairs.len() == 1 => visitor.visit_enum(Variant::Pair(&pairs[0].0, &pairs[0].1)),
            _ => Err(self.0.unexpected(&format!("one of: {}", variants.join(", ")))),
        }
    }
}

fn visit_scalar<'de, V: Visitor<'de>>(scalar: &Scalar, visitor: V) -> Result<V::Value, Error> {
    match scalar {
        Scalar::Null => visitor.visit_unit(),
        Scalar::Bool(value) => visitor.visit_bool(*value),
        Scalar::Float(value) => visitor.visit_f64(*value),
        Scalar::String(text) => visitor.visit_str(text),
        Scalar::Integer(value) => {
            if let Ok(value) = u64::try_from(*value) {
                visitor.visit_u64(value)
            } else if let Ok(value) = i64::try_from(*value) {
                visitor.visit_i64(value)
            } else {
                visitor.visit_f64(*value as f64)
            }
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor).map_err(|error| error.or_at(&self.0.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) };
        result.map_err(|error: Error| error.or_at(&self.0.span))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &str, visitor: V) -> Result<V::Value, Error> {
        if name == WITH_NODE {
            hand_over(self.0);
        }
        visitor.visit_newtype_struct(self).map_err(|error: Error| error.or_at(&self.0.span))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_enum(variants, visitor).map_err(|error| error.or_at(&self.0.span))
    }

    /// A list is not taken for a mapping, its elements for values in the order of the keys.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Sequence(_) => Err(self.0.unexpected(&format!("a mapping with keys among {}", keys.join(", ")))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

struct Elements<'a>(std::slice::Iter<'a, Node>);

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let read = |node: &Node| seed.deserialize(NodeDeserializer(node)).map_err(|error| error.or_at(&node.span));
        self.0.next().map(read).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Pairs<'a> {
    rest: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a Node>,
}

impl<'de> de::MapAccess<'de> for Pairs<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(KeyDeserializer(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value was asked for before its key"))?;
        // What a type's own reading refuses is about the value, not about the mapping that it is in.
        seed.deserialize(NodeDeserializer(value)).map_err(|error| error.or_at(&value.span))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A key is read as text, or as a number if a number is requested.
struct KeyDeserializer<'a>(&'a Key);

impl<'a> KeyDeserializer<'a> {
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visit_scalar(&Scalar::plain(&self.0.name), visitor).map_err(|error| error.or_at(&self.0.span))
    }
}

macro_rules! numeric_keys {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(&self.0.name).map_err(|error: Error| error.or_at(&self.0.span))
    }

    numeric_keys! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! {
        bool i128 u128 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

/// A variant of an enum: a word alone, or a word with a value.
enum Variant<'a> {
    Word(&'a Node, &'a str),
    Pair(&'a Key, &'a Node),
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let (word, span) = match &self {
            Self::Word(node, word) => (*word, &node.span),
            Self::Pair(key, _) => (key.name.as_str(), &key.span),
        };
        let deserializer: StrDeserializer<'_, Error> = word.into_deserializer();
        let value = seed.deserialize(deserializer).map_err(|error| error.or_at(span))?;
        Ok((value, self))
    }
}

impl<'a> Variant<'a> {
    /// The value of a variant that has one.
    fn content(&self, fields: &str) -> Result<NodeDeserializer<'a>, Error> {
        match self {
            Self::Word(node, word) => {
                Err(Error::at(&node.span, format!("`{word}` needs a value: write {{{word}: {fields}}}")))
            }
            Self::Pair(_, node) => Ok(NodeDeserializer(node)),
        }
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self {
            Self::Word(..) => Ok(()),
            Self::Pair(key, _) => Err(Error::at(&key.span, format!("`{0}` takes no keys: write just {0}", key.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content("...")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.content("[...]")?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let shown: Vec<String> = fields.iter().map(|field| format!("{field}: ...")).collect();
        self.content(&format!("{{{}}}", shown.join(", ")))?.deserialize_struct("", fields, visitor)
    }
}
