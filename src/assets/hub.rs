//! Files of Hugging Face hub repositories at a pinned revision.
//!
//! Routes, cache layout and login are hf-hub's; the transfer is our own, for the reasons given in [`http`]. A file is verified
//! against the sha256 of the source, or else against the checksum that the hub gives with it. Copies in the cache of the hub's
//! own tools are used in place, if they are right.

mod http;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};

use self::http::{Answer, Client, NoAnswer};
use super::source::is_commit;
use super::store::{Files, Store};
use super::verify::{CopyError, Expected, copy_hashing, is_hex};
use super::{Advice, AssetError, FetchedFile};
use crate::progress::{Progress, Unit};

/// A repository at a revision.
pub(super) struct Repository<'a> {
    pub(super) store: &'a Store,
    pub(super) repo: &'a str,
    pub(super) dataset: bool,
    pub(super) revision: &'a str,
}

/// `wanted`: path -> sha256, or `None` where the hub's own checksum is verified.
type Wanted = BTreeMap<String, Option<String>>;

impl Repository<'_> {
    /// The files on this machine, if all are there and right.
    pub(super) fn find_all(&self, wanted: &Wanted, progress: &Progress) -> Result<Option<Files>, AssetError> {
        let mut found = Files::new();
        for (file, sha256) in wanted {
            match self.find(file, sha256.as_deref(), progress)? {
                Some(there) => found.insert(file.clone(), there),
                None => return Ok(None),
            };
        }
        Ok(Some(found))
    }

    /// The files, downloaded where they are not on this machine.
    pub(super) fn fetch(&self, wanted: &Wanted, progress: &Progress) -> Result<Files, AssetError> {
        if let Some(found) = self.find_all(wanted, progress)? {
            return Ok(found);
        }
        let _lock = self.store.lock(&self.folder(), &self.origin(), progress)?;
        let client = Client::new(self.store.hub_token.clone());
        let mut fetched = Files::new();
        for (file, sha256) in wanted {
            let there = match self.find(file, sha256.as_deref(), progress)? {
                Some(there) => there,
                None => self.download(&client, file, sha256.as_deref(), progress)?,
            };
            fetched.insert(file.clone(), there);
        }
        Ok(fetched)
    }

    fn origin(&self) -> String {
        format!("hub:{}{}@{}", if self.dataset { "datasets/" } else { "" }, self.repo, self.revision)
    }

    fn hub_repo(&self) -> Repo {
        let kind = if self.dataset { RepoType::Dataset } else { RepoType::Model };
        Repo::with_revision(self.repo.into(), kind, self.revision.into())
    }

    fn folder(&self) -> PathBuf {
        let revision = self.revision.replace('/', "--");
        self.store.root.join("assets/hub").join(self.hub_repo().folder_name()).join(revision)
    }

    fn find(&self, file: &str, sha256: Option<&str>, progress: &Progress) -> Result<Option<FetchedFile>, AssetError> {
        let path = self.folder().join(file);
        let expected = sha256.map(|sum| Expected::Sha256(sum.into()));
        let ours = self.store.stamps.check(&path, expected.as_ref(), progress);
        let ours = ours.map_err(|e| AssetError::io("read", &path, e))?;
        Ok(ours.or_else(|| self.find_in_hub_cache(file, expected, progress)))
    }

    /// In the cache of the hub's tools a file of a commit is a link to a blob whose name is the hub's checksum. If it is missing,
    /// unreadable or wrong there, it is downloaded into the store instead.
    fn find_in_hub_cache(&self, file: &str, expected: Option<Expected>, progress: &Progress) -> Option<FetchedFile> {
        let cache = self.store.hub_cache.as_ref().filter(|_| is_commit(self.revision))?;
        let path = Cache::new(cache.clone()).repo(self.hub_repo()).pointer_path(self.revision).join(file);
        let blob = fs::canonicalize(&path).ok()?;
        let expected = expected.or_else(|| checksum(blob.file_name()?.to_str()?))?;
        self.store.stamps.check(&path, Some(&expected), progress).ok()?
    }

    fn download(
        &self,
        client: &Client,
        file: &str,
        sha256: Option<&str>,
        progress: &Progress,
    ) -> Result<FetchedFile, AssetError> {
        let path = self.folder().join(file);
        let part = path.with_file_name(format!("{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(|e| AssetError::io("make the folder", folder, e))?;
        let expected = self.receive(client, file, sha256, &part, progress)?;

        let read = |e| AssetError::io("read", &part, e);
        let arrived = self.store.stamps.look(&part, progress).map_err(read)?;
        let arrived = arrived.ok_or_else(|| AssetError::NotFound { path: part.clone() })?;
        let actual = expected.of(&part, &arrived.sha256).map_err(read)?;
        if actual != expected {
            fs::remove_file(&part).map_err(|e| AssetError::io("remove", &part, e))?;
            return Err(AssetError::Checksum {
                origin: self.origin(),
                file: file.into(),
                expected: expected.show(),
                actual: actual.show(),
                advice: Advice::FetchAgain,
            });
        }
        fs::rename(&part, &path).map_err(|e| AssetError::io("rename", &part, e))?;
        let fetched = FetchedFile { path, ..arrived };
        self.store.stamps.remember(&fetched);
        Ok(fetched)
    }

    /// Continues the download into `part`, and returns the expected checksum of the whole file. After a broken connection it is
    /// resumed at once, as long as each attempt receives something.
    fn receive(
        &self,
        client: &Client,
        file: &str,
        sha256: Option<&str>,
        part: &Path,
        progress: &Progress,
    ) -> Result<Expected, AssetError> {
        let url = self.url(file)?;
        let mut broken = None;
        loop {
            let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
            let answer = match (client.get(&url, have), broken.take()) {
                (Ok(answer), _) => answer,
                (Err(_), Some(reason)) => return Err(self.interrupted(file, have, reason)),
                (Err(NoAnswer::Unreachable(reason)), None) => return Err(self.unreachable(&url, reason)),
                (Err(NoAnswer::Unusable(problem)), None) => return Err(self.unusable(file, problem)),
            };
            let from = match answer.status {
                200 => 0,
                206 if answer.start == have => have,
                416 if have > 0 && answer.size == Some(have) => return self.expected(file, sha256, &answer),
                // The part cannot be the beginning of this file.
                206 | 416 if have > 0 => {
                    fs::remove_file(part).map_err(|e| AssetError::io("remove", part, e))?;
                    continue;
                }
                _ => return Err(self.refused(client, file, &url, &answer)),
            };
            let expected = self.expected(file, sha256, &answer)?;
            match transfer(file, answer, from, part, progress)? {
                None => return Ok(expected),
                Some(reason) => {
                    let now = fs::metadata(part).map_or(0, |metadata| metadata.len());
                    if now <= have {
                        return Err(self.interrupted(file, now, reason));
                    }
                    broken = Some(reason);
                }
            }
        }
    }

    fn url(&self, file: &str) -> Result<String, AssetError> {
        let mut api = ApiBuilder::from_cache(Cache::new(self.store.root.clone())).with_token(None);
        if let Some(endpoint) = &self.store.hub_endpoint {
            api = api.with_endpoint(endpoint.trim_end_matches('/').into());
        }
        let api = api.build().map_err(|e| self.unusable(file, e.to_string()))?;
        Ok(api.repo(self.hub_repo()).url(&percent_encode(file)))
    }

    /// The expected checksum: the source's, or else the hub's.
    fn expected(&self, file: &str, sha256: Option<&str>, answer: &Answer) -> Result<Expected, AssetError> {
        if let Some(sum) = sha256 {
            return Ok(Expected::Sha256(sum.into()));
        }
        if let Some(commit) = answer.commit.as_ref().filter(|c| is_commit(self.revision) && *c != self.revision) {
            return Err(self.unusable(file, format!("the hub answered with the file of commit {commit}")));
        }
        answer.etag.as_deref().and_then(checksum).ok_or_else(|| AssetError::NoChecksum {
            origin: self.origin(),
            file: file.into(),
            etag: answer.etag.clone().unwrap_or_else(|| "none".into()),
        })
    }

    /// The error that an answer other than the file means.
    fn refused(&self, client: &Client, file: &str, url: &str, answer: &Answer) -> AssetError {
        let status = answer.show_status();
        match answer.status {
            // The hub answers 401 for a repository that does not exist too, so as not to reveal private ones.
            401 | 404 if answer.at_hub && (answer.status == 404 || answer.code.as_deref() == Some("RepoNotFound")) => {
                AssetError::NotOnHub {
                    dataset: self.dataset,
                    repo: self.repo.into(),
                    file: file.into(),
                    revision: self.revision.into(),
                    status,
                }
            }
            401 | 403 if answer.at_hub => AssetError::Gated {
                repo: self.repo.into(),
                file: file.into(),
                status,
                token: client.has_token(),
                page: url.split("/resolve/").next().unwrap_or(url).into(),
            },
            _ => {
                let who = if answer.at_hub { "the hub" } else { "the server the hub redirects to" };
                self.unusable(file, format!("{who} answered {status}"))
            }
        }
    }

    fn interrupted(&self, file: &str, have: u64, reason: String) -> AssetError {
        AssetError::Interrupted { origin: self.origin(), file: file.into(), have, reason }
    }

    fn unusable(&self, file: &str, problem: String) -> AssetError {
        AssetError::HubAnswer { origin: self.origin(), file: file.into(), problem }
    }

    fn unreachable(&self, url: &str, reason: String) -> AssetError {
        let repository = format!("/{}/resolve/", self.hub_repo().url());
        AssetError::HubUnreachable {
            endpoint: url.split(&repository).next().unwrap_or(url).into(),
            origin: self.origin(),
            reason,
            cache: self.store.root.clone(),
        }
    }
}

/// Writes the body of `answer` into `part` from `from` on. `Some` says why the connection broke before the end.
fn transfer(
    file: &str,
    answer: Answer,
    from: u64,
    part: &Path,
    progress: &Progress,
) -> Result<Option<String>, AssetError> {
    let written = |e| AssetError::io("write", part, e);
    let mut out = File::options().create(true).append(true).open(part).map_err(written)?;
    out.set_len(from).map_err(written)?;
    let name = file.rsplit('/').next().unwrap_or(file).to_string();
    let bar = progress.bar(name, answer.size.unwrap_or(0), Unit::Bytes);
    bar.resume_at(from);
    let size = answer.size;
    let copied = copy_hashing(answer.body(), &mut out, |n| bar.advance(n));
    out.sync_all().map_err(written)?;
    match (copied, size) {
        (Ok((_, bytes)), Some(size)) if from + bytes < size => Ok(Some(format!("it ended before byte {size}"))),
        (Ok(_), _) => Ok(None),
        (Err(CopyError::Read(e)), _) => Ok(Some(e.to_string())),
        (Err(CopyError::Write(e)), _) => Err(written(e)),
    }
}

/// The checksum in an ETag of the hub's: sha256 of LFS files, git's blob id of others.
fn checksum(etag: &str) -> Option<Expected> {
    if is_hex(etag, 64) {
        Some(Expected::Sha256(etag.into()))
    } else if is_hex(etag, 40) {
        Some(Expected::GitBlob(etag.into()))
    } else {
        None
    }
}

/// A path as part of a URL.
fn percent_encode(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests;
