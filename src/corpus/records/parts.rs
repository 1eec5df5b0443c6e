//! Parts of a file of records, by a hash of the question: equal questions are in the same part, whatever their order and whatever
//! other records there are.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Parts by name; they do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Parts(#[schemars(with = "BTreeMap<String, [Percent; 2]>")] BTreeMap<String, Part>);

/// A part of the records: the hundredths from `from` to before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    from: u8,
    to: u8,
}

/// One of the bounds, for the schema only.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(dead_code)]
struct Percent(#[schemars(range(min = 0, max = 100))] u8);

impl Parts {
    /// A part by name.
    pub fn get(&self, name: &str) -> Option<Part> {
        self.0.get(name).copied()
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the file is not divided.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Two parts that have hundredths in common.
    fn overlapping(&self) -> Option<(&str, &str)> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by_key(|(_, part)| part.from);
        let pair = sorted.windows(2).find(|pair| pair[1].1.from < pair[0].1.to)?;
        Some((pair[0].0, pair[1].0))
    }
}

impl Part {
    fn new(from: u64, to: u64) -> Result<Self, String> {
        match (u8::try_from(from), u8::try_from(to)) {
            (Ok(from), Ok(to @ ..=100)) if from < to => Ok(Self { from, to }),
            _ => Err(format!("[{from}, {to}] is not a part: write [FROM, TO] in percent, 0 <= FROM < TO <= 100")),
        }
    }

    /// Whether a text falls into this part.
    pub(super) fn holds(self, text: &str) -> bool {
        (self.from..self.to).contains(&hundredth(text))
    }
}

/// Which of 100 equal parts a text falls into.
fn hundredth(text: &str) -> u8 {
    let hash = blake3::hash(text.as_bytes());
    let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    (u64::from_le_bytes(bytes) % 100) as u8
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.from, self.to].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a part: [FROM, TO] in percent")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut bounds: A) -> Result<Part, A::Error> {
                let mut bound = |at| bounds.next_element::<u64>()?.ok_or_else(|| A::Error::invalid_length(at, &self));
                let (from, to) = (bound(0)?, bound(1)?);
                Part::new(from, to).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_seq(PartVisitor)
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartsVisitor;
        impl<'de> Visitor<'de> for PartsVisitor {
            type Value = Parts;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("parts by name: {NAME: [FROM, TO], ...} in percent")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Parts, A::Error> {
                let mut parts = Parts::default();
                while let Some((name, part)) = pairs.next_entry()? {
                    parts.0.insert(name, part);
                }
                match parts.overlapping() {
                    None => Ok(parts),
                    Some((a, b)) => Err(A::Error::custom(format!("the parts `{a}` and `{b}` overlap"))),
                }
            }
        }
        deserializer.deserialize_map(PartsVisitor)
    }
}
