//! From a requirement that cannot be read to what its writer most likely meant.

use pep440_rs::Version;

use super::lines;
use super::mistake::Mistake;
use super::requirement_text::{lex_name, reads_as_named};
use super::shown::{is_invisible, shown};

/// Mistakes that show in a whole line, before it is parted into requirement and options.
pub(crate) fn diagnose_line(line: &str) -> Option<Mistake> {
    if let Some(right) = command(line) {
        return Some(right);
    }
    if let Some(rest) = ["- ", "* ", "• "]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))
    {
        let rest = rest.trim();
        return Some(Mistake::ListItem {
            right: shown(unquoted(rest).unwrap_or(rest)),
        });
    }
    for mark in ["//", ";", "/*", "<!--"] {
        if let Some(rest) = line.strip_prefix(mark)
            && !rest.starts_with('/')
        {
            let rest = rest.trim_end_matches("*/").trim_end_matches("-->");
            return Some(Mistake::CommentMark {
                mark,
                right: shown(&format!("# {}", rest.trim())),
            });
        }
    }
    let mut words = line.split_whitespace();
    let code = match words.next() {
        Some("import") => words.next().is_some(),
        Some("from") => words.nth(1) == Some("import"),
        _ => false,
    };
    if code {
        return Some(Mistake::Code);
    }
    let starts_with_dash = line.starts_with(['–', '—', '−', '‐', '‑']);
    if starts_with_dash {
        return typographic(line);
    }
    // pip takes an option after a tab for part of the requirement.
    let tab = line
        .match_indices('\t')
        .find(|(at, _)| line[at + 1..].starts_with('-'));
    tab.map(|(at, _)| Mistake::Tab {
        right: shown(&format!(
            "{} {}",
            line[..at].trim_end(),
            line[at..].trim_start()
        )),
    })
}

/// What `name…` means that could not be read because of `fault`. `text` includes the marker.
pub(crate) fn diagnose_named(text: &str, fault: Mistake) -> Mistake {
    if let Some(mistake) = typographic(text) {
        return mistake;
    }
    if let Some(hidden) = text.chars().find(|c| is_invisible(*c)) {
        let right: String = text
            .chars()
            .map(|c| if c == '\u{a0}' { ' ' } else { c })
            .filter(|c| !is_invisible(*c))
            .collect();
        return Mistake::Invisible {
            code: u32::from(hidden),
            right: shown(right.trim()),
        };
    }
    if let Some(right) = unquoted(text).filter(|right| reads_as_named(right)) {
        return Mistake::Quoted {
            right: shown(right),
        };
    }
    if let Some(right) = text
        .strip_suffix(',')
        .map(str::trim_end)
        .filter(|right| reads_as_named(right))
    {
        return Mistake::TrailingComma {
            right: shown(right),
        };
    }
    if let Some((right, comment)) = text.split_once('#')
        && reads_as_named(right)
    {
        let right = format!("{}  # {}", right.trim_end(), comment.trim());
        return Mistake::Comment {
            right: shown(right.trim_end()),
        };
    }
    let (head, marker) = text.split_once(';').unwrap_or((text, ""));
    let head = head.trim();
    let with_marker = |head: &str| match marker.trim() {
        "" => shown(head),
        marker => shown(&format!("{head} ; {marker}")),
    };
    if head.starts_with("git+") || head.starts_with("git@") || head.starts_with("github.com/") {
        let right = git_url(head);
        return Mistake::GitUrl {
            right: with_marker(&right),
        };
    }
    let Ok((_, after_name)) = lex_name(head) else {
        return fault;
    };
    let name = &head[..head.len() - after_name.len()];
    diagnose_versions(name, after_name.trim_start(), &with_marker).unwrap_or(fault)
}

