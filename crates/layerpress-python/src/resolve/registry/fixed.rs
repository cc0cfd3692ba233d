//! What a line names outright: a wheel or source archive by URL or path, a folder, a repository.

use std::path::Path;
use std::sync::Arc;

use layerpress_fetch::{FetchError, redacted};
use layerpress_tree::{Digest, Sha256};
use thiserror::Error;
use url::Url;

use super::{Artifact, Place, Project, RegistryProvider, index_fault};
use crate::Metadata;
use crate::index::{Agreement, FileRecord, IndexError, digest_matches};
use crate::manifest::Source;
use crate::resolve::inputs::{Need, Wanted};
use crate::resolve::provider::{FaultKind, Fixed, ProvideError};

/// A source that a line of the user's names.
#[derive(Debug, Clone)]
pub struct FixedFile {
    /// As the user wrote it, taken apart.
    pub source: Source,
    /// What it says about itself.
    pub metadata: Arc<Metadata>,
    /// The archive, if it is one: its name, place and hashes.
    pub record: Option<FileRecord>,
    /// The archive's digest in the store, if it was fetched as a whole.
    pub stored: Option<Sha256>,
    /// The commit of a repository.
    pub commit: Option<String>,
    /// What the user tells the build backend.
    pub config_settings: Vec<(String, String)>,
}

/// Why a source that a line names will not do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum FixedError {
    /// Its name is that of no archive.
    #[error("`{place}` is neither a wheel nor a source archive")]
    NoArchive {
        /// The URL or path, redacted.
        place: String,
    },
    /// A wheel for other targets.
    #[error("`{file_name}` does not fit {target}")]
    DoesNotFit {
        /// The wheel.
        file_name: String,
        /// The target.
        target: String,
    },
    /// Its path cannot be written as a URL.
    #[error("`{path}` is not an absolute path")]
    Path {
        /// The path.
        path: String,
    },
    /// None of the hashes that the user gave is one of the URL's own.
    #[error("`{file_name}`: the hash in its URL is none of the hashes given")]
    Hashes {
        /// The file.
        file_name: String,
    },
    /// The bytes have none of the hashes that the user gave.
    #[error("`{file_name}`: its `{found}` is none of the hashes given")]
    OtherBytes {
        /// The file.
        file_name: String,
        /// What it hashes to.
        found: Digest,
    },
}

impl RegistryProvider {
    pub(super) async fn look_at(&self, wanted: &Wanted) -> Result<Fixed<Artifact>, ProvideError> {
        let Need::Fixed(source) = &wanted.need else {
            return Err(input(FixedError::NoArchive {
                place: wanted.text.clone(),
            }));
        };
        let fixed = match source {
            Source::Url { url, subdirectory } => {
                let archive = self.archive(wanted, source, url, subdirectory.clone());
                archive.await.map_err(nothing_there)?
            }
            Source::File(path) => self.archive(wanted, source, &file_url(path)?, None).await?,
            Source::Folder(path) => {
                self.project(wanted, source, Place::Folder(path.clone()))
                    .await?
            }
            Source::Git {
                repository,
                reference,
                subdirectory,
            } => {
                let place = Place::Git {
                    repository: repository.clone(),
                    reference: reference.clone(),
                    subdirectory: subdirectory.clone(),
                };
                self.project(wanted, source, place).await?
            }
            Source::Index(_) => {
                return Err(input(FixedError::NoArchive {
                    place: wanted.text.clone(),
                }));
            }
        };
        Ok(Fixed {
            metadata: Arc::clone(&fixed.metadata),
            identity: identity(&fixed),
            file: Artifact::Fixed(Arc::new(fixed)),
        })
    }

    async fn archive(
        &self,
        wanted: &Wanted,
        source: &Source,
        url: &Url,
        subdirectory: Option<String>,
    ) -> Result<FixedFile, ProvideError> {
        let mut record = FileRecord::from_url(url).ok_or_else(|| {
            input(FixedError::NoArchive {
                place: redacted(url),
            })
        })?;
        add_hashes(&mut record, &wanted.hashes)?;
        if !record.is_wheel() {
            let digest = self.genuine(&record, &wanted.hashes).await?;
            let place = Place::Archive {
                file_name: record.file_name.clone(),
                digest,
                subdirectory,
            };
            let mut fixed = self.project(wanted, source, place).await?;
            fixed.record = Some(record);
            fixed.stored = Some(digest);
            return Ok(fixed);
        }
        let name = record.wheel_name().map_err(|error| ProvideError {
            kind: FaultKind::Input,
            hint: None,
            source: Arc::new(error),
        })?;
        if self.compatibility.rank(&name).is_none() {
            return Err(input(FixedError::DoesNotFit {
                file_name: record.file_name,
                target: self.target.clone(),
            }));
        }
        // A lock names every file by its digest: without one, the bytes have to tell it.
        let stored = match record.hashes.is_empty() {
            true => Some(self.genuine(&record, &wanted.hashes).await?),
            false => None,
        };
        record.hashes.extend(stored.map(Digest::from));
        let metadata = self.registry.metadata(&record).await.map_err(index_fault)?;
        Ok(FixedFile {
            source: source.clone(),
            metadata,
            record: Some(record),
            stored,
            commit: None,
            config_settings: wanted.config_settings.clone(),
        })
    }

