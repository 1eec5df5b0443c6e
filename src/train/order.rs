//! Which examples a step learns from, and how its batch divides into groups.

use rand_mt::Mt64;

/// The most tokens of a group of several examples: enough rows for matrix products at full speed, few enough that the backward
/// pass needs little memory.
pub const GROUP_TOKENS: usize = 512;

/// The examples' indices in the order of epoch `epoch` (from 0): a shuffle that depends on seed and epoch only.
pub fn shuffled(examples: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let hash = blake3::hash(format!("{seed} epoch {epoch}").as_bytes());
    let start = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight of 32 bytes"));
    let mut random = Mt64::new(start);
    let mut order: Vec<usize> = (0..examples).collect();
    for last in (1..examples).rev() {
        // The upper half of a product of 64 bits by a small number: uniform to within 2^-64 of that number.
        let drawn = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, drawn as usize);
    }
    order
}

/// Steps of one epoch: the last batch may be smaller.
pub fn steps_an_epoch(examples: usize, batch: usize) -> usize {
    examples.div_ceil(batch.max(1))
}

/// Divides a batch into groups with about the same number of tokens; `lengths[i]` is that of example i. The longest examples are
/// placed first, each into the group that has the fewest; within a group examples keep their order. The groups do not depend on
/// the number of threads.
pub fn groups(lengths: &[usize]) -> Vec<Vec<usize>> {
    let tokens: usize = lengths.iter().sum();
    // An even number of them, so that two threads finish together.
    let count = tokens.div_ceil(GROUP_TOKENS).next_multiple_of(2).min(lengths.len());
    let mut groups = vec![(0, Vec::new()); count];
    let mut longest_first: Vec<usize> = (0..lengths.len()).collect();
    longest_first.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    for i in longest_first {
        if let Some((sum, group)) = groups.iter_mut().min_by_key(|(sum, _)| *sum) {
            *sum += lengths[i];
            group.push(i);
        }
    }
    groups.into_iter().map(|(_, mut group)| (group.sort_unstable(), group).1).collect()
}

#[cfg(test)]
mod tests;
