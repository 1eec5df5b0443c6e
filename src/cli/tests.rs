use super::*;

#[test]
fn sizes_are_numbers_with_units() {
    for (text, bytes) in [
        ("16GiB", 16 << 30),
        ("1.5 GiB", 3 << 29),
        ("20GB", 20_000_000_000),
        ("0.5MB", 500_000),
        ("3MiB", 3 << 20),
        ("12B", 12),
        ("12", 12),
    ] {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    for text in ["", "GiB", "16 pages", "-1GiB", "1.2.3GB", "inf"] {
        assert!(size(text).is_err_and(|message| message.contains("is not a size")), "{text}");
    }
}
