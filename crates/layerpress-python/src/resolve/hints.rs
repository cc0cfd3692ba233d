//! What would help when nothing fits, found out where it is cheap to know.

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::PackageName;
use pubgrub::Ranges;

use super::desk::Desk;
use super::explain::Context;
use super::facts::Fact;
use super::package::NameId;
use super::provider::{Missing, Provider, Release, Unusable};
use super::ranges;
use super::stock::Stock;

/// Names under which people look for a package, mostly what they import.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("attr", "attrs"),
    ("beautifulsoup", "beautifulsoup4"),
    ("bs4", "beautifulsoup4"),
    ("crypto", "pycryptodome"),
    ("cv2", "opencv-python-headless"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("fitz", "pymupdf"),
    ("git", "gitpython"),
    ("github", "pygithub"),
    ("google-cloud", "google-cloud-storage"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("kafka", "kafka-python"),
    ("magic", "python-magic"),
    ("mysqldb", "mysqlclient"),
    ("opencv", "opencv-python-headless"),
    ("openssl", "pyopenssl"),
    ("pil", "pillow"),
    ("psycopg2", "psycopg2-binary"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("socks", "pysocks"),
    ("usb", "pyusb"),
    ("yaml", "pyyaml"),
    ("zmq", "pyzmq"),
];

/// Packages that ship the same thing with wheels.
const WITH_WHEELS: &[(&str, &str)] = &[
    ("mysqlclient", "pymysql"),
    ("opencv-python", "opencv-python-headless"),
    ("psycopg2", "psycopg2-binary"),
    ("pycrypto", "pycryptodome"),
    ("python-ldap", "ldap3"),
    ("sklearn", "scikit-learn"),
];

/// How many hints are given.
const HINTS: usize = 3;

/// How many names are looked up to find the one that was meant.
const GUESSES: usize = 10;

/// How many releases are looked at to find one that the target can use.
const RELEASES: usize = 300;

/// What the facts of a proof call for, without repeating itself: first about what the user asks for
/// by name, then about what that needs.
pub(crate) async fn hints<P: Provider>(
    context: &Context<'_>,
    facts: &[Fact],
    desk: &Arc<Desk<P>>,
) -> Vec<String> {
    let asked: BTreeSet<NameId> = facts.iter().filter_map(Fact::asked_for).collect();
    let (mut near, mut far): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut spoken_of = BTreeSet::new();
    for fact in facts {
        let Some(name) = fact.subject() else { continue };
        let hint = match fact {
            Fact::Missing { missing, .. } => missing_hint(context, name, *missing, desk).await,
            Fact::NeedsPython { .. } => newest_usable(context, name, desk),
            Fact::Unusable { why, versions, .. } => {
                let only = facts.iter().filter(|other| other.subject() == Some(name));
                let only = only.count() == 1;
                unusable(context, name, versions, why, desk)
                    .filter(|_| only || !matches!(**why, Unusable::Yanked { .. }))
            }
            Fact::Asked { .. }
            | Fact::Needs { .. }
            | Fact::NoVersions { .. }
            | Fact::Contradiction { .. } => None,
        };
        if let Some(hint) = hint
            && spoken_of.insert(name)
        {
            if asked.contains(&name) {
                near.push(hint);
            } else {
                far.push(hint);
            }
        }
    }
    near.append(&mut far);
    near.truncate(HINTS);
    near
}

async fn missing_hint<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    missing: Missing,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    match missing {
        Missing::Unknown => meant(context, name, desk).await,
        Missing::Offline => Some("run it once with the network allowed".to_owned()),
        Missing::NoIndex => Some(
            "leave out `--no-index`, or add a place that has it with `--find-links`".to_owned(),
        ),
    }
}

/// The package that a name which does not exist was meant for.
async fn meant<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let wrong = context.names.package_name(name);
    for guess in guesses(wrong, context) {
        if let Ok(stock) = desk.stock_later(&guess).await
            && !stock.known().is_empty()
        {
            return Some(format!("did you mean `{guess}`?"));
        }
    }
    None
}

/// Names near a wrong one, the likeliest first.
fn guesses(wrong: &PackageName, context: &Context<'_>) -> Vec<PackageName> {
    let text = wrong.as_ref();
    let mut guesses: Vec<String> = Vec::new();
    guesses.extend(other_names(OTHER_NAMES, text).map(str::to_owned));
    // A name that stands elsewhere in the user's own lines, or that is well known, misspelt here.
    let request = context.request;
    let own = request.requirements.iter().chain(&request.constraints);
    let own = own
        .filter_map(|wanted| wanted.name.as_ref())
        .map(AsRef::as_ref);
    let known = OTHER_NAMES
        .iter()
        .map(|&(_, real)| real)
        .chain(POPULAR.iter().copied());
    let mut near: Vec<(usize, &str)> = own
        .chain(known)
        .filter(|&other| other != text)
        .map(|other| (distance(text, other), other))
        .filter(|&(distance, _)| distance <= 2 && distance * 3 <= text.len())
        .collect();
    near.sort_unstable();
    guesses.extend(near.into_iter().map(|(_, other)| other.to_owned()));
    for prefix in ["python-", "py"] {
        guesses.push(format!("{prefix}{text}"));
        guesses.extend(text.strip_prefix(prefix).map(str::to_owned));
    }
    guesses.extend(text.strip_suffix("-python").map(str::to_owned));
    guesses.push(text.replace('-', ""));
    guesses.extend(text.strip_suffix('s').map(str::to_owned));
    guesses.push(format!("{text}s"));

    let mut seen = BTreeSet::new();
    guesses
        .iter()
        .filter_map(|guess| PackageName::from_str(guess).ok())
        .filter(|guess| guess != wrong && seen.insert(guess.clone()))
        .take(GUESSES)
        .collect()
}

