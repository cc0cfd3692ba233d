//! [`WheelName`] and [`SdistName`]: what the name of a distribution file says about it.
//!
//! In comes a bare file name, percent-decoded; out goes name, version and tags, or the reason why
//! it is not the name of a wheel or source distribution. Index pages are full of other files
//! (`.exe`, `.egg`, `.asc`): those callers skip, so that nothing here is fatal to a page.

use std::fmt;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::PackageName;

use crate::escaped::escaped;

/// The parsed name of a wheel: `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`
/// (binary distribution format specification, "File name convention").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// The distribution's normalised name.
    pub name: PackageName,
    /// Its version, local part included.
    pub version: Version,
    /// The build tag: the tie-breaker between builds of one version, higher is better.
    pub build: Option<BuildTag>,
    /// The interpreters, ABIs and platforms it is for.
    pub tags: TagSet,
}

/// A wheel's build tag: digits, then anything; ordered by number first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildTag {
    /// The leading digits.
    pub number: u64,
    /// What follows them, often nothing.
    pub suffix: String,
}

/// A compressed tag set (PEP 425): it stands for every combination of its three lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    /// Interpreters: `["py2", "py3"]`.
    pub python: Vec<String>,
    /// ABIs: `["abi3"]`.
    pub abi: Vec<String>,
    /// Platforms: `["manylinux_2_17_x86_64", "manylinux2014_x86_64"]`.
    pub platform: Vec<String>,
}

/// The parts of a wheel's name as they stand in it, for callers that look at thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WheelParts<'a> {
    /// The name as written, not normalised.
    pub name: &'a str,
    /// The version as written, not parsed.
    pub version: &'a str,
    /// The build tag as written.
    pub build: Option<&'a str>,
    /// The interpreters, separated by dots.
    pub python: &'a str,
    /// The ABIs, separated by dots.
    pub abi: &'a str,
    /// The platforms, separated by dots.
    pub platform: &'a str,
}

/// The parsed name of a source distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdistName {
    /// The distribution's normalised name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// How it is packed.
    pub format: SdistFormat,
}

/// The archive formats of source distributions that can be read.
///
/// PEP 527 leaves `.tar.gz` and `.zip` as the only ones that may be uploaded; `.tgz` is the former
/// by its short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdistFormat {
    /// `.tar.gz` or `.tgz`.
    TarGz,
    /// `.zip`.
    Zip,
}

/// Why a string is not a wheel's file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WheelNameError {
    /// It does not end in `.whl`.
    #[error("`{file_name}` does not end in `.whl`")]
    Extension {
        /// The name, escaped and cut for display.
        file_name: String,
    },
    /// It has fewer than five or more than six parts.
    #[error("`{file_name}` is no wheel's name, which is `name-version-python-abi-platform.whl`")]
    Parts {
        /// The name, escaped and cut for display.
        file_name: String,
    },
    /// One of the parts is malformed.
    #[error("`{file_name}` has no valid {part}")]
    Part {
        /// The name, escaped and cut for display.
        file_name: String,
        /// Which part: `name`, `version`, `build tag`, `tag`.
        part: &'static str,
    },
}

impl FromStr for WheelName {
    type Err = WheelNameError;

    fn from_str(file_name: &str) -> Result<Self, WheelNameError> {
        let parts = WheelParts::split(file_name)?;
        let malformed = |part| WheelNameError::Part {
            file_name: escaped(file_name),
            part,
        };
        let build = parts
            .build
            .map(|tag| BuildTag::parse(tag).ok_or_else(|| malformed("build tag")))
            .transpose()?;
        Ok(Self {
            name: package_name(parts.name).ok_or_else(|| malformed("name"))?,
            version: parts.version.parse().map_err(|_| malformed("version"))?,
            build,
            tags: TagSet {
                python: alternatives(parts.python),
                abi: alternatives(parts.abi),
                platform: alternatives(parts.platform),
            },
        })
    }
}

/// The canonical file name: normalised name and version, tags as they were.
impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-", self.name.as_dist_info_name(), self.version)?;
        if let Some(build) = &self.build {
            write!(f, "{}{}-", build.number, build.suffix)?;
        }
        let TagSet {
            python,
            abi,
            platform,
        } = &self.tags;
        let [python, abi, platform] = [python, abi, platform].map(|tags| tags.join("."));
        write!(f, "{python}-{abi}-{platform}.whl")
    }
}

