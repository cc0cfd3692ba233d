//! Whether a wheel that was built here can be used on a target.
//!
//! A pure wheel fits everywhere. A compiled one fits where the interpreter's minor version, the
//! machine and the C library do; its tags say the first two, its ELF files the last two, and both
//! are looked at: a build that lies in its tags is common enough (`py3-none-any` around a shared
//! library).

use std::collections::BTreeSet;

use layerpress_pack::{Archive, read_all};
use layerpress_target::Target;
use layerpress_tree::Content;
use object::elf;
use object::endian::Endianness;
use object::read::elf::{Dyn as _, ElfFile32, ElfFile64, FileHeader};
use serde::{Deserialize, Serialize};

use super::interpreter::{Interpreter, Libc};
use crate::compatibility::{Compatibility, Mismatch};
use crate::wheel_name::WheelParts;

/// What one of a wheel's ELF files asks of the machine that loads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Need {
    path: String,
    machine: String,
    /// The newest `GLIBC_…` version that it names; (0, 0) if none.
    glibc: (u16, u16),
    /// The libraries that it is linked to (`DT_NEEDED`).
    libraries: Vec<String>,
}

/// Libraries that Lambda's images have: what every manylinux system has (PEP 600), and what the
/// packages of Amazon Linux 2023's minimal image bring along.
const PRESENT: [&str; 21] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libcrypto.so.3",
    "libdl.so.2",
    "libffi.so.8",
    "libgcc_s.so.1",
    "liblzma.so.5",
    "libm.so.6",
    "libnsl.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libsqlite3.so.0",
    "libssl.so.3",
    "libstdc++.so.6",
    "libutil.so.1",
    "libuuid.so.1",
    "libxml2.so.2",
    "libz.so.1",
    "libzstd.so.1",
];

/// The libraries that a wheel's files are linked to and that neither the wheel nor Lambda has.
pub(super) fn missing_libraries(needs: &[Need]) -> BTreeSet<&str> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let own: BTreeSet<String> = needs.iter().map(|need| base(&need.path)).collect();
    let there = |library: &str| {
        PRESENT.contains(&library) || library.starts_with("libpython") || own.contains(library)
    };
    let linked = needs.iter().flat_map(|need| &need.libraries);
    linked
        .map(String::as_str)
        .filter(|library| !there(library))
        .collect()
}

/// What the ELF files of a wheel need.
pub(super) fn needs(archive: &Archive) -> Vec<Need> {
    archive
        .entries()
        .iter()
        .filter_map(|entry| Need::of(entry.path.as_str(), &elf_bytes(&entry.content)?))
        .collect()
}

/// Why the wheel `file_name`, built with `interpreter`, does not fit; or nothing.
pub(super) fn misfit(
    file_name: &str,
    needs: &[Need],
    target: &Target,
    interpreter: &Interpreter,
) -> Option<String> {
    let tags = match WheelParts::split(file_name) {
        Ok(parts) => misfit_of_tags(&parts, target, interpreter),
        Err(error) => Some(error.to_string()),
    };
    // On the same machine what the files need says more than a tag, which only repeats the host.
    if tags.is_some() && interpreter.machine() != target.arch.machine() {
        return tags;
    }
    misfit_of_files(needs, target).or(tags)
}

fn misfit_of_tags(
    parts: &WheelParts<'_>,
    target: &Target,
    interpreter: &Interpreter,
) -> Option<String> {
    let mismatch = Compatibility::new(target).mismatch(parts)?;
    let (major, minor) = target.runtime.version();
    let host = interpreter.minor();
    Some(match mismatch {
        Mismatch::Python | Mismatch::Abi if host != (major, minor) => format!(
            "it is compiled for Python {}.{}, the nearest to {major}.{minor} that was found",
            host.0, host.1
        ),
        Mismatch::Python | Mismatch::Abi => {
            format!(
                "its tags are `{}-{}-{}`",
                parts.python, parts.abi, parts.platform
            )
        }
        Mismatch::Platform if interpreter.machine() != target.arch.machine() => format!(
            "it is compiled on {} for {}",
            interpreter.machine(),
            parts.platform
        ),
        Mismatch::Platform if interpreter.libc() == Libc::Other => {
            format!(
                "it is compiled on a system without glibc, for `{}`",
                parts.platform
            )
        }
        Mismatch::Platform => format!("it is compiled for `{}`", parts.platform),
    })
}

