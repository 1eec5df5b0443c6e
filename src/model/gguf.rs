//! GGUF: metadata, tokenizer and tensors of a Llama-family model, under Hugging Face names.

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};

use super::ModelError;
use super::config::{Config, base_frequencies};
use super::shape::Shape;
use super::tokenizer::{ByteLevelBpe, Tokenizer};
use crate::tensors::map;

/// An opened GGUF file.
pub struct Gguf {
    path: PathBuf,
    file: File,
    /// Bytes of the file.
    size: u64,
    content: Content,
}

impl Gguf {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let read = |source| ModelError::Read { path: path.into(), source };
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let whole = map(&file, 0, size as usize).map_err(read)?;
        let content = Content::read(&mut Cursor::new(&whole[..])).map_err(|e| corrupt(path, e))?;
        Ok(Self { path: path.into(), file, size, content })
    }

    fn meta(&self, key: &str) -> Result<&Value, ModelError> {
        self.content.metadata.get(key).ok_or_else(|| {
            ModelError::Config(format!(
                "{}: no `{key}` in its metadata; is it a Llama-family model?",
                self.path.display()
            ))
        })
    }

    fn number(&self, key: &str) -> Result<usize, ModelError> {
        Ok(self.meta(key)?.to_u64()? as usize)
    }

    /// Base of the rotary frequencies.
    fn theta(&self) -> Result<f32, ModelError> {
        Ok(match self.content.metadata.get("llama.rope.freq_base") {
            Some(value) => value.to_f32()?,
            None => 10_000.0,
        })
    }

    pub fn config(&self) -> Result<Config, ModelError> {
        let architecture = self.meta("general.architecture")?.to_string()?;
        if architecture != "llama" {
            return Err(ModelError::Config(format!(
                "{}: architecture {architecture:?}; only the Llama family (`llama`) is supported",
                self.path.display()
            )));
        }
        if let Some(scaling) = self.content.metadata.get("llama.rope.scaling.type") {
            let scaling = scaling.to_string()?;
            if scaling != "none" {
                return Err(ModelError::Config(format!(
                    "{}: rope scaling {scaling:?} is not read from GGUF; use the model in Hugging Face format",
                    self.path.display()
                )));
            }
        }
        let heads = self.number("llama.attention.head_count")?;
        let hidden = self.number("llama.embedding_length")?;
        let optional =
            |key: &str, or: usize| if self.content.metadata.contains_key(key) { self.number(key) } else { Ok(or) };
        let head_dim = optional("llama.rope.dimension_count", hidden / heads.max(1))?;
        let shape = Shape {
            hidden,
            layers: self.number("llama.block_count")?,
            heads,
            kv_heads: optional("llama.attention.head_count_kv", heads)?,
            head_dim,
            intermediate: self.number("llama.feed_forward_length")?,
            vocabulary: self.meta("tokenizer.ggml.tokens")?.to_vec()?.len(),
            context: self.number("llama.context_length")?,
            tied: !self.content.tensor_infos.contains_key("output.weight"),
        };
        shape.check().map_err(|e| ModelError::Config(format!("{}: {e}", self.path.display())))?;
        let mut frequencies = base_frequencies(f64::from(self.theta()?), head_dim);
        // Llama 3's long-context scaling comes as a tensor of divisors.
        if self.content.tensor_infos.contains_key("rope_freqs.weight") {
            let divisors: Vec<f32> = self.read("rope_freqs.weight")?.to_vec1()?;
            if divisors.len() != frequencies.len() {
                return Err(corrupt(&self.path, "rope_freqs.weight does not fit the head"));
            }
            frequencies.iter_mut().zip(divisors).for_each(|(f, divisor)| *f /= divisor);
        }
        let rms_eps = self.meta("llama.attention.layer_norm_rms_epsilon")?.to_f32()?;
        Ok(Config { shape, rms_eps, frequencies })
    }

    /// The tokenizer from the file's own vocabulary and merges.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        let kind = self.meta("tokenizer.ggml.model")?.to_string()?;
        if kind != "gpt2" {
            return Err(ModelError::Tokenizer(format!(
                "{} holds a {kind:?} tokenizer; only byte-level BPE (`gpt2`) is read from GGUF, \
                 so use the model in Hugging Face format (tokenizer.json)",
                self.path.display()
            )));
        }
        let strings = |key: &str| -> Result<Vec<String>, ModelError> {
            Ok(self.meta(key)?.to_vec()?.iter().map(|v| v.to_string().cloned()).collect::<Result<_, _>>()?)
        };
        let types = self.meta("tokenizer.ggml.token_type")?.to_vec()?;
        let types = types.iter().map(|v| v.to_i32()).collect::<Result<Vec<_>, _>>()?;
        let flag = |key: &str| self.content.metadata.get(key).map(|v| v.to_bool()).transpose();
        let bos = if flag("tokenizer.ggml.add_bos_token")? == Some(true) {
            Some(self.number("tokenizer.ggml.bos_token_id")? as u32)
        } else {
            None
        };
        Tokenizer::from_byte_level_bpe(ByteLevelBpe {
            tokens: strings("tokenizer.ggml.tokens")?,
            merges: strings("tokenizer.ggml.merges")?,
            // 3 is a control token, 4 a user-defined one: both are matched in the text as a whole.
            special: types.iter().enumerate().filter(|(_, t)| matches!(t, 3 | 4)).map(|(id, _)| id as u32).collect(),
            pre_tokenizer: self.meta("tokenizer.ggml.pre")?.to_string()?.clone(),
            bos,
        })
    }

    /// Tokens that end an answer: of a text, and of a turn.
    pub fn eos(&self) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
            if self.content.metadata.contains_key(key) {
                ids.push(self.number(key)? as u32);
            }
        }
        ids.dedup();
        Ok(ids)
    }

    /// `config.json` of the same model.
    pub fn hugging_face_config(&self) -> Result<serde_json::Value, ModelError> {
        if self.content.tensor_infos.contains_key("rope_freqs.weight") {
            let why = "its rotary frequencies are a tensor; the parameters behind them are not in the file".into();
            return Err(ModelError::Export { path: self.path.clone(), why });
        }
        let Config { shape, .. } = self.config()?;
        let token = |key: &str| match self.content.metadata.get(key) {
            Some(_) => self.number(key).map(serde_json::Value::from),
            None => Ok(serde_json::Value::Null),
        };
        Ok(serde_json::json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            "head_dim": shape.head_dim,
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.context,
            // By way of text: the nearest f64 of 1e-5 as f32 has a long tail.
            "rms_norm_eps": shortest(self.meta("llama.attention.layer_norm_rms_epsilon")?.to_f32()?),
            "rope_theta": shortest(self.theta()?),
            "attention_bias": false,
            "mlp_bias": false,
            "bos_token_id": token("tokenizer.ggml.bos_token_id")?,
            "eos_token_id": token("tokenizer.ggml.eos_token_id")?,
        }))
    }

    /// `tokenizer.json` and `tokenizer_config.json` of the same model.
    pub fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
        let tokens = self.meta("tokenizer.ggml.tokens")?.to_vec()?;
        let mut config = serde_json::json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
            "model_max_length": self.number("llama.context_length")?,
        });
        for (name, key) in [
            ("bos_token", "tokenizer.ggml.bos_token_id"),
            ("eos_token", "tokenizer.ggml.eos_token_id"),
            ("unk_token", "tokenizer.ggml.unknown_token_id"),
            ("pad_token", "tokenizer.ggml.padding_token_id"),
        ] {
            if self.content.metadata.contains_key(key)
                && let Some(token) = tokens.get(self.number(key)?)
            {
                config[name] = token.to_string()?.as_str().into();
            }
        }
        if let Some(template) = self.content.metadata.get("tokenizer.chat_template") {
            config["chat_template"] = template.to_string()?.as_str().into();
        }
        Ok(vec![
            ("tokenizer.json".into(), self.tokenizer()?.to_json()?.into_bytes()),
            ("tokenizer_config.json".into(), format!("{config:#}\n").into_bytes()),
        ])
    }

    /// The tensor of that Hugging Face name, dequantised to f32, q/k rows in Hugging Face's order.
    pub fn tensor(&self, name: &str, heads: usize, kv_heads: usize) -> Result<Tensor, ModelError> {
        let tensor = self.read(
            &gguf_name(name).ok_or_else(|| ModelError::Missing { origin: self.path.clone(), name: name.into() })?,
        )?;
        if name.ends_with("q_proj.weight") {
            unpermute(&tensor, heads)
        } else if name.ends_with("k_proj.weight") {
            unpermute(&tensor, kv_heads)
        } else {
            Ok(tensor)
        }
    }

    fn read(&self, name: &str) -> Result<Tensor, ModelError> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(ModelError::Missing { origin: self.path.clone(), name: name.into() });
        };
        let (dtype, dims) = (info.ggml_dtype, info.shape.dims().to_vec());
        let bytes = info.shape.elem_count() / dtype.block_size() * dtype.type_size();
        let start = self.content.tensor_data_offset.saturating_add(info.offset);
        if start.saturating_add(bytes as u64) > self.size {
            return Err(corrupt(&self.path, format!("tensor {name:?} lies beyond its end")));
        }
        // Mapped only while it is read, so that a model on disk never counts as memory.
        let raw =
            map(&self.file, start, bytes).map_err(|source| ModelError::Read { path: self.path.clone(), source })?;
        let tensor = qtensor_from_ggml(dtype, &raw, dims, &Device::Cpu).map_err(|e| corrupt(&self.path, e))?;
        Ok(tensor.dequantize(&Device::Cpu)?)
    }
}

