//! Statistics in the cache: one file per block and snapshot, with covariances as packed lower triangles in f64.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use faer::Mat;

use super::{Spectrum, Statistics};
use crate::cache::{Arrays, CacheError, ReadArrays};
use crate::model::shape::Site;

/// Writes the statistics of the sites of one block (or of the head).
pub fn write(path: &Path, sites: &[(Site, Statistics)]) -> Result<(), CacheError> {
    let mut arrays = Arrays::default();
    for (site, statistics) in sites {
        let d = statistics.abs_mean.len();
        let c = &statistics.covariance;
        let packed = (0..d).flat_map(|i| (0..=i).map(move |j| (i, j))).map(move |at| c[at]);
        arrays.push_f64(format!("{}.covariance", site.name()), &[d * (d + 1) / 2], packed);
        arrays.push_f64(format!("{}.abs_mean", site.name()), &[d], statistics.abs_mean.iter().copied());
        arrays.push_f64(format!("{}.abs_max", site.name()), &[d], statistics.abs_max.iter().copied());
        let Spectrum { largest, smallest, effective_rank } = statistics.spectrum;
        arrays.push_f64(format!("{}.spectrum", site.name()), &[3], [largest, smallest, effective_rank].into_iter());
        arrays.metadata.insert(format!("{}.samples", site.name()), statistics.samples.to_string());
        arrays.metadata.insert(format!("{}.tokens", site.name()), statistics.tokens.to_string());
    }
    arrays.write(path)
}

/// Reads the statistics of one site.
pub fn read(file: &ReadArrays, path: &Path, site: Site) -> Result<Statistics, CacheError> {
    let field = |name: &str| file.f64(&format!("{}.{name}", site.name()));
    let count = |name: &str| -> Result<u64, CacheError> {
        let text = file.metadata(&format!("{}.{name}", site.name()))?;
        text.parse().map_err(|_| CacheError::Read { path: path.into(), why: format!("{name} is {text:?}") })
    };
    let (packed, abs_mean, spectrum) = (field("covariance")?, field("abs_mean")?, field("spectrum")?);
    let d = abs_mean.len();
    let [largest, smallest, effective_rank] = spectrum[..] else {
        return Err(CacheError::Read { path: path.into(), why: "a spectrum of the wrong length".into() });
    };
    if packed.len() != d * (d + 1) / 2 {
        return Err(CacheError::Read { path: path.into(), why: "a covariance of the wrong length".into() });
    }
    Ok(Statistics {
        covariance: symmetric(&packed, d),
        abs_mean,
        abs_max: field("abs_max")?,
        spectrum: Spectrum { largest, smallest, effective_rank },
        samples: count("samples")?,
        tokens: count("tokens")?,
    })
}

/// The columns that are filled together: below the diagonal, the rows of the triangle are columns of the matrix.
const TOGETHER: usize = 16;

/// The symmetric matrix [d, d] from its lower triangle, packed by rows.
fn symmetric(packed: &[f64], d: usize) -> Mat<f64> {
    let row = |i: usize| &packed[i * (i + 1) / 2..][..=i];
    let mut out = Mat::zeros(d, d);
    for first in (0..d).step_by(TOGETHER) {
        for i in first..d {
            for j in first..(first + TOGETHER).min(i + 1) {
                out[(i, j)] = row(i)[j];
            }
        }
    }
    for j in 0..d {
        for (i, x) in row(j).iter().enumerate() {
            out[(i, j)] = *x;
        }
    }
    out
}

/// Reads the statistics of some sites, each once.
pub fn read_sites(path: &Path, sites: impl Iterator<Item = Site>) -> Result<BTreeMap<Site, Statistics>, CacheError> {
    let file = ReadArrays::open(path)?;
    let sites: BTreeSet<Site> = sites.collect();
    sites.into_iter().map(|site| Ok((site, read(&file, path, site)?))).collect()
}

#[cfg(test)]
mod tests;
