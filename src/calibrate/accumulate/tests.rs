use super::*;

/// Pseudo-random activations, one row per token, with a few large columns as in real activations.
fn activations(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n * d)
        .map(|at| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let x = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            if at % d == 3 { 40.0 * x } else { x }
        })
        .collect()
}

fn accumulate(samples: &[Vec<f32>], d: usize, snapshots: &[Snapshot]) -> Vec<Statistics> {
    let normalisations = [Normalisation::Max, Normalisation::None];
    let mut tiles = Tile::cover(d, &normalisations);
    let marginals: Vec<_> = samples.iter().map(|x| Marginals::of(x, d)).collect();
    for tile in &mut tiles {
        for (i, x) in samples.iter().enumerate() {
            tile.add(i, x, d, &marginals[i], snapshots);
        }
    }
    snapshots.iter().map(|&s| statistics(d, &tiles, &marginals, s).unwrap()).collect()
}

#[test]
fn matches_the_definition_in_f64_and_prefixes_match_shorter_passes() {
    // Wider than a tile, longer than a chunk.
    let d = 200;
    let samples: Vec<_> = [700, 13, 512].iter().zip(1..).map(|(&n, seed)| activations(n, d, seed)).collect();
    let snapshots = [
        Snapshot { samples: 2, normalisation: Normalisation::Max },
        Snapshot { samples: 3, normalisation: Normalisation::None },
    ];
    let found = accumulate(&samples, d, &snapshots);
    for (snapshot, found) in snapshots.iter().zip(&found) {
        let mut largest = 0.0f64;
        let mut error = 0.0f64;
        for i in 0..d {
            for j in 0..d {
                let mut expected = 0.0;
                for x in &samples[..snapshot.samples] {
                    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let scale = match snapshot.normalisation {
                        Normalisation::Max => f64::from(max.abs()),
                        Normalisation::None => 1.0,
                    };
                    expected += x
                        .chunks_exact(d)
                        .map(|row| f64::from(row[i]) / scale * (f64::from(row[j]) / scale))
                        .sum::<f64>();
                }
                expected /= snapshot.samples as f64;
                largest = largest.max(expected.abs());
                error = error.max((expected - found.covariance[(i, j)]).abs());
            }
        }
        assert!(error < 1e-6 * largest, "{error} against {largest}");
    }
    assert_eq!(found[0], accumulate(&samples[..2], d, &snapshots[..1])[0]);
    assert_eq!(found[0].tokens, 713);
}

#[test]
fn marginals_by_hand() {
    let m = Marginals::of(&[1.0, -5.0, -3.0, 2.0], 2);
    assert_eq!((m.abs_mean, m.abs_max, m.max, m.finite, m.tokens), (vec![2.0, 3.5], vec![3.0, 5.0], 2.0, true, 2));
    assert!(!Marginals::of(&[1.0, f32::NAN], 2).finite);
    assert!(!Marginals::of(&[f32::NEG_INFINITY, 1.0], 2).finite);
}
