//! [`Binary`]: whether a file is machine code, and what it needs to run, by its bytes.

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader};

/// A file of machine code. WebAssembly, byte code and archives of objects are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binary {
    /// ELF: Linux, and all other Unix systems but Apple's (System V ABI, chapter 4).
    Elf {
        /// The processor.
        machine: Machine,
        /// The C library.
        libc: Libc,
    },
    /// Mach-O: Apple's systems; a universal file of several processors too.
    MachO,
    /// PE: Windows, and debug information of it.
    Pe,
    /// PE with code for the common language runtime of .NET only, which runs on any system.
    Managed,
}

/// A processor, as far as a layer cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Machine {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm, little-endian.
    Aarch64,
    /// The virtual machine inside of every Linux kernel (eBPF).
    Bpf,
    /// Another one.
    Other,
}

/// What an ELF file needs of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Libc {
    /// Nothing that it names: linked statically, or needed by others only.
    None,
    /// GNU's C library.
    Glibc,
    /// The C library musl, dynamically.
    Musl,
    /// Another system: Android, a BSD, Solaris.
    Foreign,
}

/// The most processors that a universal Mach-O file is taken to hold; a Java class file has the same
/// magic number, followed by its version, which is 45 or more.
const MOST_ARCHITECTURES: u32 = 30;

impl Binary {
    /// What the file that consists of `bytes` is, if it is machine code.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first_chunk()? {
            b"\x7fELF" => match bytes.get(4)? {
                1 => elf_of::<elf::FileHeader32<Endianness>>(bytes),
                2 => elf_of::<elf::FileHeader64<Endianness>>(bytes),
                _ => None,
            },
            // <mach-o/loader.h>: 32 and 64 bits, in both byte orders.
            b"\xfe\xed\xfa\xce" | b"\xfe\xed\xfa\xcf" | b"\xce\xfa\xed\xfe"
            | b"\xcf\xfa\xed\xfe" => Some(Self::MachO),
            // <mach-o/fat.h>: 32- and 64-bit offsets.
            b"\xca\xfe\xba\xbe" | b"\xca\xfe\xba\xbf" => {
                let count = u32::from_be_bytes(*bytes.get(4..)?.first_chunk()?);
                (1..=MOST_ARCHITECTURES)
                    .contains(&count)
                    .then_some(Self::MachO)
            }
            [b'M', b'Z', _, _] => pe_of(bytes),
            b"Micr" if bytes.starts_with(b"Microsoft C/C++ MSF 7.00\r\n") => Some(Self::Pe),
            _ => None,
        }
    }

    /// The binary as a number above 0, for files that keep it.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::MachO => 1,
            Self::Pe => 2,
            Self::Managed => 3,
            Self::Elf { machine, libc } => 0x100 | (machine as u32) << 4 | libc as u32,
        }
    }

    /// What has the code `code`.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::MachO),
            2 => Some(Self::Pe),
            3 => Some(Self::Managed),
            code => {
                let machines = [
                    Machine::X86_64,
                    Machine::Aarch64,
                    Machine::Bpf,
                    Machine::Other,
                ];
                let libcs = [Libc::None, Libc::Glibc, Libc::Musl, Libc::Foreign];
                let mut elves = machines
                    .into_iter()
                    .flat_map(|machine| libcs.map(|libc| Self::Elf { machine, libc }));
                elves.find(|elf| elf.code() == code)
            }
        }
    }
}

fn elf_of<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Binary> {
    let header = H::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let wide = header.is_type_64() && endian == Endianness::Little;
    let machine = match header.e_machine(endian) {
        elf::EM_X86_64 if wide => Machine::X86_64,
        elf::EM_AARCH64 if wide => Machine::Aarch64,
        elf::EM_BPF => Machine::Bpf,
        _ => Machine::Other,
    };
    let linux = [elf::ELFOSABI_SYSV, elf::ELFOSABI_GNU].contains(&header.e_ident().os_abi);
    let libc = if linux {
        libc_of::<H>(header, endian, bytes)
    } else {
        Libc::Foreign
    };
    Some(Binary::Elf { machine, libc })
}

/// The C library by the interpreter of a program or the libraries that a file needs.
fn libc_of<H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    bytes: &[u8],
) -> Libc {
    // What cannot be read says nothing; the file is not refused for it.
    let segments = header.program_headers(endian, bytes).unwrap_or_default();
    let interpreter = segments
        .iter()
        .find_map(|segment| segment.interpreter(endian, bytes).ok().flatten());
    let android = segments.iter().any(|segment| {
        let Ok(Some(mut notes)) = segment.notes(endian, bytes) else {
            return false;
        };
        std::iter::from_fn(|| notes.next().ok().flatten()).any(|note| note.name() == b"Android")
    });
    if android {
        return Libc::Foreign;
    }
    let mut named: Vec<&[u8]> = linkage_of::<H>(segments, endian, bytes).needed;
    if let Some(path) = interpreter {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if path.starts_with(b"/system/") || path.starts_with(b"/libexec/") {
            return Libc::Foreign;
        }
        named.insert(0, name);
    }
    named
        .iter()
        .find_map(|name| libc_named(name))
        .unwrap_or(Libc::None)
}

