//! [`evidence`]: the candidates among one package's files, and what its code says about them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;

use layerpress_pack::{read_all, reader};
use layerpress_tree::{Content, LayerPath, LayerTree};
use rayon::prelude::*;
use rkyv::rancor;
use rkyv::util::AlignedVec;

use super::quoted::Endings;
use super::{Ecosystem, Kind, builds, bytecode, code, copies, node, python, types};
use crate::Binary;

/// Part of what is kept: evidence of another shape, or gathered by other rules, is not read.
const FORMAT: u32 = 8;

/// What is known of one package's files before the layer is known.
///
/// Small beside the package: its candidates, and what its code names that could be another one's.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Evidence {
    /// By the raw bytes of their paths.
    pub(super) candidates: Vec<Candidate>,
    pub(super) groups: Vec<Group>,
    /// What code that stays names among modules that may be set aside, in this package or another.
    pub(super) reaches: Vec<Reach>,
    /// Files of machine code, and what they are.
    binaries: Vec<(String, u32)>,
    /// A file that asks which distribution brought a module, which RECORD tells.
    pub(super) asks_records: Option<String>,
}

/// A file that a rule may take.
#[derive(Debug, Clone, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Candidate {
    /// Relative to where the package's modules lie.
    pub(super) path: String,
    pub(super) kind: Kind,
    /// Which of the groups it goes or stays with.
    pub(super) group: Option<u32>,
    /// Why it stays, whatever the layer holds.
    pub(super) kept: Option<String>,
}

/// Files that go together: a folder of tests, or a test that is a file alone. Of a folder of Python's tests
/// each module is a group, too: one that other code imports can stay without all the others.
#[derive(Debug, Clone, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Group {
    /// The name by which others import it: `numpy.tests`, or `/lib/test`, which stands for the package's
    /// name and that.
    pub(super) key: String,
    /// The group that it is a module of: it stays if that does.
    pub(super) within: Option<u32>,
    pub(super) kept: Option<String>,
    /// What its own code names: counts if it stays.
    pub(super) reaches: Vec<Reach>,
}

/// Something that a file names.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub(super) struct Reach {
    /// In the form of [`Group::key`].
    pub(super) to: String,
    /// The file.
    pub(super) from: String,
}

/// What sort of file a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorted<'a> {
    /// It stays, whatever anybody says.
    Never,
    /// A candidate by itself.
    Candidate(Kind),
    /// A candidate that goes with others: those of a folder, or alone if that is the path itself.
    Member { kind: Kind, folder: &'a str },
    /// Code, or text that names files.
    Code,
    /// Anything else.
    Other,
}

/// A file of code: where it lies, and which group it is in.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) group: Option<usize>,
    content: &'a Content,
}

/// Nobody writes code files of this size; data that looks like code may be as large.
const MOST_BYTES: u64 = 64 << 20;

