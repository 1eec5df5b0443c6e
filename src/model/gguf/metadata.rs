//! Values of a GGUF's metadata by type, with errors that name the key.

use candle_core::quantized::gguf_file::Value;

use super::keys::{as_json, stored_as};
use super::{Gguf, unsigned};
use crate::model::ModelError;
use crate::model::keys::refused;

impl Gguf {
    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn optional(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    pub(super) fn meta(&self, key: &str) -> Result<&Value, ModelError> {
        self.optional(key)
            .ok_or_else(|| ModelError::Config(format!("{}: the metadata lacks `{key}`", self.path.display())))
    }

    pub(super) fn bad(&self, key: &str, value: &Value, why: &str) -> ModelError {
        refused(&self.name(), key, &as_json(value), why)
    }

    /// The error of a value of the wrong type or sign.
    pub(super) fn badly_stored(&self, key: &str, value: &Value, right: &str) -> ModelError {
        self.bad(key, value, &format!("is stored as {}; it must be {right}", stored_as(value)))
    }

    pub(super) fn number(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.meta(key)?;
        unsigned(value).ok_or_else(|| self.badly_stored(key, value, "a whole number (UINT32)"))
    }

    pub(super) fn optional_number(&self, key: &str) -> Result<Option<usize>, ModelError> {
        self.optional(key).map(|_| self.number(key)).transpose()
    }

    /// A number that all layers share: a single one, or a list of equal ones.
    pub(super) fn per_layer(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.meta(key)?;
        match value {
            Value::Array(all) => match all.first().and_then(unsigned) {
                Some(first) if all.iter().all(|one| unsigned(one) == Some(first)) => Ok(first),
                _ => Err(self.bad(key, value, "differs by layer, which is not supported")),
            },
            _ => self.number(key),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<&str, ModelError> {
        match self.meta(key)? {
            Value::String(text) => Ok(text),
            other => Err(self.badly_stored(key, other, "a text (STRING)")),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<&[Value], ModelError> {
        match self.meta(key)? {
            Value::Array(all) => Ok(all),
            other => Err(self.badly_stored(key, other, "a list (ARRAY)")),
        }
    }

    /// A finite number as f32, greater than 0, or 0 where `zero` allows it.
    pub(super) fn number_of(&self, key: &str, zero: bool) -> Result<Option<f32>, ModelError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let x = match value {
            Value::F32(x) => *x,
            Value::F64(x) => *x as f32,
            _ => return Err(self.badly_stored(key, value, "a number with a fraction (FLOAT32)")),
        };
        if x.is_finite() && (x > 0.0 || zero && x == 0.0) {
            Ok(Some(x))
        } else {
            Err(self.bad(key, value, "must be a number greater than 0"))
        }
    }

    /// The architecture, under whose name its keys are.
    pub(super) fn architecture(&self) -> Result<&str, ModelError> {
        self.text("general.architecture")
    }

    /// The full name of a key of the architecture.
    pub(super) fn own(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture().unwrap_or_default())
    }
}
