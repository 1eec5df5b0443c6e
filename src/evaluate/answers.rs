//! Decides whether a generated answer is right: exact match of text or of numbers.
//!
//! The official evaluation is lm-evaluation-harness's for TriviaQA, NQ-open and WebQuestions (exact match without case and
//! punctuation) and MetaMath's for GSM8K (the number after "The answer is: "). [`Score`] says where ours differs.

use super::number;
pub use crate::corpus::records::Score;

/// Whether `given` is one of `answers`.
///
/// [`Score::Text`]: the normal forms are the same (SQuAD's: lower case, no punctuation, no articles, single spaces). From TriviaQA's
/// own script come underscores as spaces and typographic quotes as punctuation. Where it differs: TriviaQA's puts a space for a
/// punctuation mark ("U.S." is not "US" there); lm-evaluation-harness keeps articles for TriviaQA and takes out every letter a,
/// by an alternation without brackets, for NQ-open. An answer without any normal form is wrong.
///
/// [`Score::Number`]: the numbers of the right answer, one from each of its parts between semicolons ("17 years old; 12 years
/// old"), are the first ones given, in order, to a millionth, or the first of each part given. MetaMath's script rounds both to
/// integers and takes only what follows "The answer is: "; here a number elsewhere counts, since a short answer need not say
/// so, and what was worked out stands after the last "=" or GSM8K's "####". Units are not compared. A right answer with a
/// part that has no number is compared as text.
pub fn exact(score: Score, given: &str, answers: &[String]) -> bool {
    match score {
        Score::Text => answers.iter().any(|answer| same_text(given, answer)),
        Score::Number => answers.iter().any(|answer| match number::parts(answer) {
            Some(expected) => {
                number::first(given, expected.len()) == expected || number::parts(given).as_ref() == Some(&expected)
            }
            None => same_text(given, answer),
        }),
    }
}

fn same_text(given: &str, answer: &str) -> bool {
    let given = normal(given);
    !given.is_empty() && given == normal(answer)
}

/// The normal form of an answer. Where only articles are left ("The The"), they stay.
pub fn normal(text: &str) -> String {
    let text: String = text.to_lowercase().replace('_', " ").chars().filter(|&c| !punctuation(c)).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let kept: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "a" | "an" | "the")).collect();
    if kept.is_empty() { words.join(" ") } else { kept.join(" ") }
}

fn punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || matches!(c, '‘' | '’' | '´' | '“' | '”')
}

#[cfg(test)]
mod tests;