/// Looks at the files of one package in `tree`, whose modules lie in the folder `root` (nothing for the
/// tree's own); what lies elsewhere is passed over.
#[must_use]
pub fn evidence(ecosystem: Ecosystem, tree: &LayerTree, root: &str) -> Evidence {
    let files: Vec<(&str, &Content)> = tree
        .iter()
        .filter_map(|(path, entry)| Some((below(path, root)?, &entry.content)))
        .collect();
    let is_top_code = |but: &str| {
        let top = |path: &str| path.split('/').next().unwrap_or(path).to_owned();
        let but = top(but);
        files.iter().any(|(path, _)| {
            path.ends_with(".py") && {
                let top = top(path);
                top != but && !python::is_set_aside(&top)
            }
        })
    };
    let manifest = package_json(&files).filter(|_| ecosystem == Ecosystem::Node);
    let paths = files.iter().map(|(path, _)| *path);
    let build = manifest
        .as_ref()
        .and_then(|text| builds::bundler_build(text, paths));
    let mut found = Evidence::default();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut modules: Vec<(&str, usize)> = Vec::new();
    let mut sources = Vec::new();
    let mut unknown = Vec::new();
    let mut compiled = Vec::new();
    for &(path, content) in &files {
        let sorted = match ecosystem {
            Ecosystem::Python => python::sort(path, is_top_code),
            Ecosystem::Node => match node::sort_nested(path) {
                Sorted::Code if is_below(path, build) => Sorted::Member {
                    kind: Kind::BundlerBuilds,
                    folder: &path[..build.map_or(0, str::len)],
                },
                sorted => sorted,
            },
        };
        let mut group = None;
        match sorted {
            Sorted::Other => unknown.push((path, content)),
            Sorted::Never | Sorted::Code => {}
            Sorted::Candidate(Kind::StaleBytecode)
                if !bytecode::is_stale(path, content, tree, root) =>
            {
                if bytecode::is_alone(path, tree, root) {
                    compiled.push((path, content));
                }
            }
            // A model in space, or of a circuit, may end in the same.
            Sorted::Candidate(Kind::LinkLibraries) if !is_for_linkers(content) => {
                unknown.push((path, content));
            }
            Sorted::Candidate(kind) => found.candidates.push(Candidate {
                path: path.to_owned(),
                kind,
                group: None,
                kept: None,
            }),
            Sorted::Member { kind, folder } => {
                let known = groups.len();
                let index = *groups.entry(folder).or_insert(known);
                group = Some(index);
                if folder != path && ecosystem == Ecosystem::Python && path.ends_with(".py") {
                    modules.push((path, index));
                }
                found.candidates.push(Candidate {
                    path: path.to_owned(),
                    kind,
                    group: u32::try_from(index).ok(),
                    kept: None,
                });
            }
        }
        let is_code = sorted == Sorted::Code || group.is_some() && code::is_code(path, ecosystem);
        if is_code && content.size <= MOST_BYTES {
            sources.push(Source {
                path,
                group,
                content,
            });
        }
    }
    let mut folders = vec![""; groups.len()];
    for (folder, index) in groups {
        folders[index] = folder;
    }
    found.groups = folders
        .iter()
        .map(|folder| Group {
            key: key(ecosystem, folder),
            within: None,
            kept: None,
            reaches: Vec::new(),
        })
        .collect();
    if let (Some(text), true) = (&manifest, sources.is_empty()) {
        types::group(&mut found, text);
    }
    add_modules(&mut found, &mut sources, &folders, &modules);
    found.binaries = binaries(ecosystem, &unknown);
    if ecosystem == Ecosystem::Python {
        found.candidates.extend(copies::copies(&unknown));
        found.candidates.sort_by(|a, b| a.path.cmp(&b.path));
    }
    keep_beside_programs(&mut found, &programs(&unknown));
    let manifests = match ecosystem {
        Ecosystem::Python => Vec::new(),
        Ecosystem::Node => entry_points(&files),
    };
    said(ecosystem, &mut found, &folders, &sources, &manifests);
    bytecode::keep_beside(&mut found, ecosystem, &compiled);
    found
}

