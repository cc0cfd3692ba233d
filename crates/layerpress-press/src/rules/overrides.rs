//! [`Overrides`]: what the user says may go or must stay, in the order in which it was said.
//!
//! A pattern is a glob over the paths of a layer, as `.gitignore` has them: one without a slash means any
//! folder or file of that name, and a folder means all below it. Paths may be written from the layer's root
//! (`python/numpy/tests`), from where packages lie (`numpy/tests`), or, behind a package's name and a colon,
//! within the package (`numpy:**/tests`). `rule:tests` means what that rule would take, and `rule:elf-strip` what
//! that pass would make smaller; `numpy:rule:elf-strip` in that package alone. `!` in front turns the choice
//! around. The last pattern that fits a file decides.

use globset::{GlobBuilder, GlobMatcher};

use crate::Profile;
use crate::transform::{Passes, TRANSFORMS, Transform};

use super::services::{Services, service_of};
use super::{Ecosystem, Kind, Part, all};

/// One `--keep` or `--drop`, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Whether it was `--keep`.
    pub keep: bool,
    /// What stood after it.
    pub pattern: String,
}

/// The user's choices, read.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    items: Vec<Item>,
    /// Counts as one choice more, behind the others.
    services: Option<(Services, String)>,
}

#[derive(Debug, Clone)]
struct Item {
    keep: bool,
    /// As it was typed: `--drop docs`.
    shown: String,
    /// The package that it is for.
    package: Option<String>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Rule(Kind),
    Pass(&'static Transform),
    Glob { glob: GlobMatcher, is_name: bool },
}

/// A choice that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// A pattern that is none.
    #[error("`{shown}`: {reason}")]
    Pattern {
        /// The choice, as typed.
        shown: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rule that there is not.
    #[error("`{shown}`: there is no rule `{name}`")]
    Rule {
        /// The choice, as typed.
        shown: String,
        /// The name.
        name: String,
        /// The rule that was most likely meant.
        nearest: Option<&'static str>,
    },
    /// A service that there is not.
    #[error("`--aws-services`: the layer's botocore knows no service `{name}`")]
    Service {
        /// The name.
        name: String,
        /// The services that were most likely meant.
        nearest: Vec<String>,
    },
}

impl OverrideError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pattern { .. } => None,
            Self::Rule {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `rule:{nearest}`?")),
            Self::Rule { nearest: None, .. } => {
                let names: Vec<&str> = names().collect();
                Some(format!("the rules are {}", names.join(", ")))
            }
            Self::Service { nearest, .. } if !nearest.is_empty() => {
                let names: Vec<String> = nearest.iter().map(|it| format!("`{it}`")).collect();
                Some(format!("did you mean {}?", names.join(" or ")))
            }
            Self::Service { .. } => Some(
                "they are named as for `boto3.client`, and in botocore's folder `data`".to_owned(),
            ),
        }
    }
}

/// Whose a file is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// The name by which the user may mean it; nothing for the team's own code.
    pub package: &'a str,
    /// The folder in which the package's modules lie, or the package's own, from the layer's root.
    pub place: &'a str,
}

/// A file as choices see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) ecosystem: Ecosystem,
    /// The package that it belongs to.
    pub(super) package: &'a str,
    /// From the layer's root.
    pub(super) path: &'a str,
    /// The folder in which the package's modules lie, or the package's own.
    pub(super) place: &'a str,
    /// What rules take it for.
    pub(super) kind: Option<Kind>,
}

impl<'a> Owner<'a> {
    pub(super) fn subject(self, path: &'a str) -> Subject<'a> {
        Subject {
            ecosystem: self.ecosystem,
            package: self.package,
            path,
            place: self.place,
            kind: None,
        }
    }
}

impl Overrides {
    /// Reads `choices`, in the order in which they were typed.
    ///
    /// # Errors
    /// The first that is no pattern, or names no rule.
    pub fn parse(choices: &[Choice]) -> Result<Self, OverrideError> {
        let items = choices.iter().map(item).collect::<Result<_, _>>()?;
        Ok(Self {
            items,
            services: None,
        })
    }

