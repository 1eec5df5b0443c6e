use serde_json::json;

use super::*;

const LLAMA3: &str = r#"{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "vocab_size": 128256,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 131072, "rope_theta": 500000.0, "rope_scaling": {"factor": 8.0,
        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}}"#;

#[test]
fn llama3_scaling_keeps_short_waves_and_stretches_long_ones() {
    let config = Config::from_json(LLAMA3).unwrap();
    let base = crate::model::rope::base_frequencies(500_000.0, 128);
    let frequencies = config.ropes[0].frequencies(512);
    assert_eq!(frequencies[0], base[0]);
    let last = frequencies.len() - 1;
    assert!((frequencies[last] / base[last] - 1.0 / 8.0).abs() < 1e-6);
    assert!(!config.shape.tied);
}

#[test]
fn what_is_not_supported_is_named() {
    for (from, to, said) in [
        ("\"llama\"", "\"mixtral\"", "mixtral"),
        ("\"llama3\"", "\"ntk\"", "ntk"),
        ("\"factor\": 8.0,", "", "factor"),
        ("\"num_key_value_heads\": 8", "\"num_key_value_heads\": 7", "key/value heads"),
        ("\"hidden_size\": 4096,", "", "hidden_size"),
    ] {
        let error = Config::from_json(&LLAMA3.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// [`LLAMA3`] with further keys.
fn with(keys: Value) -> Result<Config, String> {
    let mut json: Value = serde_json::from_str(LLAMA3).unwrap();
    json.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    Config::read("there/config.json", &json.to_string()).map_err(|e| e.to_string())
}

#[test]
fn configs_as_people_have_them_are_read() {
    let plain = Config::from_json(LLAMA3).unwrap();
    for keys in [
        // transformers 4 and 5, every key it may write.
        json!({"_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"], "attention_bias": false,
               "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": [128001, 128008], "hidden_act": "silu",
               "initializer_range": 0.02, "mlp_bias": false, "head_dim": 128, "pretraining_tp": 1, "torch_dtype": "bfloat16",
               "dtype": "bfloat16", "transformers_version": "4.45.0.dev0", "use_cache": true, "pad_token_id": 0,
               "tie_word_embeddings": false, "partial_rotary_factor": 1.0}),
        json!({"return_dict": true, "output_attentions": false, "torchscript": false, "pruned_heads": {}, "chunk_size_feed_forward": 0,
               "is_encoder_decoder": false, "is_decoder": false, "id2label": {"0": "LABEL_0"}, "task_specific_params": null,
               "temperature": 1.0, "top_k": 50, "repetition_penalty": 1.0, "max_length": 4096, "bad_words_ids": null}),
        // SmolLM2, Unsloth, others' additions.
        json!({"is_llama_config": true, "rope_interleaved": false, "transformers.js_config": {"dtype": "q4"}, "max_sequence_length": 2048,
               "unsloth_version": "2024.9", "unsloth_fixed": true, "_attn_implementation_autoset": true, "auto_map": {"AutoModel": "x"},
               "sliding_window": null, "layer_types": ["full_attention", "full_attention"], "num_local_experts": 0,
               "quantization_config": null, "embedding_multiplier": 1.0, "some_new_thing": null, "another": false}),
        json!({"sliding_window": 4096, "use_sliding_window": false, "max_window_layers": 28}),
        json!({"sliding_window": 131072}),
        // What programs that train leave there.
        json!({"seq_length": 2048, "max_seq_len": 2048, "use_flash_attention_2": true, "use_flash_attention": true,
               "loss_type": "ForCausalLM", "use_reentrant": true, "residual_dropout": 0.1}),
    ] {
        assert_eq!(with(keys).unwrap(), plain);
    }
}

#[test]
fn dynamic_scaling_is_none_within_the_context_and_the_context_has_two_names() {
    let plain = with(json!({"rope_scaling": null})).unwrap();
    for kind in ["type", "rope_type"] {
        assert_eq!(with(json!({"rope_scaling": {kind: "dynamic", "factor": 2.0}})).unwrap(), plain);
    }
    assert!(with(json!({"rope_scaling": {"type": "dynamic"}})).unwrap_err().contains("factor"));
    let old = with(json!({"max_position_embeddings": null, "max_sequence_length": 2048})).unwrap();
    assert_eq!(old.shape.context, 2048);
}

#[test]
fn a_value_of_the_wrong_type_and_a_senseless_one_are_named_by_the_key_of_the_file() {
    for (keys, said) in [
        (json!({"rms_norm_eps": "1e-05"}), vec!["`rms_norm_eps` is \"1e-05\"", "must be a number"]),
        (json!({"rms_norm_eps": null}), vec!["has no `rms_norm_eps`"]),
        (json!({"vocab_size": 64.0}), vec!["`vocab_size` is 64.0", "must be a whole number"]),
        (json!({"num_hidden_layers": -1}), vec!["`num_hidden_layers` is -1", "must be a whole number"]),
        (json!({"num_attention_heads": 0}), vec!["`num_attention_heads` is 0"]),
        (json!({"num_key_value_heads": 0}), vec!["`num_key_value_heads` is 0"]),
        (json!({"head_dim": 0}), vec!["`head_dim` is 0"]),
        (json!({"num_hidden_layers": 1_000_000_000}), vec!["`num_hidden_layers` is 1000000000"]),
        (json!({"max_position_embeddings": 1_000_000_000_000u64}), vec!["`max_position_embeddings` is 1000000000000"]),
        (json!({"max_position_embeddings": null}), vec!["has no `max_position_embeddings`"]),
        (json!({"vocab_size": null}), vec!["has no `vocab_size`"]),
        (json!({"tie_word_embeddings": "false"}), vec!["`tie_word_embeddings` is \"false\"", "true or false"]),
        (json!({"hidden_act": 3}), vec!["`hidden_act` is 3", "must be a text"]),
        (json!({"sliding_window": "4096"}), vec!["`sliding_window` is \"4096\"", "whole number"]),
        (json!({"use_sliding_window": 0, "sliding_window": 12}), vec!["`use_sliding_window` is 0"]),
        (json!({"architectures": "LlamaForCausalLM"}), vec!["`architectures`", "list"]),
        (json!({"model_type": null}), vec!["has no `model_type`"]),
    ] {
        let error = with(keys).unwrap_err();
        assert!(error.contains("there/config.json") && said.iter().all(|said| error.contains(said)), "{error}");
    }
}

#[test]
fn a_key_that_changes_a_number_is_refused_by_name_and_value() {
    for (keys, said) in [
        (json!({"qkv_bias": true}), vec!["`qkv_bias`", "true"]),
        (json!({"is_causal": false}), vec!["`is_causal`", "false", "only true is"]),
        (json!({"attention_bias": 1}), vec!["`attention_bias`", "true or false"]),
        (json!({"hidden_act": "gelu"}), vec!["`hidden_act`", "gelu"]),
        (json!({"partial_rotary_factor": 0.5}), vec!["`partial_rotary_factor`", "0.5"]),
        (json!({"sliding_window": 4096}), vec!["`sliding_window`", "4096"]),
        (json!({"layer_types": ["full_attention", "sliding_attention"]}), vec!["`layer_types`"]),
        (json!({"attn_logit_softcapping": 50.0}), vec!["`attn_logit_softcapping`", "50.0"]),
        (json!({"final_logit_softcapping": 30.0}), vec!["`final_logit_softcapping`"]),
        (json!({"num_local_experts": 8}), vec!["`num_local_experts`", "8"]),
        (json!({"quantization_config": {"quant_method": "gptq"}}), vec!["`quantization_config`", "gptq"]),
        (json!({"embedding_multiplier": 12.0}), vec!["`embedding_multiplier`", "12.0"]),
        (json!({"rope_interleaved": true}), vec!["`rope_interleaved`"]),
        (json!({"rope_thetta": 1e6}), vec!["`rope_thetta`", "`rope_theta`"]),
        (json!({"per_head_scale": 0.5}), vec!["`per_head_scale`", "0.5", "not a known key"]),
        (json!({"architectures": ["MistralForCausalLM"]}), vec!["`architectures`", "Mistral"]),
        (json!({"rms_norm_eps": 0}), vec!["`rms_norm_eps`"]),
        (json!({"rms_norm_eps": 1e-60}), vec!["`rms_norm_eps`"]),
        (json!({"hidden_size": 4097}), vec!["hidden_size 4097", "num_attention_heads 32"]),
    ] {
        let error = with(keys).unwrap_err();
        assert!(error.contains("there/config.json") && said.iter().all(|said| error.contains(said)), "{error}");
    }
}