/// Makes each of `modules` (a path, and the group of its folder) a group of its own, behind those of `folders`.
fn add_modules(
    found: &mut Evidence,
    sources: &mut [Source<'_>],
    folders: &[&str],
    modules: &[(&str, usize)],
) {
    let first = found.groups.len();
    let indices = (first..).zip(modules);
    let own: BTreeMap<&str, usize> = indices.map(|(index, (path, _))| (*path, index)).collect();
    for &(path, folder) in modules {
        // Nobody imports a module but through the packages that it lies in, as far as those are files.
        let packages = path.match_indices('/').map(|(end, _)| &path[..end]);
        let inits = packages
            .filter(|it| it.len() >= folders[folder].len())
            .map(|package| format!("{package}/__init__.py"))
            .filter(|it| own.contains_key(it.as_str()));
        let reaches = inits.map(|init| Reach {
            to: key(Ecosystem::Python, &init),
            from: path.to_owned(),
        });
        found.groups.push(Group {
            key: key(Ecosystem::Python, path),
            within: u32::try_from(folder).ok(),
            kept: None,
            reaches: reaches.collect(),
        });
    }
    for candidate in &mut found.candidates {
        if let Some(&index) = own.get(candidate.path.as_str()) {
            candidate.group = u32::try_from(index).ok();
        }
    }
    for source in sources {
        source.group = own.get(source.path).copied().or(source.group);
    }
}

/// Lets what the sources say decide what stays.
fn said(
    ecosystem: Ecosystem,
    found: &mut Evidence,
    folders: &[&str],
    sources: &[Source<'_>],
    manifests: &[(String, String)],
) {
    // A test is imported, not opened; beside it lie files that are opened.
    let names: HashSet<String> = found
        .candidates
        .iter()
        .filter(|it| it.group.is_none() || !code::is_code(&it.path, ecosystem))
        .map(|it| last_word(&it.path).to_owned())
        .collect();
    let looks: Vec<code::Look> = sources
        .par_iter()
        .map(|source| match read_all(source.content) {
            Ok(bytes) => code::look(ecosystem, source, &bytes, &names, folders),
            Err(_) => code::Look::default(),
        })
        .collect();
    // What bundlers look for stays with most profiles: it speaks like any code, but for itself.
    let builds: BTreeSet<u32> = found
        .candidates
        .iter()
        .filter(|it| it.kind == Kind::BundlerBuilds)
        .filter_map(|it| it.group)
        .collect();
    let is_build = |group: usize| u32::try_from(group).is_ok_and(|it| builds.contains(&it));
    let modules = found.groups.iter().filter(|it| it.within.is_some());
    let modules: HashSet<String> = modules.map(|it| it.key.clone()).collect();
    let mut named: BTreeMap<&str, &str> = BTreeMap::new();
    let mut endings = Endings::default();
    let mut stubs: BTreeSet<String> = BTreeSet::new();
    let mut loader = None;
    for (source, look) in sources.iter().zip(&looks) {
        let Some(group) = source.group.filter(|it| !is_build(*it)) else {
            for name in &look.names {
                named.entry(name).or_insert(source.path);
            }
            for ending in &look.endings {
                endings.note(ending, &code::known(ecosystem), source.path);
            }
            for &group in &look.groups {
                let reason = || format!("`{}` reaches it", source.path);
                found.groups[group].kept.get_or_insert_with(reason);
            }
            if look.loads_libraries {
                loader.get_or_insert(source.path);
            }
            if look.asks_records {
                found.asks_records.get_or_insert(source.path.to_owned());
            }
            if look.attaches_stub {
                stubs.insert(format!("{}i", source.path));
            }
            let reaches = look.reaches.iter().cloned();
            found.reaches.extend(reaches.map(|to| Reach {
                to,
                from: source.path.to_owned(),
            }));
            continue;
        };
        let from = source.path.to_owned();
        // Among its neighbours a test may name what its package defines: that one is there with it.
        let folder = found.groups[group].within.map(|it| it as usize);
        let folder = folder.map(|it| found.groups[it].key.clone());
        let is_a_neighbours = |to: &String| {
            folder.as_ref().is_some_and(|folder| {
                to != folder && is_at(to, folder, '.') && !leads_to(to, folder, '.', &modules)
            })
        };
        let inner = look.groups.iter().map(|&to| found.groups[to].key.clone());
        let all: Vec<Reach> = inner
            .chain(look.reaches.iter().cloned())
            .filter(|to| !is_a_neighbours(to))
            .map(|to| Reach {
                to,
                from: from.clone(),
            })
            .collect();
        let group = &mut found.groups[group];
        group.reaches.extend(all);
        // Which files it opens, and which modules it looks for, is not known.
        if let Some(to) = folder.filter(|_| look.is_dynamic) {
            group.reaches.push(Reach { to, from });
        }
    }
    one_each(&mut found.reaches);
    for group in &mut found.groups {
        one_each(&mut group.reaches);
    }
    for (index, (group, folder)) in found.groups.iter_mut().zip(folders).enumerate() {
        // What points to a build for bundlers was looked at when it was found.
        let pointed = manifests
            .iter()
            .find(|(_, target)| !is_build(index) && is_at(target, folder, '/'));
        if let Some((manifest, _)) = pointed {
            group.kept = Some(format!("`{manifest}` points to it"));
        }
    }
    let has_typescript = manifests
        .iter()
        .find(|(_, target)| node::is_typescript(target));
    for candidate in &mut found.candidates {
        let path = candidate.path.as_str();
        let by_manifest = || {
            let manifest = match candidate.kind {
                Kind::TypeScript => has_typescript,
                _ => manifests.iter().find(|(_, target)| target == path),
            };
            manifest.map(|(manifest, _)| format!("`{manifest}` points to it"))
        };
        let by_name = || {
            let by = named.get(last_word(path))?;
            Some(format!("`{by}` names it"))
        };
        let by_ending = || {
            let ending = code::ending_of(path, &code::known(ecosystem))?;
            let by = endings.said(ending, |by| code::is_near(ecosystem, by, path, ending))?;
            Some(format!("`{by}` lists files that end in `{ending}`"))
        };
        let by_stub = || {
            stubs
                .contains(path)
                .then(|| format!("`{}` attaches it", path.trim_end_matches('i')))
        };
        let by_loader = || {
            let by = loader.filter(|_| candidate.kind == Kind::LibraryCopies)?;
            Some(format!("`{by}` loads libraries by names of its own"))
        };
        if !code::is_open_to_evidence(candidate, ecosystem) || candidate.kept.is_some() {
            continue;
        }
        candidate.kept = match candidate.group {
            None => by_manifest()
                .or_else(by_name)
                .or_else(by_ending)
                .or_else(by_stub)
                .or_else(by_loader),
            Some(_) if candidate.kind == Kind::TypeStubs => by_manifest(),
            Some(_) => by_name(),
        };
    }
}

impl Evidence {
    /// Which of the package's files are machine code, by path relative to where its modules lie. An ELF
    /// file's C library is not looked for.
    pub fn binaries(&self) -> impl Iterator<Item = (&str, Binary)> {
        let binaries = self.binaries.iter();
        binaries.filter_map(|(path, code)| Some((path.as_str(), Binary::from_code(*code)?)))
    }

    /// The evidence as bytes to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = FORMAT.to_le_bytes().to_vec();
        // Only what is larger than memory cannot be written; empty bytes are no evidence.
        bytes.extend_from_slice(&rkyv::to_bytes::<rancor::Error>(self).unwrap_or_default());
        bytes
    }

    /// The evidence that was kept as `bytes`, if it is some, and of today's shape.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&FORMAT.to_le_bytes())?;
        let mut aligned = AlignedVec::<16>::new();
        aligned.extend_from_slice(bytes);
        rkyv::from_bytes::<Self, rancor::Error>(&aligned).ok()
    }
}