    /// The same choices, and of AWS's services those alone that are named, if any are.
    #[must_use]
    pub fn with_services(mut self, services: Option<Services>) -> Self {
        self.services = services.map(|it| {
            let shown = it.shown();
            (it, shown)
        });
        self
    }

    /// The same choices, and then those of `later`.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        self.items.extend(later.items);
        self
    }

    /// The same without those that drop something.
    #[must_use]
    pub fn without_drops(mut self) -> Self {
        self.items.retain(|item| item.keep);
        self
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many choices there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len() + usize::from(self.services.is_some())
    }

    /// A choice as it was typed: `--drop docs`.
    #[must_use]
    pub fn shown(&self, index: usize) -> &str {
        let services = self.services.as_ref().map_or("", |(_, shown)| shown);
        self.items.get(index).map_or(services, |item| &item.shown)
    }

    /// The passes that go over the files of a package: those of `profile`, less what is to be kept from them,
    /// and with what is not, the last choice that means the package counting.
    #[must_use]
    pub fn passes(&self, profile: Profile, ecosystem: Ecosystem, package: &str) -> Passes {
        self.passes_by(profile, |item| {
            matches!(item.what, What::Pass(_)) && item.is_of(ecosystem, package)
        })
    }

    /// The passes that go over a file, at `path` from the layer's root: those that go over its package's, but
    /// none of those that were chosen before it was to be kept by its path.
    #[must_use]
    pub fn passes_of_file(&self, profile: Profile, owner: Owner<'_>, path: &str) -> Passes {
        let subject = owner.subject(path);
        self.passes_by(profile, |item| match item.what {
            What::Pass(_) => item.is_of(owner.ecosystem, owner.package),
            What::Rule(_) | What::Glob { .. } => item.fits(subject),
        })
    }

    /// Whether any file is to be kept by its path, so that other passes may go over it than over its package's
    /// files.
    #[must_use]
    pub fn spare_files(&self) -> bool {
        let mut items = self.items.iter();
        items.any(|item| item.keep && matches!(item.what, What::Glob { .. }))
    }

    /// Those of `profile`, as the choices that are `meant` change them, one after the other.
    fn passes_by(&self, profile: Profile, meant: impl Fn(&Item) -> bool) -> Passes {
        let mut passes = Passes::of(profile);
        for item in self.items.iter().filter(|it| meant(it)) {
            passes = match (&item.what, item.keep) {
                (What::Pass(pass), true) => passes.without(pass),
                (What::Pass(pass), false) => passes.with(pass),
                (What::Glob { .. }, true) => Passes::NONE,
                (What::Glob { .. }, false) | (What::Rule(_), _) => passes,
            };
        }
        passes
    }

    /// Notes in `matched` which choices are about a pass that looks at files such as the one at `path`.
    pub(super) fn note_passes(&self, subject: Subject<'_>, matched: &mut [bool]) {
        for (matched, item) in matched.iter_mut().zip(&self.items) {
            if let What::Pass(pass) = item.what {
                let is_of = item.is_of(subject.ecosystem, subject.package);
                *matched |= is_of && pass.may_take(subject.path);
            }
        }
    }

    /// What was said of each pass that may be for a file, the last choice that counts for each.
    pub(super) fn told_of_passes(&self, subject: Subject<'_>) -> Vec<String> {
        let is_kept = |item: &Item| item.keep && item.fits(subject);
        let since = self.items.iter().rposition(is_kept).unwrap_or_default();
        let told = TRANSFORMS.iter().filter(|pass| pass.may_take(subject.path));
        let told = told.filter_map(|pass| {
            let is_it = |item: &&Item| {
                matches!(item.what, What::Pass(it) if it == pass)
                    && item.is_of(subject.ecosystem, subject.package)
            };
            let item = self.items[since..].iter().rfind(is_it)?;
            let does = match item.keep {
                true => "leaves it as it is",
                false => "goes over it",
            };
            Some(format!("`{}` {does}: `{}` says so", pass.name, item.shown))
        });
        told.collect()
    }

