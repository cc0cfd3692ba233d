//! [`WheelTag`]: which wheels load on a target, in the order in which installers prefer them.
//!
//! The order is that of `packaging.tags` (`cpython_tags`, then `compatible_tags`), which pip uses and
//! uv follows. The tags themselves are PEP 425's, PEP 384's (abi3) and PEP 600's (manylinux).

use std::fmt;
use std::sync::Arc;

use crate::Arch;

/// A compatibility tag of a wheel: `cp313-cp313-manylinux_2_28_x86_64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WheelTag {
    /// The language version, such as `cp313` or `py3`.
    pub python: Arc<str>,
    /// The binary interface, such as `cp313`, `abi3` or `none`.
    pub abi: Arc<str>,
    /// The platform, such as `manylinux_2_34_x86_64` or `any`.
    pub platform: Arc<str>,
}

impl fmt::Display for WheelTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// The first minor version of Python 3 with a stable binary interface (PEP 384).
const FIRST_ABI3_MINOR: u8 = 2;

/// The last minor version of Python 3 whose ABI tag says that it uses pymalloc.
const LAST_PYMALLOC_MINOR: u8 = 7;

/// All the tags that a CPython loads, best first.
pub(crate) fn of_cpython(
    (major, minor): (u8, u8),
    arch: Arch,
    (_, glibc_minor): (u16, u16),
) -> Vec<WheelTag> {
    let platforms = platforms(arch, glibc_minor);
    let any: [Arc<str>; 1] = [Arc::from("any")];
    let abi3: Arc<str> = Arc::from("abi3");
    let none: Arc<str> = Arc::from("none");
    let own: Arc<str> = Arc::from(format!("cp{major}{minor}"));
    let own_abi = if minor <= LAST_PYMALLOC_MINOR {
        Arc::from(format!("{own}m"))
    } else {
        Arc::clone(&own)
    };
    let generic: Vec<Arc<str>> = generic_pythons(major, minor);

    let mut tags = Vec::with_capacity((4 + 2 * usize::from(minor)) * (platforms.len() + 1));
    let mut add = |python: &Arc<str>, abi: &Arc<str>, platforms: &[Arc<str>]| {
        tags.extend(platforms.iter().map(|platform| WheelTag {
            python: Arc::clone(python),
            abi: Arc::clone(abi),
            platform: Arc::clone(platform),
        }));
    };
    add(&own, &own_abi, &platforms);
    add(&own, &abi3, &platforms);
    add(&own, &none, &platforms);
    for older in (FIRST_ABI3_MINOR..minor).rev() {
        add(&Arc::from(format!("cp{major}{older}")), &abi3, &platforms);
    }
    for python in &generic {
        add(python, &none, &platforms);
    }
    add(&own, &none, &any);
    for python in &generic {
        add(python, &none, &any);
    }
    tags
}

/// `py313`, `py3`, `py312`, … `py30`.
fn generic_pythons(major: u8, minor: u8) -> Vec<Arc<str>> {
    let mut pythons = vec![format!("py{major}{minor}"), format!("py{major}")];
    pythons.extend((0..minor).rev().map(|older| format!("py{major}{older}")));
    pythons.into_iter().map(Arc::from).collect()
}

/// The platforms from the newest manylinux that the C library meets down to the oldest of the
/// architecture, each followed by its older name, then the bare one.
fn platforms(arch: Arch, glibc_minor: u16) -> Vec<Arc<str>> {
    let oldest = match arch {
        // manylinux1, PEP 513.
        Arch::X86_64 => 5,
        // manylinux2014, the first for Arm, PEP 599.
        Arch::Arm64 => 17,
    };
    let machine = arch.machine();
    let mut platforms = Vec::new();
    for minor in (oldest..=glibc_minor).rev() {
        platforms.push(Arc::from(format!("manylinux_2_{minor}_{machine}")));
        // The aliases of PEP 600.
        let alias = match minor {
            17 => "manylinux2014",
            12 => "manylinux2010",
            5 => "manylinux1",
            _ => continue,
        };
        platforms.push(Arc::from(format!("{alias}_{machine}")));
    }
    platforms.push(Arc::from(format!("linux_{machine}")));
    platforms
}

