//! [`foreign_files`]: machine code that cannot run on the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use layerpress_press::{Binary, Libc, Machine};
use layerpress_target::{Arch, Target};
use layerpress_tree::LayerPath;

use super::node_versions::is_for_other_node;

/// A file that is of no use on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFile {
    /// Where it lies, as it was given.
    pub path: LayerPath,
    /// Why it is of no use.
    pub reason: Foreign,
}

/// Why a file is of no use on the target; [`Display`](fmt::Display) says what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Foreign {
    /// A program, a library or debug information for Windows.
    Windows,
    /// A program or a library for Apple's systems.
    Apple,
    /// For Android, a BSD or another Unix.
    OtherUnix,
    /// For Linux on another processor.
    Processor,
    /// For Linux with the C library musl.
    Musl,
    /// In the folder of another platform below `prebuilds`.
    Folder,
    /// For another version of Node.js, or a program beside it, that loads such files.
    OtherNode,
    /// A query engine of Prisma's that another Linux would load.
    Engine,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Windows => "for Windows",
            Self::Apple => "for macOS",
            Self::OtherUnix => "for another Unix than Linux",
            Self::Processor => "for another processor",
            Self::Musl => "for the C library musl",
            Self::Folder => "in the folder of another platform",
            Self::OtherNode => "for another version of Node.js",
            Self::Engine => "an engine for another Linux",
        })
    }
}

/// The files of one package, or of the team's own, that are of no use on `target`, in their order;
/// `binaries` are those of `files` that are machine code.
///
/// What a file is for is told by its own bytes, and beside that only by folders and names that its
/// loader goes by. WebAssembly, .NET code for any system and programs of the kernel's own machine stay;
/// so does code that needs musl where the package brings musl along.
#[must_use]
pub fn foreign_files(
    files: &[&LayerPath],
    binaries: &BTreeMap<LayerPath, Binary>,
    target: Target,
) -> Vec<ForeignFile> {
    let has_musl = files.iter().any(|path| is_musl(path.file_name()));
    let has_engine = files.iter().any(|path| is_own_engine(path, target));
    let names: BTreeSet<&str> = files.iter().map(|path| path.as_str()).collect();
    let is_other =
        |path: &LayerPath| binaries.contains_key(path) && is_for_other_node(path, &names, target);
    let reason = |path: &LayerPath| {
        let by_bytes = binaries
            .get(path)
            .and_then(|binary| foreign(*binary, target.arch))
            .filter(|reason| *reason != Foreign::Musl || !has_musl);
        by_bytes
            .or_else(|| in_foreign_folder(path, target.arch).then_some(Foreign::Folder))
            .or_else(|| is_other(path).then_some(Foreign::OtherNode))
            .or_else(|| (has_engine && is_other_engine(path, target)).then_some(Foreign::Engine))
    };
    files
        .iter()
        .filter_map(|path| {
            Some(ForeignFile {
                reason: reason(path)?,
                path: (*path).clone(),
            })
        })
        .collect()
}

/// Why machine code does not run on Lambda's Linux, if so.
pub(super) fn foreign(binary: Binary, arch: Arch) -> Option<Foreign> {
    let own = match arch {
        Arch::X86_64 => Machine::X86_64,
        Arch::Arm64 => Machine::Aarch64,
    };
    let Binary::Elf { machine, libc } = binary else {
        return match binary {
            Binary::Pe => Some(Foreign::Windows),
            Binary::MachO => Some(Foreign::Apple),
            // .NET has it run on any system.
            Binary::Managed | Binary::Elf { .. } => None,
        };
    };
    match (libc, machine) {
        (Libc::Foreign, _) => Some(Foreign::OtherUnix),
        (_, Machine::Bpf) => None,
        (_, machine) if machine != own => Some(Foreign::Processor),
        (Libc::Musl, _) => Some(Foreign::Musl),
        (Libc::None | Libc::Glibc, _) => None,
    }
}