    /// What there is to know of a choice that means no file of these packages.
    #[must_use]
    pub fn hint<'a>(
        &self,
        index: usize,
        packages: impl Iterator<Item = &'a str>,
    ) -> Option<String> {
        let Some(item) = self.items.get(index) else {
            return Some("it is about botocore's data; of the AWS SDK for JavaScript there is a package for each client".to_owned());
        };
        let typed = item.package.as_deref()?;
        let (mut nearest, most) = (None, typed.len() / 2);
        for package in packages.filter(|it| !it.is_empty()) {
            // Where only another spelling is meant, the package is there.
            if is_same(typed, package, Ecosystem::Python) {
                return None;
            }
            let distance = (strsim::osa_distance(typed, package), package);
            if distance.0 <= most && nearest.is_none_or(|nearest| distance < nearest) {
                nearest = Some(distance);
            }
        }
        Some(match nearest {
            Some((_, nearest)) => {
                format!("there is no package `{typed}`; did you mean `{nearest}`?")
            }
            None => format!("there is no package `{typed}`"),
        })
    }

    /// Makes sure that the services which are named are among those of the botocore in `paths`, which go
    /// from the layer's root; if there is none, they are as good as any.
    ///
    /// # Errors
    /// [`OverrideError::Service`] for the first that is not.
    pub fn check_services<'a>(
        &self,
        paths: impl Iterator<Item = &'a str>,
    ) -> Result<(), OverrideError> {
        let Some((services, _)) = &self.services else {
            return Ok(());
        };
        match services.unknown(paths) {
            None => Ok(()),
            Some((name, nearest)) => Err(OverrideError::Service {
                name: name.to_owned(),
                nearest,
            }),
        }
    }

    /// Whether a file describes a service that goes; notes in `matched` that there are such files at all.
    pub(super) fn takes_service(&self, path: &str, matched: &mut [bool]) -> bool {
        let Some((services, _)) = &self.services else {
            return false;
        };
        let Some(service) = service_of(path) else {
            return false;
        };
        if let Some(matched) = matched.get_mut(self.items.len()) {
            *matched = true;
        }
        !services.keep(service)
    }

    /// Whether the user wants the file at `path`, from the layer's root, to stay as it is.
    #[must_use]
    pub fn is_kept(&self, part: &Part<'_>, path: &str) -> bool {
        let decides = self.of(part.owner().subject(path), &mut []);
        decides.is_some_and(|index| self.keeps(index))
    }

    /// Whether the choice at `index` means files by their paths, and not by what a rule takes them for.
    pub(super) fn is_of_paths(&self, index: usize) -> bool {
        let item = self.items.get(index);
        item.is_some_and(|item| matches!(item.what, What::Glob { .. }))
    }

    /// Whether the choice at `index` is to keep.
    pub(super) fn keeps(&self, index: usize) -> bool {
        self.items.get(index).is_some_and(|item| item.keep)
    }

    /// The choice that decides on a file; notes in `matched` which fit it at all.
    pub(super) fn of(&self, subject: Subject<'_>, matched: &mut [bool]) -> Option<usize> {
        let mut last = None;
        for (index, item) in self.items.iter().enumerate() {
            if item.fits(subject) {
                last = Some(index);
                if let Some(matched) = matched.get_mut(index) {
                    *matched = true;
                }
            }
        }
        last
    }
}

impl Item {
    /// Whether it is for a package, be it among others.
    fn is_of(&self, ecosystem: Ecosystem, package: &str) -> bool {
        let is_it = |name: &String| is_same(name, package, ecosystem);
        self.package.as_ref().is_none_or(is_it)
    }

    fn fits(&self, subject: Subject<'_>) -> bool {
        if !self.is_of(subject.ecosystem, subject.package) {
            return false;
        }
        match &self.what {
            What::Rule(kind) => subject.kind == Some(*kind),
            What::Pass(_) => false,
            What::Glob { glob, is_name } => self.fits_path(glob, *is_name, subject),
        }
    }

