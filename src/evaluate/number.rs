//! Numbers in answers: `1,234.5`, `-$3`, `5/2`, `2 1/2`, `6:7`, `7:30`; what stands around them does not matter.

/// A number, or a ratio or time of several.
#[derive(Debug, Clone)]
pub struct Value {
    /// One, or what stands between the colons.
    pub parts: Vec<f64>,
}

impl PartialEq for Value {
    /// To a millionth, part by part: 6:7 is not 12:14, since 1:30 is no time of day at 2:60.
    fn eq(&self, other: &Self) -> bool {
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(close)
    }
}

/// What a worked answer puts before its result, in lower case.
const MARKS: [&str; 3] = ["the answer is", "####", "="];

/// One number from each part of a right answer, parts divided by semicolons; none if any part has no number.
pub fn parts(answer: &str) -> Option<Vec<Value>> {
    result(answer).split(';').map(|part| values(part).next()).collect()
}

/// The first `count` numbers of what was given; fewer if there are fewer.
pub fn first(given: &str, count: usize) -> Vec<Value> {
    values(result(given)).take(count).collect()
}

/// What follows the last mark, or all of it.
fn result(text: &str) -> &str {
    // ASCII case only, so that positions are those of the text.
    let lower = text.to_ascii_lowercase();
    let after = MARKS.iter().filter_map(|mark| Some(lower.rfind(mark)? + mark.len())).max();
    &text[after.unwrap_or(0)..]
}

/// The numbers of a text in order.
fn values(text: &str) -> impl Iterator<Item = Value> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            if let Some((value, after)) = value(&text[..at], rest) {
                at = text.len() - after.len();
                return Some(value);
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    })
}

/// The number that a text starts with, given what stands before it, and what follows.
fn value<'a>(before: &str, text: &'a str) -> Option<(Value, &'a str)> {
    let (mut first, mut rest) = magnitude(text)?;
    let mut parts = Vec::new();
    if let Some((whole, after)) = fraction(first, rest) {
        (first, rest) = (whole, after);
    } else {
        while let Some((part, after)) = rest.strip_prefix(':').and_then(magnitude) {
            parts.push(part);
            rest = after;
        }
    }
    parts.insert(0, if negative(before) { -first } else { first });
    Some((Value { parts }, rest))
}

/// Whether a minus stands before a number: one that takes nothing away (as in `7-3`) and joins nothing (`grade-3`).
fn negative(before: &str) -> bool {
    let before = before.trim_end_matches(['$', '€', '£']).strip_suffix(['-', '−']);
    before.is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// Digits, perhaps in groups of three by commas, perhaps with decimals; and what follows.
fn magnitude(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(text);
    if (1..=3).contains(&end) {
        while text[end..].strip_prefix(',').is_some_and(|group| digits(group) == 3) {
            end += 4;
        }
    }
    let decimals = text[end..].strip_prefix('.').map_or(0, digits);
    if decimals > 0 {
        end += 1 + decimals;
    }
    let number: f64 = text[..end].replace(',', "").parse().ok()?;
    Some((number.min(f64::MAX), &text[end..]))
}

/// `number` as the numerator of what follows (`5/2`), or with a fraction added (`2 1/2`).
fn fraction(number: f64, rest: &str) -> Option<(f64, &str)> {
    let over = |text: &'_ str| -> Option<(f64, usize)> {
        let (divisor, after) = magnitude(text.strip_prefix('/')?)?;
        (divisor != 0.0).then_some((divisor, after.len()))
    };
    let left = |length: usize| &rest[rest.len() - length..];
    if let Some((divisor, after)) = over(rest) {
        return Some((number / divisor, left(after)));
    }
    let (numerator, after) = magnitude(rest.strip_prefix(' ')?)?;
    let (divisor, after) = over(after)?;
    Some((number + numerator / divisor, left(after)))
}

#[cfg(test)]
mod tests;
