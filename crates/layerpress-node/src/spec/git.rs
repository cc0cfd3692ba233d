//! Git repositories as dependencies name them: addresses, the shorthands of known hosts, and what
//! follows the `#`.

use url::Url;

/// A git repository and what of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Git {
    /// Where it is.
    pub repository: Repository,
    /// Which of its commits.
    pub reference: Reference,
    /// The folder in it that holds the package, without a leading slash.
    pub folder: Option<String>,
}

/// Where a git repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repository {
    /// On a host whose addresses are known.
    Hosted(Hosted),
    /// Anywhere: an address or `user@host:path`, as the `git` program takes it.
    Address(String),
}

/// Which commit of a repository is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The head of the default branch.
    Head,
    /// A commit, a branch or a tag.
    Name(String),
    /// The highest tag that is a version in this range (`#semver:^1`).
    Range(String),
}

/// A repository on a host whose addresses are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosted {
    /// Which host.
    pub host: Host,
    /// The owner; groups of groups have slashes. Empty for a gist without one.
    pub user: String,
    /// The repository's name, without `.git`.
    pub project: String,
    /// `user` or `user:password`, from an address that had them.
    pub auth: Option<String>,
}

/// The hosts whose shorthands npm knows (`hosted-git-info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `github:`
    GitHub,
    /// `gitlab:`
    GitLab,
    /// `bitbucket:`
    Bitbucket,
    /// `gist:`
    Gist,
    /// `sourcehut:`
    Sourcehut,
}

impl Host {
    const ALL: [Host; 5] = [
        Host::GitHub,
        Host::GitLab,
        Host::Bitbucket,
        Host::Gist,
        Host::Sourcehut,
    ];

    /// The shorthand without its colon.
    #[must_use]
    pub fn shorthand(self) -> &'static str {
        match self {
            Host::GitHub => "github",
            Host::GitLab => "gitlab",
            Host::Bitbucket => "bitbucket",
            Host::Gist => "gist",
            Host::Sourcehut => "sourcehut",
        }
    }

    fn domain(self) -> &'static str {
        match self {
            Host::GitHub => "github.com",
            Host::GitLab => "gitlab.com",
            Host::Bitbucket => "bitbucket.org",
            Host::Gist => "gist.github.com",
            Host::Sourcehut => "git.sr.ht",
        }
    }

    /// The schemes by which an address on this host is a repository, not a file to fetch.
    fn speaks(self, scheme: &str) -> bool {
        match scheme {
            "git+ssh" | "https" => true,
            "git+https" | "ssh" => self != Host::Sourcehut,
            "git" => matches!(self, Host::GitHub | Host::Gist),
            "http" => self == Host::GitHub,
            _ => false,
        }
    }
}

impl Hosted {
    fn path(&self) -> String {
        match self.host {
            Host::Gist => self.project.clone(),
            _ => format!("{}/{}", self.user, self.project),
        }
    }

    /// `git@host:user/project.git`: what two specifiers are compared by.
    #[must_use]
    pub fn ssh(&self) -> String {
        format!("git@{}:{}.git", self.host.domain(), self.path())
    }

    /// `git+ssh://git@host/user/project.git`: what a lockfile holds.
    #[must_use]
    pub fn ssh_address(&self) -> String {
        format!("git+ssh://git@{}/{}.git", self.host.domain(), self.path())
    }

    /// `https://host/user/project.git`, with the credentials that the address had.
    #[must_use]
    pub fn https_address(&self) -> String {
        let auth = self
            .auth
            .as_ref()
            .map(|auth| format!("{auth}@"))
            .unwrap_or_default();
        let ending = if self.host == Host::Sourcehut {
            ""
        } else {
            ".git"
        };
        format!(
            "https://{auth}{}/{}{ending}",
            self.host.domain(),
            self.path()
        )
    }
}

/// A repository on a known host, with what follows the `#`, decoded. `None` when the text names
/// none.
pub(super) fn hosted(text: &str) -> Option<(Hosted, Option<String>)> {
    if is_shorthand(text) {
        return by_shorthand(Host::GitHub, text);
    }
    for host in Host::ALL {
        if let Some(rest) = text
            .strip_prefix(host.shorthand())
            .and_then(|r| r.strip_prefix(':'))
        {
            return by_shorthand(host, rest.trim_start_matches('/'));
        }
    }
    by_address(&address(text)?)
}

