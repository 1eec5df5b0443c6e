use super::*;

#[test]
fn what_is_written_is_read_by_us_and_by_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let entry = |name: &str, dtype, dims: &[usize]| Entry { name: name.into(), dtype, dims: dims.into() };
    let entries = [entry("a", Dtype::F32, &[1, 2]), entry("none", Dtype::F64, &[0]), entry("b", Dtype::F64, &[1])];
    let metadata = BTreeMap::from([("k".to_string(), "v".to_string())]);
    let bytes = [[1.5f32, -2.0].map(f32::to_le_bytes).concat(), Vec::new(), 7.0f64.to_le_bytes().to_vec()];
    write(&path, &metadata, &entries, |i| Ok::<_, String>(bytes[i].clone())).unwrap().unwrap();

    let whole = std::fs::read(&path).unwrap();
    let library = SafeTensors::deserialize(&whole).unwrap();
    let ours = TensorFile::open(&path).unwrap();
    for (i, entry) in entries.iter().enumerate() {
        let (place, read) = ours.array(&entry.name).unwrap().unwrap();
        assert_eq!((place.dtype, &place.dims, &read[..]), (entry.dtype, &entry.dims, &bytes[i][..]));
        assert_eq!(library.tensor(&entry.name).unwrap().data(), &bytes[i][..]);
    }
    assert_eq!(ours.metadata()["k"], "v");
    assert!(ours.array("c").unwrap().is_none());

    // An error of the data leaves no file; every cut of a file is noticed when it is opened.
    let other = folder.path().join("y.safetensors");
    assert_eq!(write(&other, &metadata, &entries, |_| Err("no")).unwrap(), Err("no"));
    assert!(!other.exists());
    for cut in 0..whole.len() {
        std::fs::write(&other, &whole[..cut]).unwrap();
        assert!(TensorFile::open(&other).is_err(), "cut at {cut}");
    }
}