/// Names that are asked for everywhere, for spelling.
const POPULAR: &[&str] = &[
    "aiohttp",
    "boto3",
    "botocore",
    "celery",
    "certifi",
    "click",
    "cryptography",
    "django",
    "fastapi",
    "flask",
    "httpx",
    "jinja2",
    "lxml",
    "matplotlib",
    "numpy",
    "opentelemetry-api",
    "orjson",
    "pandas",
    "psycopg",
    "pyarrow",
    "pydantic",
    "pymongo",
    "pytest",
    "redis",
    "requests",
    "scipy",
    "setuptools",
    "sqlalchemy",
    "starlette",
    "tenacity",
    "urllib3",
    "uvicorn",
    "werkzeug",
];

fn other_names<'t>(
    table: &'t [(&'t str, &'t str)],
    name: &'t str,
) -> impl Iterator<Item = &'t str> {
    table
        .iter()
        .filter(move |(from, _)| *from == name)
        .map(|&(_, to)| to)
}

fn unusable<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    versions: &Ranges<Version>,
    why: &Unusable,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let package = context.names.package_name(name);
    let example = || context.existing(name, versions).pop();
    match why {
        Unusable::NoWheel { platforms, pythons } => {
            let has = if platforms.is_empty() {
                String::new()
            } else {
                format!(
                    "{package} has wheels for {} ({})",
                    list(platforms, 6),
                    list(pythons, 6)
                )
            };
            let other = other_names(WITH_WHEELS, package.as_ref()).next();
            let other = other.map(|other| format!("`{other}` ships wheels"));
            let newest = newest_usable(context, name, desk);
            let parts: Vec<String> = [Some(has), other, newest]
                .into_iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Unusable::NoBuild => {
            let other = other_names(WITH_WHEELS, package.as_ref()).next();
            Some(match other {
                Some(other) => format!("`{other}` ships wheels; or allow {package} to be built"),
                None => format!("allow {package} to be built: it only comes as source"),
            })
        }
        Unusable::NoBinary => Some(format!("allow wheels for {package}")),
        Unusable::Yanked { .. } => example()
            .map(|version| format!("to have it all the same, pin it: `{package}=={version}`")),
        Unusable::Python { .. } => newest_usable(context, name, desk),
        Unusable::UrlDependency { requirement } => Some(format!(
            "if you trust it, add `{requirement}` to your requirements"
        )),
        Unusable::Unhashed => Some(format!(
            "add {package} with its hashes to your requirements"
        )),
        Unusable::OtherHashes { .. } => Some(format!(
            "compare the hashes given for {package} with those on the index; each file has its own"
        )),
        Unusable::Metadata { .. } | Unusable::Contradiction { .. } => None,
    }
}

/// The newest version of a package that the target can use, whatever anybody asks for.
fn newest_usable<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let package = context.names.package_name(name);
    let stock: Arc<Stock<P::File>> = desk.stock_seen(package)?;
    let target = &context.request.target;
    let mut left = Ranges::full();
    for _ in 0..RELEASES {
        let Some(candidate) = desk.selector().best(package, &left, &stock) else {
            break;
        };
        if let Release::Usable(pick) = candidate.release {
            let python = desk.python();
            let fits = pick
                .requires_python
                .as_ref()
                .is_none_or(|specifiers| ranges::python_admitted(specifiers, python));
            if fits {
                let version = candidate.version;
                return Some(format!(
                    "the newest version of {package} for {target} is {version}"
                ));
            }
        }
        left = left.difference(&Ranges::singleton(candidate.version.clone()));
    }
    Some(format!("no version of {package} can be used on {target}"))
}

fn list(words: &[String], most: usize) -> String {
    let mut text = words
        .iter()
        .take(most)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if words.len() > most {
        text.push_str(", …");
    }
    text
}

/// How many letters must be changed, added, left out or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut row = vec![i + 1; right.len() + 1];
        for (j, &b) in right.iter().enumerate() {
            let mut cost = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(distance("reqeusts", "requests"), 1);
        assert_eq!(distance("flask", "flask"), 0);
        assert_eq!(distance("nunpy", "numpy"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
