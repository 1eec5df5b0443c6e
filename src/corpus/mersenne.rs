//! Python's `random`: the Mersenne Twister, seeded with an integer, and `randint`, bit for bit.
//!
//! The generator is the crate's; what CPython puts around it (the seeding of integers, `getrandbits`, rejection
//! sampling) is here. Checked against CPython 3.11.

use rand_mt::Mt;

/// Python's generator after `random.seed(n)`.
pub struct Random(Mt);

impl Random {
    /// `random.seed(seed)`: the key is the 32-bit words of the number, least significant first, at least one.
    pub fn seeded(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key = if high == 0 { vec![low] } else { vec![low, high] };
        Self(Mt::new_with_key(key))
    }

    /// `random.randint(0, last)`: uniform over `0..=last`.
    pub fn up_to(&mut self, last: u64) -> u64 {
        // Python draws as many bits as the *count* of values has, and again while the draw is too large. A count of 2^64
        // needs 65 bits: the top one is drawn as a word of its own and has to be 0.
        let count = u128::from(last) + 1;
        let bits = 128 - count.leading_zeros();
        loop {
            let draw = self.bits(bits);
            if draw < count {
                return draw as u64;
            }
        }
    }

    /// `random.getrandbits(bits)`: whole words first, least significant first; the last one keeps its upper bits.
    fn bits(&mut self, bits: u32) -> u128 {
        let mut value = 0u128;
        for at in (0..bits).step_by(32) {
            let word = self.0.next_u32();
            let missing = 32u32.saturating_sub(bits - at);
            value |= u128::from(word >> missing) << at;
        }
        value
    }
}

#[cfg(test)]
mod tests {
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
}
