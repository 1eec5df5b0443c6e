//! Whose results a folder holds: the spec file and overrides that wrote it. Others stop before anything is computed.
//!
//! Editing a file and running it again is the ordinary case: the folder stays that file's, and its results are replaced.

use std::fmt::{self, Display, Formatter};
use std::path::{Component, Path, PathBuf};

use crate::results::folder::{self, PROVENANCE};
use crate::results::provenance::{Provenance, ReadError};
use crate::spec::{Experiment, Loaded, quoted};

use super::{Context, RunError};

/// A spec file with overrides, as results record them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owner {
    file: String,
    elsewhere: Option<String>,
    overrides: Vec<String>,
    /// Whether only the file's name is known: of results of earlier versions.
    name_only: bool,
}

impl Owner {
    fn of(experiment: &Experiment) -> Self {
        let origin = &experiment.origin;
        Self {
            file: origin.file.clone(),
            elsewhere: origin.elsewhere.clone(),
            overrides: origin.overrides.clone(),
            name_only: false,
        }
    }

    /// Who wrote what a folder holds; `None` where it holds no results.
    fn read(folder: &Path) -> Result<Option<Self>, RunError> {
        let path = folder.join(PROVENANCE);
        // Results that are there in part are those of the run that was ended while it wrote them.
        let provenance = match folder::unfinished(folder) {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| ReadError::Json { path: folder::marker(folder).display().to_string(), source })?,
            None if !path.exists() => return Ok(None),
            None => Provenance::read(&path)?,
        };
        Ok(Some(Self::recorded(&provenance, folder)))
    }

    fn recorded(provenance: &Provenance, folder: &Path) -> Self {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        // Earlier versions recorded the path as it was given: mostly from the project's folder, as it is recorded now.
        let given = provenance.spec["path"].as_str().map(Path::new);
        let plain = |path: &&Path| {
            path.components().count() > 1 && path.components().all(|c| matches!(c, Component::Normal(_)))
        };
        let recorded = provenance.file.clone().or_else(|| Some(given.filter(plain)?.to_string_lossy().into_owned()));
        let name_only = recorded.is_none();
        let usual = || given.and_then(name).unwrap_or_else(|| format!("{}.yaml", name(folder).unwrap_or_default()));
        Self {
            file: recorded.unwrap_or_else(usual),
            elsewhere: provenance.elsewhere.clone(),
            overrides: provenance.overrides.clone(),
            name_only,
        }
    }

    fn is(&self, other: &Self) -> bool {
        let same = match self.name_only {
            true => Path::new(&other.file).file_name() == Some(self.file.as_ref()),
            false => self.file == other.file && self.elsewhere == other.elsewhere,
        };
        same && self.overrides == other.overrides
    }
}

impl Owner {
    /// How to call it beside another.
    fn beside(&self, other: &Self) -> String {
        if self.file == other.file && self.overrides == other.overrides {
            return format!("a {} in another folder", self.file);
        }
        self.to_string()
    }
}

impl Display for Owner {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.overrides.is_empty() {
            return write!(f, " without overrides");
        }
        self.overrides.iter().try_for_each(|text| write!(f, " --set {}", quoted(text)))
    }
}

/// Stops where the folder of an experiment's results is another's: of another spec file, or of other overrides.
///
/// # Errors
/// [`RunError::OtherSpec`]; a provenance that cannot be read is an error too, since nobody knows whose results those are.
pub fn check(experiment: &Experiment, context: &Context) -> Result<(), RunError> {
    // Known before anything is computed; a link to nowhere is there, too.
    for path in [context.results.clone(), context.results.join(&experiment.name)] {
        if path.symlink_metadata().is_ok() && !path.is_dir() {
            return Err(RunError::NotAFolder(path));
        }
    }
    if context.replace {
        return Ok(());
    }
    differs(experiment, context)?.map_or(Ok(()), |(folder, wrote, given)| {
        Err(RunError::OtherSpec { folder, wrote: wrote.to_string(), given: given.beside(&wrote) })
    })
}

/// As [`check`], of a command that only draws saved results again.
///
/// # Errors
/// [`RunError::OthersResults`].
pub fn check_drawn(experiment: &Experiment, context: &Context) -> Result<(), RunError> {
    if let Some((folder, wrote, given)) = differs(experiment, context)? {
        return Err(RunError::OthersResults { folder, wrote: wrote.to_string(), given: given.beside(&wrote) });
    }
    Ok(())
}

fn differs(experiment: &Experiment, context: &Context) -> Result<Option<(PathBuf, Owner, Owner)>, RunError> {
    // Not a variant's own folder: the sweep's.
    let folder = context.results.join(&experiment.name);
    let given = Owner::of(experiment);
    let wrote = Owner::read(&folder)?.filter(|wrote| !wrote.is(&given));
    Ok(wrote.map(|wrote| (folder, wrote, given)))
}

/// Stops where two of several specs would write to one folder, or where one may not write to its own.
///
/// # Errors
/// As [`check`]; [`RunError::SameName`].
pub fn check_all(all: &[Loaded], context: &Context) -> Result<(), RunError> {
    for (i, one) in all.iter().enumerate() {
        check(&one.experiment, context)?;
        let (name, given) = (&one.experiment.name, Owner::of(&one.experiment));
        if let Some(other) = all[..i].iter().find(|other| {
            // On file systems that do not tell capitals apart the folders would be one.
            other.experiment.name.eq_ignore_ascii_case(name) && Owner::of(&other.experiment) != given
        }) {
            let paths = [&other.experiment.path, &one.experiment.path].map(|path| path.display().to_string());
            return Err(RunError::SameName { name: name.clone(), first: paths[0].clone(), second: paths[1].clone() });
        }
    }
    Ok(())
}

/// How the results of a folder were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The spec file.
    pub spec: PathBuf,
    /// Its overrides.
    pub overrides: Vec<String>,
    /// What `--as` called it.
    pub name: Option<String>,
}

/// How the results of a folder were asked for; `None` if the path is not a folder of results. `experiments` is the folder of
/// the catalog, `results` that of all results.
///
/// # Errors
/// If the provenance cannot be read, or does not say where the spec is; a folder whose results that spec would not write: of
/// one variant, or not in its place.
pub fn asked(path: &Path, experiments: &Path, results: &Path) -> Result<Option<Asked>, RunError> {
    if !path.join(PROVENANCE).is_file() {
        return Ok(None);
    }
    let provenance = Provenance::read(&path.join(PROVENANCE))?;
    let recorded = provenance.spec["path"].as_str().map(str::to_string);
    let Some(file) = provenance.file.or(recorded).filter(|_| provenance.elsewhere.is_none()) else {
        return Err(RunError::SpecElsewhere(path.into()));
    };
    let home = match (experiments.parent(), experiments.file_name()) {
        (Some(parent), Some(_)) => parent.to_path_buf(),
        _ => experiments.join(".."),
    };
    let name = path.file_name().filter(|_| provenance.renamed).map(|name| name.to_string_lossy().into_owned());
    let own = provenance.spec["name"].as_str().unwrap_or_default();
    if let Some(variant) = provenance.spec["variant"].as_str() {
        return Err(RunError::OfVariant { folder: path.into(), variant: variant.into(), sweep: results.join(own) });
    }
    let place = results.join(name.as_deref().unwrap_or(own));
    if place.canonicalize().ok() != path.canonicalize().ok() {
        return Err(RunError::Misplaced { folder: path.into(), place });
    }
    Ok(Some(Asked { spec: home.join(file), overrides: provenance.overrides, name }))
}