/// Whether a file is musl itself, under the names by which others need it.
fn is_musl(name: &str) -> bool {
    name.starts_with("ld-musl-") || name.starts_with("libc.musl-") || name == "libc.so"
}

/// Whether a path lies in `prebuilds/<platform>-<arch>[+<arch>]/` of another platform: node-gyp-build
/// and its kin (node-gyp-build, `node-gyp-build.js`, `parseTuple`) look nowhere but in that of their
/// own.
fn in_foreign_folder(path: &LayerPath, arch: Arch) -> bool {
    const PLATFORMS: [&str; 13] = [
        "aix",
        "android",
        "cygwin",
        "darwin",
        "freebsd",
        "haiku",
        "linux",
        "linuxglibc",
        "linuxmusl",
        "netbsd",
        "openbsd",
        "sunos",
        "win32",
    ];
    const PROCESSORS: [&str; 14] = [
        "arm",
        "arm64",
        "ia32",
        "loong64",
        "mips",
        "mipsel",
        "ppc",
        "ppc64",
        "riscv64",
        "s390",
        "s390x",
        "universal",
        "x32",
        "x64",
    ];
    if !path.as_str().contains("prebuilds/") {
        return false;
    }
    let folders: Vec<&str> = path.components().collect();
    let named = folders.windows(3).filter(|parts| parts[0] == "prebuilds");
    named
        .filter_map(|parts| parts[1].split_once('-'))
        .any(|(platform, processors)| {
            let known = PLATFORMS.contains(&platform)
                && processors.split('+').all(|it| PROCESSORS.contains(&it));
            let own = ["linux", "linuxglibc"].contains(&platform)
                && processors.split('+').any(|it| it == arch.npm_cpu());
            known && !own
        })
}

/// The name that Prisma has for Lambda's Linux (Prisma, `get-platform/src/binaryTargets.ts`).
pub(super) fn engine_target(target: Target) -> String {
    // Amazon Linux 2 has OpenSSL 1.0, Amazon Linux 2023 has 3.0.
    let openssl = if target.runtime.glibc() < (2, 34) {
        "1.0.x"
    } else {
        "3.0.x"
    };
    match target.arch {
        Arch::X86_64 => format!("rhel-openssl-{openssl}"),
        Arch::Arm64 => format!("linux-arm64-openssl-{openssl}"),
    }
}

/// The platform in the name of one of Prisma's engines.
fn engine_platform(path: &LayerPath) -> Option<&str> {
    let name = path.file_name();
    let kinds = [
        "libquery_engine-",
        "query_engine-",
        "query-engine-",
        "schema-engine-",
        "migration-engine-",
        "introspection-engine-",
        "prisma-fmt-",
    ];
    let platform = kinds.iter().find_map(|kind| name.strip_prefix(kind))?;
    let endings = [".so.node", ".dylib.node", ".dll.node", ".exe"];
    let ending = endings.iter().find_map(|end| platform.strip_suffix(end));
    Some(ending.unwrap_or(platform))
}

pub(super) fn is_engine(path: &LayerPath) -> bool {
    engine_platform(path).is_some()
}

pub(super) fn is_own_engine(path: &LayerPath, target: Target) -> bool {
    engine_platform(path) == Some(engine_target(target).as_str())
}

/// Whether Prisma would load an engine on another system only; names of no system are not judged.
fn is_other_engine(path: &LayerPath, target: Target) -> bool {
    const SYSTEMS: [&str; 12] = [
        "darwin",
        "darwin-arm64",
        "debian-",
        "rhel-",
        "linux-arm64-",
        "linux-musl",
        "linux-static-",
        "linux-arm-",
        "linux-nixos",
        "freebsd",
        "windows",
        "arm",
    ];
    engine_platform(path).is_some_and(|platform| {
        platform != engine_target(target) && SYSTEMS.iter().any(|it| platform.starts_with(it))
    })
}
