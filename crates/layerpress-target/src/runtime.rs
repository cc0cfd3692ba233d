//! [`Runtime`]: one Lambda runtime and the facts about it.

use std::fmt;
use std::str::FromStr;

use crate::error::shown;
use crate::table::{AS_OF, Facts, Life, OTHER_FAMILIES, RUNTIMES};
use crate::{Arch, TargetError};

/// One of the Python and Node.js runtimes of Lambda. Ordered by ecosystem, then by version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runtime(u8);

/// Which packages a runtime loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Python, from a package index.
    Python,
    /// Node.js, from an npm registry.
    Node,
}

/// Where a runtime stands on a given day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Generally available; deprecated on the date that AWS has announced.
    Available {
        /// The first day of its deprecation.
        until: Date,
    },
    /// Deprecated: AWS no longer patches it, and blocks new functions some time after.
    Deprecated {
        /// The first day of its deprecation.
        since: Date,
    },
    /// Named by AWS, not yet generally available.
    Preview,
}

/// A calendar day. Displayed as `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// How packages lie in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Layout {
    /// One folder that every version of the runtime reads: `python`, `nodejs/node_modules`.
    #[default]
    Flat,
    /// A folder that only this version reads.
    Versioned,
}

/// The newest generally available runtime of an ecosystem.
#[must_use]
pub fn newest(ecosystem: Ecosystem) -> Runtime {
    Runtime::all()
        .filter(|runtime| runtime.ecosystem() == ecosystem)
        .filter(|runtime| matches!(runtime.status(), Status::Available { .. }))
        .max()
        .expect("the table has an available runtime of each ecosystem: see the test")
}

impl Runtime {
    /// Every runtime that layers are built for, deprecated and preview ones included, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(RUNTIMES.len()).map(Self)
    }

    /// The runtime of a version, such as Python 3.13 or Node.js 22.
    #[must_use]
    pub fn of_version(ecosystem: Ecosystem, version: (u8, u8)) -> Option<Self> {
        Self::all().find(|runtime| (runtime.ecosystem(), runtime.version()) == (ecosystem, version))
    }

    /// AWS's name, such as `python3.13` or `nodejs22.x`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Which packages it loads.
    #[must_use]
    pub fn ecosystem(self) -> Ecosystem {
        self.facts().ecosystem
    }

    /// Major and minor version of the language: `(3, 13)`; of Node.js the minor is 0.
    #[must_use]
    pub fn version(self) -> (u8, u8) {
        self.facts().version
    }

    /// The newest patch version known, such as `3.13.12`: what markers and `engines` are put to.
    #[must_use]
    pub fn full_version(self) -> &'static str {
        self.facts().full_version
    }

    /// The version of the base image's C library, such as `(2, 34)`.
    #[must_use]
    pub fn glibc(self) -> (u16, u16) {
        self.facts().system.glibc()
    }

    /// Whether Lambda offers the runtime on this architecture.
    #[must_use]
    pub fn runs_on(self, arch: Arch) -> bool {
        arch == Arch::X86_64 || self.facts().arm64
    }

    /// Node.js's ABI number (`process.versions.modules`); `None` for Python.
    #[must_use]
    pub fn node_module_version(self) -> Option<u16> {
        self.facts().node_module_version
    }

    /// Where the runtime stood on the day of the table's facts (2026-11-21).
    #[must_use]
    pub fn status(self) -> Status {
        self.status_on(AS_OF)
    }

    /// Where the runtime stands on a given day.
    #[must_use]
    pub fn status_on(self, today: Date) -> Status {
        match self.facts().life {
            Life::Preview => Status::Preview,
            Life::Until(date) if date <= today => Status::Deprecated { since: date },
            Life::Until(date) => Status::Available { until: date },
        }
    }

    /// Where a layer holds packages for this runtime, relative to `/opt`, without a final slash.
    ///
    /// The runtime reads both (AWS Lambda developer guide, "Packaging your layer content").
    #[must_use]
    pub fn layer_prefix(self, layout: Layout) -> String {
        let (major, minor) = self.version();
        match (self.ecosystem(), layout) {
            (Ecosystem::Python, Layout::Flat) => "python".to_owned(),
            (Ecosystem::Python, Layout::Versioned) => {
                format!("python/lib/python{major}.{minor}/site-packages")
            }
            (Ecosystem::Node, Layout::Flat) => "nodejs/node_modules".to_owned(),
            (Ecosystem::Node, Layout::Versioned) => format!("nodejs/node{major}/node_modules"),
        }
    }

    /// The language's interpreter in the base image: `/var/lang/bin/python3.13`, `/var/lang/bin/node`.
    #[must_use]
    pub fn interpreter(self) -> String {
        let (major, minor) = self.version();
        match self.ecosystem() {
            Ecosystem::Python => format!("/var/lang/bin/python{major}.{minor}"),
            Ecosystem::Node => "/var/lang/bin/node".to_owned(),
        }
    }

    fn facts(self) -> &'static Facts {
        &RUNTIMES[usize::from(self.0)]
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads AWS's names exactly.
impl FromStr for Runtime {
    type Err = TargetError;

