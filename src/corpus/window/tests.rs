use super::*;
use proptest::prelude::*;

#[test]
fn a_long_text_is_not_tokenised_to_its_end() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let encode = |text: &str| {
        seen.fetch_max(text.len(), std::sync::atomic::Ordering::Relaxed);
        Ok(text.split_whitespace().map(|_| 0).collect::<Vec<u32>>())
    };
    let text = "word ".repeat(1_000_000);
    assert_eq!(length(&text, 1000, &encode), Ok(Length::Enough));
    assert!(seen.load(std::sync::atomic::Ordering::Relaxed) < 20_000);
    assert_eq!(length("a b c", 1000, &encode), Ok(Length::Whole(vec![0; 3])));
    assert_eq!(length(&"é".repeat(5000), 100, &encode), Ok(Length::Whole(vec![0])), "no border of words");
}

#[test]
fn too_many_windows_is_an_error_that_counts_them() {
    let tokens: Vec<u32> = (0..25).collect();
    let error = windows(&tokens, 10, Some(3)).unwrap_err().to_string();
    assert_eq!(error, "3 windows of 10 tokens were asked for, but the text has 2 (25 tokens): ask for at most 2");
    assert!(matches!(windows(&tokens, 26, None), Err(CorpusError::TooFew { available: 0, .. })));
    assert!(matches!(windows(&tokens, 0, None), Err(CorpusError::ZeroLength)));
}

proptest! {
    #[test]
    fn windows_partition_all_but_the_tail(tokens in prop::collection::vec(any::<u32>(), 1..400), length in 1usize..40) {
        match windows(&tokens, length, None) {
            Ok(all) => {
                prop_assert!(all.iter().all(|window| window.len() == length));
                let rest = tokens.len() - all.len() * length;
                prop_assert!(rest < length);
                prop_assert_eq!(all.concat(), &tokens[..tokens.len() - rest]);
                let first = windows(&tokens, length, Some(1))?;
                prop_assert_eq!(first[0], all[0]);
            }
            Err(_) => prop_assert!(tokens.len() < length),
        }
    }
}

#[test]
fn windows_begin_with_the_token_and_take_one_less_of_the_text() {
    let tokens: Vec<u32> = (0..25).collect();
    let windows = windows_from(&tokens, 10, None, Some(99)).unwrap();
    assert_eq!(windows.len(), 2);
    assert_eq!(windows[0], [99, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(windows[1], [99, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    assert_eq!(windows_from(&tokens, 10, Some(1), None).unwrap(), [(0..10).collect::<Vec<u32>>()]);
    assert!(windows_from(&tokens, 1, None, Some(99)).is_err(), "nothing of the text is left");
    assert_eq!((Bos::Window.of_text(10), Bos::Stream.of_text(10), Bos::None.of_text(10)), (9, 10, 10));
}