/// A path as seen from the folder `root`.
fn below<'a>(path: &'a LayerPath, root: &str) -> Option<&'a str> {
    match root {
        "" => Some(path.as_str()),
        root => path.strip_prefix(root),
    }
}

/// The name under which other code reaches a folder, or a file alone.
fn key(ecosystem: Ecosystem, folder: &str) -> String {
    match ecosystem {
        Ecosystem::Python => folder.trim_end_matches(".py").replace('/', "."),
        Ecosystem::Node => match folder.rsplit_once("node_modules/") {
            Some((_, nested)) => nested.to_owned(),
            None => format!("/{folder}"),
        },
    }
}

/// Whether a name leads to a group: to itself, or to what lies below it.
pub(super) fn is_at(name: &str, group: &str, separator: char) -> bool {
    let rest = name.strip_prefix(group);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

/// Whether a name that lies below `group` leads to one of `modules`: is one, or lies below it.
pub(super) fn leads_to(
    name: &str,
    group: &str,
    separator: char,
    modules: &HashSet<String>,
) -> bool {
    let below = name[group.len()..].match_indices(separator);
    let mut ends = below.map(|(at, _)| group.len() + at).chain([name.len()]);
    ends.any(|end| modules.contains(&name[..end]))
}

/// The part of a path that code writes right before a quote.
pub(super) fn last_word(path: &str) -> &str {
    path.rsplit(['/', ' ', ',', ';', '=', '('])
        .next()
        .unwrap_or(path)
}

/// Each name once, with the first file that says it.
fn one_each(reaches: &mut Vec<Reach>) {
    reaches.sort();
    reaches.dedup_by(|later, first| later.to == first.to);
}

/// Whether a file is an archive of objects, libtool's note on one, or an object by itself: COFF for the three
/// processors that Windows runs on, or ELF (`e_type` 1, at byte 16) but for programs that the kernel loads
/// (`e_machine` 247, at byte 18).
fn is_for_linkers(content: &Content) -> bool {
    match head(content).as_slice() {
        head if head.starts_with(b"!<arch>\n") || head.starts_with(b"!<thin>\n") => true,
        head if head.starts_with(b"# ") => head.windows(7).any(|it| it == b"libtool"),
        head if head.starts_with(b"\x7fELF") => {
            head.get(16) == Some(&1) && head.get(18) != Some(&247)
        }
        [0x64, 0x86, ..] | [0x4c, 0x01, ..] | [0x64, 0xaa, ..] => true,
        _ => false,
    }
}

/// What machine code there is among a distribution's files. (The files of npm packages are looked at when
/// they are pressed.)
fn binaries(ecosystem: Ecosystem, files: &[(&str, &Content)]) -> Vec<(String, u32)> {
    if ecosystem == Ecosystem::Node {
        return Vec::new();
    }
    let found = files.par_iter().filter_map(|(path, content)| {
        let head = head(content);
        let binary = match Binary::of(&head) {
            Some(binary @ Binary::Elf { .. }) => Some(binary),
            found => {
                let is_told_by_more = found.is_some() || head.starts_with(b"MZ");
                let bytes = is_told_by_more.then(|| read_all(content).ok()).flatten();
                bytes.and_then(|bytes| Binary::of(&bytes))
            }
        };
        Some(((*path).to_owned(), binary?.code()))
    });
    found.collect()
}

/// The programs among a package's files: machine code that nobody loads as a library.
fn programs<'a>(files: &[(&'a str, &Content)]) -> Vec<&'a str> {
    let nameless = |path: &str| !last_word(path).contains('.');
    let files = files.par_iter().filter(|(path, _)| nameless(path));
    let programs = files.filter(|(_, content)| head(content).starts_with(b"\x7fELF"));
    programs.map(|(path, _)| *path).collect()
}

