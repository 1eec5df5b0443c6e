use super::*;

#[test]
fn paths_from_below_the_project_are_those_from_its_folder() {
    for (below, path, expected) in [
        ("experiments", "mine.yaml", "experiments/mine.yaml"),
        ("experiments", "./mine.yaml", "experiments/mine.yaml"),
        ("experiments", "../experiments/mine.yaml", "experiments/mine.yaml"),
        ("a/b", "../../x", "x"),
        ("a", "../../x", "../x"),
        ("a", "/x", "/x"),
        ("", "x", "x"),
        ("", "../x", "../x"),
        ("a", "b/../c", "a/b/../c"),
    ] {
        assert_eq!(joined(Path::new(below), Path::new(path)), Path::new(expected), "{below} {path}");
    }
}

#[test]
fn a_name_is_one_file_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (here, experiments) = (folder.path().join("here"), folder.path().join("experiments"));
    for path in [&here, &experiments] {
        std::fs::create_dir(path).unwrap();
    }
    for path in ["experiments/mine.yaml", "experiments/catalog.yaml", "experiments/both.yml", "here/both.yaml"] {
        std::fs::write(folder.path().join(path), "").unwrap();
    }
    let found = |name: &str| find(Path::new(name), &here, &experiments);
    assert_eq!(found("mine"), Ok(experiments.join("mine.yaml")));
    assert_eq!(found("mine.yaml"), Ok(experiments.join("mine.yaml")));
    assert_eq!(found("both.yaml"), Ok(here.join("both.yaml")), "a path that is there is that path");
    let message = found("both").unwrap_err();
    assert!(message.contains("here/both.yaml") && message.contains("experiments/both.yml"), "{message}");
    assert!(found("mien").unwrap_err().contains("did you mean"), "{:?}", found("mien"));
    assert!(found("nothing-alike").unwrap_err().contains("there are: "));
    assert!(found("catalog").is_err() && found("./mine").is_err());
}
