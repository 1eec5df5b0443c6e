use super::*;

#[test]
fn files_are_known_by_their_first_bytes() {
    for (bytes, kind) in [
        (&b""[..], Kind::Empty),
        (b"GGUF\x03\0\0\0", Kind::Gguf),
        (b"tjgg\x03\0\0\0", Kind::OldGgml),
        (b"\x40\0\0\0\0\0\0\0{\"a\":", Kind::Safetensors),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", Kind::LfsPointer),
        (b"\n<!DOCTYPE html><html>", Kind::Html),
        (b"PK\x03\x04\0\0", Kind::Zip),
        (b"\x80\x02}q\0", Kind::Pickle),
        (b"{\"model_type\": 1}", Kind::Other),
        (b"\x08\x07\x12\x07pytorch", Kind::Other),
    ] {
        assert_eq!(Kind::of_bytes(bytes), kind, "{bytes:?}");
    }
}
