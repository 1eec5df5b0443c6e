use faer::linalg::svd::{self, ComputeSvdVectors, SvdParams, bidiag};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::{Mat, Par, Auto, diag::Diag, Spec};
use std::time::Instant;
fn rnd(m: usize, n: usize, mut s: u64) -> Mat<f64> {
    Mat::from_fn(m, n, |_, _| { s ^= s << 13; s ^= s >> 7; s ^= s << 17; (s >> 11) as f64 / (1u64 << 53) as f64 - 0.5 })
}
fn time(name: &str, mut f: impl FnMut()) { f(); let mut best = f64::MAX; for _ in 0..3 { let t = Instant::now(); f(); best = best.min(t.elapsed().as_secs_f64()); } println!("{name}: {:.1} ms", best * 1e3); }
fn svd_with(m: &Mat<f64>, u: ComputeSvdVectors, v: ComputeSvdVectors, p: SvdParams) {
    let (r, c) = m.shape(); let k = r.min(c);
    let mut left = Mat::<f64>::zeros(r, k); let mut right = Mat::<f64>::zeros(c, k); let mut s = Diag::<f64>::zeros(k);
    let need = svd::svd_scratch::<f64>(r, c, u, v, Par::Seq, Spec::new(p));
    let mut mem = MemBuffer::new(need); let st = MemStack::new(&mut mem);
    svd::svd(m.as_ref(), s.as_mut(), (u != ComputeSvdVectors::No).then(|| left.as_mut()), (v != ComputeSvdVectors::No).then(|| right.as_mut()), Par::Seq, st, Spec::new(p)).unwrap();
}
fn main() {
    faer::set_global_parallelism(Par::Seq);
    use ComputeSvdVectors::{No, Thin};
    for (r, c) in [(576, 576), (192, 576), (1536, 576), (576, 1536)] {
        let x = rnd(c + 200, c, 7);
        let scaled = Mat::from_fn(c + 200, c, |i, j| x[(i, j)] * (-(j as f64) * 9.0 / c as f64).exp());
        let rot = rnd(c, c, 3); let q = rot.qr().compute_Q();
        let cov = { let y = &scaled * &q; y.transpose() * &y };
        let w = rnd(r, c, 11);
        let m = &w * &cov;
        println!("== {r}x{c}");
        time("W C", || { let _ = corda::decompose::product(w.as_ref(), cov.as_ref()); });
        let base: SvdParams = <SvdParams as Auto<f64>>::auto();
        time("default U", || svd_with(&m, Thin, No, base));
        time("values only", || svd_with(&m, No, No, base));
        for t in [16, 32, 64, 256] { let mut p = base; p.recursion_threshold = t; time(&format!("recursion {t}"), || svd_with(&m, Thin, No, p)); }
        for t in [1.0, 1.3, 3.0] { let mut p = base; p.qr_ratio_threshold = t; time(&format!("qr ratio {t}"), || svd_with(&m, Thin, No, p)); }
        if r >= c { time("bidiag", || { let mut a = m.clone(); let bs = 32; let mut hl = Mat::zeros(bs, c); let mut hr = Mat::zeros(bs, c - 1);
            let mut mem = MemBuffer::new(bidiag::bidiag_in_place_scratch::<f64>(r, c, Par::Seq, Default::default()));
            bidiag::bidiag_in_place(a.as_mut(), hl.as_mut(), hr.as_mut(), Par::Seq, MemStack::new(&mut mem), Default::default()); }); 
            time("qr", || { let _ = m.qr(); });
            time("qr+svd R+apply 128", || { let f = m.qr(); let rr = f.thin_R().to_owned(); svd_with(&rr, Thin, No, { let mut p = base; p.recursion_threshold = 32; p });
              let mut u = Mat::<f64>::zeros(r, 128); u.submatrix_mut(0,0,c,128).copy_from(rr.as_ref().submatrix(0,0,c,128));
              let need = faer::linalg::householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(r, f.Q_coeff().nrows(), 128);
              let mut mem = MemBuffer::new(need);
              faer::linalg::householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(f.Q_basis(), f.Q_coeff(), faer::Conj::No, u.as_mut(), Par::Seq, MemStack::new(&mut mem)); });
        }
        time("eig of M M^T", || { let g = corda::decompose::product(m.as_ref(), m.transpose()); let _ = g.self_adjoint_eigen(faer::Side::Lower).unwrap(); });
        time("old Factorisation", || { corda::decompose::Factorisation::of(m.as_ref(), corda::decompose::End::Smallest, 128.min(r-1)).unwrap(); });
    }
}
