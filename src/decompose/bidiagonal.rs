//! The singular values of an upper bidiagonal B by bisection and Newton steps, and the left vectors of some of them by inverse
//! iteration (Demmel, Applied Numerical Linear Algebra, 5.3.4 and 5.4). Divide and conquer would compute the vectors of all
//! values on both sides; truncation keeps those at one end and of one side.

use faer::Mat;
use multiversion::multiversion;
use rand_mt::Mt64;

/// The number of values that one loop over B processes side by side.
const LANES: usize = 16;

type Lanes = [f64; LANES];

/// The number of solves from a random start: the first gives the vector, the second removes what is left of the start. More would
/// make the vectors of coinciding values alike.
const SOLVES: usize = 2;

/// The seed of the starts: any that are not orthogonal to the vectors will do, and the result is checked.
const SEED: u64 = 1;

/// Replaces a pivot of 0, so that quotients by it are finite.
const TINY: f64 = 1e-280;

/// The precision of scaled singular values: two units in the last place below 1.
const PRECISION: f64 = f64::EPSILON;

/// The width of a cell below which Newton steps are tried.
const NARROW: f64 = 1e-4;

/// Rounds after which cells are only halved: Newton steps, usually a handful, might not converge.
const PATIENCE: usize = 64;

/// B [n, n], scaled so that no singular value exceeds 1.
pub struct Bidiagonal {
    /// d_1, e_1, d_2, e_2, ... d_n: the off-diagonal of the Golub-Kahan matrix [2n, 2n], whose diagonal is zero and whose
    /// eigenvalues are +-sigma with vectors (v_1, u_1, v_2, u_2, ...).
    beside: Vec<f64>,
    /// The pairs d_i^2 and e_i^2; the last e_i^2 is 0.
    squares: Vec<[f64; 2]>,
    scale: f64,
}

impl Bidiagonal {
    /// From the diagonal [n] and the superdiagonal [n - 1]; `None` if an entry is not finite.
    pub fn new(diagonal: &[f64], above: &[f64]) -> Option<Self> {
        let mut beside: Vec<f64> = diagonal.iter().zip(above).flat_map(|(d, e)| [*d, *e]).collect();
        beside.extend(diagonal.last());
        // Gershgorin's bound; the entries are checked first, since max ignores NaN.
        if !beside.iter().all(|x| x.is_finite()) {
            return None;
        }
        let first = beside.first().map_or(0.0, |x| x.abs());
        let bound = beside.windows(2).map(|pair| pair[0].abs() + pair[1].abs()).fold(first, f64::max);
        let scale = if bound > 0.0 { bound } else { 1.0 };
        beside.iter_mut().for_each(|x| *x /= scale);
        let squares = beside.chunks(2).map(|of| [of[0] * of[0], of.get(1).map_or(0.0, |e| e * e)]).collect();
        Some(Self { beside, squares, scale })
    }

    /// All singular values, [n], descending, with an absolute error of a few units in the last place of the largest.
    pub fn singular(&self) -> Vec<f64> {
        let n = self.squares.len();
        let grid: Vec<f64> = (0..=n).map(|k| k as f64 / n as f64).collect();
        let count = |points: &[f64]| pivots(&self.squares, &padded(points)).negative;
        let mut below: Vec<f64> = grid.chunks(LANES).flat_map(count).take(grid.len()).collect();
        (below[0], below[n]) = (0.0, n as f64);
        // Value j lies between the last point with at most j values below it and the next.
        let cell = |j: usize| {
            let at = below.partition_point(|below| *below <= j as f64).clamp(1, n);
            [at - 1, at].map(|at| Point { x: grid[at], below: below[at] })
        };
        let groups = (0..n).step_by(LANES);
        let refined = groups.flat_map(|first| self.refine(first, |l| cell((first + l).min(n - 1))));
        let mut values: Vec<f64> = refined.take(n).map(|x| x * self.scale).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values
    }

    /// Values `first` and following, counted from the smallest, each starting from the cell it lies in: by bisection and, once the
    /// value is alone in a narrow cell, by Newton steps on det(B^T B - x^2) as long as they stay in the cell.
    fn refine(&self, first: usize, cell: impl Fn(usize) -> [Point; 2]) -> Lanes {
        let mut cells: [[Point; 2]; LANES] = std::array::from_fn(cell);
        let mut x = cells.map(|[low, high]| (low.x + high.x) / 2.0);
        let mut done = [false; LANES];
        let mut rounds = 0;
        while done.contains(&false) {
            rounds += 1;
            let at = pivots(&self.squares, &x);
            for l in 0..LANES {
                if done[l] {
                    continue;
                }
                let below = at.negative[l];
                cells[l][usize::from(below > (first + l) as f64)] = Point { x: x[l], below };
                let [low, high] = cells[l];
                let newton = (x[l] * x[l] - 1.0 / at.slope[l]).sqrt();
                let width = high.x - low.x;
                let alone = width < NARROW && high.below - low.below == 1.0 && rounds <= PATIENCE;
                // False for NaN as well.
                let near = low.x - PRECISION <= newton && newton <= high.x + PRECISION;
                let (next, last) = if width <= PRECISION {
                    (low.x, true)
                } else if alone && near {
                    (newton, (newton - x[l]).abs() <= PRECISION)
                } else {
                    (low.x + width / 2.0, false)
                };
                done[l] = last;
                x[l] = next;
            }
        }
        x
    }

