//! The header of a GGUF file: metadata, and where its tensors are.
//!
//! It is read here rather than by candle so that errors are exact: an unsupported type of quantisation with the name of the tensor,
//! another version or byte order, a repeated key.

use std::collections::BTreeMap;

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Value;

/// Types of elements that are read.
pub const SUPPORTED: &str = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K";

/// What is wrong with a header.
#[derive(Debug, PartialEq)]
pub enum Problem {
    /// The bytes do not follow the format.
    Corrupt(String),
    /// Well-formed but not supported, for this reason.
    Unsupported(String),
    /// A tensor of a type that is not supported: its name, and the type's.
    Type(String, String),
}

/// A tensor as the header has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// Type of its elements.
    pub dtype: GgmlDType,
    /// Dimensions, slowest first (as everywhere else; the file has them the other way).
    pub dims: Vec<usize>,
    /// Where its bytes start in the file.
    pub start: u64,
    /// How many bytes it has.
    pub bytes: usize,
}

/// The header of a file.
#[derive(Debug)]
pub struct Header {
    /// Values by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Info>,
}

/// Reads the header of a file of which `bytes` is all. Every tensor lies within it.
pub fn read(bytes: &[u8]) -> Result<Header, Problem> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.take(4)? != b"GGUF" {
        return Err(Problem::Corrupt("it does not begin with `GGUF`".into()));
    }
    match reader.u32()? {
        2 | 3 => {}
        version if matches!(version.swap_bytes(), 1..=3) => {
            return Err(Problem::Unsupported(
                "it is big-endian, and only little-endian GGUF is read: convert it with `gguf-convert-endian`".into(),
            ));
        }
        version => {
            return Err(Problem::Unsupported(format!(
                "it is GGUF version {version}; versions 2 and 3 are read: convert the model anew"
            )));
        }
    }
    let (tensors, keys) = (reader.u64()?, reader.u64()?);
    let mut metadata = BTreeMap::new();
    for _ in 0..keys {
        let key = reader.string()?;
        let kind = reader.u32()?;
        let value = reader.value(kind, 0)?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(Problem::Corrupt(format!("key `{key}` is there twice")));
        }
    }
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(Value::U32(alignment)) if alignment.is_power_of_two() => u64::from(*alignment),
        Some(other) => {
            return Err(Problem::Unsupported(format!("`general.alignment` is {other:?}, not a power of two")));
        }
    };
    let mut infos = Vec::new();
    for _ in 0..tensors {
        infos.push(reader.tensor()?);
    }
    let data = (reader.at as u64).next_multiple_of(alignment);
    let mut all = BTreeMap::new();
    for (name, kind, dims, offset) in infos {
        let dtype = dtype(kind).map_err(|found| Problem::Type(name.clone(), found))?;
        let beyond = || Problem::Corrupt(format!("tensor {name:?} lies beyond its end"));
        let elements = dims.iter().try_fold(1usize, |all, dim| all.checked_mul(*dim)).ok_or_else(beyond)?;
        let row = dims.last().copied().unwrap_or(1);
        if !row.is_multiple_of(dtype.block_size()) || !offset.is_multiple_of(alignment) {
            let why = format!(
                "tensor {name:?} has rows of {row} at {offset}, which neither blocks of {dtype:?} nor the alignment allow"
            );
            return Err(Problem::Corrupt(why));
        }
        let size = (elements / dtype.block_size()).checked_mul(dtype.type_size()).ok_or_else(beyond)?;
        let start = data.checked_add(offset).ok_or_else(beyond)?;
        if start.checked_add(size as u64).is_none_or(|end| end > bytes.len() as u64) {
            return Err(beyond());
        }
        if all.insert(name.clone(), Info { dtype, dims, start, bytes: size }).is_some() {
            return Err(Problem::Corrupt(format!("tensor {name:?} is there twice")));
        }
    }
    Ok(Header { metadata, tensors: all })
}

/// The type of that number; if it is not supported, its name.
fn dtype(kind: u32) -> Result<GgmlDType, String> {
    Ok(match kind {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => {
            let known = match kind {
                4 => "Q4_2",
                5 => "Q4_3",
                9 => "Q8_1",
                15 => "Q8_K",
                16 => "IQ2_XXS",
                17 => "IQ2_XS",
                18 => "IQ3_XXS",
                19 => "IQ1_S",
                20 => "IQ4_NL",
                21 => "IQ3_S",
                22 => "IQ2_S",
                23 => "IQ4_XS",
                24 => "I8",
                25 => "I16",
                26 => "I32",
                27 => "I64",
                28 => "F64",
                29 => "IQ1_M",
                31 => "Q4_0_4_4",
                32 => "Q4_0_4_8",
                33 => "Q4_0_8_8",
                34 => "TQ1_0",
                35 => "TQ2_0",
                36 => "IQ4_NL_4_4",
                37 => "IQ4_NL_4_8",
                38 => "IQ4_NL_8_8",
                39 => "MXFP4",
                40 => "NVFP4",
                41 => "Q1_0",
                _ => return Err(format!("number {kind} of ggml")),
            };
            return Err(known.into());
        }
    })
}

/// Bounds-checked reading from the start of a file.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Arrays in arrays, so that a chain of them cannot overflow the stack.
const DEPTH: usize = 8;

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end =
            end.ok_or_else(|| Problem::Corrupt(format!("it ends inside its header, at byte {}", self.bytes.len())))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut all = [0; N];
        all.copy_from_slice(self.take(N)?);
        Ok(all)
    }

    fn u32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Problem> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn string(&mut self) -> Result<String, Problem> {
        let length = self.u64()?;
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        // Some writers end strings with a zero byte.
        let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        // Texts of the vocabulary may be cut inside a character.
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn value(&mut self, kind: u32, depth: usize) -> Result<Value, Problem> {
        Ok(match kind {
            0 => Value::U8(self.array::<1>()?[0]),
            1 => Value::I8(i8::from_le_bytes(self.array()?)),
            2 => Value::U16(u16::from_le_bytes(self.array()?)),
            3 => Value::I16(i16::from_le_bytes(self.array()?)),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(i32::from_le_bytes(self.array()?)),
            6 => Value::F32(f32::from_le_bytes(self.array()?)),
            7 => match self.array::<1>()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => return Err(Problem::Corrupt(format!("a flag holds {other}"))),
            },
            8 => Value::String(self.string()?),
            9 if depth < DEPTH => {
                let (kind, count) = (self.u32()?, self.u64()?);
                // Grows with the values, so that a wrong length costs no memory.
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(self.value(kind, depth + 1)?);
                }
                Value::Array(all)
            }
            10 => Value::U64(self.u64()?),
            11 => Value::I64(i64::from_le_bytes(self.array()?)),
            12 => Value::F64(f64::from_le_bytes(self.array()?)),
            other => return Err(Problem::Corrupt(format!("a value is of type {other}, which GGUF does not have"))),
        })
    }

    /// Name, type, dimensions (slowest first) and offset of a tensor.
    fn tensor(&mut self) -> Result<(String, u32, Vec<usize>, u64), Problem> {
        let name = self.string()?;
        let count = self.u32()?;
        if count > 4 {
            return Err(Problem::Corrupt(format!("tensor {name:?} has {count} dimensions; the format allows 4")));
        }
        let mut dims = Vec::new();
        for _ in 0..count {
            dims.push(usize::try_from(self.u64()?).unwrap_or(usize::MAX));
        }
        dims.reverse();
        Ok((name, self.u32()?, dims, self.u64()?))
    }
}

#[cfg(test)]
mod tests;
