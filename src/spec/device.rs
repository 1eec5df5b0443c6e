//! The `device` key: where the forward pass runs.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::yaml::{Error, Spanned};

/// Where the forward pass runs. Statistics are summed and linears decomposed in f64 on the CPU, whatever it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// The kernels of this program.
    #[default]
    Cpu,
    /// An NVIDIA GPU by number, in a build with `--features cuda`.
    Cuda(usize),
    /// An Apple GPU by number, in a build with `--features metal`.
    Metal(usize),
}

impl Device {
    /// Whether it is the CPU, the default.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// The device itself.
    ///
    /// # Errors
    /// If there is none of that number, or this build was made without it.
    pub fn open(self) -> Result<candle_core::Device, String> {
        let (opened, feature) = match self {
            Self::Cpu => return Ok(candle_core::Device::Cpu),
            Self::Cuda(n) => (candle_core::Device::new_cuda(n), "cuda"),
            Self::Metal(n) => (candle_core::Device::new_metal(n), "metal"),
        };
        opened.map_err(|e| {
            format!("device `{self}` cannot be used: {e}; it needs `cargo build --release --features {feature}` and the device")
        })
    }
}

impl FromStr for Device {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, number) = text.split_once(':').unwrap_or((text, "0"));
        match (kind, number.parse()) {
            ("cpu", _) if text == "cpu" => Ok(Self::Cpu),
            ("cuda", Ok(n)) => Ok(Self::Cuda(n)),
            ("metal", Ok(n)) => Ok(Self::Metal(n)),
            _ => Err(format!("`{text}` is not a device; use `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`")),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Metal(n) => write!(f, "metal:{n}"),
        }
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Resolves the `device` key.
pub(super) fn resolve(written: Option<&Spanned<String>>) -> Result<Device, Error> {
    written.map_or(Ok(Device::Cpu), |text| text.value.parse().map_err(|why: String| Error::at(&text.span, why)))
}

#[cfg(test)]
mod tests;
