use super::*;

#[test]
fn locations_are_joined_as_browsers_do() {
    let base: Uri = "http://hub:1/a/b/c?x=1".parse().unwrap();
    assert_eq!(join(&base, "https://cdn/d?y=//z"), "https://cdn/d?y=//z");
    assert_eq!(join(&base, "//cdn/d"), "http://cdn/d");
    assert_eq!(join(&base, "/d?y=1"), "http://hub:1/d?y=1");
    assert_eq!(join(&base, "d"), "http://hub:1/a/b/d");
}

#[test]
fn content_ranges_are_read() {
    assert_eq!(content_range("bytes 5-9/10"), (5, Some(10)));
    assert_eq!(content_range("bytes */10"), (0, Some(10)));
    assert_eq!(content_range("bytes 5-9/*"), (5, None));
    assert_eq!(content_range("nonsense"), (0, None));
}

#[test]
fn what_is_no_url_is_said_so() {
    for bad in ["", "hub", "ftp://hub/a", "http://", "http://h ub/"] {
        assert!(parse(bad).unwrap_err().contains("is not a"), "{bad}");
    }
}
