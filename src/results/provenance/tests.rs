use std::time::Duration;

use super::*;

fn fixture() -> Provenance {
    Provenance {
        version: "0.1.0".into(),
        spec: serde_json::json!({"name": "fixture", "seed": 233, "alpha": 0.1}),
        file: Some("experiments/fixture.yaml".into()),
        elsewhere: None,
        renamed: false,
        results_key: "0123".into(),
        overrides: vec!["evaluate.wiki.windows=4".into()],
        assets: vec![Asset {
            name: "fixture-corpus".into(),
            origin: "PyPI fixture 0.0.0".into(),
            files: vec![AssetFile { path: "a/b.txt".into(), bytes: 3, sha256: "ab".repeat(32) }],
        }],
        warnings: vec!["too few tokens".into()],
        samples: Vec::new(),
        run: Run {
            command: vec!["corda".into(), "run".into()],
            started: timestamp(SystemTime::UNIX_EPOCH),
            finished: timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)),
            git: Some(Git { commit: "c0ffee".into(), dirty: true }),
            machine: Machine::detect(2),
            stages: vec![Stage {
                name: "calibrate".into(),
                outcome: Outcome::Resumed,
                seconds: 1.5,
                peak_memory: None,
            }],
        },
    }
}

#[test]
fn reads_back_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("provenance.json");
    let provenance = fixture();
    provenance.write(&path).unwrap();
    assert_eq!(Provenance::read(&path).unwrap(), provenance);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"outcome\": \"resumed\"") && text.contains("2001-09-09T01:46:40Z"), "{text}");
}

#[test]
fn damage_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("provenance.json");
    let missing = Provenance::read(&path).unwrap_err().to_string();
    assert!(missing.contains("provenance.json") && missing.contains("corda run"), "{missing}");
    std::fs::write(&path, "{\"version\": \"0.1.0\",\n").unwrap();
    let broken = Provenance::read(&path).unwrap_err().to_string();
    assert!(broken.contains("provenance.json") && broken.contains("line 2"), "{broken}");
}

#[test]
fn git_states() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Git::read(folder.path()), None);
    let run = |arguments: &[&str]| git(folder.path(), arguments).unwrap();
    run(&["init", "--quiet"]);
    assert_eq!(Git::read(folder.path()), None, "no commit yet");
    std::fs::write(folder.path().join("tracked"), "one").unwrap();
    run(&["add", "tracked"]);
    run(&["-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message", "m"]);
    std::fs::write(folder.path().join("untracked"), "x").unwrap();
    let clean = Git::read(folder.path()).unwrap();
    assert!(!clean.dirty && clean.commit.len() == 40);
    std::fs::write(folder.path().join("tracked"), "two").unwrap();
    assert_eq!(Git::read(folder.path()), Some(Git { dirty: true, ..clean }));
}
