//! The workspaces of a project: the folders that its `workspaces` patterns name, as npm finds them
//! (`@npmcli/map-workspaces`).

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::error::WorkspaceError;
use super::folder;
use crate::manifest::Pairs;
use crate::place::collate;

/// How many patterns one with braces may stand for.
const MAX_PATTERNS: usize = 1000;
/// How deep `**` looks.
const MAX_DEPTH: usize = 32;

/// Names and folders, relative to the project, in npm's order: by pattern, then by path.
pub(super) fn find(project: &Path, patterns: &[Arc<str>]) -> Result<Pairs, WorkspaceError> {
    let (wanted, unwanted) = sorted_out(patterns)?;
    let unwanted: Vec<Pattern> = read_all(&unwanted)?;
    let wanted: Vec<Pattern> = read_all(&wanted)?;
    let mut found = BTreeSet::new();
    for pattern in &wanted {
        walk(
            project,
            String::new(),
            &pattern.parts,
            &unwanted,
            0,
            &mut found,
        );
    }
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort_by_cached_key(|path| collate::key(path));
    let mut workspaces = Pairs::new();
    let mut names: HashMap<Arc<str>, Arc<str>> = HashMap::new();
    for path in wanted
        .iter()
        .flat_map(|pattern| found.iter().filter(|path| pattern.leads_to(path)))
    {
        let Some(package) = folder::package_json(project, path)? else {
            continue;
        };
        let name = match &package.manifest.name {
            Some(name) if !name.is_empty() => Arc::clone(name),
            _ => folder_name(path).into(),
        };
        let path: Arc<str> = path.as_str().into();
        match names.get(&name) {
            Some(known) if *known == path => {}
            Some(known) => {
                return Err(WorkspaceError::SameName {
                    name: name.to_string(),
                    first: known.to_string(),
                    second: path.to_string(),
                });
            }
            None => {
                names.insert(Arc::clone(&name), Arc::clone(&path));
                workspaces.push((name, path));
            }
        }
    }
    Ok(workspaces)
}

/// The patterns for folders that are workspaces and for those that are not. A pattern after a `!`
/// takes back what the `!` excluded, if that covers the pattern.
fn sorted_out(patterns: &[Arc<str>]) -> Result<(Vec<String>, Vec<String>), WorkspaceError> {
    let (mut wanted, mut unwanted) = (Vec::<String>::new(), Vec::<String>::new());
    for text in patterns {
        let plain = text.trim_start_matches('!');
        let is_negated = (text.len() - plain.len()) % 2 == 1;
        let plain = plain.replace('\\', "/");
        let plain = match plain.strip_prefix('.') {
            Some(rest) if rest.starts_with('/') => rest,
            _ => plain.as_str(),
        };
        let plain = plain
            .trim_start_matches('/')
            .trim_end_matches('/')
            .to_owned();
        if is_negated {
            unwanted.push(plain);
            continue;
        }
        let mut kept = Vec::new();
        for negated in unwanted {
            if !covers(&negated, &plain)? {
                kept.push(negated);
            }
        }
        unwanted = kept;
        wanted.push(plain);
    }
    for negated in &unwanted {
        let mut kept = Vec::new();
        for pattern in wanted {
            if !covers(negated, &pattern)? {
                kept.push(pattern);
            }
        }
        wanted = kept;
    }
    Ok((wanted, unwanted))
}

/// Whether a pattern matches another one, taken as a path.
fn covers(pattern: &str, path: &str) -> Result<bool, WorkspaceError> {
    let patterns = read_all(std::slice::from_ref(&pattern.to_owned()))?;
    Ok(patterns.iter().any(|pattern| pattern.matches(path)))
}

/// A pattern without braces, part by part.
struct Pattern {
    parts: Vec<Part>,
}

enum Part {
    /// Any number of folders.
    Any,
    /// A name as it is.
    Name(String),
    /// A name by pattern; those with a period in front only if the pattern has one.
    Glob(GlobMatcher, bool),
}

impl Part {
    fn admits(&self, name: &str) -> bool {
        match self {
            Part::Any => !name.starts_with('.'),
            Part::Name(own) => own == name,
            Part::Glob(glob, hidden) => (*hidden || !name.starts_with('.')) && glob.is_match(name),
        }
    }
}

impl Pattern {
    fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        matches(&self.parts, &names, false)
    }

    /// Whether a path matches, or is on the way to one that does: npm orders by this.
    fn leads_to(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        matches(&self.parts, &names, true)
    }
}