    fn from_str(name: &str) -> Result<Self, TargetError> {
        if let Some(runtime) = Self::all().find(|runtime| runtime.name() == name) {
            return Ok(runtime);
        }
        let lower = name.to_ascii_lowercase();
        let is_other = OTHER_FAMILIES.iter().any(|family| {
            let rest = lower.strip_prefix(family);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        });
        if is_other {
            return Err(TargetError::OtherRuntime { name: shown(name) });
        }
        Err(TargetError::UnknownRuntime {
            name: shown(name),
            nearest: nearest(&lower),
        })
    }
}

impl Date {
    /// A day of the Gregorian calendar; `month` and `day` count from 1.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The runtime that a wrong name most likely means: by its letters the ecosystem, by its digits the
/// version, the closest one where there is no such version.
fn nearest(lower: &str) -> Option<Runtime> {
    let digits = lower.trim_start_matches(|c: char| !c.is_ascii_digit());
    let letters = &lower[..lower.len() - digits.len()];
    let mut numbers = digits
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let version = match (numbers.next(), numbers.next()) {
        (Some("3"), Some(minor)) => Some((3, minor.parse().ok()?)),
        (Some(major), _) if major.len() > 1 && major.starts_with('3') => {
            Some((3, major[1..].parse().ok()?))
        }
        (Some(major), _) => Some((major.parse().ok()?, 0)),
        (None, _) => None,
    };
    let ecosystem = if letters.contains("node") || letters.contains("js") {
        Ecosystem::Node
    } else if letters.contains("py") || letters == "cp" {
        Ecosystem::Python
    } else {
        match version? {
            (3, _) => Ecosystem::Python,
            (12.., _) => Ecosystem::Node,
            _ => return None,
        }
    };
    match version {
        Some(version @ ((3, 1..) | (4.., _))) => Runtime::all()
            .filter(|runtime| runtime.ecosystem() == ecosystem)
            .min_by_key(|runtime| distance(runtime.version(), version)),
        _ => Some(newest(ecosystem)),
    }
}

/// How far apart two versions are; a major version weighs more than any minor.
fn distance(one: (u8, u8), other: (u8, u8)) -> (u8, u8) {
    (one.0.abs_diff(other.0), one.1.abs_diff(other.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_the_table_is_in_order() {
        let all: Vec<_> = Runtime::all().collect();
        assert_eq!(all.len(), 18);
        for pair in all.windows(2) {
            let key = |runtime: Runtime| (runtime.ecosystem(), runtime.version());
            assert!(key(pair[0]) < key(pair[1]), "{} is out of order", pair[1]);
        }
        for runtime in all {
            assert_eq!(runtime.name().parse(), Ok(runtime));
            let (major, minor) = runtime.version();
            let start = match runtime.ecosystem() {
                Ecosystem::Python => format!("{major}.{minor}."),
                Ecosystem::Node => format!("{major}."),
            };
            assert!(runtime.full_version().starts_with(&start), "{runtime}");
        }
    }

    #[test]
    fn the_newest_is_neither_a_preview_nor_deprecated() {
        assert_eq!(newest(Ecosystem::Python).name(), "python3.14");
        assert_eq!(newest(Ecosystem::Node).name(), "nodejs24.x");
    }

    #[test]
    fn the_status_follows_the_day() {
        let runtime: Runtime = "python3.11".parse().expect("exists");
        let until = Date::new(2027, 6, 30);
        assert_eq!(runtime.status(), Status::Available { until });
        assert_eq!(
            runtime.status_on(Date::new(2027, 6, 29)),
            Status::Available { until }
        );
        assert_eq!(
            runtime.status_on(until),
            Status::Deprecated { since: until }
        );
        assert_eq!(until.to_string(), "2027-06-30");
        let preview: Runtime = "nodejs26.x".parse().expect("exists");
        assert_eq!(preview.status_on(Date::new(2099, 1, 1)), Status::Preview);
    }

    #[test]
    fn facts_of_the_base_images() {
        let facts = |name: &str| {
            let runtime: Runtime = name.parse().expect("exists");
            (
                runtime.glibc(),
                runtime.node_module_version(),
                runtime.interpreter(),
            )
        };
        assert_eq!(
            facts("python3.7"),
            ((2, 17), None, "/var/lang/bin/python3.7".into())
        );
        assert_eq!(
            facts("python3.11"),
            ((2, 26), None, "/var/lang/bin/python3.11".into())
        );
        assert_eq!(
            facts("nodejs18.x"),
            ((2, 26), Some(108), "/var/lang/bin/node".into())
        );
        assert_eq!(
            facts("nodejs22.x"),
            ((2, 34), Some(127), "/var/lang/bin/node".into())
        );
        let old: Runtime = "python3.7".parse().expect("exists");
        assert!(old.runs_on(Arch::X86_64) && !old.runs_on(Arch::Arm64));
    }

    #[test]
    fn prefixes_are_those_the_runtimes_read() {
        let prefix = |name: &str, layout| {
            let runtime: Runtime = name.parse().expect("exists");
            runtime.layer_prefix(layout)
        };
        assert_eq!(prefix("python3.13", Layout::Flat), "python");
        assert_eq!(
            prefix("python3.13", Layout::Versioned),
            "python/lib/python3.13/site-packages"
        );
        assert_eq!(prefix("nodejs22.x", Layout::Flat), "nodejs/node_modules");
        assert_eq!(
            prefix("nodejs22.x", Layout::Versioned),
            "nodejs/node22/node_modules"
        );
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let nearest = |name: &str| match name.parse::<Runtime>() {
            Err(TargetError::UnknownRuntime { nearest, .. }) => {
                nearest.map_or("nothing", Runtime::name)
            }
            other => panic!("{name} gave {other:?}"),
        };
        for (wrong, right) in [
            ("python3.13.1", "python3.13"),
            ("py313", "python3.13"),
            ("cp312", "python3.12"),
            ("Python3.13", "python3.13"),
            (" python3.13", "python3.13"),
            ("phyton3.13", "python3.13"),
            ("3.13", "python3.13"),
            ("313", "python3.13"),
            ("python3.16", "python3.15"),
            ("python3.5", "python3.6"),
            ("python2.7", "python3.14"),
            ("python3", "python3.14"),
            ("python", "python3.14"),
            ("nodejs22", "nodejs22.x"),
            ("nodejs22.1", "nodejs22.x"),
            ("node22", "nodejs22.x"),
            ("NodeJS22.x", "nodejs22.x"),
            ("22", "nodejs22.x"),
            ("nodejs8.10", "nodejs12.x"),
            ("nodejs", "nodejs24.x"),
            ("python99999999999", "nothing"),
            ("perl5", "nothing"),
            ("", "nothing"),
        ] {
            assert_eq!(nearest(wrong), right, "for `{wrong}`");
        }
    }

    #[test]
    fn errors_say_what_to_write_instead() {
        let error = |name: &str| {
            let error = name.parse::<Runtime>().expect_err("is refused");
            format!("{error}\nhint: {}", error.hint())
        };
        insta::assert_snapshot!(error("py313"), @r"
        `py313` is not a Lambda runtime
        hint: did you mean `python3.13`?
        ");
        insta::assert_snapshot!(error("perl"), @r"
        `perl` is not a Lambda runtime
        hint: name a runtime such as `python3.13` or `nodejs22.x`
        ");
        insta::assert_snapshot!(error("provided.al2023"), @r"
        `provided.al2023` is a Lambda runtime without Python or Node.js packages
        hint: name the Python or Node.js version that the layer's code runs on, such as `python3.13` or `nodejs22.x`
        ");
    }
}