    fn fits_path(&self, glob: &GlobMatcher, is_name: bool, subject: Subject<'_>) -> bool {
        let inner = behind(subject.path, subject.place);
        if is_name {
            // Where packages lie is no part of any.
            let named = inner.unwrap_or(subject.path);
            return named.split('/').any(|part| glob.is_match(part));
        }
        let modules = match subject.ecosystem {
            Ecosystem::Python => inner,
            Ecosystem::Node => {
                let start = subject.place.rfind("node_modules/");
                start.and_then(|start| subject.path.get(start + "node_modules/".len()..))
            }
        };
        let inner = inner.filter(|_| self.package.is_some());
        [Some(subject.path), modules, inner]
            .into_iter()
            .flatten()
            .any(|path| fits_whole(glob, path))
    }
}

/// Whether a glob means a path or a folder above it.
fn fits_whole(glob: &GlobMatcher, path: &str) -> bool {
    let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    glob.is_match(path) || folders.any(|folder| glob.is_match(folder))
}

fn behind<'a>(path: &'a str, place: &str) -> Option<&'a str> {
    match place {
        "" => Some(path),
        place => path.strip_prefix(place)?.strip_prefix('/'),
    }
}

fn item(choice: &Choice) -> Result<Item, OverrideError> {
    let option = if choice.keep { "--keep" } else { "--drop" };
    let shown = format!("{option} {}", choice.pattern);
    let (turned, text) = match choice.pattern.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, choice.pattern.as_str()),
    };
    let (package, text) = match text.split_once(':') {
        Some((name, rest)) if name != "rule" && is_package(name) => (Some(name.to_owned()), rest),
        _ => (None, text),
    };
    let what = match text.strip_prefix("rule:") {
        Some(name) => match (Kind::named(name), Transform::named(name)) {
            (Some(kind), _) => What::Rule(kind),
            (None, Some(pass)) => What::Pass(pass),
            (None, None) => {
                return Err(OverrideError::Rule {
                    shown,
                    name: name.to_owned(),
                    nearest: nearest(name),
                });
            }
        },
        None => glob(text).map_err(|reason| OverrideError::Pattern {
            shown: shown.clone(),
            reason,
        })?,
    };
    Ok(Item {
        keep: choice.keep != turned,
        shown,
        package,
        what,
    })
}

fn glob(text: &str) -> Result<What, String> {
    let is_name = !text.trim_end_matches('/').contains('/');
    let text = text.trim_matches('/');
    if text.is_empty() {
        return Err("there is no pattern in it".to_owned());
    }
    let glob = GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| error.kind().to_string())?;
    Ok(What::Glob {
        glob: glob.compile_matcher(),
        is_name,
    })
}

/// Whether what stands before a colon can be the name of a package.
fn is_package(name: &str) -> bool {
    let bare = name.strip_prefix('@').map_or(Some(name), |scoped| {
        scoped.split_once('/').map(|(_, bare)| bare)
    });
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    bare.is_some_and(|bare| !bare.is_empty() && bare.chars().all(is_letter))
}

/// Whether two names are one package's: PyPI's compare without case and separators.
fn is_same(typed: &str, package: &str, ecosystem: Ecosystem) -> bool {
    let folded = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    match ecosystem {
        Ecosystem::Python => folded(typed) == folded(package),
        Ecosystem::Node => typed == package,
    }
}

/// What may stand after `rule:`.
fn names() -> impl Iterator<Item = &'static str> {
    let passes = TRANSFORMS.iter().map(|pass| pass.name);
    all().map(|rule| rule.name).chain(passes)
}

fn nearest(name: &str) -> Option<&'static str> {
    let names = names().map(|known| (strsim::osa_distance(name, known), known));
    let (distance, name) = names.min()?;
    (distance <= name.len() / 2).then_some(name)
}