/// The C library that a loader or a library belongs to.
fn libc_named(name: &[u8]) -> Option<Libc> {
    match name {
        // glibc's version never changed on Linux for these processors (glibc, shlib-versions).
        b"libc.so.6" | b"libm.so.6" | b"libpthread.so.0" | b"libdl.so.2" => Some(Libc::Glibc),
        // musl's own name, and the one that compilers for musl link by where it is the only one.
        b"libc.so" => Some(Libc::Musl),
        _ if name.starts_with(b"ld-linux") => Some(Libc::Glibc),
        _ if name.starts_with(b"ld-musl-") || name.starts_with(b"libc.musl-") => Some(Libc::Musl),
        _ if name.starts_with(b"libc.so.") => Some(Libc::Foreign),
        _ => None,
    }
}

/// What the loader is told by a file's dynamic section (System V ABI, chapter 5).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Linkage<'a> {
    /// The names of the libraries that it has to find (`DT_NEEDED`).
    pub(crate) needed: Vec<&'a [u8]>,
    /// The name that others need the file by (`DT_SONAME`).
    pub(crate) name: Option<&'a [u8]>,
    /// The folders to look in first, each list divided by `:` (`DT_RPATH`, `DT_RUNPATH`).
    pub(crate) paths: Vec<&'a [u8]>,
}

/// How an ELF file is linked; not at all what is no ELF file.
pub(crate) fn linkage(bytes: &[u8]) -> Linkage<'_> {
    fn of<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Linkage<'_>> {
        let header = H::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, bytes).ok()?;
        Some(linkage_of::<H>(segments, endian, bytes))
    }
    match bytes.get(..5) {
        Some(b"\x7fELF\x01") => of::<elf::FileHeader32<Endianness>>(bytes),
        Some(b"\x7fELF\x02") => of::<elf::FileHeader64<Endianness>>(bytes),
        _ => None,
    }
    .unwrap_or_default()
}

fn linkage_of<'a, H: FileHeader<Endian = Endianness>>(
    segments: &[H::ProgramHeader],
    endian: Endianness,
    bytes: &'a [u8],
) -> Linkage<'a> {
    let dynamic = segments
        .iter()
        .find_map(|segment| segment.dynamic(endian, bytes).ok().flatten())
        .unwrap_or_default();
    let value = |tag| {
        let entry = dynamic.iter().find(|entry| entry.tag(endian) == tag)?;
        Some(entry.d_val(endian).into())
    };
    let (Some(at), Some(length)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else {
        return Linkage::default();
    };
    let names = segments
        .iter()
        .find_map(|segment| segment.data_range(endian, bytes, at, length).ok().flatten())
        .unwrap_or_default();
    let name = |offset: u64| {
        let rest = names.get(usize::try_from(offset).ok()?..)?;
        rest.split(|byte| *byte == 0).next()
    };
    let all = |tag| {
        let entries = dynamic.iter().filter(move |entry| entry.tag(endian) == tag);
        entries.filter_map(move |entry| name(entry.d_val(endian).into()))
    };
    Linkage {
        needed: all(elf::DT_NEEDED).collect(),
        name: all(elf::DT_SONAME).next(),
        paths: all(elf::DT_RPATH).chain(all(elf::DT_RUNPATH)).collect(),
    }
}

/// Microsoft's PE format, sections "MS-DOS stub", "COFF file header" and "Optional header".
fn pe_of(bytes: &[u8]) -> Option<Binary> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let start = usize::try_from(u32_at(0x3c)?).ok()?;
    if bytes.get(start..)?.first_chunk() != Some(b"PE\0\0") {
        return None;
    }
    // .NET writes what suits every processor as 32-bit x86, with the fifteenth data directory.
    let optional = start.checked_add(24)?;
    let managed = u16_at(start + 4) == Some(0x14c)
        && u16_at(optional) == Some(0x10b)
        && u32_at(optional + 92).is_some_and(|directories| directories > 14)
        && u32_at(optional + 96 + 14 * 8).is_some_and(|place| place != 0);
    Some(if managed { Binary::Managed } else { Binary::Pe })
}

#[cfg(test)]
pub(crate) mod tests;
