//! The base that an adapter belongs to where PEFT computes it while loading: `init_lora_weights` of `pissa` and `olora`.
//!
//! `PeftModel.from_pretrained` initialises the adapter again, which takes B0 A0 out of W, and then reads the trained A and B
//! over it (`pissa_init` and `olora_init` in PEFT's `tuners/lora/layer.py`). PEFT computes in f32, this in f64.

use faer::{Mat, MatRef};

use super::config::Init;
use crate::decompose::{End, Factorisation, truncate::truncated};

/// A column whose diagonal entry of R is below this fraction of the largest is taken to depend on the columns before it.
const DEPENDENT: f64 = 1e-6;

/// W, [d_out, d_in] row-major, without what the initialisation of rank `r` and scale `scale` takes out of it; W itself where
/// the adapter is for the base that it names.
///
/// # Errors
/// If there is no such base, or W does not determine it; in words.
pub fn residual(init: &Init, w: Vec<f32>, d_in: usize, r: usize, scale: f32) -> Result<Vec<f32>, String> {
    let d_out = w.len() / d_in.max(1);
    let of = |w: &[f32]| Mat::from_fn(d_out, d_in, |i, j| f64::from(w[i * d_in + j]));
    if matches!(init, Init::Pissa | Init::Olora) && r > d_out.min(d_in) {
        return Err(format!("has rank {r}, more than a linear of {d_out} x {d_in} has"));
    }
    let left = match init {
        Init::Plain => return Ok(w),
        Init::Other { why, .. } => return Err(format!("belongs to a base that cannot be computed: {why}")),
        // B0 A0 is S_r over the scale, and the scale times that is taken away.
        Init::Pissa if scale <= 0.0 => {
            return Err(format!("has the scale {scale}, and PiSSA divides singular values by it: it must be above 0"));
        }
        Init::Pissa => {
            let w = of(&w);
            let found = Factorisation::of(w.as_ref(), End::Largest, r).map_err(|e| format!("has no base: {e}"))?;
            truncated(w.as_ref(), &found, r)
        }
        Init::Olora => olora(of(&w).as_ref(), r, f64::from(scale))?,
    };
    Ok((0..d_out).flat_map(|i| (0..d_in).map(move |j| (i, j))).map(|(i, j)| left[(i, j)] as f32).collect())
}

/// W - scale Q_r R_r with Q R = W.
fn olora(w: MatRef<f64>, r: usize, scale: f64) -> Result<Mat<f64>, String> {
    let qr = w.qr();
    let (q, upper) = (qr.compute_thin_Q(), qr.thin_R());
    let diagonal: Vec<f64> = (0..r).map(|i| upper[(i, i)].abs()).collect();
    let largest = diagonal.iter().copied().fold(0.0, f64::max);
    if let Some(column) = diagonal.iter().position(|value| *value <= DEPENDENT * largest) {
        // Q is any vector there, and so is what is taken away.
        return Err(format!(
            "was started from a QR factorisation that W does not determine: column {column} (from 0) depends on those before it"
        ));
    }
    let (q, upper) = (q.get(.., ..r), upper.get(..r, ..));
    Ok(w - faer::Scale(scale) * (q * upper))
}

#[cfg(test)]
mod tests;
