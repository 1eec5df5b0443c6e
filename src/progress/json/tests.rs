use super::*;

#[test]
fn progress_has_a_rate_and_is_told_once_a_second() {
    let log = Arc::<Log>::default();
    let counter = Counter::new(&log, "evaluate".into(), 100, Unit::Count("tokens"));
    counter.resume_at(20);
    let (start, _) = *counter.start.lock().unwrap();
    let object = counter.object(60, start + Duration::from_secs(4));
    assert_eq!(
        object.to_string(),
        r#"{"event":"progress","what":"evaluate","done":60,"total":100,"unit":"tokens","rate":10.0,"seconds_left":4.0}"#
    );
    assert_eq!(counter.object(20, start + Duration::from_secs(1))["seconds_left"], Value::Null);
    assert!(log.is_due(start) && !log.is_due(start + Duration::from_millis(999)));
    assert!(log.is_due(start + Duration::from_millis(1000)));
}