    /// Brings an archive into the store and holds it to the hashes that the user gave.
    async fn genuine(
        &self,
        record: &FileRecord,
        allowed: &[Digest],
    ) -> Result<Sha256, ProvideError> {
        let digest = self.stored(record).await?;
        let known = Agreement::of(&[Digest::from(digest)], allowed) == Agreement::Yes;
        let store = self.registry.client().store();
        let genuine = known
            || store
                .archive(digest)
                .is_some_and(|bytes| allowed.iter().any(|hash| digest_matches(hash, &bytes)));
        if genuine {
            return Ok(digest);
        }
        Err(input(FixedError::OtherBytes {
            file_name: record.file_name.clone(),
            found: digest.into(),
        }))
    }

    async fn project(
        &self,
        wanted: &Wanted,
        source: &Source,
        place: Place,
    ) -> Result<FixedFile, ProvideError> {
        let project = Project {
            label: without_options(&wanted.text).to_owned(),
            name: wanted.name.clone(),
            version: None,
            place,
            config_settings: wanted.config_settings.clone(),
        };
        let (metadata, commit) = self.build(project).await?;
        Ok(FixedFile {
            source: source.clone(),
            metadata,
            record: None,
            stored: None,
            commit,
            config_settings: wanted.config_settings.clone(),
        })
    }
}

/// A line without what follows the requirement: `./app` of `./app --config-settings a=b`.
fn without_options(line: &str) -> &str {
    line.split(" --").next().unwrap_or(line).trim_end()
}

/// That there is nothing where a line points is the line's fault, and no matter of the network.
fn nothing_there(error: ProvideError) -> ProvideError {
    let status = match error.source.downcast_ref::<IndexError>() {
        Some(IndexError::File { cause, .. }) => cause.status(),
        _ => error
            .source
            .downcast_ref::<FetchError>()
            .and_then(FetchError::status),
    };
    match status {
        Some(404 | 410) => ProvideError {
            kind: FaultKind::Input,
            hint: Some("check the address in that line".to_owned()),
            source: error.source,
        },
        _ => error,
    }
}

/// The same for everything that leads to the same bytes; never shown.
fn identity(fixed: &FixedFile) -> String {
    let bare = |url: &Url| {
        let mut url = url.clone();
        // `mailto:` and the like have no place for these, and lead nowhere either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        url
    };
    match (&fixed.source, &fixed.commit) {
        (
            Source::Git {
                repository,
                subdirectory,
                ..
            },
            Some(commit),
        ) => {
            let subdirectory = subdirectory.as_deref().unwrap_or_default();
            format!("{} {commit} {subdirectory}", bare(repository))
        }
        (Source::Url { url, subdirectory }, _) => {
            let subdirectory = subdirectory.as_deref().unwrap_or_default();
            format!("{} {subdirectory}", bare(url))
        }
        (source, _) => source.to_string(),
    }
}

/// The user's hashes and the URL's: any of the former will do, but the latter must hold.
fn add_hashes(record: &mut FileRecord, allowed: &[Digest]) -> Result<(), ProvideError> {
    if allowed.is_empty() {
        return Ok(());
    }
    if record.hashes.is_empty() {
        // With several to choose from, the bytes decide which; that is checked when they are there.
        if let [only] = allowed {
            record.hashes.push(only.clone());
        }
        return Ok(());
    }
    if record.hashes.iter().any(|hash| allowed.contains(hash)) {
        return Ok(());
    }
    Err(input(FixedError::Hashes {
        file_name: record.file_name.clone(),
    }))
}

fn file_url(path: &Path) -> Result<Url, ProvideError> {
    let absolute = std::path::absolute(path).map_err(|error| ProvideError {
        kind: FaultKind::Io,
        hint: None,
        source: Arc::new(error),
    })?;
    Url::from_file_path(&absolute).map_err(|()| {
        input(FixedError::Path {
            path: path.display().to_string(),
        })
    })
}

fn input(error: FixedError) -> ProvideError {
    ProvideError {
        kind: FaultKind::Input,
        hint: None,
        source: Arc::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::registry::{fetch_fault, index_fault};

    #[test]
    fn a_line_that_leads_nowhere_is_wrong_itself() {
        let status = |status| FetchError::Status {
            url: "https://files.example/a.whl".to_owned(),
            status,
        };
        let gone = index_fault(IndexError::File {
            file_name: "a.whl".to_owned(),
            cause: status(410),
        });
        assert_eq!(nothing_there(gone).kind, FaultKind::Input);
        let missing = nothing_there(fetch_fault(status(404)));
        assert_eq!(missing.kind, FaultKind::Input);
        assert_eq!(
            missing.hint.as_deref(),
            Some("check the address in that line")
        );
        let failed = nothing_there(fetch_fault(status(503)));
        assert_eq!(failed.kind, FaultKind::Network);
    }
}
