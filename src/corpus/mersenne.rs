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
mod tests;
