use proptest::prelude::*;

use super::*;

/// One token a character; `#` stands for nothing.
fn letters(text: &str) -> Result<Vec<u32>, String> {
    Ok(text.chars().filter(|&letter| letter != '#').map(u32::from).collect())
}

fn ids(text: &str) -> Vec<u32> {
    letters(text).unwrap()
}

fn text(documents: &[&str]) -> Text {
    Text { documents: documents.iter().map(|document| document.to_string()).collect() }
}

/// Measured with Python's own `random` by the independent reference implementation (golden/reference.json).
#[test]
fn starts_are_those_of_the_official_sampler() -> Result<(), CorpusError> {
    let ptb = [1462535, 4405483, 1936146, 4061039, 4620289, 1714301, 698372, 858275];
    assert_eq!(starts(233, 5_059_548, 512, 8)?, ptb);
    assert_eq!(starts(233, 5_059_548, 2048, 8)?, ptb);
    assert_eq!(starts(233, 1000, 16, 8)?, [698, 821, 643, 178, 537, 236, 819, 870]);
    let large = [4942859575, 2795742288, 2301595691, 10160556536];
    assert_eq!(starts(7, 12_345_678_901, 2048, 4)?, large);
    Ok(())
}

#[test]
fn a_text_without_room_for_a_sample_is_refused() {
    assert_eq!(starts(1, 17, 16, 1).unwrap(), [0]);
    assert!(matches!(starts(1, 16, 16, 1), Err(CorpusError::TooShort { characters: 16, length: 16 })));
    assert!(matches!(starts(1, 0, 16, 1), Err(CorpusError::TooShort { .. })));
}

#[test]
fn random_characters_are_characters_not_bytes() -> Result<(), CorpusError> {
    let joined: String = (0..3000u32).filter_map(|i| char::from_u32(0x4e00 + i)).collect();
    let all = samples(&text(&[&joined]), Sampling::RandomCharacters, 233, 20, 7, &letters)?;
    let expected: Vec<Vec<u32>> = starts(233, 3000, 7, 20)?
        .into_iter()
        .map(|start| joined.chars().skip(start).take(7).map(u32::from).collect())
        .collect();
    assert_eq!(all, expected);
    Ok(())
}

#[test]
fn the_tokenizer_sees_ten_characters_a_token() -> Result<(), CorpusError> {
    let joined = "x".repeat(10_000);
    let seen = std::sync::Mutex::new(Vec::new());
    let encode = |part: &str| {
        seen.lock().unwrap().push(part.len());
        letters(part)
    };
    samples(&text(&[&joined]), Sampling::RandomCharacters, 3, 5, 50, &encode)?;
    let ends = starts(3, 10_000, 50, 5)?.into_iter().map(|start| 500.min(10_000 - start));
    let (mut seen, mut ends) = (seen.into_inner().unwrap(), ends.collect::<Vec<_>>());
    seen.sort();
    ends.sort();
    assert_eq!(seen, ends);
    Ok(())
}

#[test]
fn a_sample_without_tokens_is_an_error() {
    let error = samples(&text(&[&"#".repeat(100)]), Sampling::RandomCharacters, 1, 2, 4, &letters).unwrap_err();
    assert!(matches!(error, CorpusError::NoToken { sample: 0, .. }), "{error}");
    let refuse = |_: &str| Err("no".to_owned());
    let error = samples(&text(&["abcdefgh"]), Sampling::RandomCharacters, 1, 2, 4, &refuse).unwrap_err();
    assert!(matches!(error, CorpusError::Encode { sample: 0, .. }), "{error}");
}

#[test]
fn contiguous_runs_follow_one_another() -> Result<(), CorpusError> {
    let documents = text(&["abcdef", "ghijkl", "mnop"]);
    let stream = ids(&documents.joined());
    let all = samples(&documents, Sampling::Contiguous, 0, 4, 5, &letters)?;
    assert_eq!(all.concat(), &stream[..20]);
    let error = samples(&documents, Sampling::Contiguous, 0, 5, 5, &letters).unwrap_err().to_string();
    assert!(error.contains("5 samples of 5 tokens were asked for, but the text has 4 (20 tokens)"), "{error}");
    Ok(())
}

#[test]
fn contiguous_reads_no_further_than_it_must() -> Result<(), CorpusError> {
    let documents = Text { documents: vec!["abcdefgh".to_owned(); 10_000] };
    let most = std::sync::atomic::AtomicUsize::new(0);
    let encode = |part: &str| {
        most.fetch_max(part.len(), std::sync::atomic::Ordering::Relaxed);
        letters(part)
    };
    let all = samples(&documents, Sampling::Contiguous, 0, 3, 10, &encode)?;
    assert_eq!(all.concat(), &ids(&documents.joined())[..30]);
    assert!(most.into_inner() < 400);
    Ok(())
}

#[test]
fn documents_without_tokens_are_passed_over_and_counted() -> Result<(), CorpusError> {
    let questions = text(&["", "abcdef", "##", "gh", "ij"]);
    let all = samples(&questions, Sampling::Documents, 0, 2, 4, &letters)?;
    assert_eq!(all, [ids("abcd"), ids("gh")]);
    let error = samples(&questions, Sampling::Documents, 0, 4, 4, &letters).unwrap_err().to_string();
    assert!(error.contains("has 3 documents with tokens (5 in all, 2 of them empty)"), "{error}");
    Ok(())
}

#[test]
fn a_length_of_zero_is_refused() {
    for sampling in [Sampling::RandomCharacters, Sampling::Contiguous, Sampling::Documents] {
        let error = samples(&text(&["abc"]), sampling, 0, 1, 0, &letters).unwrap_err();
        assert!(matches!(error, CorpusError::ZeroLength));
    }
}

proptest! {
    #[test]
    fn slices_are_pythons(text in "\\PC{0,60}", copies in 1usize..60, start in 0usize..4000, length in 0usize..3000) {
        let text = text.repeat(copies);
        let expected: String = text.chars().skip(start).take(length).collect();
        let characters = Characters::of(&text);
        prop_assert_eq!(characters.count, text.chars().count());
        prop_assert_eq!(characters.slice(start, length), expected);
    }

    #[test]
    fn fewer_samples_are_a_prefix(seed: u64, characters in 100usize..100_000, more in 1usize..50) {
        let all = starts(seed, characters, 50, more)?;
        prop_assert_eq!(&starts(seed, characters, 50, more / 2)?, &all[..more / 2]);
        prop_assert!(all.iter().all(|&start| start + 50 < characters));
    }
}