fn corrupt(path: &Path, why: impl std::fmt::Display) -> ModelError {
    ModelError::Corrupt { path: path.into(), format: "GGUF", why: why.to_string() }
}

/// The f64 whose shortest text is that of the f32.
fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}

/// GGUF's name of a Hugging Face tensor.
fn gguf_name(name: &str) -> Option<String> {
    match name {
        "model.embed_tokens.weight" => return Some("token_embd.weight".into()),
        "model.norm.weight" => return Some("output_norm.weight".into()),
        "lm_head.weight" => return Some("output.weight".into()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let part = match part.strip_suffix(".weight")? {
        "input_layernorm" => "attn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "post_attention_layernorm" => "ffn_norm",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{part}.weight"))
}

/// Undoes llama.cpp's reordering of q/k rows: it interleaves the two halves of a head (pairs), Hugging Face keeps halves.
fn unpermute(w: &Tensor, heads: usize) -> Result<Tensor, ModelError> {
    let (d_out, d_in) = w.dims2()?;
    let half = d_out / heads / 2;
    Ok(w.reshape((heads, half, 2, d_in))?.transpose(1, 2)?.contiguous()?.reshape((d_out, d_in))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpermute_undoes_the_conversion() {
        // 2 heads of 6 rows, one column holding the row's Hugging Face index.
        let hf: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let hf = Tensor::from_vec(hf, (12, 1), &Device::Cpu).unwrap();
        // The conversion in llama.cpp: reshape(heads, 2, half, in), swap the middle axes.
        let gguf = hf.reshape((2, 2, 3, 1)).unwrap().transpose(1, 2).unwrap().contiguous().unwrap();
        let gguf = gguf.reshape((12, 1)).unwrap();
        assert_eq!(gguf.flatten_all().unwrap().to_vec1::<f32>().unwrap()[..6], [0., 3., 1., 4., 2., 5.]);
        let back = unpermute(&gguf, 2).unwrap();
        assert_eq!(back.to_vec2::<f32>().unwrap(), hf.to_vec2::<f32>().unwrap());
    }

    #[test]
    fn garbage_is_an_error_not_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gguf");
        for bytes in [
            &b""[..],
            b"GGUF",
            b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            &[7; 4096],
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = Gguf::open(&path).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("x.gguf"), "{error}");
        }
    }
}