impl<'a> WheelParts<'a> {
    /// Splits a wheel's file name at its hyphens, without looking into name, version and build tag.
    ///
    /// # Errors
    /// [`WheelNameError`] if it is not a wheel's, or one of the tags is not made of letters, digits,
    /// `_` and `.`.
    pub fn split(file_name: &'a str) -> Result<Self, WheelNameError> {
        let stem = file_name
            .strip_suffix(".whl")
            .ok_or_else(|| WheelNameError::Extension {
                file_name: escaped(file_name),
            })?;
        let mut from_right = stem.rsplitn(4, '-');
        let (Some(platform), Some(abi), Some(python), Some(front)) = (
            from_right.next(),
            from_right.next(),
            from_right.next(),
            from_right.next(),
        ) else {
            return Err(wrong_count(file_name));
        };
        let mut front = front.split('-');
        let (Some(name), Some(version), build, None) =
            (front.next(), front.next(), front.next(), front.next())
        else {
            return Err(wrong_count(file_name));
        };
        if ![python, abi, platform].into_iter().all(is_tag_list) {
            return Err(WheelNameError::Part {
                file_name: escaped(file_name),
                part: "tag",
            });
        }
        Ok(Self {
            name,
            version,
            build,
            python,
            abi,
            platform,
        })
    }
}

impl BuildTag {
    /// Reads a build tag; `None` if it does not start with a digit.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let digits = tag.len() - tag.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        Some(Self {
            number: tag[..digits].parse().ok()?,
            suffix: tag[digits..].to_owned(),
        })
    }
}

impl SdistName {
    /// Reads the name of a source distribution of the package `name`.
    ///
    /// The package must be known because old names are ambiguous: `foo-bar-1.tar.gz` is version 1
    /// of `foo-bar`, or version `bar-1` of `foo`. `None` if it is none of that package.
    #[must_use]
    pub fn parse(file_name: &str, name: &PackageName) -> Option<Self> {
        let (stem, format) = SdistFormat::split(file_name)?;
        let version = stem
            .match_indices('-')
            .filter(|(hyphen, _)| package_name(&stem[..*hyphen]).as_ref() == Some(name))
            .find_map(|(hyphen, _)| stem[hyphen + 1..].parse::<Version>().ok())?;
        Some(Self {
            name: name.clone(),
            version,
            format,
        })
    }

    /// Reads the name of a source distribution whose package is unknown: name and version meet at
    /// the last hyphen (PEP 625). `None` if it is none.
    #[must_use]
    pub fn guess(file_name: &str) -> Option<Self> {
        let (stem, format) = SdistFormat::split(file_name)?;
        let (name, version) = stem.rsplit_once('-')?;
        Some(Self {
            name: package_name(name)?,
            version: version.parse().ok()?,
            format,
        })
    }
}

impl SdistFormat {
    /// The format of a file by its name; `None` if it is no archive that can be read.
    #[must_use]
    pub fn of(file_name: &str) -> Option<Self> {
        Some(Self::split(file_name)?.1)
    }

    fn split(file_name: &str) -> Option<(&str, Self)> {
        [
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
            (".zip", Self::Zip),
        ]
        .into_iter()
        .find_map(|(extension, format)| Some((file_name.strip_suffix(extension)?, format)))
    }
}

/// A package's name, normalised; `pep508_rs` itself lets the empty name pass.
pub(crate) fn package_name(text: &str) -> Option<PackageName> {
    (!text.is_empty()).then(|| PackageName::from_str(text).ok())?
}

fn alternatives(list: &str) -> Vec<String> {
    list.split('.').map(str::to_owned).collect()
}