/// What stands after a package name and could not be read.
fn diagnose_versions(
    name: &str,
    rest: &str,
    with_marker: &dyn Fn(&str) -> String,
) -> Option<Mistake> {
    // Extras first: `name[a]` before the versions, or after them by mistake.
    let (name, rest) = match rest.find(']') {
        Some(end) if rest.starts_with('[') => {
            let (extras, rest) = rest.split_at(end + 1);
            (format!("{name}{extras}"), rest.trim_start())
        }
        _ => (name.to_owned(), rest),
    };
    let good = |head: &str| reads_as_named(head).then(|| with_marker(head));
    if rest.ends_with(']')
        && let Some(at) = rest.find('[')
        && let Some(right) = good(&format!("{name}{}{}", &rest[at..], rest[..at].trim_end()))
    {
        return Some(Mistake::ExtrasAfterVersion { right });
    }
    // `name=1.0=build` of conda.
    let parts: Vec<&str> = rest.split('=').collect();
    if let ["", version, build] = parts.as_slice()
        && !build.is_empty()
        && let Some(right) = good(&format!("{name}=={version}"))
    {
        return Some(Mistake::CondaPin { right });
    }
    let trimmed = rest.trim_end_matches([',', ' ']);
    if trimmed.len() < rest.trim_end().len()
        && let Some(right) = good(&format!("{name}{trimmed}"))
    {
        return Some(Mistake::TrailingComma { right });
    }
    if let Some(right) = good(&format!("{name}{}", rest.replace(['"', '\''], "")))
        && rest.contains(['"', '\''])
    {
        return Some(Mistake::Quoted { right });
    }
    if is_operator(rest) {
        return Some(Mistake::NoVersion {
            operator: rest.trim().to_owned(),
            right: with_marker(&name),
        });
    }
    if let Some((found, right)) = with_known_operators(rest)
        && let Some(right) = good(&format!("{name}{right}"))
    {
        // What was found holds the version where the operator alone would be right.
        let whole_clause = found.contains(|c: char| c.is_ascii_digit());
        return Some(if whole_clause {
            Mistake::ClauseMeant {
                clause: found,
                right,
            }
        } else {
            Mistake::Operator { found, right }
        });
    }
    if let Some(right) = with_commas(rest).and_then(|rest| good(&format!("{name}{rest}"))) {
        return Some(Mistake::MissingComma { right });
    }
    // `name 1.0`, `name 1.0 build` (conda list), or a name of several words.
    let mut words = rest.split_whitespace();
    let first = words.next()?;
    if first.parse::<Version>().is_ok() {
        let right = good(&format!("{name}=={first}"))?;
        return Some(Mistake::BareVersion { right });
    }
    let plain = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let operators = rest.find(['<', '>', '=', '!', '~']).unwrap_or(rest.len());
    let (more_words, versions) = rest.split_at(operators);
    if more_words.split_whitespace().all(plain) && !more_words.trim().is_empty() {
        let joined: Vec<&str> = more_words.split_whitespace().collect();
        let right = good(&format!("{name}-{}{versions}", joined.join("-")))?;
        return Some(Mistake::Space { right });
    }
    None
}

/// What is wrong with one version clause.
pub(crate) fn diagnose_clause(clause: &str, reason: &str) -> Mistake {
    let version = clause.trim_start_matches(['<', '>', '=', '!', '~']).trim();
    let wild = version.strip_suffix(".*").unwrap_or(version);
    let operator =
        &clause[..clause.len() - clause.trim_start_matches(['<', '>', '=', '!', '~']).len()];
    let known = ["==", "!=", "<=", ">=", "<", ">", "~=", "==="].contains(&operator);
    if known && !version.is_empty() && wild.parse::<Version>().is_err() {
        return Mistake::Version {
            version: shown(version),
        };
    }
    if operator.is_empty() && version.parse::<Version>().is_ok() {
        return Mistake::ClauseMeant {
            clause: shown(clause),
            right: shown(&format!(">={version}")),
        };
    }
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = reason.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase());
    Mistake::Clause {
        clause: shown(clause),
        reason: first.into_iter().chain(characters).collect(),
    }
}

/// What is wrong with a URL or path that stands where an archive or folder was due.
pub(crate) fn diagnose_target(text: &str, head: &str, target: &str) -> Option<Mistake> {
    let before = head.strip_suffix(target).unwrap_or_default();
    let path_end = target.find(['#', '?']).unwrap_or(target.len());
    let path = &target[..path_end];
    // The reference behind the path, not the user before the host.
    let repository = match path.rsplit_once('@') {
        Some((repository, reference)) if !reference.contains(['/', ':']) => repository,
        _ => path,
    };
    let scp = !target.contains("://")
        && target.split_once(':').is_some_and(|(host, path)| {
            (host.contains('@') || host.contains('.')) && !host.contains('/') && !path.is_empty()
        });
    if scp
        || target.starts_with("github.com/")
        || repository.ends_with(".git") && !target.starts_with('.')
    {
        // `git @ github.com:owner/name`, as `git@github.com:owner/name` reads.
        let right = match before.trim_end() {
            "git@" => git_url(head),
            _ => format!("{before}{}", git_url(target)),
        };
        return Some(Mistake::GitUrl {
            right: shown(&right),
        });
    }
    if let Ok(version) = target.trim_start_matches('v').parse::<Version>() {
        let name = before.trim_end().trim_end_matches('@').trim_end();
        let marker = text
            .split_once(';')
            .map(|(_, marker)| format!(" ;{marker}"));
        let right = format!("{name}=={version}{}", marker.unwrap_or_default());
        return Some(Mistake::Operator {
            found: "@".into(),
            right: shown(&right),
        });
    }
    None
}

