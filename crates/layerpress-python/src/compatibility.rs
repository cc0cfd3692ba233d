//! [`Compatibility`]: which wheels run on a target, and which of them is the best.
//!
//! In comes a target's tag list in priority order; out goes the rank of a wheel on it: its place
//! in that list, so that lower is better. Asked for thousands of files per run, therefore nothing
//! here allocates after construction.

use layerpress_target::{Target, WheelTag};
use rustc_hash::FxHashMap;

use crate::wheel_name::{WheelName, WheelParts};

/// The tags that a target supports, ready to rank wheels by.
#[derive(Debug, Clone)]
pub struct Compatibility {
    /// By interpreter, then by ABI.
    ranks: ByTag<ByTag<Platforms>>,
}

type ByTag<T> = FxHashMap<Box<str>, T>;

/// From platform to rank.
type Platforms = ByTag<u32>;

/// The first reason why a wheel does not fit, from the most to the least far-fetched remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mismatch {
    /// It is for other interpreters: `cp27` on 3.13, `pp310`.
    Python,
    /// It is for other ABIs: `cp310` without `abi3`, `cp313t`.
    Abi,
    /// It is for other operating systems, architectures, or a newer libc.
    Platform,
}

impl Compatibility {
    /// The compatibility of a target.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        Self::from_tags(target.wheel_tags())
    }

    /// The compatibility of an explicit tag list, best first; of a repeated tag the first counts.
    #[must_use]
    pub fn from_tags(tags: impl IntoIterator<Item = WheelTag>) -> Self {
        let mut ranks = ByTag::<ByTag<Platforms>>::default();
        for (rank, tag) in (0..).zip(tags) {
            ranks
                .entry(Box::from(&*tag.python))
                .or_default()
                .entry(Box::from(&*tag.abi))
                .or_default()
                .entry(Box::from(&*tag.platform))
                .or_insert(rank);
        }
        Self { ranks }
    }

    /// The rank of a wheel: that of its best tag, lower is better; `None` if it does not fit.
    #[must_use]
    pub fn rank(&self, wheel: &WheelName) -> Option<u32> {
        let tags = &wheel.tags;
        let fitting = tags.python.iter().filter_map(|tag| self.ranks.get(&**tag));
        best(fitting.flat_map(|by_abi| {
            let fitting = tags.abi.iter().filter_map(|tag| by_abi.get(&**tag));
            fitting.flat_map(|ranks| tags.platform.iter().filter_map(|tag| ranks.get(&**tag)))
        }))
    }

    /// The rank of a wheel whose name is only split.
    #[must_use]
    pub fn rank_parts(&self, wheel: &WheelParts<'_>) -> Option<u32> {
        let fitting = wheel
            .python
            .split('.')
            .filter_map(|tag| self.ranks.get(tag));
        best(fitting.flat_map(|by_abi| {
            let fitting = wheel.abi.split('.').filter_map(|tag| by_abi.get(tag));
            fitting.flat_map(|ranks| wheel.platform.split('.').filter_map(|tag| ranks.get(tag)))
        }))
    }

    /// Why a wheel does not fit; `None` if it does.
    #[must_use]
    pub fn mismatch(&self, wheel: &WheelParts<'_>) -> Option<Mismatch> {
        if self.rank_parts(wheel).is_some() {
            return None;
        }
        let mut reason = Mismatch::Python;
        for python in wheel.python.split('.') {
            let Some(abis) = self.ranks.get(python) else {
                continue;
            };
            let fits = wheel.abi.split('.').any(|abi| abis.contains_key(abi));
            reason = reason.max(if fits {
                Mismatch::Platform
            } else {
                Mismatch::Abi
            });
        }
        Some(reason)
    }
}

fn best<'a>(ranks: impl Iterator<Item = &'a u32>) -> Option<u32> {
    ranks.min().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(name: &str) -> Compatibility {
        Compatibility::new(&Target {
            runtime: name.parse().expect("known"),
            arch: "x86_64".parse().expect("known"),
        })
    }

    fn parts(file_name: &str) -> WheelParts<'_> {
        WheelParts::split(file_name).expect(file_name)
    }

    fn best<'a>(compatibility: &Compatibility, names: &[&'a str]) -> Option<&'a str> {
        names
            .iter()
            .filter_map(|name| Some((compatibility.rank_parts(&parts(name))?, *name)))
            .min()
            .map(|(_, name)| name)
    }

    #[test]
    fn the_newest_glibc_that_the_target_has_wins() {
        let names = [
            "cryptography-46.0.0-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "cryptography-46.0.0-cp311-abi3-manylinux_2_28_x86_64.whl",
            "cryptography-46.0.0-cp311-abi3-manylinux_2_34_x86_64.whl",
            "cryptography-46.0.0-cp311-abi3-musllinux_1_2_x86_64.whl",
        ];
        assert_eq!(best(&python("python3.13"), &names), Some(names[2]));
        assert_eq!(best(&python("python3.11"), &names[..2]), Some(names[0]));
    }

    #[test]
    fn every_tag_of_a_compressed_set_counts_in_any_order() {
        let target = python("python3.13");
        let one = "a-1-py2.cp313-none.cp313-any.manylinux_2_28_x86_64.whl";
        let other = "a-1-cp313.py2-cp313.none-manylinux_2_28_x86_64.any.whl";
        let rank = target.rank_parts(&parts(one)).expect("fits");
        assert_eq!(target.rank_parts(&parts(other)), Some(rank));
        assert_eq!(target.rank(&one.parse().expect("valid")), Some(rank));
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let target = python("python3.13");
        for (name, reason) in [
            (
                "a-1-cp313-cp313t-manylinux_2_28_x86_64.whl",
                Some(Mismatch::Abi),
            ),
            (
                "a-1-cp27-cp27mu-manylinux_2_28_x86_64.whl",
                Some(Mismatch::Python),
            ),
            (
                "a-1-cp310-cp310-manylinux_2_28_x86_64.whl",
                Some(Mismatch::Abi),
            ),
            (
                "a-1-cp313-cp313-manylinux_2_99_x86_64.whl",
                Some(Mismatch::Platform),
            ),
            ("a-1-cp313-cp313-win_amd64.whl", Some(Mismatch::Platform)),
            ("a-1-cp37-abi3-manylinux_2_17_x86_64.whl", None),
            ("a-1-py3-none-any.whl", None),
        ] {
            assert_eq!(target.mismatch(&parts(name)), reason, "{name}");
        }
    }
}
