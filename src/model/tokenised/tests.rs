use super::*;
use crate::model::tokenizer::ByteLevelBpe;

#[test]
fn the_response_starts_where_the_prompt_ends_or_is_merged_into() {
    let tokens = ["<s>", "a", "b", "ab", "c"].map(String::from).to_vec();
    let tokenizer = |bos| {
        Tokenizer::from_byte_level_bpe(ByteLevelBpe {
            origin: "x.gguf".into(),
            tokens: tokens.clone(),
            merges: vec!["a b".into()],
            control: vec![0],
            user_defined: Vec::new(),
            adds_bos: Some(true),
            pre_tokenizer: "gpt-2".into(),
            bos,
        })
        .unwrap()
    };
    let of = |bos, prompt, response| {
        let one = Tokenised::new(&tokenizer(bos), prompt, response, Some(0)).unwrap();
        (one.tokens, one.response)
    };
    assert_eq!(of(None, "ca", "c"), (vec![4, 1, 4, 0], 2));
    // "ca" + "bc" is c ab c: the prompt's own `a` is gone.
    assert_eq!(of(None, "ca", "bc"), (vec![4, 3, 4, 0], 1));
    assert_eq!(of(Some(0), "c", "c"), (vec![0, 4, 4, 0], 2));
    let empty = Tokenised::new(&tokenizer(None), "", "c", Some(0)).unwrap();
    assert_eq!((empty.response, empty.first_target(), empty.targets(), empty.inputs()), (0, 1, 1, 1));
}
