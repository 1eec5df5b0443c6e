//! Test sets: a token stream cut into windows.

use super::CorpusError;

/// Non-overlapping windows of `length` tokens from the start; the tail that fills no window is dropped. `count` takes
/// the first ones only.
///
/// # Errors
/// A length of zero; fewer windows than `count` (the message says how many there are), or none at all.
pub fn windows(tokens: &[u32], length: usize, count: Option<usize>) -> Result<Vec<&[u32]>, CorpusError> {
    if length == 0 {
        return Err(CorpusError::ZeroLength);
    }
    let available = tokens.len() / length;
    let wanted = count.unwrap_or(available.max(1));
    if wanted > available {
        let what = format!("windows of {length} tokens");
        let why = format!(" ({} tokens)", tokens.len());
        return Err(CorpusError::TooFew { what, wanted, available, why });
    }
    Ok(tokens.chunks_exact(length).take(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
}
