use super::*;

#[test]
fn end_of_sequence_tokens() {
    let config = |text| ("config.json", text);
    let generation = |text| Some(("generation_config.json", text));
    let (one, many, none) = (r#"{"eos_token_id": 2}"#, r#"{"eos_token_id": [7, 9]}"#, r#"{"eos_token_id": null}"#);
    assert_eq!(eos(config(one), None, 10).unwrap(), [2]);
    assert_eq!(eos(config(one), generation(many), 10).unwrap(), [7, 9]);
    assert_eq!(eos(config(many), generation(none), 10).unwrap(), [7, 9]);
    assert!(eos(config("{}"), None, 10).unwrap().is_empty());
    let error = eos(config(one), generation(r#"{"eos_token_id": "</s>"}"#), 10).unwrap_err().to_string();
    assert!(error.contains("generation_config.json") && error.contains("</s>"), "{error}");
    let error = eos(config(one), generation(r#"{"eos_token_id": [1, 10]}"#), 10).unwrap_err().to_string();
    assert!(error.contains("generation_config.json: `eos_token_id` is 10") && error.contains("beyond"), "{error}");
}

#[test]
fn sampling_is_harmless_and_what_changes_greedy_answers_is_refused() {
    let check = |text| check_greedy(("there/generation_config.json", text)).map_err(|e| e.to_string());
    check(
        r#"{"_from_model_config": true, "bos_token_id": 1, "do_sample": true, "eos_token_id": 2, "max_length": 4096,
                "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.0, "transformers_version": "4.38.0"}"#,
    )
    .unwrap();
    for (text, said) in [
        (r#"{"repetition_penalty": 1.1}"#, ["`repetition_penalty`", "1.1"]),
        (r#"{"suppress_tokens": [5]}"#, ["`suppress_tokens`", "[5]"]),
        (r#"{"num_beams": 4}"#, ["`num_beams`", "4"]),
    ] {
        let error = check(text).unwrap_err();
        assert!(error.contains("there/generation_config.json") && said.iter().all(|s| error.contains(s)), "{error}");
    }
}
