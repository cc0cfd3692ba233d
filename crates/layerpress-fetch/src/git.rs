//! Sources out of git repositories, by the `git` program of this machine.
//!
//! A reference is resolved to a commit first, without fetching anything; what is made of a commit
//! can be kept by it, so that the next time nothing is fetched at all.

mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use layerpress_scratch::{Naming, Program, ScratchFolder};
use url::Url;

use crate::redact::redacted;

pub use error::GitError;

/// The folders that are worked in.
const SCRATCH: Naming = Naming {
    prefix: "layerpress-git-",
    suffix: "",
};

/// How many of the last lines of git's complaints are shown, and how much of each.
const SHOWN_LINES: usize = 4;
const SHOWN_LINE_CHARACTERS: usize = 400;

/// What git adds to every failure of a remote repository, whatever the cause.
const ALWAYS_SAID: &str = "Could not read from remote repository.";

/// A git repository, as a requirement names it.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    /// Its address, without the `git+` of requirements.
    pub url: &'a Url,
    /// The variables of the process that runs this program: git finds its settings by them.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// Where temporary folders are made.
    pub temporary: &'a Path,
    /// How long each of git's commands may take.
    pub budget: Duration,
}

/// A commit's full name: 40 hexadecimal digits, or 64 of the newer kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

impl Commit {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a full commit of 40 or 64 hexadecimal digits")]
pub struct NoCommit;

impl FromStr for Commit {
    type Err = NoCommit;

    fn from_str(text: &str) -> Result<Self, NoCommit> {
        let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NoCommit)
        }
    }
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Variables that would make git work on another repository than the one it is told.
const NOT_PASSED_ON: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

