//! A world of packages in memory, and requests to it in a line each.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, PackageName, VersionOrUrl};

use crate::manifest::Source;
use crate::resolve::{
    Budget, FaultKind, FileRules, Fixed, Listing, MetadataFault, Missing, Need, PassedOver, Pick,
    Prereleases, ProvideError, Provider, Release, Request, Resolution, ResolveError, Shelf,
    Strategy, Unusable, Wanted, resolve,
};
use crate::{Dependency, Metadata};

/// Packages and their releases.
#[derive(Debug, Clone, Default)]
pub(super) struct Universe {
    packages: BTreeMap<PackageName, Vec<Arc<Entry>>>,
    fixed: BTreeMap<String, Arc<Entry>>,
    /// What an index has that is not asked.
    elsewhere: BTreeMap<PackageName, Vec<Arc<Entry>>>,
    /// Whether every answer has to be waited for.
    pub(super) cold: bool,
    asked: Arc<AtomicUsize>,
}

/// One release.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    version: Version,
    requires_python: Option<Arc<VersionSpecifiers>>,
    yanked: Option<String>,
    unusable: Option<Unusable>,
    source_only: bool,
    metadata: Arc<Metadata>,
}

#[derive(Debug)]
struct Versions {
    versions: Vec<Version>,
    entries: Vec<Arc<Entry>>,
}

/// What is special about a release: a word, or a word and a value.
#[derive(Debug, Clone)]
pub(super) enum With {
    Python(&'static str),
    Yanked(&'static str),
    NoWheel(&'static [&'static str]),
    NoBuild,
    SourceOnly,
}

impl Universe {
    /// Adds releases, a line each: `flask 1.0: werkzeug>=1, click; extra == "cli"`, with `|`
    /// between requirements.
    pub(super) fn of(lines: &str) -> Self {
        let mut universe = Self::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            universe.add(line, &[]);
        }
        universe
    }

    pub(super) fn with(mut self, line: &str, special: &[With]) -> Self {
        self.add(line, special);
        self
    }

    pub(super) fn with_fixed(mut self, place: &str, line: &str) -> Self {
        let (_, entry) = entry(line, &[]);
        self.fixed.insert(place.to_owned(), Arc::new(entry));
        self
    }

    pub(super) fn with_elsewhere(mut self, line: &str) -> Self {
        let (name, entry) = entry(line, &[]);
        self.elsewhere
            .entry(name)
            .or_default()
            .push(Arc::new(entry));
        self
    }

    pub(super) fn cold(mut self) -> Self {
        self.cold = true;
        self.asked = Arc::default();
        self
    }

    /// How often something had to be waited for.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn add(&mut self, line: &str, special: &[With]) {
        let (name, entry) = entry(line, special);
        let entries = self.packages.entry(name).or_default();
        entries.push(Arc::new(entry));
        entries.sort_by(|a, b| a.version.cmp(&b.version));
    }

    fn listing(&self, name: &PackageName) -> Listing<Arc<Entry>> {
        match self.packages.get(name) {
            Some(entries) => listing(entries),
            None => Listing::Missing(Missing::Unknown),
        }
    }

    /// Every package with its versions and what each requires.
    pub(super) fn releases(&self, name: &PackageName) -> Vec<(Version, Arc<Metadata>)> {
        let entries = self.packages.get(name).into_iter().flatten();
        entries
            .map(|entry| (entry.version.clone(), Arc::clone(&entry.metadata)))
            .collect()
    }

    pub(super) fn run(&self, request: Request) -> Result<Resolution<Arc<Entry>>, ResolveError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(resolve(request, Arc::new(self.clone())))
    }

    /// The versions chosen, as `a==1 b==2`, or the explanation with its hints.
    pub(super) fn answer(&self, request: Request) -> String {
        match self.run(request) {
            Ok(resolution) => {
                let chosen = resolution.packages.iter();
                let chosen: Vec<String> = chosen
                    .map(|package| format!("{}=={}", package.name, package.version))
                    .collect();
                chosen.join(" ")
            }
            Err(error) => {
                let hints = error.hint().map(|hint| format!("\nhint: {hint}"));
                format!("{error}{}", hints.unwrap_or_default())
            }
        }
    }

    pub(super) fn choose(&self, lines: &[&str]) -> String {
        self.answer(request(lines))
    }
}

fn listing(entries: &[Arc<Entry>]) -> Listing<Arc<Entry>> {
    Listing::Found(vec![Arc::new(Versions {
        versions: entries.iter().map(|entry| entry.version.clone()).collect(),
        entries: entries.to_vec(),
    })])
}

fn address(index: &str) -> String {
    format!("https://{index}.example/simple")
}

fn entry(line: &str, special: &[With]) -> (PackageName, Entry) {
    let (head, requires) = line.split_once(':').unwrap_or((line, ""));
    let (name, version) = head.trim().split_once(' ').unwrap();
    let mut text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let requirements = requires.split('|').map(str::trim);
    for requirement in requirements.filter(|requirement| !requirement.is_empty()) {
        text.push_str(&format!("Requires-Dist: {requirement}\n"));
        for part in requirement.split("extra == '").skip(1) {
            let extra = part.split('\'').next().unwrap();
            text.push_str(&format!("Provides-Extra: {extra}\n"));
        }
    }
    let metadata = Metadata::parse(text.as_bytes()).unwrap();
    let mut entry = Entry {
        version: metadata.version.clone(),
        requires_python: None,
        yanked: None,
        unusable: None,
        source_only: false,
        metadata: Arc::new(metadata),
    };
    for special in special {
        match special {
            With::Python(python) => {
                let specifiers = VersionSpecifiers::from_str(python).unwrap();
                entry.requires_python = Some(Arc::new(specifiers));
            }
            With::Yanked(reason) => entry.yanked = Some((*reason).to_owned()),
            With::NoWheel(platforms) => {
                entry.unusable = Some(Unusable::NoWheel {
                    platforms: platforms.iter().map(ToString::to_string).collect(),
                    pythons: vec!["cp313".to_owned()],
                });
            }
            With::NoBuild => entry.unusable = Some(Unusable::NoBuild),
            With::SourceOnly => entry.source_only = true,
        }
    }
    (PackageName::from_str(name).unwrap(), entry)
}

