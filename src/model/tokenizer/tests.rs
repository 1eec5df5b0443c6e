use super::*;

fn small(pre_tokenizer: &str, bos: Option<u32>) -> Result<Tokenizer, ModelError> {
    let tokens = ["<s>", "a", "b", "ab", "1", "2", "12", "Ġ"].map(String::from).to_vec();
    let merges = ["a b", "1 2"].map(String::from).to_vec();
    Tokenizer::from_byte_level_bpe(ByteLevelBpe {
        origin: "x.gguf".into(),
        tokens,
        merges,
        control: vec![0],
        user_defined: Vec::new(),
        adds_bos: Some(true),
        pre_tokenizer: pre_tokenizer.into(),
        bos,
    })
}

#[test]
fn smollm_splits_digits_and_gpt2_does_not() {
    assert_eq!(small("smollm", None).unwrap().encode("ab12").unwrap(), [3, 4, 5]);
    assert_eq!(small("gpt-2", None).unwrap().encode("ab12").unwrap(), [3, 6]);
}

#[test]
fn llama_cpp_cuts_punctuation_off_and_digits_into_threes() {
    let ids = |pre_tokenizer: &str, text: &str| {
        let bpe = ByteLevelBpe {
            origin: "x.gguf".into(),
            tokens: ["1", "2", "3", "4", "34", "Ġ", ".", "Ġ.", "a", ".a", "a."].map(String::from).to_vec(),
            merges: ["3 4", "Ġ .", ". a", "a ."].map(String::from).to_vec(),
            control: Vec::new(),
            user_defined: Vec::new(),
            adds_bos: Some(true),
            pre_tokenizer: pre_tokenizer.into(),
            bos: None,
        };
        Tokenizer::from_byte_level_bpe(bpe).unwrap().encode(text).unwrap()
    };
    for (text, default, gpt2) in [
        ("1234", vec![0, 1, 2, 3], vec![0, 1, 4]),
        ("234", vec![1, 4], vec![1, 4]),
        ("a .a.", vec![8, 5, 6, 8, 6], vec![8, 7, 8, 6]),
        ("a  a", vec![8, 5, 5, 8], vec![8, 5, 5, 8]),
    ] {
        assert_eq!((ids("default", text), ids("", text), ids("gpt-2", text)), (default.clone(), default, gpt2));
    }
}

#[test]
fn bos_is_added_once_and_special_tokens_are_whole() {
    assert_eq!(small("gpt-2", Some(0)).unwrap().encode("ab<s>a").unwrap(), [0, 3, 0, 1]);
}

#[test]
fn decoding_leaves_special_tokens_out_and_unknown_ids() {
    let tokenizer = small("gpt-2", Some(0)).unwrap();
    assert_eq!(tokenizer.decode(&tokenizer.encode("ab 12<s>a").unwrap()).unwrap(), "ab 12a");
    assert_eq!(tokenizer.decode(&[]).unwrap(), "");
    assert_eq!(tokenizer.decode(&[1, 99_999]).unwrap(), "a");
}

#[test]
fn an_unknown_pre_tokenizer_is_refused() {
    let error = small("dbrxx", None).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("dbrxx") && error.contains("smollm"), "{error}");
}
