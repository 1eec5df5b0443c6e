use super::*;

fn draws(seed: u64, last: u64, count: usize) -> Vec<u64> {
    let mut random = Random::seeded(seed);
    (0..count).map(|_| random.up_to(last)).collect()
}

/// Values of CPython 3.11's `random.seed(seed)`, then `random.randint(0, last)`.
#[test]
fn draws_are_pythons() {
    assert_eq!(draws(0, 9, 8), [6, 6, 0, 4, 8, 7, 6, 4]);
    assert_eq!(draws(1, 0, 2), [0, 0]);
    assert_eq!(draws(5, (1 << 32) - 1, 4), [2675342405, 3185950873, 4051686260, 2787324501]);
    assert_eq!(draws(5, u64::MAX, 3), [15501686781378355951, 17401859983685269623, 2088281501638027405]);
}

#[test]
fn seeds_beyond_32_bits_are_pythons() {
    assert_eq!(draws(1 << 32, 999, 6), [115, 359, 427, 957, 17, 23]);
    assert_eq!(draws((1 << 40) + 12345, 1 << 33, 4), [5627962909, 493462063, 2291790675, 876331094]);
    assert_eq!(draws(u64::MAX, 1 << 63, 3), [4589153898531806846, 8412893781816475729, 1752763915482752451]);
}
