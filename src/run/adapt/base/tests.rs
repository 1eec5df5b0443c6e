//! Names of bases that are not paths: the hub's, the catalog's, and what is written into configurations.

use super::*;
use crate::adapt::peft::Init;
use crate::model::shape::Shape;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "1123456789abcdef0123456789abcdef01234567";

fn model(name: &str, source: Source) -> Model {
    let shape = Shape {
        family: crate::model::arch::Family::llama(),
        hidden: 8,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 4,
        intermediate: 12,
        vocabulary: 9,
        context: 16,
        tied: true,
    };
    Model { name: name.into(), source, shape, licence: String::new(), terms: None, citation: String::new() }
}

fn hub() -> Model {
    let source = Source::Hub { repo: "owner/model".into(), dataset: false, revision: COMMIT.into(), files: [].into() };
    model("known", source)
}

fn adapter(name: &str, revision: Option<&str>) -> Loaded {
    Loaded {
        path: "adapter_model.safetensors".into(),
        class: None,
        base: Some(Named { name: name.into(), revision: revision.map(String::from) }),
        init: Init::Plain,
        linears: [].into(),
        magnitudes: [].into(),
        copies: [].into(),
    }
}

fn base(name: &str, revision: Option<&str>) -> Result<Base, RunError> {
    let (folder, model) = (tempfile::tempdir().unwrap(), hub());
    let spec = folder.path().join("spec.yaml");
    Search { model: &model, spec: &spec, catalog: None, folder: folder.path() }.base(&adapter(name, revision), None)
}

#[test]
fn the_specs_model_goes_by_the_names_of_hub_and_catalog() {
    for name in ["owner/model", "known", &format!("hub:owner/model@{COMMIT}")] {
        let found = base(name, None).unwrap();
        assert!(found.model == hub() && found.notes.is_empty(), "{name}");
    }
    let error = base("owner/another", None).unwrap_err().to_string();
    assert!(error.contains("owner/another") && error.contains("--base"), "{error}");
}

#[test]
fn another_revision_is_another_base() {
    assert!(base("owner/model", Some(COMMIT)).unwrap().notes.is_empty());
    let error = base("owner/model", Some(OTHER)).unwrap_err().to_string();
    assert!(error.contains(OTHER) && error.contains(COMMIT), "{error}");
    // A branch may be that commit or not.
    let notes = base("owner/model", Some("main")).unwrap().notes;
    assert!(notes.len() == 1 && notes[0].contains("revision main"), "{notes:?}");
}

#[test]
fn what_is_written_is_no_other_repository() {
    assert_eq!(name_of(&hub()), Named { name: "owner/model".into(), revision: Some(COMMIT.into()) });
    let path = model("base", Source::Path { path: "base".into(), sha256: None });
    assert!(Path::new(&name_of(&path).name).is_absolute());
    let pypi = Source::Pypi { package: "some-model".into(), version: "0.1".into(), files: [].into() };
    assert_eq!(name_of(&model("small", pypi)).name, "pypi:some-model==0.1");
}