/// Why the wheel's ELF files do not load on the target, if they do not. A wheel that brings the same
/// library for several machines is fine, if the target's is among them.
fn misfit_of_files(needs: &[Need], target: &Target) -> Option<String> {
    let machine = target.arch.machine();
    let glibc = target.runtime.glibc();
    let (own, foreign): (Vec<&Need>, Vec<&Need>) =
        needs.iter().partition(|need| need.machine == machine);
    if let Some(need) = own.iter().find(|need| need.glibc > glibc) {
        return Some(format!(
            "`{}` needs glibc {}.{}, the runtime has {}.{}",
            need.path, need.glibc.0, need.glibc.1, glibc.0, glibc.1
        ));
    }
    match foreign.first() {
        Some(need) if own.is_empty() => Some(format!("`{}` is for {}", need.path, need.machine)),
        _ => None,
    }
}

/// The file, if it begins as an ELF file does.
fn elf_bytes(content: &Content) -> Option<Vec<u8>> {
    let mut start = [0; 4];
    std::io::Read::read_exact(&mut layerpress_pack::reader(content), &mut start).ok()?;
    if start == elf::ELFMAG {
        read_all(content).ok()
    } else {
        None
    }
}

impl Need {
    /// Nothing if the headers are damaged: such a file loads nowhere, and was not written by a
    /// linker.
    fn of(path: &str, bytes: &[u8]) -> Option<Self> {
        match bytes.get(4)? {
            1 => Self::read(
                path,
                ElfFile32::<Endianness>::parse(bytes).ok()?.elf_header(),
                bytes,
            ),
            _ => Self::read(
                path,
                ElfFile64::<Endianness>::parse(bytes).ok()?.elf_header(),
                bytes,
            ),
        }
    }

    fn read<H: FileHeader<Endian = Endianness>>(
        path: &str,
        header: &H,
        bytes: &[u8],
    ) -> Option<Self> {
        let endian = header.endian().ok()?;
        let machine = match header.e_machine(endian) {
            elf::EM_X86_64 => "x86_64".to_owned(),
            elf::EM_AARCH64 => "aarch64".to_owned(),
            elf::EM_386 => "i686".to_owned(),
            other => format!("machine {other:?}"),
        };
        let sections = header.sections(endian, bytes).ok()?;
        let mut glibc = (0, 0);
        if let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes).ok()? {
            let strings = sections.strings(endian, bytes, link).ok()?;
            while let Some((_, mut versions)) = needs.next().ok()? {
                while let Some(version) = versions.next().ok()? {
                    let name = version.name(endian, strings).ok()?;
                    glibc = glibc.max(glibc_version(name).unwrap_or_default());
                }
            }
        }
        let mut libraries = Vec::new();
        if let Some((entries, link)) = sections.dynamic(endian, bytes).ok()? {
            let strings = sections.strings(endian, bytes, link).ok()?;
            for entry in entries {
                if entry.d_tag(endian) == elf::DT_NEEDED {
                    let name = entry.string(endian, strings).ok()?;
                    libraries.push(String::from_utf8_lossy(name).into_owned());
                }
            }
        }
        Some(Self {
            path: path.to_owned(),
            machine,
            glibc,
            libraries,
        })
    }
}

/// `GLIBC_2.34` and `GLIBC_2.2.5`; not `GLIBC_PRIVATE`, nor another library's version.
fn glibc_version(name: &[u8]) -> Option<(u16, u16)> {
    let text = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = text.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_c_library() {
        assert_eq!(glibc_version(b"GLIBC_2.34"), Some((2, 34)));
        assert_eq!(glibc_version(b"GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc_version(b"GLIBC_PRIVATE"), None);
        assert_eq!(glibc_version(b"GLIBCXX_3.4.29"), None);
    }

    #[test]
    fn libraries_of_the_machine_that_built_are_missing() {
        let need = |path: &str, libraries: &[&str]| Need {
            path: path.to_owned(),
            machine: "x86_64".to_owned(),
            glibc: (2, 2),
            libraries: libraries.iter().map(ToString::to_string).collect(),
        };
        let needs = [
            need("a/_a.so", &["libc.so.6", "libpq.so.5", "libown-1.so"]),
            need("a.libs/libown-1.so", &["libpython3.13.so.1.0", "libm.so.6"]),
        ];
        assert_eq!(missing_libraries(&needs), BTreeSet::from(["libpq.so.5"]));
    }

    #[test]
    fn this_very_program_is_for_this_machine() {
        let Ok(bytes) = std::env::current_exe().and_then(std::fs::read) else {
            panic!("a running test has a file");
        };
        if cfg!(target_os = "linux") {
            let found = Need::of("program", &bytes).expect("ELF");
            assert_eq!(found.machine, std::env::consts::ARCH);
            if cfg!(target_env = "gnu") {
                assert!(found.glibc >= (2, 2), "{:?}", found.glibc);
                assert!(found.libraries.contains(&"libc.so.6".to_owned()));
            }
        }
    }
}
