use super::*;

fn sealed() -> Vec<u8> {
    let (key, value) = blank();
    let mut bytes = [b"some rows that say corda.blake3", key.as_bytes(), &BETWEEN, value.as_bytes(), b"PAR1"].concat();
    close(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_change_anywhere_breaks_it() {
    let bytes = sealed();
    check(&bytes).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(check(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn files_without_one_pass_and_cannot_be_closed() {
    let mut plain = b"PAR1 nothing PAR1".to_vec();
    check(&plain).unwrap();
    assert_eq!(close(&mut plain), Err(Broken::Place));
}
