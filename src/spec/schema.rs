//! The JSON schema of experiment files, for editors: from the types that read them, with their comments.
//!
//! It covers what can be checked in one file alone. Names of models, corpora and calibrations, and values that depend on
//! the model, are checked by `corda check`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::raw;
use crate::decompose::{Entry, METHODS, Needs};
use crate::yaml;

/// The schema, as indented JSON without a line end.
///
/// ```
/// assert!(corda::spec::schema().contains("\"calibrations\""));
/// ```
pub fn schema() -> String {
    let mut root = keys();
    demand_where_nothing_is_extended(&mut root);
    format!("{root:#}")
}

/// The schema of a file that does not extend another: it says which keys each mapping requires.
pub(crate) fn keys() -> Value {
    let mut root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<raw::Experiment>().to_value();
    add_keys_about_the_file(&mut root);
    // A schema written by hand does not say that the key may be left out.
    root["required"] = json!(["name", "model"]);
    root
}

/// `extends` and `sweep` are followed before the types read what is left.
fn add_keys_about_the_file(root: &mut Value) {
    let extends = json!({
        "description": "Another experiment file, relative to this one, that this file is laid over: mappings are merged key by key, any other value replaces, `null` removes a key.",
        "type": "string",
        "examples": ["table6.yaml"]
    });
    let sweep = json!({
        "description": "Runs the experiment once for every combination of the values of these keys (dotted paths, as in `--set`), each a variant.",
        "type": ["object", "null"],
        "additionalProperties": {"type": "array", "minItems": 1},
        "minProperties": 1,
        "examples": [{"seed": [1, 2, 3]}],
        "propertyNames": {"not": {"pattern": "^(name|extends|sweep)([.\\[]|$)"}}
    });
    root["properties"]["extends"] = extends;
    root["properties"]["sweep"] = sweep;
}

/// The keys that say what is decomposed, and how far.
const CURVES: [&str; 2] = ["arms", "discard"];

/// A required key may come from the extended file, so keys are required only in files that do not extend another.
fn demand_where_nothing_is_extended(root: &mut Value) {
    let own = |of: &mut Value| of.as_object_mut().and_then(|of| of.shift_remove("required")).unwrap_or(json!([]));
    own(root);
    let [calibration, evaluation, text, train, validation, questions] =
        ["Calibration", "Evaluation", "InlineText", "Train", "Validation", "Questions"]
            .map(|name| own(&mut root["$defs"][name]));
    let with_text = |required: &Value| json!({"type": "object", "required": required, "properties": {"corpus": {"required": text}}});
    let all = |required: Value| json!({"type": ["object", "null"], "additionalProperties": with_text(&required)});
    let mut training = with_text(&train);
    training["type"] = json!(["object", "null"]);
    training["properties"]["validation"] = with_text(&validation);
    root["if"] = json!({"not": {"required": ["extends"]}});
    root["then"] = json!({
        "required": ["name", "model"],
        "anyOf": [{"required": ["heatmaps"]}, {"required": CURVES}, {"required": ["train"]}],
        // The parts of a study belong together; spectra need no test set; fine-tuning needs no arms.
        "dependentRequired": {
            "arms": ["discard"], "spectra": CURVES, "adapters": ["evaluate", "arms"], "questions": ["train"]
        },
        "dependentSchemas": {
            "arms": {"anyOf": [{"required": ["evaluate"]}, {"required": ["spectra"]}, {"required": ["train"]}]},
            "discard": {"anyOf": [{"required": ["arms"]}, {"required": ["train"]}]},
            "evaluate": {"anyOf": [{"required": CURVES}, {"required": ["train"]}]},
            "train": {
                "anyOf": [{"required": ["evaluate"]}, {"required": ["questions"]}],
                "not": {"required": ["adapters"]}
            }
        },
        "properties": {
            "calibrations": all(calibration),
            "evaluate": all(evaluation),
            "questions": all(questions),
            "train": training,
            "discard": {"oneOf": [{"required": ["components"]}, {"required": ["share"]}]},
        }
    });
}

/// The `arms` key: each method has keys of its own.
pub(super) fn arms(generator: &mut SchemaGenerator) -> Schema {
    let methods: Vec<Value> = METHODS.iter().map(|entry| arm(entry, generator)).collect();
    schemars::json_schema!({"type": ["array", "null"], "minItems": 1, "items": {"oneOf": methods}})
}

/// An arm of one method.
fn arm(entry: &Entry, generator: &mut SchemaGenerator) -> Value {
    let mut properties = properties(raw::Arm::json_schema(generator));
    properties.insert("method".into(), json!({"const": entry.name, "description": entry.summary}));
    let mut required = vec!["method"];
    // What a method needs is known once its parameters are read: here from an empty mapping.
    let method = yaml::parse("{}", "schema").and_then(|nothing| (entry.read)(&nothing));
    match method.map(|method| method.needs()) {
        Ok(Needs::Statistics) => {
            required.push("calibration");
            properties["calibration"]["type"] = json!("string");
        }
        Ok(Needs::Nothing) => {
            properties.shift_remove("calibration");
            properties.shift_remove("samples");
        }
        Err(_) => {}
    }
    properties.extend(self::properties((entry.schema)(generator)));
    json!({
        "title": entry.name,
        "description": entry.summary,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false
    })
}

fn properties(schema: Schema) -> Map<String, Value> {
    match schema.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Map::new(),
    }
}
