use super::*;

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A file with one key of type u32 and one tensor of two elements.
fn file(version: u32, keys: &[(&str, u32)], kind: u32) -> Vec<u8> {
    let mut bytes = [b"GGUF".to_vec(), version.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat();
    bytes.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        bytes.extend([string(key), 4u32.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat());
    }
    bytes.extend(string("t"));
    bytes.extend([1u32.to_le_bytes().to_vec(), 2u64.to_le_bytes().to_vec()].concat());
    bytes.extend([kind.to_le_bytes().to_vec(), 0u64.to_le_bytes().to_vec()].concat());
    bytes.resize(bytes.len().next_multiple_of(32) + 8, 0);
    bytes
}

#[test]
fn a_header_is_read_and_its_faults_are_named() {
    let header = read(&file(3, &[("a", 7)], 0)).unwrap();
    assert_eq!(header.metadata["a"].to_u32().unwrap(), 7);
    assert_eq!((header.tensors["t"].dims.as_slice(), header.tensors["t"].bytes), (&[2][..], 8));
    for (bytes, said) in [
        (file(1, &[], 0), "GGUF version 1"),
        (file(3u32.swap_bytes(), &[], 0), "big-endian"),
        (file(9, &[], 0), "GGUF version 9"),
        (file(3, &[("a", 7), ("a", 7)], 0), "twice"),
        (file(3, &[("general.alignment", 0)], 0), "general.alignment"),
        (file(3, &[], 23), "IQ4_XS"),
        (file(3, &[], 99), "number 99"),
        (file(3, &[], 12), "blocks of Q4K"),
    ] {
        let problem = format!("{:?}", read(&bytes).unwrap_err());
        assert!(problem.contains(said), "{problem}");
    }
    let whole = file(3, &[("a", 7)], 0);
    for cut in 0..whole.len() {
        assert!(matches!(read(&whole[..cut]), Err(Problem::Corrupt(_))), "cut at {cut}");
    }
}

#[test]
fn any_byte_may_be_wrong() {
    let whole = file(3, &[("general.alignment", 32), ("b", 1)], 0);
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            _ = read(&bytes);
        }
    }
}
