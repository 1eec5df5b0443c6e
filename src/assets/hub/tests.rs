use super::*;

#[test]
fn etags_are_checksums_or_nothing() {
    let (sha1, sha256) = ("a".repeat(40), "b".repeat(64));
    assert_eq!(checksum(&sha1), Some(Expected::GitBlob(sha1.clone())));
    assert_eq!(checksum(&sha256), Some(Expected::Sha256(sha256.clone())));
    assert_eq!(checksum("5d41402abc4b2a76b9719d911017c592"), None, "an md5");
    assert_eq!(checksum(""), None);
}

#[test]
fn paths_are_encoded_but_for_their_slashes() {
    assert_eq!(percent_encode("a/b-1_2.~c"), "a/b-1_2.~c");
    assert_eq!(percent_encode("a b?c#%é"), "a%20b%3Fc%23%25%C3%A9");
}