impl Repository<'_> {
    /// The commit that `reference` (a branch, a tag, a commit; nothing: the default branch) names.
    /// A branch goes before a tag of its name, as in pip.
    ///
    /// # Errors
    /// [`GitError`] if git is missing, the repository cannot be read, or has no such reference.
    pub async fn resolve(&self, reference: Option<&str>) -> Result<Commit, GitError> {
        self.check()?;
        let reference = reference.unwrap_or("HEAD");
        self.check_reference(reference)?;
        if let Ok(commit) = reference.parse() {
            return Ok(commit);
        }
        let names = [
            reference.to_owned(),
            format!("refs/heads/{reference}"),
            format!("refs/tags/{reference}"),
            format!("refs/tags/{reference}^{{}}"),
        ];
        let mut arguments = vec!["ls-remote", "--", self.url.as_str()];
        arguments.extend(names.iter().map(String::as_str));
        let listed = self.git(None, &arguments).await?;
        let find = |name: &str| {
            listed.lines().find_map(|line| {
                let (commit, found) = line.split_once('\t')?;
                (found == name).then(|| commit.parse().ok())?
            })
        };
        // The full name first; of a tag the commit it stands for.
        let order = [&names[0], &names[1], &names[3], &names[2]];
        if let Some(commit) = order.iter().find_map(|name| find(name)) {
            return Ok(commit);
        }
        if is_short_commit(reference) {
            return self.resolve_short(reference).await;
        }
        Err(self.unknown(reference))
    }

    /// All references of the repository, each with the commit that it stands for, in git's order:
    /// `HEAD`, then `refs/…` by name.
    ///
    /// # Errors
    /// [`GitError`] if git is missing or the repository cannot be read.
    pub async fn references(&self) -> Result<Vec<(String, Commit)>, GitError> {
        self.check()?;
        let listed = self
            .git(None, &["ls-remote", "--", self.url.as_str()])
            .await?;
        let mut references: Vec<(String, Commit)> = Vec::new();
        for line in listed.lines() {
            let Some((commit, name)) = line.split_once('\t') else {
                continue;
            };
            let Ok(commit) = commit.parse() else {
                continue;
            };
            // A tag with a text of its own is followed by the commit that it stands for.
            match (name.strip_suffix("^{}"), references.last_mut()) {
                (Some(tag), Some(last)) if last.0 == tag => last.1 = commit,
                _ => references.push((name.to_owned(), commit)),
            }
        }
        Ok(references)
    }

    /// Checks `commit` out into the existing empty folder `into`, submodules included; its history
    /// comes along only where the `history` asks for it,
    /// which sees the folder as it is checked out.
    ///
    /// # Errors
    /// [`GitError`] if git is missing or fails, or the commit is not there.
    pub async fn check_out(
        &self,
        commit: &Commit,
        into: &Path,
        history: impl Fn(&Path) -> bool,
    ) -> Result<(), GitError> {
        self.check()?;
        let url = self.url.as_str();
        self.git(Some(into), &["init", "--quiet"]).await?;
        self.git(Some(into), &["remote", "add", "--", "origin", url])
            .await?;
        let one = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--",
            "origin",
            &commit.0,
        ];
        let shallow = match self.git(Some(into), &one).await {
            Ok(_) => true,
            // Not every server gives a commit by its name.
            Err(GitError::Failed { .. }) => {
                self.fetch_all(into, &[]).await?;
                false
            }
            Err(error) => return Err(error),
        };
        let checkout = ["checkout", "--quiet", "--detach", &commit.0];
        match self.git(Some(into), &checkout).await {
            Err(GitError::Failed { .. }) => return Err(self.unknown(&commit.0)),
            other => other?,
        };
        if shallow && history(into) {
            self.fetch_all(into, &["--unshallow"]).await?;
        }
        if into.join(".gitmodules").exists() {
            let update = ["submodule", "--quiet", "update", "--init", "--recursive"];
            self.git(Some(into), &update).await?;
        }
        Ok(())
    }

    async fn fetch_all(&self, into: &Path, options: &[&str]) -> Result<(), GitError> {
        let mut arguments = vec!["fetch", "--quiet", "--tags", "--filter=blob:none"];
        arguments.extend(options);
        arguments.extend(["--", "origin", "+refs/heads/*:refs/remotes/origin/*"]);
        self.git(Some(into), &arguments).await.map(|_| ())
    }

    /// Only the whole history tells which commit a few digits mean.
    async fn resolve_short(&self, reference: &str) -> Result<Commit, GitError> {
        let folder = ScratchFolder::create(self.temporary, &SCRATCH)
            .map_err(GitError::io(self.temporary))?;
        let into = folder.path();
        let url = self.url.as_str();
        self.git(Some(into), &["init", "--quiet", "--bare"]).await?;
        self.git(Some(into), &["remote", "add", "--", "origin", url])
            .await?;
        self.fetch_all(into, &[]).await?;
        let name = format!("{reference}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--quiet",
            "--verify",
            "--end-of-options",
            &name,
        ];
        match self.git(Some(into), &arguments).await {
            Ok(commit) => commit.trim().parse().map_err(|_| self.unknown(reference)),
            Err(GitError::Failed { .. }) => Err(self.unknown(reference)),
            Err(error) => Err(error),
        }
    }

    /// Runs git in `folder`; gives what it printed on its standard output.
    async fn git(&self, folder: Option<&Path>, arguments: &[&str]) -> Result<String, GitError> {
        let failed = |output: String| GitError::Failed {
            repository: redacted(self.url),
            command: arguments.first().copied().unwrap_or_default().to_owned(),
            output,
        };
        let mut command = tokio::process::Command::new("git");
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().filter(|(name, _)| {
                !NOT_PASSED_ON
                    .iter()
                    .any(|not| OsStr::new(not) == name.as_os_str())
            }))
            // Nobody is there to answer; and no transport that runs commands.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !self.variables.contains_key(OsStr::new("GIT_SSH_COMMAND")) {
            command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        // It ends, with all that it starts itself, when this process does.
        #[cfg(unix)]
        command.process_group(0);
        let started = Program::start(|| command.spawn(), tokio::process::Child::id);
        let (child, program) = started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::NoGit {
                repository: redacted(self.url),
            },
            _ => failed(error.to_string()),
        })?;
        let ended = tokio::time::timeout(self.budget, child.wait_with_output()).await;
        let Ok(output) = ended else {
            program.end();
            return Err(failed(format!(
                "no end after {} seconds",
                self.budget.as_secs()
            )));
        };
        let output = output.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(self.without_secrets(&complaint(
            &String::from_utf8_lossy(&output.stderr),
        ))))
    }

    fn without_secrets(&self, text: &str) -> String {
        let mut text = text.replace(self.url.as_str(), &redacted(self.url));
        let secrets = [self.url.password(), Some(self.url.username())];
        for secret in secrets.into_iter().flatten() {
            // A user called `git` is no secret.
            if secret.len() > 3 {
                text = text.replace(secret, "****");
            }
        }
        text
    }

    fn check(&self) -> Result<(), GitError> {
        let known = matches!(self.url.scheme(), "https" | "http" | "ssh" | "git" | "file");
        // `ssh://-oProxyCommand=…` would be an option of ssh's.
        let option = self
            .url
            .host_str()
            .is_some_and(|host| host.starts_with('-'))
            || self.url.username().starts_with('-');
        if known && !option {
            Ok(())
        } else {
            Err(GitError::Scheme {
                repository: redacted(self.url),
            })
        }
    }

    fn check_reference(&self, reference: &str) -> Result<(), GitError> {
        // git-check-ref-format(1), and nothing that reads as an option or a pattern.
        let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        let wrong = reference.is_empty()
            || reference.starts_with('-')
            || reference.contains("..")
            || reference.contains("@{")
            || reference.contains(forbidden);
        if wrong {
            return Err(GitError::Reference {
                repository: redacted(self.url),
                reference: reference.escape_debug().to_string(),
            });
        }
        Ok(())
    }

    fn unknown(&self, reference: &str) -> GitError {
        GitError::Unknown {
            repository: redacted(self.url),
            reference: reference.to_owned(),
        }
    }
}

/// What git complained of, in one line for a message.
fn complaint(output: &str) -> String {
    let lines: Vec<String> = output
        .lines()
        // A progress bar draws over itself: what stays is what came last.
        .map(|line| line.trim_end().rsplit('\r').next().unwrap_or_default())
        .map(|line| {
            ["fatal: ", "error: "]
                .iter()
                .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line))
        })
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let shown = line.chars().take(SHOWN_LINE_CHARACTERS);
            shown
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect()
        })
        .collect();
    let told = lines.iter().position(|line| line == ALWAYS_SAID);
    let lines = &lines[..told.filter(|at| *at > 0).unwrap_or(lines.len())];
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("; ")
}

fn is_short_commit(reference: &str) -> bool {
    (4..40).contains(&reference.len()) && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}
