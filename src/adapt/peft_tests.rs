//! Adapter folders: what is written is read again, and what cannot be used is refused.

use super::*;

const SHAPE: Shape = Shape {
    hidden: 8,
    layers: 2,
    heads: 2,
    kv_heads: 1,
    head_dim: 4,
    intermediate: 12,
    vocabulary: 9,
    context: 16,
    tied: true,
};

fn adapters(rank: impl Fn(&Linear) -> usize) -> Vec<Adapter> {
    let decoder = SHAPE.linears().into_iter().filter(|l| l.name != "lm_head");
    decoder
        .map(|l| {
            let mut one = Adapter::lora(&l, rank(&l), 3);
            one.b.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            one
        })
        .collect()
}

#[test]
fn round_trip_with_ranks_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let rank = |l: &Linear| match l.name.as_str() {
        "model.layers.1.mlp.up_proj" => 2,
        name if name.ends_with("k_proj") => 1,
        _ => 3,
    };
    let written = adapters(rank);
    write(folder.path(), &written, &[], "base", &SHAPE).unwrap();
    let read = read(folder.path()).unwrap();
    for one in &written {
        assert_eq!(read.linears[&one.linear], (one.clone(), 1.0));
    }
    read.check_fits(&SHAPE).unwrap();
    let text = std::fs::read_to_string(folder.path().join(CONFIG)).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["r"], 3);
    assert_eq!(config["rank_pattern"], json!({"k_proj": 1, "model.layers.1.mlp.up_proj": 2}));
    assert_eq!(config["target_modules"].as_array().unwrap().len(), 7);
    assert_eq!(config["init_lora_weights"], true);
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &adapters(|_| 2), &[], "base", &SHAPE).unwrap();
    let found = read(folder.path()).unwrap();
    let other = found.check_fits(&Shape { intermediate: 16, ..SHAPE }).unwrap_err().to_string();
    assert!(other.contains("another base model") && other.contains("8 x 12"), "{other}");
    let other = found.check_fits(&Shape { layers: 1, ..SHAPE }).unwrap_err().to_string();
    assert!(other.contains("model.layers.1"), "{other}");

    let path = folder.path().join(CONFIG);
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, said) in [
        ("\"use_dora\": false", "\"use_dora\": true", "no magnitude"),
        ("\"LORA\"", "\"IA3\"", "IA3"),
        ("\"alpha_pattern\": {}", "\"alpha_pattern\": {\".*q_proj\": 4}", "alpha_pattern"),
        ("\"bias\": \"none\"", "\"bias\": \"all\"", "bias"),
        ("\"r\": 2", "\"r\": \"two\"", CONFIG),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    std::fs::write(&path, &text).unwrap();
    let weights = folder.path().join(WEIGHTS);
    let bytes = std::fs::read(&weights).unwrap();
    for cut in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&weights, &bytes[..cut]).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(WEIGHTS) && error.contains("truncated"), "{error}");
    }
    std::fs::remove_file(&weights).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("cannot read"));
}

#[test]
fn scales_follow_the_configuration() {
    let config = |text: &str| serde_json::from_str::<Config>(text).unwrap();
    let plain = config(r#"{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "alpha_pattern": {"k_proj": 2}}"#);
    assert_eq!((plain.scale("a.q_proj", 4), plain.scale("a.k_proj", 4)), (2.0, 0.5));
    let rs = config(r#"{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "use_rslora": true}"#);
    assert_eq!(rs.scale("a.q_proj", 4), 4.0);
}
