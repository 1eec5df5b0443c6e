use super::*;

#[test]
fn files_are_known_by_their_first_bytes() {
    for (bytes, kind) in [
        (&b""[..], FileKind::Empty),
        (b"GGUF\x03\0\0\0", FileKind::Gguf),
        (b"tjgg\x03\0\0\0", FileKind::OldGgml),
        (b"\x40\0\0\0\0\0\0\0{\"a\":", FileKind::Safetensors),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", FileKind::LfsPointer),
        (b"\n<!DOCTYPE html><html>", FileKind::Html),
        (b"PK\x03\x04\0\0", FileKind::Zip),
        (b"\x80\x02}q\0", FileKind::Pickle),
        (b"{\"model_type\": 1}", FileKind::Other),
        (b"\x08\x07\x12\x07pytorch", FileKind::Other),
    ] {
        assert_eq!(FileKind::of_bytes(bytes), kind, "{bytes:?}");
    }
}
