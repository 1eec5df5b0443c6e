use super::*;

#[test]
fn every_epoch_has_every_example_in_an_order_of_its_own() {
    let first = shuffled(100, 7, 0);
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    assert_eq!(first, shuffled(100, 7, 0));
    assert!(first != shuffled(100, 7, 1) && first != shuffled(100, 8, 0));
    // No index is left where it was more often than chance has it (once a shuffle).
    let fixed: usize = (0..200).map(|e| shuffled(100, 0, e).iter().enumerate().filter(|(i, x)| i == *x).count()).sum();
    assert!((140..260).contains(&fixed), "{fixed}");
    assert_eq!((steps_an_epoch(10, 4), steps_an_epoch(8, 4)), (3, 2));
}

#[test]
fn groups_are_even_and_whole() {
    let lengths: Vec<usize> = (0..40).map(|i| 20 + 37 * i % 80).collect();
    let groups = groups(&lengths);
    let mut all = groups.concat();
    all.sort_unstable();
    assert_eq!(all, (0..40).collect::<Vec<_>>());
    let sums: Vec<usize> = groups.iter().map(|group| group.iter().map(|&i| lengths[i]).sum()).collect();
    assert!(sums.len().is_multiple_of(2) && sums.iter().all(|sum| (360..=400).contains(sum)), "{sums:?}");
    // One example longer than a group may be, and a single one.
    assert_eq!(super::groups(&[2000, 10, 10]).len(), 3);
    assert_eq!(super::groups(&[5]), [[0]]);
    assert!(super::groups(&[]).is_empty());
}
