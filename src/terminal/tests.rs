use super::*;

struct Broken(ErrorKind);

impl io::Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn printed(text: &str) -> Out {
    Out { text: text.into(), failed: None }
}

#[test]
fn a_reader_who_left_is_no_error_and_a_full_disk_is_one() {
    assert!(printed("a").finish(&mut Broken(ErrorKind::BrokenPipe)).is_ok());
    let error = printed("a").finish(&mut Broken(ErrorKind::StorageFull)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(printed("").finish(&mut Broken(ErrorKind::StorageFull)).is_ok(), "nothing was printed");
}

#[test]
fn the_first_error_is_kept_and_nothing_follows_it() {
    let mut out = printed("a");
    out.flush(&mut Broken(ErrorKind::StorageFull));
    out.print(format_args!("b"));
    let mut taken = Vec::new();
    assert!(out.finish(&mut taken).is_err());
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn reasons_have_no_numbers() {
    assert_eq!(reason(&io::Error::from_raw_os_error(2)), "No such file or directory");
    assert_eq!(reason(&io::Error::other("its own words (os error 2)")), "its own words (os error 2)");
}
