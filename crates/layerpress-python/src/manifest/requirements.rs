//! [`read_requirements`]: a requirements file with all that it includes.

use std::path::{Path, PathBuf};

use url::Url;

use super::arguments::{self, Argument, Name};
use super::diagnose::{diagnose_line, kind_of_file};
use super::error::{FetchTextError, ManifestError};
use super::lines::{Line, lines};
use super::location::{file_url_path, find, find_links, index_url, scheme};
use super::mistake::Mistake;
use super::read::{check_size, read_text};
use super::requirement::{Origin, Requirement, Source};
use super::requirement_text::parse;
use super::settings::SettingsFile;
use super::shown::shown;
use super::{Environment, Manifest};

/// How a requirements file that is named by URL gets here.
pub type FetchText<'a> = &'a dyn Fn(&Url) -> Result<String, FetchTextError>;

/// RELIABILITY: files that include each other deeper than this are a mistake or an attack.
const MAX_DEPTH: usize = 64;

/// Files that all include the next one twice would otherwise be read 2^64 times.
const MAX_FILES: usize = 1000;

/// Reads the requirements file at `path` and all that it includes with `-r` and `-c`.
///
/// The language is pip's (24.2), except that nothing is passed over in silence: where pip drops a
/// word or option without telling, this is an error, and two `-r`, `-c` or `-e` on one line all
/// count, as does a marker behind `-e PATH`. What is reached through `-c` is a constraint.
///
/// # Errors
/// A [`ManifestError`] for the first line that is wrong, or the first file that cannot be read.
pub fn read_requirements(
    path: &Path,
    environment: &Environment,
    fetch: FetchText<'_>,
) -> Result<Manifest, ManifestError> {
    read(path, environment, fetch, Role::Requirements)
}

/// Reads the file at `path` as [`read_requirements`] does, with every requirement a constraint.
///
/// # Errors
/// As [`read_requirements`]; also for a constraint without a name, with extras, or with `-e`.
pub fn read_constraints(
    path: &Path,
    environment: &Environment,
    fetch: FetchText<'_>,
) -> Result<Manifest, ManifestError> {
    read(path, environment, fetch, Role::Constraints)
}

/// Reads a file of constraints that a setting of pip's or uv's names, by path or by URL.
///
/// # Errors
/// As [`read_constraints`].
pub fn read_settings_constraints(
    named: &SettingsFile,
    environment: &Environment,
    fetch: FetchText<'_>,
) -> Result<Manifest, ManifestError> {
    let origin = Origin::new(named.place.trim_matches('`'), None, &named.file);
    let place = match scheme(&named.file) {
        Some(_) => Url::parse(&named.file).map_or_else(
            |_| Place::File(PathBuf::from(&named.file)),
            |url| match url.to_file_path() {
                Ok(path) if url.scheme() == "file" => Place::File(path),
                _ => Place::Url(url),
            },
        ),
        None => Place::File(PathBuf::from(&named.file)),
    };
    let mut reader = Reader {
        environment,
        fetch,
        manifest: Manifest::default(),
        open: Vec::new(),
        files: 0,
    };
    reader.read_place(&place, Role::Constraints, Some(&origin))?;
    Ok(reader.manifest)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Requirements,
    Constraints,
}

/// Where a requirements file lies, which is what its relative paths start from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Url(Url),
}

struct Reader<'a> {
    environment: &'a Environment,
    fetch: FetchText<'a>,
    manifest: Manifest,
    /// The files being read, outermost first, in a form to compare and a form to show.
    open: Vec<(Place, String)>,
    files: usize,
}

fn read(
    path: &Path,
    environment: &Environment,
    fetch: FetchText<'_>,
    role: Role,
) -> Result<Manifest, ManifestError> {
    let mut reader = Reader {
        environment,
        fetch,
        manifest: Manifest::default(),
        open: Vec::new(),
        files: 0,
    };
    reader.read_place(&Place::File(path.to_owned()), role, None)?;
    Ok(reader.manifest)
}

