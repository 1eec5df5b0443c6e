use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::model::read_shape;
use crate::run::{Selection, Shard};
use crate::spec::{self, Catalog};

/// The experiments that are shipped, and one of each product that they lack.
fn experiments() -> Vec<Experiment> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let catalog = Catalog::load(&folder.join("catalog.yaml")).unwrap();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".yaml") && name != "catalog.yaml" {
            let loaded =
                spec::load(&path, &[], &catalog, &|path| read_shape(path).map_err(|why| why.to_string())).unwrap();
            all.extend(loaded.experiments().into_iter().cloned());
        }
    }
    assert!(all.len() > 30, "{} experiments", all.len());
    all
}

fn plan(experiment: &Experiment) -> Plan {
    Plan::new(experiment, &Identities { model: "model".into(), ..Identities::default() })
}

#[test]
fn stages_have_names_of_their_own_and_come_after_what_they_need() {
    for experiment in experiments() {
        let plan = plan(&experiment);
        let names: HashSet<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
        assert_eq!(names.len(), plan.stages.len(), "{}", experiment.name);
        for (i, stage) in plan.stages.iter().enumerate() {
            assert!(stage.needs.iter().all(|&need| need < i), "{}", stage.id);
            let made: Vec<&str> = stage.needs.iter().flat_map(|&need| plan.stages[need].kind.makes()).collect();
            assert!(stage.kind.uses().iter().all(|key| made.contains(key)), "{}: {}", experiment.name, stage.id);
        }
    }
}

#[test]
fn no_two_stages_make_the_same_value() {
    for experiment in experiments() {
        let plan = plan(&experiment);
        let keys: Vec<&str> = plan.stages.iter().flat_map(|stage| stage.kind.makes()).collect();
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "{}", experiment.name);
    }
}

#[test]
fn shards_compute_every_stage_and_what_it_needs() {
    for experiment in experiments() {
        let plan = plan(&experiment);
        for of in [1, 2, 3, 100] {
            let mut computed = HashSet::new();
            for part in 1..=of {
                let selected = Selection::Shard(Shard { part, of }).stages(&plan).unwrap();
                let names: HashSet<&str> = selected.iter().map(|stage| stage.id.as_str()).collect();
                for stage in selected {
                    assert!(
                        stage.needs.iter().all(|&need| names.contains(plan.stages[need].id.as_str())),
                        "{}",
                        stage.id
                    );
                }
                computed.extend(names);
            }
            // A calibration that nothing uses has nothing to compute.
            let idle = |stage: &&Stage| matches!(&stage.kind, Kind::Calibrate(pass) if pass.statistics.is_empty());
            let left = plan.stages.iter().filter(|stage| !computed.contains(stage.id.as_str()));
            assert_eq!(left.filter(|stage| !idle(stage)).count(), 0, "{} in {of}", experiment.name);
        }
    }
}

#[test]
fn a_stage_by_name_is_that_stage_and_other_names_are_refused() {
    let experiment = experiments().into_iter().find(|experiment| experiment.name == "table6").unwrap();
    let plan = plan(&experiment);
    for stage in &plan.stages {
        assert_eq!(Selection::Stage(&stage.id).stages(&plan).unwrap(), [stage]);
    }
    let message = Selection::Stage("calibrate wikipedia").stages(&plan).unwrap_err().to_string();
    assert!(message.contains("`calibrate wiki`"), "{message}");
}

#[test]
fn what_a_stage_needs_is_found_through_others() {
    let experiment = experiments().into_iter().find(|experiment| experiment.name == "kpm").unwrap();
    let plan = plan(&experiment);
    let measured = plan.stages.iter().rfind(|stage| matches!(stage.kind, Kind::Measure(_))).unwrap();
    let flags = plan.with_needs(|stage| stage.id == measured.id);
    let kinds: Vec<&str> =
        plan.stages.iter().zip(flags).filter(|(_, flag)| *flag).map(|(s, _)| s.id.split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["calibrate", "decompose", "train", "measure"], "{}", measured.id);
}
