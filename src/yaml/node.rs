//! The tree: scalars, sequences and mappings, each with its position.

use super::{Error, Span};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written; for an empty value the key it belongs to.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A leaf.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file, keys distinct.
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its text.
    pub name: String,
    /// Where it was written.
    pub span: Span,
}

/// A leaf, resolved by the core schema: what is quoted is a string.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Decimal, `0x` or `0o`.
    Integer(i128),
    /// With a point or an exponent, `.inf`, `.nan`; also an integer beyond 128 bits.
    Float(f64),
    /// All else.
    String(String),
}

impl Scalar {
    /// Resolves a scalar that was written without quotes.
    pub(crate) fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Self::Float(f64::NAN),
            _ => {}
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
            return Self::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        integer(text, unsigned, negative)
            .or_else(|| decimal(unsigned).then(|| text.parse().ok().map(Self::Float)).flatten())
            .unwrap_or_else(|| Self::String(text.to_owned()))
    }
}

/// `[-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+`, as far as 128 bits hold it.
fn integer(text: &str, unsigned: &str, negative: bool) -> Option<Scalar> {
    let radix = |prefix, radix| {
        let digits = text.strip_prefix(prefix).filter(|digits: &&str| !digits.starts_with(['+', '-']))?;
        i128::from_str_radix(digits, radix).ok()
    };
    let decimal = || {
        // A leading zero is 8 times less in YAML 1.1: neither is guessed.
        let octal = unsigned.len() > 1 && unsigned.starts_with('0');
        let digits = !unsigned.is_empty() && !octal && unsigned.bytes().all(|b| b.is_ascii_digit());
        let magnitude: i128 = digits.then(|| unsigned.parse().ok())??;
        Some(if negative { -magnitude } else { magnitude })
    };
    radix("0x", 16).or_else(|| radix("0o", 8)).or_else(decimal).map(Scalar::Integer)
}

/// `(\.[0-9]+ | [0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`: Rust's own parser also takes words such as `inf`.
fn decimal(unsigned: &str) -> bool {
    let starts_well = unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    // 010 is no float either.
    let whole = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit());
    starts_well && !whole && unsigned.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(pairs) => pairs.iter().find(|(k, _)| k.name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether this is `null` or nothing at all.
    pub fn is_null(&self) -> bool {
        self.value == Value::Scalar(Scalar::Null)
    }

    /// The keys and values; `expected` says what they are, for the message if this is not a mapping.
    pub fn pairs(&self, expected: &str) -> Result<&[(Key, Node)], Error> {
        match &self.value {
            Value::Mapping(pairs) => Ok(pairs),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// The elements; `expected` says what they are, for the message if this is not a sequence.
    pub fn elements(&self, expected: &str) -> Result<&[Node], Error> {
        match &self.value {
            Value::Sequence(elements) => Ok(elements),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// The error that this is not what was expected.
    pub fn unexpected(&self, expected: &str) -> Error {
        Error::at(&self.span, format!("expected {expected}, found {}", self.what()))
    }

    /// What this is, in words.
    fn what(&self) -> String {
        match &self.value {
            Value::Scalar(Scalar::Null) => "nothing".into(),
            Value::Scalar(Scalar::Bool(value)) => format!("`{value}`"),
            Value::Scalar(Scalar::Integer(value)) => format!("the number {value}"),
            Value::Scalar(Scalar::Float(value)) => format!("the number {value}"),
            Value::Scalar(Scalar::String(text)) => format!("the text {text:?}"),
            Value::Sequence(_) => "a list".into(),
            Value::Mapping(_) => "a mapping".into(),
        }
    }
}
