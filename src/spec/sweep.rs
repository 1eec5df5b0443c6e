//! The `sweep` key: keys that take several values each; every combination of them is a variant of the experiment.

use std::collections::HashSet;

use super::{Experiment, Loaded, Places, SpecErrors, Warning, merge_warnings};
use crate::names;
use crate::yaml::{self, Error, Errors, Key, Node};

/// Largest number of variants: more are probably a mistake.
const MOST: usize = 256;
/// Most variants that a figure shows beside each other.
const MOST_BESIDE: usize = 6;
/// Longest name of a variant's folder, without the number that distinguishes equal names.
const LONGEST: usize = 48;

/// The variants of an experiment.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Paths of the swept keys, in the order of the file.
    pub keys: Vec<String>,
    /// Every combination of their values; the last key changes fastest.
    pub variants: Vec<Variant>,
}

/// The experiment with one value for every swept key.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its folder below that of the experiment, e.g. `seed-1`.
    pub name: String,
    /// Its name in tables, e.g. `seed = 1`.
    pub label: String,
    /// Value of each swept key, as tables show it.
    pub values: Vec<String>,
    /// The experiment; its overrides say how it differs from the file, e.g. `seed=1`.
    pub experiment: Experiment,
    /// Warnings about it.
    pub warnings: Vec<Warning>,
    /// Where its file makes demands on its texts.
    pub places: Places,
}

impl Sweep {
    /// Whether the variants are replicates: they differ in seeds only.
    pub fn is_replicates(&self) -> bool {
        self.keys.iter().all(|key| key.rsplit('.').next() == Some("seed"))
    }

    /// Whether a figure shows the variants beside each other: not so many that no one could read it.
    pub fn is_drawn_beside(&self) -> bool {
        !self.is_replicates() && !self.is_over_targets() && self.variants.len() <= MOST_BESIDE
    }

    /// Whether only the targets differ.
    pub fn is_over_targets(&self) -> bool {
        self.keys == ["targets"]
    }
}

/// A swept key and its values.
struct Axis<'a> {
    key: &'a Key,
    values: &'a [Node],
}

/// The variants that `sweep` makes of a file; `resolve` resolves one.
///
/// # Errors
/// A swept key or value that is wrong, at its place in the sweep; what is wrong with every variant, once.
pub(super) fn load(
    root: &Node,
    sweep: &Node,
    resolve: &dyn Fn(&Node) -> Result<Loaded, SpecErrors>,
) -> Result<Loaded, SpecErrors> {
    let ids = [super::arms::ids(root)];
    let names = super::resolve::arm_names(&ids);
    let axes = axes(sweep)?;
    distinct(root, &axes, names)?;
    let (mut errors, mut said) = (Errors::default(), HashSet::new());
    let mut variants: Vec<Variant> = Vec::new();
    let mut first = None;
    for combination in combinations(&axes) {
        match set(root, &combination, names).and_then(|root| resolve(&root)) {
            Ok(loaded) => {
                if first.is_none() {
                    overridden(&loaded, &axes)?;
                }
                let variant = variant(&loaded, &combination, &variants);
                variants.push(variant);
                first.get_or_insert((loaded.experiment, loaded.places));
            }
            Err(found) => {
                let new = found.iter().filter(|error| said.insert(error.to_string())).cloned();
                new.for_each(|error| errors.push(error));
            }
        }
    }
    let (Some((experiment, places)), true) = (first, errors.is_empty()) else { return Err(errors) };
    if variants.iter().any(|variant| variant.experiment.train.is_some()) {
        let message = "fine-tuning cannot be swept: `train` has lists of seeds and rates; for anything else, write one file per \
                       variant with `extends` (what they share is computed once)";
        return Err(Error::at(&sweep.span, message).into());
    }
    let warnings = merge_warnings(&variants, variants.iter().map(|variant| variant.warnings.as_slice()));
    let keys = axes.iter().map(|axis| axis.key.name.clone()).collect();
    Ok(Loaded { experiment, sweep: Some(Sweep { keys, variants }), warnings, places })
}

/// Refuses an override of a key that is swept: every variant has a value of its own for it.
fn overridden(loaded: &Loaded, axes: &[Axis]) -> Result<(), SpecErrors> {
    let key = |text: &str| text.split('=').next().unwrap_or_default().trim().to_owned();
    for text in &loaded.experiment.overrides {
        if let Some(axis) = axes.iter().find(|axis| axis.key.name == key(text)) {
            let message = format!(
                "`{}` is swept, so `--set {text}` would change nothing: add `--set sweep=null` to run without the sweep",
                axis.key.name
            );
            return Err(Error::at(&axis.key.span, message).into());
        }
    }
    Ok(())
}

fn axes(sweep: &Node) -> Result<Vec<Axis<'_>>, SpecErrors> {
    let mut errors = Errors::default();
    let mut axes = Vec::new();
    for (key, node) in sweep.pairs("keys with their values: {seed: [1, 2, 3]}")? {
        let step = key.name.split(['.', '[']).next().unwrap_or_default();
        if let "name" | "extends" | "sweep" = step {
            errors.at(&key.span, format!("`{step}` cannot be swept: it is the same for all variants"));
        }
        let Some(values) = errors.keep(node.elements("a list of the values that this key takes")) else { continue };
        if values.is_empty() {
            errors.at(&node.span, format!("no values: list those that `{}` takes", key.name));
        }
        for (i, value) in values.iter().enumerate() {
            if values[..i].iter().any(|other| plain(other) == plain(value)) {
                errors.at(&value.span, "this value is listed twice");
            }
        }
        axes.push(Axis { key, values });
    }
    if axes.is_empty() && errors.is_empty() {
        errors.at(&sweep.span, "no keys to sweep: write e.g. {seed: [1, 2, 3]}");
    }
    let count = axes.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MOST) {
        let count = count.map_or("very many".into(), |count| count.to_string());
        errors.at(&sweep.span, format!("{count} variants; a sweep may have at most {MOST}"));
    }
    errors.into_result(axes)
}

