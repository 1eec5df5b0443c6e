use super::*;

#[test]
fn a_panic_is_a_text_and_the_thread_goes_on() {
    assert_eq!(unless_it_panics(|| 7), Ok(7));
    assert_eq!(unless_it_panics::<()>(|| panic!("index {} out of range", 7)), Err("index 7 out of range".into()));
    let nested = unless_it_panics(|| (unless_it_panics::<()>(|| panic!("inner")), GUARDED.get()));
    assert_eq!(nested, Ok((Err("inner".into()), true)));
    assert!(!GUARDED.get());
}