/// What follows the `#` of a git address: parts separated by `::`. `None` when it contradicts
/// itself.
pub(super) fn reference(text: Option<&str>) -> Option<(Reference, Option<String>)> {
    let (mut reference, mut folder) = (Reference::Head, None);
    for part in text
        .unwrap_or_default()
        .split("::")
        .filter(|part| !part.is_empty())
    {
        let found = match part.split_once(':') {
            None => Reference::Name(part.to_owned()),
            Some(("semver", range)) => Reference::Range(decoded(range)?),
            Some(("path", path)) => {
                let path = path.trim_start_matches('/').to_owned();
                if folder.replace(path).is_some() {
                    return None;
                }
                continue;
            }
            // npm warns of a key that it does not know, and goes on.
            Some(_) => continue,
        };
        if reference != Reference::Head {
            return None;
        }
        reference = found;
    }
    Some((reference, folder))
}

/// Whether a text is `user/project`, with anything after a `#`.
fn is_shorthand(text: &str) -> bool {
    let before = text.split('#').next().unwrap_or_default();
    before.find('/').is_some_and(|at| at > 0)
        && before.matches('/').count() == 1
        && !before.ends_with('/')
        && !before.starts_with('.')
        && !before.contains(|c: char| c == '@' || c == ':' || c.is_whitespace())
}

fn by_shorthand(host: Host, text: &str) -> Option<(Hosted, Option<String>)> {
    let (path, fragment) = split_fragment(text);
    let path = path.split_once('@').map_or(path, |(_, path)| path);
    let (user, project) = path.rsplit_once('/').unwrap_or(("", path));
    made(host, user, project, None, fragment)
}

fn by_address(url: &Url) -> Option<(Hosted, Option<String>)> {
    let domain = url.host_str()?;
    let domain = domain.strip_prefix("www.").unwrap_or(domain);
    let host = Host::ALL.into_iter().find(|host| host.domain() == domain)?;
    if !host.speaks(url.scheme()) {
        return None;
    }
    let auth = match (url.scheme(), url.username(), url.password()) {
        ("ssh" | "git+ssh", ..) | (_, "", None) => None,
        (_, user, None) => Some(user.to_owned()),
        (_, user, Some(password)) => Some(format!("{user}:{password}")),
    };
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    let mut segments = path.split('/');
    let mut fragment = url.fragment();
    let (user, project) = match host {
        Host::GitLab if path.contains("/-/") || path.contains("/archive.tar.gz") => return None,
        Host::GitLab => path.rsplit_once('/')?,
        _ => {
            let first = segments.next().unwrap_or_default();
            let second = segments.next().unwrap_or_default();
            match (host, segments.next()) {
                (Host::GitHub, Some("tree")) => fragment = segments.next(),
                (Host::GitHub, Some(other)) if !other.is_empty() => return None,
                (Host::Bitbucket, Some("get"))
                | (Host::Sourcehut, Some("archive"))
                | (Host::Gist, Some("raw")) => return None,
                _ => {}
            }
            if host == Host::Gist && second.is_empty() {
                ("", first)
            } else {
                (first, second)
            }
        }
    };
    made(host, user, project, auth, fragment)
}

fn made(
    host: Host,
    user: &str,
    project: &str,
    auth: Option<String>,
    fragment: Option<&str>,
) -> Option<(Hosted, Option<String>)> {
    let (user, project) = (decoded(user)?, decoded(project)?);
    let project = project.strip_suffix(".git").unwrap_or(&project).to_owned();
    if project.is_empty() || (user.is_empty() && host != Host::Gist) {
        return None;
    }
    let fragment = match fragment.filter(|text| !text.is_empty()) {
        Some(text) => Some(decoded(text)?),
        None => None,
    };
    Some((
        Hosted {
            host,
            user,
            project,
            auth,
        },
        fragment,
    ))
}

/// The address that a text is, `user@host:path` read as one over ssh.
fn address(text: &str) -> Option<Url> {
    if let Ok(url) = Url::parse(text)
        && url.has_host()
    {
        return Some(url);
    }
    let (before, fragment) = split_fragment(text);
    let colon = before.rfind(':')?;
    if before.rfind('@').is_some_and(|at| at > colon) {
        return None;
    }
    let mut corrected = format!("{}/{}", &before[..colon], &before[colon + 1..]);
    if !corrected.contains("//") {
        corrected.insert_str(0, "git+ssh://");
    }
    if let Some(fragment) = fragment {
        corrected = corrected + "#" + fragment;
    }
    Url::parse(&corrected).ok()
}

pub(super) fn split_fragment(text: &str) -> (&str, Option<&str>) {
    text.split_once('#')
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Percent-decodes; `None` when that is not UTF-8 or a `%` stands alone.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (pair, after) = rest.split_at_checked(2)?;
        let digit = |b: u8| char::from(b).to_digit(16);
        bytes.push(u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