/// One value for every key.
type Combination<'a> = Vec<(&'a Key, &'a Node)>;

fn combinations<'a>(axes: &[Axis<'a>]) -> Vec<Combination<'a>> {
    axes.iter().fold(vec![Vec::new()], |all: Vec<Combination>, axis| {
        let with = |one: &Combination<'a>| {
            let one = one.clone();
            axis.values.iter().map(move |value| one.iter().copied().chain([(axis.key, value)]).collect())
        };
        all.iter().flat_map(with).collect()
    })
}

/// Refuses two keys of which one is the other, or a part of it: the later would replace what the earlier set.
fn distinct(root: &Node, axes: &[Axis], names: yaml::Names) -> Result<(), SpecErrors> {
    let mut errors = Errors::default();
    let mut seen: Vec<(&Key, Vec<String>)> = Vec::new();
    for axis in axes {
        let Some(path) = errors.keep(yaml::canonical(root, axis.key, names)) else { continue };
        if let Some((first, _)) = seen.iter().find(|(_, other)| other.starts_with(&path) || path.starts_with(other)) {
            let message = format!("`{}` and `{}` set the same key: sweep one of them", first.name, axis.key.name);
            errors.at(&axis.key.span, message);
        }
        seen.push((axis.key, path));
    }
    errors.into_result(())
}

fn set(root: &Node, combination: &Combination, names: yaml::Names) -> Result<Node, SpecErrors> {
    let set = |root, (key, value): &(&Key, &Node)| yaml::set_path(root, key, (*value).clone(), names);
    Ok(combination.iter().try_fold(root.clone(), set)?)
}

fn variant(loaded: &Loaded, combination: &Combination, others: &[Variant]) -> Variant {
    let mut experiment = loaded.experiment.clone();
    experiment.overrides.extend(combination.iter().map(|(key, value)| format!("{}={}", key.name, json(value))));
    let keys = || combination.iter().map(|(key, _)| key.name.as_str());
    let label = |values: &[String]| -> String {
        let all: Vec<String> = keys().zip(values).map(|(key, value)| format!("{key} = {value}")).collect();
        all.join(", ")
    };
    let mut values: Vec<String> = combination.iter().map(|(_, value)| shown(value)).collect();
    let slugs: Vec<String> = keys().zip(&values).map(|(key, value)| slug(&format!("{key}-{value}"))).collect();
    let name = free(&slugs.join("_"), others);
    // Words without quotes may look like another value: a number, or a list of one.
    if others.iter().any(|other| other.label == label(&values)) {
        values = combination.iter().map(|(_, value)| json(value)).collect();
    }
    let label = label(&values);
    experiment.title = format!("{} ({label})", experiment.title);
    experiment.variant = Some(name.clone());
    let (warnings, places) = (loaded.warnings.clone(), loaded.places.clone());
    Variant { name, label, values, experiment, warnings, places }
}

/// A name that no other variant has, by case either, short enough for a file.
fn free(name: &str, others: &[Variant]) -> String {
    let stem: String = name.chars().take(LONGEST).collect();
    let mut taken = others.iter().map(|other| other.name.to_lowercase()).collect();
    names::free(stem.trim_end_matches(['-', '.', '_']), &mut taken)
}

/// Letters, digits and `-_.`; everything else becomes a `-`, never two together.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || "_.".contains(c) => {
                // No `-.` where a glob's `*.` was.
                if !(c == '.' && (out.is_empty() || out.ends_with('-'))) {
                    out.push(c);
                }
            }
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    out.trim_end_matches(['-', '.']).to_string()
}

/// A value as YAML on one line.
fn json(node: &Node) -> String {
    yaml::from_node::<serde_json::Value>(node).map_or_else(|_| node.span.text().to_string(), |value| value.to_string())
}

/// A value in a form that is equal for equal values: 1.0 is 1.
fn plain(node: &Node) -> String {
    fn whole(value: &mut serde_json::Value) {
        /// Below this every whole float is one integer.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match value {
            serde_json::Value::Array(all) => all.iter_mut().for_each(whole),
            serde_json::Value::Object(all) => all.values_mut().for_each(whole),
            serde_json::Value::Number(number) if number.is_f64() => {
                if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT) {
                    *value = (float as i64).into();
                }
            }
            _ => {}
        }
    }
    match yaml::from_node::<serde_json::Value>(node) {
        Ok(mut value) => {
            whole(&mut value);
            value.to_string()
        }
        Err(_) => node.span.text().to_string(),
    }
}

/// A value as tables show it: words without quotes, lists without brackets.
fn shown(node: &Node) -> String {
    let words = node.elements("").unwrap_or(std::slice::from_ref(node)).iter().map(Node::as_str);
    words.collect::<Option<Vec<&str>>>().map_or_else(|| json(node), |words| words.join(" "))
}

#[cfg(test)]
mod tests;
