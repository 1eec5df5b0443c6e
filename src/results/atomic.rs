//! placeholder until the report branch lands
use std::path::{Path, PathBuf};
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError { path: PathBuf, source: std::io::Error }
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let e = |source| WriteError { path: path.into(), source };
    std::fs::create_dir_all(path.parent().unwrap()).map_err(e)?;
    let mut f = tempfile::NamedTempFile::new_in(path.parent().unwrap()).map_err(e)?;
    std::io::Write::write_all(&mut f, bytes).map_err(e)?;
    f.persist(path).map_err(|x| e(x.error))?;
    Ok(())
}
