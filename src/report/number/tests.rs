use super::*;

#[test]
fn perplexities() {
    let cases = [
        (5.468, "5.47"),
        (99.996, "100.00"),
        (999.99, "999.99"),
        (999.996, "1,000"),
        (47_012.4, "47,012"),
        (999_999.4, "999,999"),
        (999_999.6, "1.00×10⁶"),
        (1.234e7, "1.23×10⁷"),
        (1e300, "1.00×10³⁰⁰"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "nan"),
    ];
    for (value, text) in cases {
        assert_eq!(perplexity(value).text(), text, "{value}");
    }
}

#[test]
fn differences() {
    let cases = [
        (0.0, "0.000"),
        (-0.0001, "0.000"),
        (0.12345, "+0.123"),
        (-0.5, "-0.500"),
        (12.25, "+12.250"),
        (f64::INFINITY, "+inf"),
        (f64::NAN, "nan"),
    ];
    for (value, text) in cases {
        assert_eq!(nats(value), text);
    }
}

#[test]
fn shares_and_superscripts() {
    assert_eq!(["0%", "5%", "12.5%", "33.33%"], [0.0, 0.05, 0.125, 1.0 / 3.0].map(share).each_ref().map(|s| &s[..]));
    assert_eq!(
        ["0%", "0.0012%", "1.3%", "125.0%"],
        [0.0, 1.2e-5, 0.0131, 1.25].map(percent).each_ref().map(|s| &s[..])
    );
    assert_eq!(superscript("-1047"), "⁻¹⁰⁴⁷");
}
