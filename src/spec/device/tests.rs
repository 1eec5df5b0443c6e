use super::*;

#[test]
fn devices_are_read_and_shown_alike() {
    for text in ["cpu", "cuda:0", "cuda:3", "metal:1"] {
        assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
    }
    assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
    for wrong in ["", "gpu", "cpu:1", "cuda:x", "cuda:", "Cuda"] {
        assert!(wrong.parse::<Device>().unwrap_err().contains("`cuda:N`"), "{wrong}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_was_not_built_in_says_how() {
    let error = Device::Cuda(1).open().unwrap_err();
    assert!(error.contains("cuda:1") && error.contains("--features cuda"), "{error}");
}
