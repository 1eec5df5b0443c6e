//! Numbers as a reader wants them: enough digits and no more. Plain text; `latex.rs` sets the parts.

/// A number in parts, so that each writer sets it its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// As it stands, e.g. `59.14`, `47,012`, `inf`.
    Plain(String),
    /// `mantissa x 10^exponent`.
    Scientific(String, String),
}

/// A perplexity: two decimals below 1,000, then whole with thousands separated, from a million on scientific.
pub fn perplexity(value: f64) -> Number {
    if let Some(word) = not_finite(value) {
        return Number::Plain(word);
    }
    // The borders lie where rounding would carry into the next form.
    if value < 999.995 {
        return Number::Plain(format!("{value:.2}"));
    }
    if value < 999_999.5 {
        return Number::Plain(separated(&format!("{value:.0}")));
    }
    let text = format!("{value:.2e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    Number::Scientific(mantissa.to_string(), exponent.to_string())
}

/// A difference of losses in nats, signed, three decimals.
pub fn nats(value: f64) -> String {
    match not_finite(value) {
        Some(word) if value > 0.0 => format!("+{word}"),
        Some(word) => word,
        // A difference that rounds to nothing has no sign.
        None if value.abs() < 0.0005 => "0.000".to_string(),
        None => format!("{value:+.3}"),
    }
}

/// Two digits, as a power of ten below a thousandth and from ten thousand on.
pub fn scientific(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if (0.001..10_000.0).contains(&value.abs()) {
        let digits = (1 - value.abs().log10().floor() as i32).max(0) as usize;
        return format!("{value:.digits$}");
    }
    format!("{value:.1e}")
}

/// A p-value, three decimals.
pub fn p(value: f64) -> String {
    match value {
        v if v.is_nan() => "not defined".into(),
        v if v < 0.001 => "< 0.001".into(),
        v => format!("{v:.3}"),
    }
}

/// A share of components in percent, without idle zeros.
pub fn share(value: f64) -> String {
    format!("{}%", trimmed(&format!("{:.2}", 100.0 * value)))
}

/// Decimals without idle zeros.
pub fn trimmed(decimals: &str) -> &str {
    decimals.trim_end_matches('0').trim_end_matches('.')
}

/// A share in percent, two digits or more.
pub fn percent(value: f64) -> String {
    let percent = 100.0 * value;
    match percent.abs() {
        10.0.. => format!("{percent:.1}%"),
        tiny if tiny > 0.0 && tiny < 0.001 => format!("{percent:.5}%"),
        _ => format!("{}%", scientific(percent)),
    }
}

/// `inf`, `-inf` or `nan`.
fn not_finite(value: f64) -> Option<String> {
    (!value.is_finite()).then(|| value.to_string().to_lowercase())
}

/// `1234567` as `1,234,567`; digits only.
pub fn separated(digits: &str) -> String {
    let apart = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(apart).collect()
}

/// An integer in superscript digits.
pub fn superscript(integer: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    integer.chars().map(|c| c.to_digit(10).map_or('⁻', |digit| RAISED[digit as usize])).collect()
}

impl Number {
    /// Whether it is not a number.
    pub fn is_nan(&self) -> bool {
        matches!(self, Number::Plain(text) if text == "nan")
    }

    /// As text, with superscript digits.
    pub fn text(&self) -> String {
        match self {
            Number::Plain(text) => text.clone(),
            Number::Scientific(mantissa, exponent) => format!("{mantissa}×10{}", superscript(exponent)),
        }
    }
}

/// The smallest and the largest value; `None` without any.
pub fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

#[cfg(test)]
mod tests;
