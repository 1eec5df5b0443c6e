//! Tokenizers of GGUF files against transformers: facts that tests/interop/vocabularies.py has written.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::quantized::gguf_file::Value;
use corda::model::ModelError;
use corda::model::checkpoint::Checkpoint;
use corda::model::tokenizer::Tokenizer;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::golden::{catalog, files, ptb};
use crate::tiny::Tiny;
use crate::tiny::gguf::Gguf;

#[derive(Deserialize)]
struct Golden {
    origin: String,
    kinds: Vec<Kind>,
    #[serde(rename = "gemma3-270m")]
    gemma: Facts,
}

#[derive(Deserialize)]
struct Kind {
    architecture: String,
    model: String,
    pre: String,
    tokens: Vec<String>,
    types: Vec<i32>,
    merges: Option<Vec<(String, String)>>,
    scores: Option<Vec<f32>>,
    #[serde(flatten)]
    facts: Facts,
}

#[derive(Deserialize)]
struct Facts {
    /// Ids of every text of [`texts`].
    texts: Vec<Vec<u32>>,
    validation: Validation,
}

/// Of PTB's validation text.
#[derive(Deserialize)]
struct Validation {
    tokens: usize,
    sha256: String,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("golden/vocabularies.json")).unwrap();
    assert!(golden.origin.contains("transformers"));
    golden
}

/// Every line of a page of difficult text, the page, and nothing.
fn texts() -> Vec<String> {
    let page = include_str!("interop/difficult.txt");
    let mut all: Vec<String> = page.split('\n').map(String::from).collect();
    all.extend([page.to_string(), String::new()]);
    all
}

fn agrees(name: &str, tokenizer: &Tokenizer, facts: &Facts, validation: &str) {
    let texts = texts();
    assert_eq!(texts.len(), facts.texts.len());
    for (text, theirs) in texts.iter().zip(&facts.texts) {
        assert_eq!(tokenizer.encode_plain(text).unwrap(), *theirs, "{name}: {text:?}");
    }
    let ids = tokenizer.encode_plain(validation).unwrap();
    assert_eq!(ids.len(), facts.validation.tokens, "{name}");
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, facts.validation.sha256, "{name}");
}

impl Kind {
    /// Of a GGUF with the vocabulary; its tensors are a Llama's whatever the architecture is called.
    fn tokenizer(&self, path: &Path) -> Result<Tokenizer, ModelError> {
        let tiny = Tiny { hidden: 64, layers: 1, heads: 4, kv_heads: 2, tied: true, rope_scaling: None };
        let mut gguf = Gguf::of(&tiny);
        let texts = |all: &[String]| Value::Array(all.iter().cloned().map(Value::String).collect());
        gguf.metadata.retain(|key, _| !key.starts_with("tokenizer."));
        let mut set = |key: &str, value: Value| drop(gguf.metadata.insert(format!("tokenizer.ggml.{key}"), value));
        set("model", Value::String(self.model.clone()));
        set("pre", Value::String(self.pre.clone()));
        set("tokens", texts(&self.tokens));
        set("token_type", Value::Array(self.types.iter().map(|kind| Value::I32(*kind)).collect()));
        let id = |token: &str| self.tokens.iter().position(|one| one == token).map(|id| Value::U32(id as u32));
        if let Some(bos) = id("<s>").or(id("<bos>")) {
            set("bos_token_id", bos);
        }
        set("unknown_token_id", id("<unk>").unwrap());
        if let Some(merges) = &self.merges {
            let merges: Vec<String> = merges.iter().map(|(left, right)| format!("{left} {right}")).collect();
            set("merges", texts(&merges));
        }
        if let Some(scores) = &self.scores {
            set("scores", Value::Array(scores.iter().map(|score| Value::F32(*score)).collect()));
        }
        let architecture = self.architecture.as_str();
        if architecture == "gemma3" {
            set("add_space_prefix", Value::Bool(false));
        }
        gguf.write_as(architecture, path);
        corda::model::gguf::Gguf::open(&[path]).unwrap().tokenizer()
    }
}

