//! Which package somebody may have meant by a name that does not exist.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use pep508_rs::PackageName;

use super::inputs::Request;

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

/// How many names are looked up to find the one that was meant.
const GUESSES: usize = 10;

/// Names near a wrong one, the likeliest first.
pub(super) fn guesses(wrong: &PackageName, request: &Request) -> Vec<PackageName> {
    let text = wrong.as_ref();
    let mut guesses: Vec<String> = Vec::new();
    guesses.extend(other_names(OTHER_NAMES, text).map(str::to_owned));
    // A name that stands elsewhere in the user's own lines, or that is well known, misspelt here.
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

pub(super) fn other_names<'t>(
    table: &'t [(&'t str, &'t str)],
    name: &'t str,
) -> impl Iterator<Item = &'t str> {
    table
        .iter()
        .filter(move |(from, _)| *from == name)
        .map(|&(_, to)| to)
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
