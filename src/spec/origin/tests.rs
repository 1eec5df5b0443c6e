use super::*;

#[test]
fn a_file_is_named_by_where_it_lies_below_the_folder_of_the_experiments() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir_all(home.join("experiments/mine")).unwrap();
    std::fs::create_dir_all(folder.path().join("other")).unwrap();
    let experiments = home.join("experiments");
    let at = |path: PathBuf| {
        std::fs::write(&path, "name: x\n").unwrap();
        Origin::new(&path, &[], &experiments)
    };
    assert_eq!(at(experiments.join("x.yaml")).file, "experiments/x.yaml");
    assert_eq!(at(experiments.join("mine/../mine/x.yaml")).file, "experiments/mine/x.yaml");
    assert_eq!(at(home.join("x.yaml")), Origin { file: "x.yaml".into(), ..at(experiments.join("x.yaml")) });
    // Elsewhere: two of one name are distinguished, and no path of this machine is recorded.
    let (one, two) = (at(folder.path().join("x.yaml")), at(folder.path().join("other/x.yaml")));
    assert_eq!((one.file.as_str(), two.file.as_str()), ("x.yaml", "x.yaml"));
    assert!(one.elsewhere.is_some() && one.elsewhere != two.elsewhere);
    assert_eq!(one.recorded(&experiments.join("x.yaml")), "experiments/x.yaml");
}
