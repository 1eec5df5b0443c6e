use super::*;

#[test]
fn every_way_gives_the_same_subspace() {
    // Well separated singular values: the subspace is then well determined.
    let m =
        Mat::from_fn(7, 5, |i, j| ((i * 7 + j * 3) as f64 * 1.7).sin() + if i == j { (3 * i + 2) as f64 } else { 0.0 });
    for m in [m.as_ref(), m.transpose()] {
        for end in [End::Smallest, End::Largest] {
            let ways = [Factorisation::by_svd, Factorisation::by_bidiagonal, Factorisation::by_gram];
            let by = ways.map(|by| by(m, end, 2).unwrap());
            assert!(agree(&by[0], &by[1]) && agree(&by[0], &by[2]));
        }
    }
}

/// Whether values and the subspaces of 1 and of all vectors are the same.
fn agree(a: &Factorisation, b: &Factorisation) -> bool {
    let values = a.singular.iter().zip(&b.singular).all(|(a, b)| (a - b).abs() < 1e-7);
    let subspaces = [1, a.left.ncols()].into_iter().all(|r| {
        let (a, b) = (a.vectors(r), b.vectors(r));
        (a * a.transpose() - b * b.transpose()).norm_max() < 1e-7
    });
    values && a.singular.len() == b.singular.len() && subspaces
}

#[test]
fn weights_that_are_not_finite_are_an_error() {
    let mut m = Mat::from_fn(6, 6, |i, j| (i * 6 + j) as f64);
    m[(2, 3)] = f64::NAN;
    assert!(matches!(Factorisation::of(m.as_ref(), End::Smallest, 2), Err(DecompositionError::Svd(_))));
}

#[test]
fn few_vectors_of_matrices_whose_values_coincide() {
    let noise = |i: usize, j: usize| ((i * 31 + j * 17) as f64 * 0.7).sin();
    let same = Mat::from_fn(40, 30, |i, j| if i == j { 2.0 } else { 0.0 });
    let pairs = Mat::from_fn(40, 40, |i, j| if i / 20 == j / 20 { noise(i % 20, j % 20) } else { 0.0 });
    let rank_3 = Mat::from_fn(50, 40, |i, j| (0..3).map(|k| noise(i, k) * noise(k + 5, j)).sum());
    let graded = Mat::from_fn(40, 40, |i, j| noise(i, j) * 10f64.powi(-(j as i32) / 2));
    let rotated = Mat::from_fn(40, 40, noise).qr().compute_thin_Q();
    for m in [same, pairs, rank_3, graded, rotated, Mat::zeros(40, 30)] {
        for m in [m.as_ref(), m.transpose()] {
            for (end, depth) in [(End::Smallest, 15), (End::Largest, 15), (End::Smallest, 1), (End::Largest, 0)] {
                let found = Factorisation::by_bidiagonal(m, end, depth).unwrap();
                found.check(m).unwrap();
                let all = Factorisation::by_svd(m, end, depth).unwrap();
                let largest = all.singular[0];
                assert!(found.singular.iter().zip(&all.singular).all(|(a, b)| (a - b).abs() <= 1e-13 * largest));
            }
        }
    }
}

#[test]
fn the_check_finds_a_wrong_vector_among_the_small() {
    let m = Mat::from_fn(6, 6, |i, j| if i == j { 10f64.powi(-2 * i as i32) } else { 0.0 });
    let mut found = Factorisation::by_svd(m.as_ref(), End::Smallest, 2).unwrap();
    found.check(m.as_ref()).unwrap();
    // The third smallest in place of the smallest: 1e-6 of the largest, and 1e-12 of its square.
    found.left = Mat::from_fn(6, 2, |i, j| f64::from(u8::from((i, j) == (4, 0) || (i, j) == (3, 1))));
    assert!(found.check(m.as_ref()).is_err());
}