#[test]
fn every_kind_of_vocabulary_gives_the_ids_of_its_hugging_face_tokenizer() {
    let validation = ptb("validation");
    let folder = tempfile::tempdir().unwrap();
    for kind in golden().kinds {
        let name = format!("{} {}", kind.architecture, kind.pre);
        let tokenizer = kind.tokenizer(&folder.path().join("m.gguf")).unwrap();
        agrees(&name, &tokenizer, &kind.facts, &validation);
        // As tokenizer.json it is the same.
        let json = folder.path().join("tokenizer.json");
        std::fs::write(&json, tokenizer.to_json().unwrap()).unwrap();
        agrees(&format!("{name}, exported"), &Tokenizer::from_json(&json).unwrap(), &kind.facts, &validation);
        // What begins a text: as llama.cpp has it where the file does not say.
        let adds = !["smaug-bpe", "dbrx", "qwen2", "gpt-4o", "smollm", "gpt-2"].contains(&kind.pre.as_str());
        let (plain, whole) = (tokenizer.encode_plain("a b").unwrap(), tokenizer.encode("a b").unwrap());
        assert_eq!(whole.len() - plain.len(), usize::from(adds), "{name}");
        let bos = kind.tokens.iter().position(|token| token == "<s>" || token == "<bos>").map(|id| id as u32);
        assert_eq!(tokenizer.bos(), bos, "{name}");
    }
}

#[test]
fn the_real_vocabulary_of_gemma_gives_the_ids_of_transformers() {
    let source = &catalog().model("gemma3-270m").unwrap().source.clone();
    let tokenizer = Checkpoint::open(&files(source)).unwrap().tokenizer().unwrap();
    agrees("gemma3-270m", &tokenizer, &golden().gemma, &ptb("validation"));
    // As /shared/golden/gemma3.json has it: a sample begins with <bos>, and <unk> is one token.
    assert_eq!(tokenizer.bos(), Some(2));
    assert_eq!(tokenizer.encode("the <unk> is").unwrap(), [2, 1437, 236_743, 3, 563]);
    assert_eq!(tokenizer.decode(&[2, 1437, 236_743, 3, 563]).unwrap(), "the  is");
}

#[test]
fn what_a_vocabulary_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    let kinds: BTreeMap<String, Kind> = golden().kinds.into_iter().map(|kind| (kind.pre.clone(), kind)).collect();
    let error = |kind: &Kind| kind.tokenizer(&path).map(|_| ()).unwrap_err().to_string();
    let change = |pre: &str, change: &dyn Fn(&mut Kind)| {
        let kind = &kinds[pre];
        let mut copy = Kind {
            architecture: kind.architecture.clone(),
            model: kind.model.clone(),
            pre: kind.pre.clone(),
            tokens: kind.tokens.clone(),
            types: kind.types.clone(),
            merges: kind.merges.clone(),
            scores: kind.scores.clone(),
            facts: Facts { texts: vec![], validation: Validation { tokens: 0, sha256: String::new() } },
        };
        change(&mut copy);
        error(&copy)
    };
    for (said, key) in [
        (change("default", &|kind| kind.scores = None), "tokenizer.ggml.scores"),
        (change("default", &|kind| kind.scores.as_mut().unwrap().truncate(5)), "tokenizer.ggml.scores"),
        (change("default", &|kind| kind.scores.as_mut().unwrap()[7] = f32::NAN), "tokenizer.ggml.scores"),
        (change("qwen2", &|kind| kind.merges = None), "tokenizer.ggml.merges"),
        (change("qwen2", &|kind| kind.types.truncate(5)), "tokenizer.ggml.token_type"),
        (change("qwen2", &|kind| kind.pre = "qwen3".into()), "tokenizer.ggml.pre"),
        (change("qwen2", &|kind| kind.model = "bert".into()), "tokenizer.ggml.model"),
    ] {
        assert!(said.contains(key) && said.contains("m.gguf"), "{said}");
    }
}