/// Keeps what a program may open that lies beside it: a compiler's own declarations and headers. What it says
/// itself cannot be read. (TypeScript 7 is such a program.)
fn keep_beside_programs(found: &mut Evidence, programs: &[&str]) {
    for candidate in &mut found.candidates {
        if !matches!(
            candidate.kind,
            Kind::TypeStubs | Kind::TypeScript | Kind::NativeSources | Kind::LinkLibraries
        ) {
            continue;
        }
        let beside = programs.iter().find(|program| {
            let folder = program.rsplit_once('/').map_or("", |(folder, _)| folder);
            let folder = match folder {
                "bin" => "",
                folder => folder.strip_suffix("/bin").unwrap_or(folder),
            };
            folder.is_empty() || is_at(&candidate.path, folder, '/')
        });
        candidate.kept = beside.map(|program| format!("the program `{program}` may open it"));
    }
}

/// The first bytes of a file, as far as they can be read: an ELF header, or what tells that it is none.
pub(super) fn head(content: &Content) -> Vec<u8> {
    let mut head = Vec::new();
    // What cannot be inflated is found by whoever needs it.
    let _unread = reader(content).take(64).read_to_end(&mut head);
    head
}

/// The package's own package.json.
fn package_json(files: &[(&str, &Content)]) -> Option<Vec<u8>> {
    let (_, content) = files.iter().find(|(path, _)| *path == "package.json")?;
    (content.size <= MOST_BYTES).then(|| read_all(content).ok())?
}

/// Whether a path lies below a folder.
fn is_below(path: &str, folder: Option<&str>) -> bool {
    folder.is_some_and(|folder| path != folder && is_at(path, folder, '/'))
}

/// What each package.json of a tree points to: itself, and a path that it names.
fn entry_points(files: &[(&str, &Content)]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, content) in files {
        let Some(folder) = path.strip_suffix("package.json") else {
            continue;
        };
        if !(folder.is_empty() || folder.ends_with('/')) || content.size > MOST_BYTES {
            continue;
        }
        let text = read_all(content).unwrap_or_default();
        for target in node::entry_points(&text) {
            // What stands before a `*` is all that is sure of a pattern.
            let target = target.split('*').next().unwrap_or(&target);
            if !target.is_empty() {
                found.push(((*path).to_owned(), format!("{folder}{target}")));
            }
        }
    }
    found
}
