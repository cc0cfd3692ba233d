//! [`Prebuilts`]: machine code that a package's authors built, downloaded by choice and pinned.
//!
//! `--prebuilt NAME` has it fetched from where the package's install script would get it, and its
//! SHA-256 written into a file beside the lockfile. From then on exactly that is taken, without the
//! option and with the network off.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use layerpress_fetch::{ArchiveRequest, FetchError, redacted};
use layerpress_node::native::has_addon;
use layerpress_node::npmrc::Npmrc;
use layerpress_node::package_lock::Pin;
use layerpress_node::prebuilt::{
    PINS_FILE, PinnedBinary, Prebuilt, PrebuiltPins, Subject, Unpacked, prebuilt,
};
use layerpress_node::tarball::PackageTree;
use layerpress_pack::tarball::{self, Kind, Options, Root};
use layerpress_pack::{TarballError, read_all};
use layerpress_scratch::replace;
use layerpress_tree::{Algorithm, Digest, LayerPath};

use super::archives::{label, stored};
use super::error::NodeError;
use super::lazy_lock::LazyLock;
use super::prebuilt_error::PrebuiltError;
use super::pressing::{Pressed, Pressing};
use crate::error::CompileError;
use crate::pins::Job;

/// The machine code that is downloaded for the packages of one lock.
#[derive(Debug)]
pub(crate) struct Prebuilts {
    /// The file of pins, whether it is there yet or not.
    path: PathBuf,
    /// The packages whose machine code may be downloaded for the first time.
    asked: BTreeSet<String>,
    /// Whether nothing may be pinned that is not yet.
    locked: bool,
    npmrc: Npmrc,
    pins: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pins: PrebuiltPins,
    is_changed: bool,
}

impl Prebuilts {
    /// Reads the pins beside a lockfile.
    ///
    /// # Errors
    /// A file that is there and cannot be read, or holds something else.
    pub(crate) fn beside(
        lockfile: &Path,
        asked: BTreeSet<String>,
        locked: bool,
        npmrc: &Npmrc,
    ) -> Result<Self, CompileError> {
        let path = lockfile.with_file_name(PINS_FILE);
        let pins = match std::fs::read(&path) {
            Ok(text) => PrebuiltPins::parse(&path.display().to_string(), &text)
                .map_err(|error| fault(PrebuiltError::Pins(error)))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => PrebuiltPins::default(),
            Err(source) => return Err(CompileError::Unreadable { path, source }),
        };
        Ok(Self {
            path,
            asked,
            locked,
            npmrc: npmrc.clone(),
            pins: Mutex::new(State {
                pins,
                is_changed: false,
            }),
        })
    }

    /// A package with the machine code that its authors built for the target of a job; `None` if it
    /// is not to be downloaded.
    ///
    /// # Errors
    /// Where it is cannot be told, it cannot be had, is not what was pinned, or is no tarball of
    /// machine code for the target.
    pub(crate) fn with_binaries(
        &self,
        job: &Job<'_>,
        pin: &Pin,
        package: &PackageTree,
    ) -> Result<Option<PackageTree>, CompileError> {
        let subject = Subject {
            package: pin.name.to_string(),
            version: pin.version.as_deref().unwrap_or_default().to_owned(),
            target: job.target,
        };
        let pinned = self.state().pins.get(&subject).cloned();
        if pinned.is_none() && !self.asked.contains(&*pin.name) {
            return Ok(None);
        }
        if package.package.scripts.is_empty() || has_addon(package, job.target) {
            job.session.warn_all(pinned.is_none().then(|| {
                format!(
                    "`{}`: nothing is downloaded: its tarball has all of it",
                    label(pin)
                )
            }));
            return Ok(None);
        }
        if pinned.is_none() && self.locked {
            return Err(fault(PrebuiltError::NotPinned {
                package: label(pin),
                target: job.target,
                file: self.path.clone(),
            }));
        }
        let host = self.npmrc.binary_host(&pin.name);
        let pinned_at = pinned.as_ref().map(|pinned| pinned.url.as_str());
        let found = find(pin, package, job, host.or(pinned_at))?;
        let url = match &pinned {
            Some(pinned) if host.is_none() => pinned.url.clone(),
            _ => found.url,
        };
        let request = ArchiveRequest {
            file_name: format!("{} for {}", label(pin), job.target),
            digests: pinned
                .iter()
                .filter_map(|pinned| Digest::from_bytes(Algorithm::Sha256, &pinned.sha256.0))
                .collect(),
            url,
            size: None,
        };
        job.session.learn_logins([&request.url]);
        let arrived = job.session.wait(job.session.client.archive(&request));
        let archive = arrived.map_err(|error| missing(pin, job, error))?;
        if !archive.cached {
            let downloaded = &job.tally.downloaded_bytes;
            downloaded.fetch_add(archive.size, Ordering::Relaxed);
        }
        let bytes = stored(job.session, &archive, &request.file_name)?;
        let pressing = Pressing::new(job, &pin.location)?;
        let package = added(package, &found.unpacked, &bytes, &pressing).map_err(|what| {
            fault(PrebuiltError::Archive {
                package: label(pin),
                url: redacted(&request.url),
                what,
            })
        })?;
        if pinned.is_none() {
            job.session.warn_all([format!(
                "`{}`: its native part for {} is downloaded from `{}`, and pinned in `{}`",
                label(pin),
                job.target,
                redacted(&request.url),
                self.path.display(),
            )]);
            let mut state = self.state();
            state.is_changed = true;
            state.pins.insert(
                subject,
                PinnedBinary {
                    url: request.url,
                    sha256: archive.digest,
                },
            );
        }
        Ok(Some(package))
    }

