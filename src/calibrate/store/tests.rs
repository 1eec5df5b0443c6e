use super::*;

#[test]
fn round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer-000.safetensors");
    let statistics = Statistics {
        covariance: Mat::from_fn(37, 37, |i, j| (i * j + i + j) as f64),
        abs_mean: vec![1.0; 37],
        abs_max: vec![4.0; 37],
        spectrum: Spectrum { largest: 9.0, smallest: -1e-18, effective_rank: 1.5 },
        samples: 2,
        tokens: 1024,
    };
    write(&path, &[(Site::Down, statistics.clone())]).unwrap();
    let file = ReadArrays::open(&path).unwrap();
    assert_eq!(read(&file, &path, Site::Down).unwrap(), statistics);
    assert!(read(&file, &path, Site::Mlp).is_err());
}