/// A `git+` URL for what names a repository in another way.
fn git_url(text: &str) -> String {
    let bare = text.strip_prefix("git+").unwrap_or(text);
    if bare.contains("://") {
        return format!("git+{bare}");
    }
    if let Some((host, path)) = bare.split_once(':') {
        return format!("git+ssh://{host}/{}", path.trim_start_matches('/'));
    }
    format!("git+https://{bare}")
}

fn is_operator(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| "<>=!~^".contains(c))
}

/// `rest` with operators of other languages replaced, and the first that was.
fn with_known_operators(rest: &str) -> Option<(String, String)> {
    let mut found = None;
    let mut out = Vec::new();
    let joined = rest.replace("&&", ",").replace(" and ", ",");
    for clause in joined.split(',').map(str::trim) {
        let end = clause
            .find(|c: char| !"<>=!~^".contains(c))
            .unwrap_or(clause.len());
        let (operator, version) = clause.split_at(end);
        let version = version.trim();
        let release = version.strip_suffix(".*").unwrap_or(version);
        let numbers = release.split('.').count();
        let right = match operator {
            "=" | "====" => format!("=={version}"),
            "=>" => format!(">={version}"),
            "=<" => format!("<={version}"),
            "<>" | "!==" | "!" => format!("!={version}"),
            "~" | "~>" | "~=" if numbers == 1 => format!("~={release}.0"),
            "~" | "~>" => format!("~={release}"),
            "^" => caret(release)?,
            ">=" | ">" | "<" | "<=" if release != version => format!("{operator}{release}"),
            _ => {
                out.push(clause.to_owned());
                continue;
            }
        };
        let shown_operator = if matches!(operator, "~=" | ">=" | ">" | "<" | "<=") {
            clause
        } else {
            operator
        };
        found.get_or_insert_with(|| shown_operator.to_owned());
        out.push(right);
    }
    if found.is_none() && joined != rest {
        found = Some(if rest.contains("&&") { "&&" } else { "and" }.to_owned());
    }
    Some((found?, out.join(",")))
}

/// `^1.2` as npm and Poetry mean it: up to the next first number that is not zero.
fn caret(version: &str) -> Option<String> {
    let numbers: Vec<u64> = version
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let at = numbers
        .iter()
        .position(|n| *n != 0)
        .unwrap_or(numbers.len() - 1);
    let mut upper = numbers[..=at].to_vec();
    *upper.last_mut()? = upper.last()?.checked_add(1)?;
    let upper: Vec<String> = upper.iter().map(u64::to_string).collect();
    Some(format!(">={version},<{}", upper.join(".")))
}

/// `>=1.0 <2.0` with commas.
fn with_commas(rest: &str) -> Option<String> {
    let mut clauses: Vec<String> = Vec::new();
    let mut clause = String::new();
    let mut in_version = false;
    for character in rest.chars() {
        let operator = "<>=!~".contains(character);
        if operator && in_version {
            clauses.push(std::mem::take(&mut clause).trim().to_owned());
            in_version = false;
        }
        in_version |= !operator && !character.is_whitespace() && character != ',';
        clause.push(character);
    }
    clauses.push(clause.trim().to_owned());
    (clauses.len() > 1).then(|| {
        let clauses: Vec<&str> = clauses
            .iter()
            .map(|c| c.trim_end_matches([',', ' ']))
            .collect();
        clauses.join(",")
    })
}

