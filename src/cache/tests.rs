use super::*;

#[test]
fn a_journal_survives_a_cut_line() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Cache::new(folder.path()).journal("k");
    assert!(journal.read().unwrap().is_empty());
    journal.append(0, Measured { nll: 4.25, seconds: 0.5 }).unwrap();
    journal.append(1, Measured { nll: f64::INFINITY, seconds: 0.5 }).unwrap();
    let path = folder.path().join("evaluate/k.tsv");
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        for (window, measured) in journal.read().unwrap() {
            assert_eq!(measured.nll, if window == 0 { 4.25 } else { f64::INFINITY });
        }
        journal.append(2, Measured { nll: f64::NAN, seconds: 1.0 }).unwrap();
        let read = journal.read().unwrap();
        assert!(read[&2].nll.is_nan(), "cut at {cut}: {read:?}");
    }
}

#[test]
fn losses_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Cache::new(folder.path()).journal("k");
    let nll = 4.409_199_999_999_999_f64 + f64::EPSILON;
    journal.append(7, Measured { nll, seconds: 0.1 }).unwrap();
    assert_eq!(journal.read().unwrap()[&7].nll.to_bits(), nll.to_bits());
}

#[test]
fn arrays_round_trip_and_damage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b.safetensors");
    let mut arrays = Arrays::default();
    arrays.push_f64("x".into(), &[2], [1.5, -2.0].into_iter());
    arrays.push_f32("y".into(), &[1, 2], [3.0, 4.0].into_iter());
    arrays.metadata.insert("tokens".into(), "7".into());
    arrays.write(&path).unwrap();
    let read = ReadArrays::open(&path).unwrap();
    assert_eq!(read.f64("x").unwrap(), [1.5, -2.0]);
    assert_eq!(read.f32("y").unwrap(), (vec![1, 2], vec![3.0, 4.0]));
    assert_eq!(read.metadata("tokens").unwrap(), "7");
    assert!(read.f64("y").is_err() && read.f32("z").is_err());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let error = ReadArrays::open(&path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("b.safetensors"), "{error}");
}

#[test]
fn keys_depend_on_everything() {
    let inputs = serde_json::json!({"a": 1});
    let all =
        [key("x", 1, &inputs), key("y", 1, &inputs), key("x", 2, &inputs), key("x", 1, &serde_json::json!({"a": 2}))];
    assert!(all.iter().enumerate().all(|(i, a)| all[i + 1..].iter().all(|b| a != b)));
    assert_eq!(key("x", 1, &inputs), all[0]);
}
