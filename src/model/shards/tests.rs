use super::*;

#[test]
fn missing_parts_of_a_set_are_named() {
    let missing = |there: &[&str]| incomplete(there).map(|(_, missing)| missing);
    let [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    assert_eq!(missing(&[one]).as_deref(), Some(two));
    assert_eq!(missing(&[two]).as_deref(), Some(one));
    assert_eq!(missing(&[one, two]), None);
    assert_eq!(missing(&["model.fp16.safetensors"]), None);
    let many = missing(&["m-3-of-9.safetensors"]).unwrap();
    assert!(many.starts_with("m-1-of-9.safetensors, m-2-of-9") && many.ends_with("4 more"), "{many}");
}

#[test]
fn parts_of_a_set_by_name() {
    let some = |stem, number, of| Some(Part { stem, number, of });
    assert_eq!(part("model-00001-of-00002.safetensors", "safetensors"), some("model", 1, 2));
    assert_eq!(part("a-b-2-of-2.GGUF", "gguf"), some("a-b", 2, 2));
    for name in [
        "model.safetensors",
        "model-00003-of-00002.safetensors",
        "model-x-of-2.safetensors",
        "m-1-of-2.gguf",
        "m-0-of-1.safetensors",
    ] {
        assert_eq!(part(name, "safetensors"), None, "{name}");
    }
}