fn is_tag_list(list: &str) -> bool {
    !list.is_empty()
        && list
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

fn wrong_count(file_name: &str) -> WheelNameError {
    WheelNameError::Parts {
        file_name: escaped(file_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wheel(file_name: &str) -> WheelName {
        file_name.parse().expect(file_name)
    }

    fn package(name: &str) -> PackageName {
        PackageName::from_str(name).expect(name)
    }

    #[test]
    fn a_compressed_tag_set_is_taken_apart() {
        let name = wheel("numpy-2.5.0-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl");
        assert_eq!(name.name, package("numpy"));
        assert_eq!(name.version, Version::new([2, 5, 0]));
        assert_eq!(name.build, None);
        assert_eq!(
            name.tags.platform,
            ["manylinux_2_27_x86_64", "manylinux_2_28_x86_64"]
        );
    }

    #[test]
    fn build_tags_order_by_number() {
        let build = |file_name| wheel(file_name).build.expect("has one");
        let one = build("distribution-1.0-1-py27-none-any.whl");
        let ten = build("distribution-1.0-10_x-py27-none-any.whl");
        assert!(one < ten);
        assert_eq!(ten.suffix, "_x");
    }

    #[test]
    fn escaped_names_and_local_versions_are_read() {
        let name = wheel("Foo_Bar.baz-1.0+cu118.ubuntu_20-py2.py3-none-any.whl");
        assert_eq!(name.name, package("foo-bar-baz"));
        assert_eq!(name.version.to_string(), "1.0+cu118.ubuntu.20");
        assert_eq!(
            name.to_string(),
            "foo_bar_baz-1.0+cu118.ubuntu.20-py2.py3-none-any.whl"
        );
    }

    #[test]
    fn what_is_no_wheel_is_refused_with_the_reason() {
        let said: Vec<_> = [
            "foo-1.0.exe",
            "foo-1.0.whl",
            "foo-1.0-1-2-py3-none-any.whl",
            "foo-1.0-x-py3-none-any.whl",
            "-1.0-py3-none-any.whl",
            "foo-one-py3-none-any.whl",
            "foo-1.0-py3-none-.whl",
            "foo-1.0-py3-none-a\u{1b}y.whl",
        ]
        .into_iter()
        .map(|name| name.parse::<WheelName>().expect_err(name).to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        `foo-1.0.exe` does not end in `.whl`
        `foo-1.0.whl` is no wheel's name, which is `name-version-python-abi-platform.whl`
        `foo-1.0-1-2-py3-none-any.whl` is no wheel's name, which is `name-version-python-abi-platform.whl`
        `foo-1.0-x-py3-none-any.whl` has no valid build tag
        `-1.0-py3-none-any.whl` has no valid name
        `foo-one-py3-none-any.whl` has no valid version
        `foo-1.0-py3-none-.whl` has no valid tag
        `foo-1.0-py3-none-a\u{1b}y.whl` has no valid tag
        ");
    }

    #[test]
    fn a_source_distribution_is_split_where_its_package_ends() {
        let version = |file_name, name| {
            SdistName::parse(file_name, &package(name)).map(|sdist| sdist.version.to_string())
        };
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(version("foo-bar-1.0.tar.gz", "foo-bar"), found("1.0"));
        assert_eq!(version("Foo_Bar-1.0.zip", "foo-bar"), found("1.0"));
        assert_eq!(version("foo.bar-1.0-2.tgz", "foo-bar"), found("1.0.post2"));
        assert_eq!(version("foo-bar-1.0.tar.gz", "foo"), None);
        assert_eq!(version("foo-1.0.tar.bz2", "foo"), None);
        assert_eq!(version("foo-.tar.gz", "foo"), None);
    }

    #[test]
    fn without_its_package_the_last_hyphen_counts() {
        let sdist = SdistName::guess("foo-bar-1.0.tar.gz").expect("valid");
        assert_eq!(
            (sdist.name, sdist.version),
            (package("foo-bar"), Version::new([1, 0]))
        );
        assert_eq!(SdistName::guess("1.0.tar.gz"), None);
    }

    proptest! {
        #[test]
        fn any_name_is_parsed_or_refused(name in "\\PC{0,60}(\\.whl|\\.tar\\.gz)?") {
            let _ = name.parse::<WheelName>();
            let _ = SdistName::guess(&name);
            let _ = SdistName::parse(&name, &package("foo"));
        }

        #[test]
        fn what_is_written_reads_the_same(
            name in "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?",
            version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(rc1)?(\\+cpu)?",
            build in proptest::option::of("[0-9]{1,3}[a-z]?"),
            platform in "[a-z0-9_]{1,9}(\\.[a-z0-9_]{1,9}){0,2}",
        ) {
            let build = build.map(|tag| format!("-{tag}")).unwrap_or_default();
            let file_name = format!("{}-{version}{build}-py2.py3-none-{platform}.whl",
                package(&name).as_dist_info_name());
            let once = wheel(&file_name);
            prop_assert_eq!(wheel(&once.to_string()), once);
        }
    }
}