fn matches(parts: &[Part], names: &[&str], partial: bool) -> bool {
    match (parts, names) {
        ([], []) => true,
        (_, []) => partial || parts.iter().all(|part| matches!(part, Part::Any)),
        ([], _) => false,
        ([Part::Any, rest @ ..], [name, more @ ..]) => {
            matches(rest, names, partial)
                || (Part::Any.admits(name) && matches(parts, more, partial))
        }
        ([part, rest @ ..], [name, more @ ..]) => part.admits(name) && matches(rest, more, partial),
    }
}

fn read_all(patterns: &[String]) -> Result<Vec<Pattern>, WorkspaceError> {
    let mut read = Vec::new();
    for text in patterns {
        let fault = |cause: String| WorkspaceError::Pattern {
            pattern: text.clone(),
            cause,
        };
        let mut plain = Vec::new();
        expand(text, &mut plain).map_err(fault)?;
        for text in plain {
            let parts = text
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".");
            let parts = parts.map(part).collect::<Result<Vec<Part>, String>>();
            read.push(Pattern {
                parts: parts.map_err(fault)?,
            });
        }
    }
    Ok(read)
}

fn part(text: &str) -> Result<Part, String> {
    if text == "**" {
        return Ok(Part::Any);
    }
    if !text.contains(['*', '?', '[', ']']) {
        return Ok(Part::Name(text.to_owned()));
    }
    let mut builder = GlobBuilder::new(text);
    builder.literal_separator(true).backslash_escape(false);
    let glob = builder.build().map_err(|error| error.kind().to_string())?;
    Ok(Part::Glob(glob.compile_matcher(), text.starts_with('.')))
}

/// Writes out the first braces of a pattern, and then the rest: `{a,b/c}/*` is `a/*` and `b/c/*`.
fn expand(text: &str, out: &mut Vec<String>) -> Result<(), String> {
    let mut open = None;
    let (mut depth, mut commas) = (0_usize, Vec::new());
    for (at, letter) in text.char_indices() {
        match (letter, open) {
            ('{', None) => open = Some(at),
            ('{', Some(_)) => depth += 1,
            (',', Some(_)) if depth == 0 => commas.push(at),
            ('}', Some(_)) if depth > 0 => depth -= 1,
            ('}', Some(start)) if !commas.is_empty() => {
                let (before, after) = (&text[..start], &text[at + 1..]);
                let mut from = start + 1;
                for end in commas.into_iter().chain([at]) {
                    expand(&format!("{before}{}{after}", &text[from..end]), out)?;
                    from = end + 1;
                }
                return Ok(());
            }
            ('}', Some(_)) => open = None,
            _ => {}
        }
    }
    if out.len() == MAX_PATTERNS {
        return Err(format!("it stands for more than {MAX_PATTERNS}"));
    }
    out.push(text.to_owned());
    Ok(())
}

/// Collects the folders below `path` that a pattern's parts name.
fn walk(
    project: &Path,
    path: String,
    parts: &[Part],
    unwanted: &[Pattern],
    depth: usize,
    found: &mut BTreeSet<String>,
) {
    if path.split('/').any(|name| name == "node_modules")
        || unwanted.iter().any(|pattern| pattern.matches(&path))
    {
        return;
    }
    let below = |name: &str| match path.as_str() {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    };
    let Some((part, rest)) = parts.split_first() else {
        if !path.is_empty() && project.join(&path).is_dir() {
            found.insert(path);
        }
        return;
    };
    match part {
        Part::Name(name) => walk(project, below(name), rest, unwanted, depth, found),
        Part::Glob(..) => {
            for name in folders(&project.join(&path), true) {
                if part.admits(&name) {
                    walk(project, below(&name), rest, unwanted, depth, found);
                }
            }
        }
        Part::Any => {
            walk(project, path.clone(), rest, unwanted, depth, found);
            if depth < MAX_DEPTH {
                for name in folders(&project.join(&path), false) {
                    if part.admits(&name) {
                        walk(project, below(&name), parts, unwanted, depth + 1, found);
                    }
                }
            }
        }
    }
}

/// The names of the folders in a folder, links to folders among them if asked for. What cannot be
/// read holds none.
fn folders(folder: &Path, links: bool) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| match entry.file_type() {
            Ok(kind) if kind.is_symlink() => links && entry.path().is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        })
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The name of a package that has none: its folder's, with the folder above if that is a scope.
fn folder_name(path: &str) -> &str {
    let base = path.rfind('/').map_or(0, |at| at + 1);
    let above = path[..base].trim_end_matches('/');
    let scope = above.rfind('/').map_or(0, |at| at + 1);
    if above[scope..].starts_with('@') {
        &path[scope..]
    } else {
        &path[base..]
    }
}
