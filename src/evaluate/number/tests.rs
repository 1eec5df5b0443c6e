use proptest::prelude::*;

use super::*;

fn all(text: &str) -> Vec<Vec<f64>> {
    values(text).map(|value| value.parts).collect()
}

#[test]
fn spellings() {
    for (text, numbers) in [
        ("1,234.5 and 17,12", &[&[1234.5][..], &[17.0], &[12.0]][..]),
        ("-$3, $-3.50, −2 - 4", &[&[-3.0], &[-3.5], &[-2.0], &[4.0]]),
        ("7-3 grade-4", &[&[7.0], &[3.0], &[4.0]]),
        ("5/2, 2 1/2, -1/4, 5/0", &[&[2.5], &[2.5], &[-0.25], &[5.0], &[0.0]]),
        ("6:7 at 9:03:36 a.m., 5: 3", &[&[6.0, 7.0], &[9.0, 3.0, 36.0], &[5.0], &[3.0]]),
        ("the 60th. .5 50% 8 km/hour", &[&[60.0], &[0.5], &[50.0], &[8.0]]),
        ("½ nine – é", &[]),
    ] {
        assert_eq!(all(text), numbers.iter().map(|parts| parts.to_vec()).collect::<Vec<_>>(), "{text:?}");
    }
}

#[test]
fn right_answers_of_several_parts() {
    assert_eq!(parts("8 ft; 128 sq. ft").unwrap().len(), 2);
    assert_eq!(parts("11:55 p.m. on 24 December 2014.").unwrap(), first("11:55", 1));
    assert!(parts("Yes").is_none() && parts("5 apples; none").is_none());
}

#[test]
fn beyond_f64_is_still_a_number() {
    let huge = "9".repeat(400);
    assert_eq!(first(&huge, 1), first(&format!("{huge} apples"), 1));
    assert_ne!(first(&huge, 1), first("9", 1));
}

proptest! {
    #[test]
    fn what_is_written_is_read(x in -1e9f64..1e9, word in "[a-z ]{0,9}") {
        let value = Value { parts: vec![x] };
        prop_assert_eq!(first(&format!("{word} {x} {word}"), 1), vec![value.clone()]);
        prop_assert_eq!(first(&format!("8. So the answer is: {x} {word}"), 1), vec![value]);
    }
}