    /// Writes the pins, if there are new ones; those of packages that `lock` does not have any more
    /// go then.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn write(&self, lock: &LazyLock) -> Result<(), CompileError> {
        let mut state = self.state();
        if !state.is_changed {
            return Ok(());
        }
        let locked = &lock.get()?.packages;
        state.pins.retain(|name, version| {
            locked.values().any(|locked| {
                let of = &locked.manifest;
                of.name.as_deref() == Some(name) && of.version.as_deref() == Some(version)
            })
        });
        let text = state.pins.text();
        let written = replace(&self.path, |file| file.write_all(text.as_bytes()));
        written.map_err(|source| CompileError::Write {
            error: format!("`{}` cannot be written: {source}", self.path.display()),
        })?;
        state.is_changed = false;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the package's authors publish what they built.
fn find(
    pin: &Pin,
    package: &PackageTree,
    job: &Job<'_>,
    host: Option<&str>,
) -> Result<Prebuilt, CompileError> {
    let mut files = package.tree.iter();
    let manifest = files.find(|(path, _)| path.as_str() == "package.json");
    let text = manifest.and_then(|(_, entry)| read_all(&entry.content).ok());
    let found = prebuilt(&text.unwrap_or_default(), job.target, host);
    found.map_err(|reason| {
        fault(PrebuiltError::NoAddress {
            package: label(pin),
            reason,
        })
    })
}

/// What it means that the tarball did not come.
fn missing(pin: &Pin, job: &Job<'_>, error: FetchError) -> CompileError {
    match error {
        FetchError::Status {
            url,
            status: status @ (403 | 404 | 410),
        } => fault(PrebuiltError::Missing {
            package: label(pin),
            target: job.target,
            url,
            status,
        }),
        other => other.into(),
    }
}

fn fault(error: PrebuiltError) -> CompileError {
    CompileError::Node(NodeError::Prebuilt(Box::new(error)))
}

/// A package with the files of such a tarball; else what is wrong with that.
fn added(
    package: &PackageTree,
    unpacked: &Unpacked,
    archive: &Bytes,
    pressing: &Pressing<'_>,
) -> Result<PackageTree, String> {
    let (root, below) = match unpacked {
        Unpacked::AsIs => (Root::Keep, ""),
        Unpacked::Into(folder) => (Root::StripOrDrop, folder.as_str()),
    };
    let options = Options {
        root,
        ..Options::default()
    };
    let mut files: Vec<Pressed> = Vec::new();
    let told = |error: &dyn std::fmt::Display| TarballError::Damaged {
        reason: error.to_string(),
    };
    let read = tarball::read(archive, &options, |member| {
        let Kind::File { mode, data, .. } = member.kind else {
            return Ok::<_, TarballError>(());
        };
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).map_err(|error| told(&error))?;
        let path = match below {
            "" => member.path,
            below => LayerPath::new(&format!("{below}/{}", member.path.as_str()))
                .map_err(|error| told(&error))?,
        };
        files.retain(|other| other.path != path);
        files.push(pressing.press(path, mode, &bytes));
        Ok(())
    });
    read.map_err(|error| error.to_string())?;
    let mut package = package.clone();
    for file in files {
        let path = file.path.clone();
        file.add_to(&mut package)
            .map_err(|_| format!("`{path}` is a file of the package already"))?;
    }
    let target = pressing.job.target;
    match has_addon(&package, target) {
        true => Ok(package),
        false => Err(format!("it holds no machine code that {target} can load")),
    }
}