/// A line that was copied from a terminal.
fn command(line: &str) -> Option<Mistake> {
    const PROGRAMS: [&str; 9] = [
        "pip",
        "pip3",
        "uv",
        "poetry",
        "pipenv",
        "conda",
        "mamba",
        "pdm",
        "easy_install",
    ];
    const VERBS: [&str; 4] = ["install", "add", "pip", "download"];
    let mut words = line.split_whitespace().peekable();
    let mut said = Vec::new();
    if words
        .peek()
        .is_some_and(|word| matches!(*word, "$" | "%" | ">" | "!" | "sudo"))
    {
        said.extend(words.next());
    }
    if words
        .peek()
        .is_some_and(|word| word.trim_start_matches(['!', '%']).starts_with("python"))
    {
        said.extend(words.next());
        if words.peek() == Some(&"-m") {
            said.extend(words.next());
        }
    }
    let program = words.next()?;
    if !PROGRAMS.contains(&program.trim_start_matches(['!', '%'])) {
        return None;
    }
    said.push(program);
    let first_verb = words.peek().copied();
    while words.peek().is_some_and(|word| VERBS.contains(word)) {
        said.extend(words.next());
    }
    if !first_verb.is_some_and(|word| VERBS.contains(&word)) {
        return None;
    }
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if matches!(
            word,
            "-r" | "-c" | "-e" | "-i" | "--index-url" | "--extra-index-url"
        ) {
            rest.push(format!("{word} {}", words.next().unwrap_or_default()));
        } else if !word.starts_with('-') {
            rest.push(word.trim_matches(['"', '\'']).to_owned());
        }
    }
    Some(Mistake::Command {
        command: shown(&said.join(" ")),
        right: match rest.as_slice() {
            [one] => shown(one.trim()),
            _ => String::new(),
        },
    })
}

/// The line with plain quotation marks and dashes, if it holds typographic ones.
pub(crate) fn typographic(line: &str) -> Option<Mistake> {
    let quote = |c| {
        matches!(
            c,
            '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' | '＂' | '＇'
        )
    };
    let dash = |c| matches!(c, '–' | '—' | '−' | '‐' | '‑' | '‒' | '―');
    let found = line.chars().find(|c| quote(*c) || dash(*c))?;
    let mut right = String::new();
    for (at, character) in line.char_indices() {
        match character {
            '‘' | '’' | '‚' | '＇' => right.push('\''),
            // A word processor turns two hyphens before a word into one dash.
            '–' | '—' if at == 0 && line.chars().nth(2).is_some_and(char::is_alphanumeric) => {
                right.push_str("--");
            }
            c if quote(c) => right.push('"'),
            c if dash(c) => right.push('-'),
            c => right.push(c),
        }
    }
    Some(Mistake::Typographic {
        found,
        kind: if quote(found) {
            "quotation mark"
        } else {
            "dash"
        },
        right: shown(&right),
    })
}

/// The text between quotation marks, with or without a comma behind them as in a list.
fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim_end_matches([',', ' ']);
    ['"', '\'', '`']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .map(str::trim)
}

/// What a file is, if it is no requirements file: its kind, and what to do about it.
pub(crate) fn kind_of_file(content: &str) -> Option<(&'static str, &'static str)> {
    const REQUIREMENTS: &str = "name a requirements file: one requirement per line";
    let start = content.trim_start();
    if content.contains('\0') {
        return Some(("a binary file", REQUIREMENTS));
    }
    if start.starts_with('{') {
        let package =
            content.contains("\"dependencies\"") || content.contains("\"devDependencies\"");
        return Some(if package {
            ("a package.json", "give it under the name `package.json`")
        } else {
            ("JSON", REQUIREMENTS)
        });
    }
    if start.starts_with('<') {
        return Some(("HTML or XML", REQUIREMENTS));
    }
    let lines = lines::lines(content, &super::Environment::default());
    let first = lines.first()?.text.as_str();
    if lines.iter().any(|line| line.text == "@EXPLICIT")
        || first.starts_with("name:")
        || first.starts_with("channels:")
        || first.starts_with("dependencies:")
    {
        return Some((
            "a conda environment",
            "layerpress installs from Python indexes; list the packages in a requirements file",
        ));
    }
    let header = |line: &str| {
        line.strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
            .is_some_and(|inner| {
                inner
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "[]._-\" ".contains(c))
            })
    };
    lines
        .iter()
        .take(50)
        .any(|line| header(&line.text))
        .then(|| {
            if lines
                .iter()
                .any(|line| matches!(line.text.as_str(), "[packages]" | "[[source]]"))
            {
                (
                    "a Pipfile",
                    "export it: `pipenv requirements > requirements.txt`",
                )
            } else {
                (
                    "TOML",
                    "give a project file under the name `pyproject.toml`",
                )
            }
        })
}