impl Reader<'_> {
    fn read_place(
        &mut self,
        place: &Place,
        role: Role,
        included_by: Option<&Origin>,
    ) -> Result<(), ManifestError> {
        let (identity, name) = match place {
            Place::File(path) => {
                let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
                (Place::File(identity), path.display().to_string())
            }
            Place::Url(url) => (place.clone(), url.to_string()),
        };
        let name = shown(&name);
        if let Some(origin) = included_by {
            self.check_inclusion(&identity, &name, origin)?;
        }
        let content = match (place, included_by) {
            (Place::Url(url), Some(origin)) => {
                let text = (self.fetch)(url).map_err(|source| ManifestError::Fetch {
                    origin: Box::new(origin.clone()),
                    url: name.clone(),
                    source,
                })?;
                check_size(text.len(), &name)?;
                text
            }
            (Place::File(path), _) => {
                let text = read_text(path, &name, included_by)?;
                if !self.manifest.files_read.contains(path) {
                    self.manifest.files_read.push(path.clone());
                }
                text
            }
            (Place::Url(_), None) => String::new(),
        };
        self.files += 1;
        self.open.push((identity, name.clone()));
        self.read_content(&content, place, &name, role)?;
        self.open.pop();
        Ok(())
    }

    fn check_inclusion(
        &self,
        identity: &Place,
        name: &str,
        origin: &Origin,
    ) -> Result<(), ManifestError> {
        if let Some(at) = self.open.iter().position(|(open, _)| open == identity) {
            let mut chain: Vec<&str> = self.open[at..].iter().map(|(_, name)| &**name).collect();
            chain.push(name);
            return Err(ManifestError::Cycle {
                origin: Box::new(origin.clone()),
                chain: chain.join(" → "),
            });
        }
        let too_many = |limit, how| ManifestError::Includes {
            origin: Box::new(origin.clone()),
            limit,
            how,
        };
        if self.open.len() >= MAX_DEPTH {
            return Err(too_many(MAX_DEPTH, "deep"));
        }
        if self.files >= MAX_FILES {
            return Err(too_many(MAX_FILES, "in all"));
        }
        Ok(())
    }

    fn read_content(
        &mut self,
        content: &str,
        place: &Place,
        name: &str,
        role: Role,
    ) -> Result<(), ManifestError> {
        for line in lines(content, self.environment) {
            let origin = Origin::new(name, Some(line.number), &line.written);
            match self.read_line(&line, place, &origin, role) {
                Err(ManifestError::Line { .. })
                    if let Some((kind, remedy)) = kind_of_file(content) =>
                {
                    return Err(ManifestError::WrongKind {
                        file: name.to_owned(),
                        kind,
                        remedy,
                    });
                }
                Err(ManifestError::Line { .. }) if let Some(name) = line.unset.first() => {
                    let name = name.clone();
                    return Err(ManifestError::line(&origin, Mistake::Unset { name }));
                }
                result => result?,
            }
            for name in &line.unset {
                self.manifest.warnings.push(format!(
                    "{origin}: the variable `{name}` is not set; `${{{name}}}` is taken as it stands"
                ));
            }
        }
        Ok(())
    }

    fn read_line(
        &mut self,
        line: &Line,
        place: &Place,
        origin: &Origin,
        role: Role,
    ) -> Result<(), ManifestError> {
        let wrong = |mistake| ManifestError::line(origin, mistake);
        if let Some(mistake) = diagnose_line(&line.text) {
            return Err(wrong(mistake));
        }
        let (requirement, options) = arguments::split(&line.text);
        let arguments = arguments::parse(options).map_err(wrong)?;
        if !requirement.trim().is_empty() {
            return self.requirement(requirement, &arguments.options, place, origin, role);
        }
        let (own, rest): (Vec<_>, Vec<_>) = arguments
            .options
            .into_iter()
            .partition(|option| option.name.is_for_requirement());
        let edits = rest.iter().any(|option| option.name == Name::Editable);
        if let Some(option) = own.first().filter(|_| !edits) {
            return Err(wrong(Mistake::OptionWithoutRequirement {
                option: option.name.long(),
            }));
        }
        for option in rest {
            if option.name == Name::Editable {
                let marker = arguments.editable_marker.as_deref();
                self.editable(&option.value, marker, &own, place, origin, role)?;
            } else {
                self.file_option(&option, place, origin, role)?;
            }
        }
        Ok(())
    }

    fn requirement(
        &mut self,
        text: &str,
        options: &[Argument],
        place: &Place,
        origin: &Origin,
        role: Role,
    ) -> Result<(), ManifestError> {
        if let Some(option) = options
            .iter()
            .find(|option| !option.name.is_for_requirement())
        {
            let option = option.name.long();
            let mistake = Mistake::OptionBesideRequirement { option };
            return Err(ManifestError::line(origin, mistake));
        }
        let mut requirement = parse(text, place.folder())
            .map_err(|mistake| ManifestError::line(origin, mistake))?
            .into_requirement(origin.clone());
        self.apply(options, &mut requirement)?;
        self.add(requirement, role)
    }

    fn editable(
        &mut self,
        value: &str,
        marker: Option<&str>,
        options: &[Argument],
        place: &Place,
        origin: &Origin,
        role: Role,
    ) -> Result<(), ManifestError> {
        let wrong = |mistake| ManifestError::line(origin, mistake);
        // A bare word is a folder here, and never a package of an index.
        let is_word =
            !value.contains(['/', '@']) && !value.starts_with('.') && scheme(value).is_none();
        let path = if is_word {
            format!("./{value}")
        } else {
            value.to_owned()
        };
        // `-e requests`: an index's package cannot be edited.
        if is_word && find(&path, place.folder()).is_none() {
            return Err(wrong(Mistake::Editable));
        }
        let text = match marker {
            Some(marker) => format!("{path} ; {marker}"),
            None => path,
        };
        let mut requirement = parse(&text, place.folder())
            .map_err(wrong)?
            .into_requirement(origin.clone());
        if !matches!(requirement.source, Source::Folder(_) | Source::Git { .. }) {
            return Err(wrong(Mistake::Editable));
        }
        requirement.editable = true;
        self.apply(options, &mut requirement)?;
        self.add(requirement, role)
    }

    /// The options of one requirement.
    fn apply(
        &mut self,
        options: &[Argument],
        requirement: &mut Requirement,
    ) -> Result<(), ManifestError> {
        for option in options {
            let mistake = match option.name {
                Name::Hash => match option.value.parse() {
                    Ok(digest) => {
                        self.manifest.require_hashes = true;
                        if !requirement.hashes.contains(&digest) {
                            requirement.hashes.push(digest);
                        }
                        continue;
                    }
                    Err(error) => Mistake::Hash(error),
                },
                Name::ConfigSettings => match option.value.split_once('=') {
                    Some((key, value)) => {
                        let setting = (key.to_owned(), value.to_owned());
                        requirement.config_settings.push(setting);
                        continue;
                    }
                    None => Mistake::OptionValue {
                        value: shown(&option.value),
                        expected: "a `KEY=VALUE` pair",
                    },
                },
                _ => Mistake::Retired {
                    option: option.name.long(),
                },
            };
            return Err(ManifestError::line(&requirement.origin, mistake));
        }
        Ok(())
    }

    fn add(&mut self, requirement: Requirement, role: Role) -> Result<(), ManifestError> {
        if role == Role::Requirements {
            self.manifest.requirements.push(requirement);
            return Ok(());
        }
        let fault = if requirement.name.is_none() {
            Some("needs a package name")
        } else if !requirement.extras.is_empty() {
            Some("has no extras")
        } else if requirement.editable {
            Some("cannot be editable")
        } else {
            None
        };
        if let Some(fault) = fault {
            let mistake = Mistake::Constraint(fault);
            return Err(ManifestError::line(&requirement.origin, mistake));
        }
        self.manifest.constraints.push(requirement);
        Ok(())
    }

    /// An option that counts for the whole file.
    fn file_option(
        &mut self,
        option: &Argument,
        place: &Place,
        origin: &Origin,
        role: Role,
    ) -> Result<(), ManifestError> {
        let value = option.value.as_str();
        let not = |expected| {
            let value = shown(value);
            ManifestError::line(origin, Mistake::OptionValue { value, expected })
        };
        match option.name {
            Name::Requirement | Name::Constraint => {
                let role = match option.name {
                    Name::Constraint => Role::Constraints,
                    // What a constraints file includes installs nothing either.
                    _ => role,
                };
                let nested = place
                    .nested(value)
                    .ok_or_else(|| not("a file or an `https` URL"))?;
                self.read_place(&nested, role, Some(origin))?;
            }
            Name::IndexUrl => {
                let url = index_url(value, place.folder());
                let url = url.ok_or_else(|| not("the URL of an index"))?;
                self.manifest.indexes.index_url = Some(url);
            }
            Name::ExtraIndexUrl => {
                let url = index_url(value, place.folder());
                let url = url.ok_or_else(|| not("the URL of an index"))?;
                self.manifest.indexes.add_extra(url);
            }
            Name::NoIndex => self.manifest.indexes.no_index = true,
            Name::FindLinks => match find_links(value, place.folder()).map_err(not)? {
                Some(place) => self.manifest.indexes.add_find_links(place),
                None => self.manifest.warnings.push(format!(
                    "{origin}: nothing is at `{}`, which `--find-links` names; passed over as pip does",
                    shown(value)
                )),
            },
            Name::NoBinary => {
                let added = self.manifest.build.add_no_binary(value);
                added.map_err(|_| not("a list of package names, `:all:` or `:none:`"))?;
            }
            Name::OnlyBinary => {
                let added = self.manifest.build.add_only_binary(value);
                added.map_err(|_| not("a list of package names, `:all:` or `:none:`"))?;
            }
            Name::PreferBinary => self.manifest.prefer_binary = true,
            Name::RequireHashes => self.manifest.require_hashes = true,
            Name::Pre => self.manifest.pre = true,
            Name::TrustedHost => self.manifest.trusted_hosts.push(value.to_owned()),
            Name::UseFeature => self.manifest.warnings.push(format!(
                "{origin}: `--use-feature` speaks to pip alone and is passed over"
            )),
            Name::Editable
            | Name::Hash
            | Name::ConfigSettings
            | Name::GlobalOption
            | Name::InstallOption => {}
        }
        Ok(())
    }
}

impl Place {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(path) => path.parent(),
            Self::Url(_) => None,
        }
    }

    /// What `-r value` in a file at this place names.
    fn nested(&self, value: &str) -> Option<Place> {
        if value.is_empty() {
            return None;
        }
        match (self, scheme(value)) {
            // A file from elsewhere has no business with the files of this machine.
            (Self::Url(url), _) => {
                let url = url.join(value).ok()?;
                matches!(url.scheme(), "http" | "https").then_some(Self::Url(url))
            }
            (Self::File(_), Some("http" | "https")) => Url::parse(value).ok().map(Self::Url),
            (Self::File(path), Some(scheme)) if scheme.eq_ignore_ascii_case("file") => {
                let nested = file_url_path(value)?;
                Some(Self::File(beside(path, &nested)))
            }
            (Self::File(_), Some(_)) => None,
            (Self::File(path), None) => Some(Self::File(beside(path, value))),
        }
    }
}

fn beside(path: &Path, value: &str) -> PathBuf {
    path.parent()
        .map_or_else(|| PathBuf::from(value), |folder| folder.join(value))
}