/// A request whose requirements stand in `requirements.txt`, from line 1 on.
pub(super) fn request(lines: &[&str]) -> Request {
    Request {
        requirements: wanted("requirements.txt", lines),
        constraints: Vec::new(),
        overrides: Vec::new(),
        preferences: Vec::new(),
        environment: environment("3.12.9"),
        target: "python3.12 x86_64".to_owned(),
        strategy: Strategy::Highest,
        prereleases: Prereleases::IfNecessary,
        prefer_binary: false,
        require_hashes: false,
        budget: Budget::default(),
    }
}

pub(super) fn wanted(file: &str, lines: &[&str]) -> Vec<Wanted> {
    let one = |(at, line): (usize, &&str)| {
        let place = format!("{file}:{}", at + 1);
        if line.starts_with("./") {
            return Wanted {
                name: None,
                extras: Vec::new(),
                marker: pep508_rs::MarkerTree::TRUE,
                need: Need::Fixed(Source::File(line.into())),
                hashes: Vec::new(),
                config_settings: Vec::new(),
                place,
                text: (*line).to_owned(),
            };
        }
        let requirement = Dependency::from_str(line).unwrap();
        let need = match requirement.version_or_url {
            None => Need::Versions(VersionSpecifiers::empty()),
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => Need::Versions(specifiers),
            Some(VersionOrUrl::Url(url)) => Need::Fixed(Source::Url {
                url,
                subdirectory: None,
            }),
        };
        Wanted {
            name: Some(requirement.name),
            extras: requirement.extras,
            marker: requirement.marker,
            need,
            hashes: Vec::new(),
            config_settings: Vec::new(),
            place,
            text: (*line).to_owned(),
        }
    };
    lines.iter().enumerate().map(one).collect()
}

pub(in crate::resolve) fn environment(python: &str) -> MarkerEnvironment {
    let short: Vec<&str> = python.split('.').take(2).collect();
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: python,
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version: python,
        python_version: &short.join("."),
        sys_platform: "linux",
    })
    .unwrap()
}

impl Shelf<Arc<Entry>> for Versions {
    fn versions(&self) -> &[Version] {
        &self.versions
    }

    fn release(&self, position: usize, rules: &FileRules) -> Release<Arc<Entry>> {
        let entry = &self.entries[position];
        if let Some(unusable) = &entry.unusable {
            return Release::Unusable(unusable.clone());
        }
        if let Some(reason) = &entry.yanked
            && !rules.allow_yanked
        {
            let reason = reason.clone();
            return Release::Unusable(Unusable::Yanked { reason });
        }
        Release::Usable(Pick {
            file: Arc::clone(entry),
            wheel: !entry.source_only,
            built: entry.source_only,
            requires_python: entry.requires_python.clone(),
            yanked: entry.yanked.clone(),
        })
    }
}

impl Provider for Universe {
    type File = Arc<Entry>;

    fn releases_now(&self, name: &PackageName) -> Option<Listing<Self::File>> {
        (!self.cold).then(|| self.listing(name))
    }

    async fn releases(&self, name: &PackageName) -> Result<Listing<Self::File>, ProvideError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if name.as_ref() == "silent" {
            std::future::pending::<()>().await;
        }
        if name.as_ref() == "broken" {
            return Err(ProvideError {
                kind: FaultKind::Network,
                hint: Some("try again".to_owned()),
                source: Arc::new(std::io::Error::other("index.example answered 503")),
            });
        }
        Ok(self.listing(name))
    }

    fn metadata_now(
        &self,
        _name: &PackageName,
        _version: &Version,
        file: &Self::File,
    ) -> Option<Result<Arc<Metadata>, MetadataFault>> {
        (!self.cold).then(|| Ok(Arc::clone(&file.metadata)))
    }

    async fn metadata(
        &self,
        _name: &PackageName,
        _version: &Version,
        file: &Self::File,
    ) -> Result<Arc<Metadata>, MetadataFault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok(Arc::clone(&file.metadata))
    }

    fn places(&self, _name: &PackageName) -> Vec<String> {
        match self.elsewhere.is_empty() {
            true => Vec::new(),
            false => ["first", "second"].map(address).to_vec(),
        }
    }

    async fn passed_over(&self, name: &PackageName) -> Vec<PassedOver<Self::File>> {
        let Some(entries) = self.elsewhere.get(name) else {
            return Vec::new();
        };
        vec![PassedOver {
            index: address("second"),
            before: address("first"),
            listing: listing(entries),
        }]
    }

    fn without_builds(&self) -> Self {
        self.clone()
    }

    async fn fixed(&self, wanted: &Wanted) -> Result<Fixed<Self::File>, ProvideError> {
        let Need::Fixed(source) = &wanted.need else {
            unreachable!("only asked for what a line names outright");
        };
        let place = source.to_string();
        let entry = self.fixed.get(&place).ok_or_else(|| ProvideError {
            kind: FaultKind::Io,
            hint: None,
            source: Arc::new(std::io::Error::other("no such file")),
        })?;
        Ok(Fixed {
            metadata: Arc::clone(&entry.metadata),
            file: Arc::clone(entry),
            identity: place,
        })
    }
}