    /// The left vectors of some singular values, [n, values]: unit columns, orthogonal as far as the values are separated.
    pub fn left(&self, values: &[f64]) -> Mat<f64> {
        let mut left = Mat::zeros(self.squares.len(), values.len());
        let mut random = Mt64::new(SEED);
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        for (g, group) in values.chunks(LANES).enumerate() {
            // The shifts lie beside the values, so that a pivot is 0 only by rounding, and differ from each other, so that values
            // that coincide to the last digits get different vectors.
            let shifts = padded(group).map(|value| value / self.scale + f64::EPSILON * (2.0 + 2.0 * uniform()));
            let start = |_| std::array::from_fn(|_| 2.0 * uniform() - 1.0);
            let mut x: Vec<Lanes> = (0..2 * self.squares.len()).map(start).collect();
            let mut rows = vec![[[0.0; LANES]; 3]; x.len()];
            for _ in 0..SOLVES {
                solve(&self.beside, &shifts, &mut x, &mut rows);
            }
            for l in 0..group.len() {
                let norm = x.iter().skip(1).step_by(2).map(|at| at[l] * at[l]).sum::<f64>().sqrt();
                for i in 0..self.squares.len() {
                    left[(i, g * LANES + l)] = x[2 * i + 1][l] / norm;
                }
            }
        }
        left
    }
}

fn padded(some: &[f64]) -> Lanes {
    std::array::from_fn(|l| some.get(l).copied().unwrap_or(1.0))
}

/// A number, and how many scaled singular values lie below it.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    below: f64,
}

/// Two facts about the pivots q_i of B^T B - x^2, for each x.
struct Pivots {
    /// The number of negative pivots, which is the number of singular values below x.
    negative: Lanes,
    /// The logarithmic derivative of their product, the determinant, with respect to x^2.
    slope: Lanes,
}

/// Uses the differential recurrence, q_i = d_i^2 + t_i and t_i+1 = e_i^2 t_i / q_i - x^2, which preserves the digits of small values.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn pivots(squares: &[[f64; 2]], shifts: &Lanes) -> Pivots {
    let x2 = shifts.map(|x| x * x);
    let [mut negative, mut slope] = [[0.0; LANES]; 2];
    let (mut t, mut by_x2) = (x2.map(|x| -x), [-1.0; LANES]);
    for [d2, e2] in squares {
        for l in 0..LANES {
            let pivot = d2 + t[l];
            let pivot = if pivot.abs() < TINY { -TINY } else { pivot };
            let inverse = 1.0 / pivot;
            negative[l] += if pivot < 0.0 { 1.0 } else { 0.0 };
            slope[l] += by_x2[l] * inverse;
            by_x2[l] = by_x2[l] * (e2 * inverse) * (d2 * inverse) - 1.0;
            t[l] = t[l] * inverse * e2 - x2[l];
        }
    }
    Pivots { negative, slope }
}

/// x <- (T - s)^-1 x for each s, scaled to a largest entry of 1, by elimination with row exchanges. T has a zero diagonal and
/// `beside` on both sides of it. `rows` receives the eliminated rows: 1 / pivot and the two entries to the right of it.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn solve(beside: &[f64], shifts: &Lanes, x: &mut [Lanes], rows: &mut [[Lanes; 3]]) {
    let last = x.len() - 1;
    let (mut pivot, mut right) = (shifts.map(|s| -s), [beside[0]; LANES]);
    for i in 0..last {
        let (z, next) = (beside[i], beside.get(i + 1).copied().unwrap_or(0.0));
        let (mut here, mut after) = (x[i], x[i + 1]);
        let row = &mut rows[i];
        for l in 0..LANES {
            let swap = pivot[l].abs() < z.abs();
            let (top, bottom) = ([pivot[l], right[l], 0.0, here[l]], [z, -shifts[l], next, after[l]]);
            let pick = |k: usize| if swap { (bottom[k], top[k]) } else { (top[k], bottom[k]) };
            let [(p, q), (p1, q1), (p2, q2), (b, c)] = [pick(0), pick(1), pick(2), pick(3)];
            let inverse = reciprocal(p);
            let factor = q * inverse;
            row[0][l] = inverse;
            row[1][l] = p1;
            row[2][l] = p2;
            here[l] = b;
            after[l] = c - factor * b;
            pivot[l] = q1 - factor * p1;
            right[l] = q2 - factor * p2;
        }
        (x[i], x[i + 1]) = (here, after);
    }
    let [mut one, mut two] = [[0.0; LANES]; 2];
    rows[last] = [pivot.map(reciprocal), [0.0; LANES], [0.0; LANES]];
    for (x, row) in x.iter_mut().zip(rows.iter()).rev() {
        for l in 0..LANES {
            x[l] = (x[l] - row[1][l] * one[l] - row[2][l] * two[l]) * row[0][l];
        }
        (one, two) = (*x, one);
    }
    let most = x.iter().fold([f64::MIN_POSITIVE; LANES], |most, x| std::array::from_fn(|l| most[l].max(x[l].abs())));
    let by = most.map(f64::recip);
    x.iter_mut().for_each(|x| (0..LANES).for_each(|l| x[l] *= by[l]));
}

/// 1 / pivot; a pivot that is 0 to the last digit is replaced by a small one.
#[inline(always)]
fn reciprocal(pivot: f64) -> f64 {
    1.0 / if pivot.abs() < f64::EPSILON { f64::EPSILON } else { pivot }
}

#[cfg(test)]
mod tests;
