//! The wheel tags of an interpreter of this machine, for build requirements.
//!
//! As `packaging.tags.sys_tags` lists them, in the same order; a build only ever needs the tools of
//! its own host, so the rarer platforms end with the tags that their wheels really use.

use std::sync::Arc;

use layerpress_target::WheelTag;

use super::interpreter::Libc;

/// The tags of a Python `minor`; `cpython` is the suffix of its ABI, or nothing for another
/// implementation; `platform` as `sysconfig.get_platform` gives it.
pub(super) fn tags(
    minor: (u8, u8),
    cpython: Option<&str>,
    platform: &str,
    libc: Libc,
) -> Vec<WheelTag> {
    let platforms = platforms(platform, libc);
    let (major, minor) = minor;
    let mut tags = Vec::new();
    if let Some(suffix) = cpython {
        let python = format!("cp{major}{minor}");
        let own = format!("{python}{suffix}");
        push(&mut tags, &python, &own, &platforms);
        if suffix.is_empty() {
            push(&mut tags, &python, "abi3", &platforms);
        }
        push(&mut tags, &python, "none", &platforms);
        if suffix.is_empty() {
            for older in (2..minor).rev() {
                push(&mut tags, &format!("cp{major}{older}"), "abi3", &platforms);
            }
        }
    }
    let any = ["any".to_owned()];
    for platforms in [&platforms[..], &any] {
        if platforms == any && cpython.is_some() {
            push(&mut tags, &format!("cp{major}{minor}"), "none", platforms);
        }
        push(&mut tags, &format!("py{major}{minor}"), "none", platforms);
        push(&mut tags, &format!("py{major}"), "none", platforms);
        for older in (0..minor).rev() {
            push(&mut tags, &format!("py{major}{older}"), "none", platforms);
        }
    }
    tags
}

fn push(tags: &mut Vec<WheelTag>, python: &str, abi: &str, platforms: &[String]) {
    let (python, abi): (Arc<str>, Arc<str>) = (python.into(), abi.into());
    tags.extend(platforms.iter().map(|platform| WheelTag {
        python: python.clone(),
        abi: abi.clone(),
        platform: platform.as_str().into(),
    }));
}

fn platforms(platform: &str, libc: Libc) -> Vec<String> {
    let plain = platform.replace(['-', '.', ' '], "_");
    let Some(machine) = plain.strip_prefix("linux_") else {
        return match platform.strip_prefix("macosx-") {
            Some(rest) => macos(rest),
            None => vec![plain],
        };
    };
    let mut found = Vec::new();
    match libc {
        Libc::Glibc(2, minor) => {
            // PEP 600: manylinux for other machines than Intel's begins with glibc 2.17.
            let intel = matches!(machine, "x86_64" | "i686");
            for minor in (if intel { 5 } else { 17 }..=minor).rev() {
                found.push(format!("manylinux_2_{minor}_{machine}"));
                let legacy = match minor {
                    17 => "manylinux2014",
                    12 if intel => "manylinux2010",
                    5 if intel => "manylinux1",
                    _ => continue,
                };
                found.push(format!("{legacy}_{machine}"));
            }
        }
        Libc::Glibc(..) => {}
        // PEP 656; every musl in use is 1.2 and loads what was built for 1.1.
        Libc::Other => {
            found.extend(
                (0..=2)
                    .rev()
                    .map(|minor| format!("musllinux_1_{minor}_{machine}")),
            );
        }
    }
    found.push(plain);
    found
}

/// What tools for macOS are tagged with: `rest` is `14.0-arm64`.
fn macos(rest: &str) -> Vec<String> {
    let machine = rest.rsplit('-').next().unwrap_or_default();
    let newer = (11..=26).rev().map(|major| (major, 0));
    let older = (4..=16).rev().map(|minor| (10, minor));
    newer
        .chain(older)
        .flat_map(|(major, minor)| {
            [machine, "universal2"].map(|machine| format!("macosx_{major}_{minor}_{machine}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tags: &[WheelTag]) -> Vec<String> {
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn on_linux_they_equal_those_of_a_target() {
        let target = layerpress_target::Target {
            runtime: "python3.13".parse().expect("exists"),
            arch: layerpress_target::Arch::X86_64,
        };
        let host = tags((3, 13), Some(""), "linux-x86_64", Libc::Glibc(2, 34));
        assert_eq!(shown(&host), shown(&target.wheel_tags()));
        let target = layerpress_target::Target {
            runtime: "python3.11".parse().expect("exists"),
            arch: layerpress_target::Arch::Arm64,
        };
        let host = tags((3, 11), Some(""), "linux-aarch64", Libc::Glibc(2, 26));
        assert_eq!(shown(&host), shown(&target.wheel_tags()));
    }

    #[test]
    fn other_hosts_have_their_own_tools() {
        let musl = shown(&tags((3, 12), Some(""), "linux-x86_64", Libc::Other));
        assert!(musl.contains(&"py3-none-musllinux_1_2_x86_64".to_owned()));
        assert!(!musl.iter().any(|tag| tag.contains("manylinux")));
        let mac = shown(&tags((3, 12), Some(""), "macosx-14.0-arm64", Libc::Other));
        assert!(mac.contains(&"cp312-cp312-macosx_11_0_arm64".to_owned()));
        let free = shown(&tags(
            (3, 13),
            Some("t"),
            "linux-x86_64",
            Libc::Glibc(2, 17),
        ));
        assert_eq!(free[0], "cp313-cp313t-manylinux_2_17_x86_64");
        assert!(!free.iter().any(|tag| tag.contains("abi3")));
    }
}
