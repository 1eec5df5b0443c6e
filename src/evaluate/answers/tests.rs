use proptest::prelude::*;

use super::*;

fn right(score: Score, given: &str, answers: &[&str]) -> bool {
    exact(score, given, &answers.iter().map(ToString::to_string).collect::<Vec<_>>())
}

#[test]
fn text_as_the_official_scripts_compare_it() {
    for (given, answers, expected) in [
        (" the Beatles.", &["Beatles"][..], true),
        ("Overland Park Kansas", &["Overland Park, Kansas"], true),
        ("US", &["United States", "U.S."], true),
        ("rock_and_roll", &["Rock and Roll"], true),
        ("O’Brien", &["O'Brien"], true),
        ("a  an\tapple\n", &["Apple"], true),
        ("Theatre", &["atre"], false),
        ("banana", &["bnn"], false), // NQ-open's regex in lm-evaluation-harness says true
        ("Paris, France", &["Paris"], false),
        ("The The", &["the the"], true),
        ("The", &["The The"], false),
        ("", &["?"], false),
        ("!", &["?"], false),
        ("x", &[], false),
    ] {
        assert_eq!(right(Score::Text, given, answers), expected, "{given:?} of {answers:?}");
    }
}

#[test]
fn numbers_in_what_models_say() {
    for (given, answer, expected) in [
        (" 9", "9 apples", true),
        ("9 apples.", "9 apples", true),
        ("There are 9 of 12.", "9 apples", true),
        ("19", "9 apples", false),
        ("12 are 9", "9 apples", false),
        ("7 + 2 = 9. The answer is: 9", "9 apples", true),
        ("7 + 2 = 9\n#### 9", "9 apples", true),
        ("7 + 2 = 9 apples, so 9", "9 apples", true),
        ("7 + 2 =", "7 apples", false),
        ("The answer is 8. No, the answer is 9.", "9 apples", true),
        ("The answer is unclear: 9", "9 apples", true),
        ("$1,234.50", "1234.5 dollars", true),
        ("0.460", "0.46 dollars", true),
        ("0.461", "0.46 dollars", false),
        ("6:7", "6:7", true),
        ("6", "6:7", false),
        ("7:30 p.m.", "7:30", true),
        ("07:30", "7:30", true),
        ("7", "7:30", false),
        ("5/2", "2.5", true),
        ("2 1/2", "5/2", true),
        ("1/3", "-1/3", false),
        ("-1/3", "-1/3", true),
        ("17 and 12", "17 years old; 12 years old", true),
        ("12 and 17", "17 years old; 12 years old", false),
        ("17", "17 years old; 12 years old", false),
        ("11:55 on 24 May; 3 hours", "11:55 on 24 May; 3 hours", true),
        ("40 km/hour; 30 km/hour", "40 km/hour; 30 km/hour", true),
        ("yes.", "Yes", true),
        ("No", "Yes", false),
        ("the Purple", "Purple", true),
        ("6", "6th", true),
        ("", "6th", false),
    ] {
        assert_eq!(right(Score::Number, given, &[answer]), expected, "{given:?} of {answer:?}");
    }
    assert!(right(Score::Number, "3", &["2", "3"]));
}

#[test]
fn names_in_files() {
    assert_eq!(serde_json::to_string(&[Score::Text, Score::Number]).unwrap(), r#"["text","number"]"#);
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own(text in any::<String>()) {
        let once = normal(&text);
        prop_assert_eq!(normal(&once), once);
    }

    #[test]
    fn case_punctuation_and_space_change_nothing(words in prop::collection::vec("[a-z0-9]{1,6}", 1..6)) {
        let plain = words.join(" ");
        let dressed = format!("  {}!! ", words.join(" \t").to_uppercase());
        prop_assert_eq!(normal(&plain), normal(&dressed));
    }

    #[test]
    fn an_answer_with_something_in_it_is_right_of_itself(text in "\\PC*[a-zA-Z0-9]\\PC*") {
        for score in [Score::Text, Score::Number] {
            prop_assert!(exact(score, &text, std::slice::from_ref(&text)), "{:?}", score);
        }
    }

    #[test]
    fn any_text_is_scored_without_a_panic(given in any::<String>(), answer in any::<String>()) {
        exact(Score::Number, &given, std::slice::from_ref(&answer));
        exact(Score::Text, &given, std::slice::from_ref(&answer));
    }
}
