use super::*;

/// The formula of transformers' `get_cosine_schedule_with_warmup(optimizer, 3, 10)`, computed apart; the golden steps
/// (`tests/golden/train_step.json`) were made with that scheduler itself.
#[test]
fn the_rate_rises_and_falls_as_hugging_faces() {
    assert_eq!((warmup_steps(0.03, 100), warmup_steps(0.03, 101), warmup_steps(0.0, 9)), (3, 4, 0));
    let expected = [
        0.0,
        1.0 / 3.0,
        2.0 / 3.0,
        1.0,
        0.950_484_433_951_209_5,
        0.811_744_900_929_366_8,
        0.611_260_466_978_157_3,
        0.388_739_533_021_842_8,
        0.188_255_099_070_633_23,
        0.049_515_566_048_790_44,
    ];
    for (at, expected) in expected.into_iter().enumerate() {
        assert!((cosine(at, 10, 3) - expected).abs() < 1e-15, "step {at}");
    }
    assert_eq!((cosine(0, 1, 0), cosine(0, 1, 1)), (1.0, 0.0));
}
