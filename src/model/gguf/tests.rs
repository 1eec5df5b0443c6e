//! Tests of GGUF reading that need no whole model.

use super::*;

#[test]
fn unpermute_undoes_the_conversion() {
    // 2 heads of 6 rows, one column holding the row's Hugging Face index.
    let hf: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let hf = Tensor::from_vec(hf, (12, 1), &Device::Cpu).unwrap();
    // The conversion in llama.cpp: reshape(heads, 2, half, in), swap the middle axes.
    let gguf = hf.reshape((2, 2, 3, 1)).unwrap().transpose(1, 2).unwrap().contiguous().unwrap();
    let gguf = gguf.reshape((12, 1)).unwrap();
    assert_eq!(gguf.flatten_all().unwrap().to_vec1::<f32>().unwrap()[..6], [0., 3., 1., 4., 2., 5.]);
    let back = unpermute(&gguf, 2).unwrap();
    assert_eq!(back.to_vec2::<f32>().unwrap(), hf.to_vec2::<f32>().unwrap());
}

#[test]
fn garbage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    for bytes in [
        &b""[..],
        b"GGUF",
        b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        &[7; 4096],
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Gguf::open(&[&path]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("x.gguf"), "{error}");
    }
}