#[cfg(test)]
mod tests {
    use crate::{Runtime, Target};

    use super::*;

    /// How many tags `packaging.tags` 26.3 yields for the same version, machine and C library.
    const COUNTS: [(&str, usize, usize); 10] = [
        ("python3.6", 264, 54),
        ("python3.7", 299, 61),
        ("python3.8", 505, 239),
        ("python3.9", 558, 264),
        ("python3.10", 611, 289),
        ("python3.11", 664, 314),
        ("python3.12", 933, 555),
        ("python3.13", 1002, 596),
        ("python3.14", 1071, 637),
        ("python3.15", 1140, 678),
    ];

    fn tags(runtime: Runtime, arch: Arch) -> Vec<WheelTag> {
        Target { runtime, arch }.wheel_tags()
    }

    #[test]
    fn as_many_tags_as_packaging_has_and_none_twice() {
        for (name, x86_64, arm64) in COUNTS {
            let runtime: Runtime = name.parse().expect("exists");
            for (arch, count) in [(Arch::X86_64, x86_64), (Arch::Arm64, arm64)] {
                let mut tags = tags(runtime, arch);
                assert_eq!(tags.len(), count, "{name} {arch}");
                tags.sort();
                tags.dedup();
                assert_eq!(tags.len(), count, "{name} {arch} has a tag twice");
            }
        }
    }

    #[test]
    fn the_order_is_packagings() {
        let runtime = "python3.11".parse().expect("exists");
        let tags = tags(runtime, Arch::Arm64);
        let mut blocks: Vec<(String, Vec<&str>)> = Vec::new();
        for tag in &tags {
            let block = format!("{}-{}", tag.python, tag.abi);
            match blocks.last_mut() {
                Some((last, platforms)) if *last == block => platforms.push(&tag.platform),
                _ => blocks.push((block, vec![&tag.platform])),
            }
        }
        let native = blocks[0].1.clone();
        insta::assert_snapshot!(native.join("\n"), @r"
        manylinux_2_26_aarch64
        manylinux_2_25_aarch64
        manylinux_2_24_aarch64
        manylinux_2_23_aarch64
        manylinux_2_22_aarch64
        manylinux_2_21_aarch64
        manylinux_2_20_aarch64
        manylinux_2_19_aarch64
        manylinux_2_18_aarch64
        manylinux_2_17_aarch64
        manylinux2014_aarch64
        linux_aarch64
        ");
        let listing: Vec<String> = blocks
            .into_iter()
            .map(|(block, platforms)| {
                if platforms == native {
                    format!("{block}-*")
                } else {
                    format!("{block}-{}", platforms.join("."))
                }
            })
            .collect();
        insta::assert_snapshot!(listing.join(" "), @"cp311-cp311-* cp311-abi3-* cp311-none-* cp310-abi3-* cp39-abi3-* cp38-abi3-* cp37-abi3-* cp36-abi3-* cp35-abi3-* cp34-abi3-* cp33-abi3-* cp32-abi3-* py311-none-* py3-none-* py310-none-* py39-none-* py38-none-* py37-none-* py36-none-* py35-none-* py34-none-* py33-none-* py32-none-* py31-none-* py30-none-* cp311-none-any py311-none-any py3-none-any py310-none-any py39-none-any py38-none-any py37-none-any py36-none-any py35-none-any py34-none-any py33-none-any py32-none-any py31-none-any py30-none-any");
    }

    #[test]
    fn old_pythons_name_pymalloc_and_old_x86_has_three_aliases() {
        let tags: Vec<String> = tags("python3.7".parse().expect("exists"), Arch::X86_64)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(tags[0], "cp37-cp37m-manylinux_2_17_x86_64");
        assert_eq!(tags[1], "cp37-cp37m-manylinux2014_x86_64");
        let place = |tag: &str| tags.iter().position(|other| other == tag);
        let pairs = [
            ("manylinux_2_12", "manylinux2010"),
            ("manylinux_2_5", "manylinux1"),
        ];
        for (name, alias) in pairs {
            let name = place(&format!("cp37-cp37m-{name}_x86_64")).expect("is there");
            assert_eq!(place(&format!("cp37-cp37m-{alias}_x86_64")), Some(name + 1));
        }
    }
}
