use super::*;

const HEADS: Heads = Heads { query: 6, key_value: 2, dim: 16 };

/// Without a window and a cap; with both, the window shorter than the longer sequence and longer than the other.
const ATTENTIONS: [Attention; 2] =
    [Attention { heads: HEADS, window: None, cap: None }, Attention { heads: HEADS, window: Some(9), cap: Some(5.0) }];

fn random(rows: usize, heads: usize) -> Tensor {
    Tensor::randn(0.0f32, 1.5, (rows, heads * HEADS.dim), &Device::Cpu).unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

/// Two sequences, of 70 and 3 tokens and then one more each, against attention over each in full.
fn steps_agree_with_the_whole(
    attention: Attention,
    attend: impl Fn(&[Tensor; 3], &[usize], &mut [&mut Past]) -> Tensor,
    kept: [Past; 2],
) {
    let whole = |rows| [random(rows, HEADS.query), random(rows, HEADS.key_value), random(rows, HEADS.key_value)];
    let (a, b) = (whole(71), whole(4));
    let full = [&a, &b].map(|[q, k, v]| super::super::ops::causal_attention(q, k, v, attention).unwrap());
    let join = |from: [usize; 2], rows: [usize; 2]| {
        std::array::from_fn(|i| {
            let parts = [a[i].narrow(0, from[0], rows[0]).unwrap(), b[i].narrow(0, from[1], rows[1]).unwrap()];
            Tensor::cat(&parts, 0).unwrap()
        })
    };
    let [mut first, mut second] = kept;
    for (from, rows) in [([0, 0], [70, 3]), ([70, 3], [1, 1])] {
        let out = attend(&join(from, rows), &rows, &mut [&mut first, &mut second]);
        let expected = [0, 1].map(|i| full[i].narrow(0, from[i], rows[i]).unwrap());
        assert!(largest_difference(&out, &Tensor::cat(&expected, 0).unwrap()) < 1e-5);
    }
}

#[test]
fn kernels() {
    for of in ATTENTIONS {
        let attend = |[q, k, v]: &[Tensor; 3], rows: &[usize], past: &mut [&mut Past]| {
            attention(q, k, v, of, rows, past).unwrap()
        };
        steps_agree_with_the_whole(of, attend, [0, 1].map(|_| Past::new(&Device::Cpu, 8, 32)));
    }
}

#[test]
fn candle_operations() {
    for of in ATTENTIONS {
        let attend = |[q, k, v]: &[Tensor; 3], rows: &[usize], past: &mut [&mut Past]| {
            other::attention(q, k, v, of, rows, past).unwrap()
        };
        steps_agree_with_the_whole(of, attend, [Past::Other(None), Past::Other(None)]);
    }
}

#[test]
fn without_keeping() {
    let [q, k, v] = [random(9, HEADS.query), random(9, HEADS.key_value), random(9, HEADS.key_value)];
    let mut past = [0, 1].map(|_| Past::new(&Device::Cpu, 8, 32));
    let kept = attention(&q, &k, &v, HEADS.into(), &[4, 5], &mut past.iter_mut().collect::<Vec<_>>()).unwrap();
    assert_eq!(
        largest_difference(&crate::model::ops::packed_attention(&q, &k, &v, HEADS, &[4, 5]).unwrap(), &kept),
        0.0
    );
}
