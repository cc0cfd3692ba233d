//! The pass `elf-strip`: machine code without what no loader reads.
//!
//! Symbol tables, debug information and the section headers are zeroed where they lie between what is
//! loaded, and cut off behind it. Nothing moves: libraries that were patched after linking, as those of
//! most wheels are, have segments that tools which write the file anew put where no loader takes them.
//!
//! What stays is every byte that a program header covers (System V ABI, chapter 5: a loader looks at
//! these alone), and every byte that no section explains. A file whose sections or whose end hold
//! what may be a program's own data stays whole: self-extracting programs, scripts bundled with their
//! interpreter, files that vouch for their own bytes.

use std::ops::Range;

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::Outcome;
use crate::binary::{Binary, Libc};

/// How the names of modules begin that hold their own file against a checksum kept elsewhere, as FIPS
/// 140 wants it: OpenSSL's provider (`fips_module(7)`) and those of NSS (`shlibsign`).
const SELF_CHECKED: [&str; 4] = ["fips.so", "libsoftokn3", "libfreebl", "libnssdbm3"];

/// More segments or sections than any linker makes are not worth the look.
const MOST_SEGMENTS: usize = 256;
const MOST_SECTIONS: usize = 4096;

/// Names of sections that linkers, compilers and debuggers write for each other.
const TOOLS_SECTIONS: [&str; 16] = [
    ".symtab",
    ".symtab_shndx",
    ".strtab",
    ".shstrtab",
    ".comment",
    ".ident",
    ".line",
    ".gnu_debuglink",
    ".gnu_debugaltlink",
    ".gnu_debugdata",
    ".gdb_index",
    ".gnu.attributes",
    ".GCC.command.line",
    ".llvm_addrsig",
    ".ARM.attributes",
    ".mdebug",
];

/// How names of more such sections begin.
const TOOLS_PREFIXES: [&str; 10] = [
    ".debug_",
    ".zdebug_",
    ".rel.debug_",
    ".rela.debug_",
    ".stab",
    ".gnu.build.attributes",
    ".gnu.debuglto_",
    ".gnu.lto_",
    ".gnu.warning.",
    ".annobin.",
];

/// What the section headers are called in accounts; no section has that name.
const HEADERS: &str = "section headers";

/// Whether a file may be machine code by its name: a library, an addon, or a program, which has no ending;
/// what has none and is in capitals is a text.
pub(super) fn may_be_elf(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let is_text = || name.bytes().all(|it| !it.is_ascii_lowercase());
    match name.split_once('.') {
        None => !is_text(),
        Some(_) => name.ends_with(".node") || name.contains(".so"),
    }
}

/// The pass.
pub(super) fn elf_strip(path: &str, bytes: &[u8]) -> Outcome {
    if !bytes.starts_with(b"\x7fELF") {
        return Outcome::NotMine;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if SELF_CHECKED.iter().any(|it| name.starts_with(it)) || !for_linux(bytes) {
        return Outcome::Nothing;
    }
    let outcome = match bytes.get(4) {
        Some(1) => stripped::<elf::FileHeader32<Endianness>>(bytes),
        Some(2) => stripped::<elf::FileHeader64<Endianness>>(bytes),
        _ => Ok(None),
    };
    match outcome {
        Ok(Some(file)) => Outcome::Smaller(file),
        Ok(None) => Outcome::Nothing,
        Err(why) => Outcome::Refused(why),
    }
}

/// What the pass takes out of a file, by section in the order of the file, in bytes; empty for a file that
/// it leaves alone. `bytes` is the file as it was.
#[must_use]
pub fn elf_sections_removed(bytes: &[u8]) -> Vec<(String, u64)> {
    let plan = match bytes.get(4) {
        _ if !bytes.starts_with(b"\x7fELF") || !for_linux(bytes) => Ok(None),
        Some(1) => plan::<elf::FileHeader32<Endianness>>(bytes),
        Some(2) => plan::<elf::FileHeader64<Endianness>>(bytes),
        _ => Ok(None),
    };
    let sections = plan.ok().flatten().map(|plan| plan.sections);
    sections.unwrap_or_default()
}

/// Android's loader looks at section headers; of other systems' too little is known.
fn for_linux(bytes: &[u8]) -> bool {
    matches!(Binary::of(bytes), Some(Binary::Elf { libc, .. }) if libc != Libc::Foreign)
}

/// The file without what `plan` finds, proven; nothing if there is nothing to gain.
fn stripped<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(plan) = plan::<H>(bytes)? else {
        return Ok(None);
    };
    let mut file = bytes.to_vec();
    for range in &plan.free {
        file[range.clone()].fill(0);
    }
    let zeros = file[plan.end..].iter().rev().take_while(|byte| **byte == 0);
    file.truncate(bytes.len() - zeros.count());
    for field in header_fields(plan.wide) {
        file[field].fill(0);
    }
    prove::<H>(bytes, &file, &plan)?;
    Ok(Some(file))
}

/// What can go.
struct Plan {
    /// Whether it is a 64-bit file.
    wide: bool,
    /// What program headers cover, in order and apart.
    covered: Vec<Range<usize>>,
    /// What is to be zeroed, in order and apart.
    free: Vec<Range<usize>>,
    /// Where the last byte is that must stay.
    end: usize,
    /// The bytes to be zeroed by section, in the order of the file.
    sections: Vec<(String, u64)>,
}

/// Where the header says what sections there are: `e_shoff`, `e_shnum`, `e_shstrndx`
/// (System V ABI, chapter 4, "ELF Header").
fn header_fields(wide: bool) -> [Range<usize>; 2] {
    if wide {
        [0x28..0x30, 0x3c..0x40]
    } else {
        [0x20..0x24, 0x30..0x34]
    }
}

/// What can go of a file; nothing if that is nothing, or it is no file that a loader takes.
fn plan<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Option<Plan>, String> {
    let damaged = |_| "its headers cannot be read".to_owned();
    let header = H::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let loaded = [elf::ET_DYN, elf::ET_EXEC].contains(&header.e_type(endian));
    let shoff: u64 = header.e_shoff(endian).into();
    // With very many segments their number stands in a section header.
    let countable = header.e_phnum(endian) != elf::PN_XNUM;
    if endian != Endianness::Little || !loaded || shoff == 0 || !countable {
        return Ok(None);
    }
    let segments = header.program_headers(endian, bytes).map_err(damaged)?;
    let sections = header.sections(endian, bytes).map_err(damaged)?;
    let is_code_elsewhere = |section: &H::SectionHeader| {
        section.sh_type(endian) == elf::SHT_NOBITS
            && section.sh_flags(endian).0 & elf::SHF_EXECINSTR.0 != 0
    };
    // Nothing to load, or debug information that was split off its library.
    if segments.is_empty() || sections.is_empty() || sections.iter().any(is_code_elsewhere) {
        return Ok(None);
    }
    if segments.len() > MOST_SEGMENTS || sections.len() > MOST_SECTIONS {
        return Ok(None);
    }

    let mut end = 0;
    let table_size = size_of_val(segments) as u64;
    let mut covered = vec![
        0..size_of::<H>(),
        range(header.e_phoff(endian).into(), table_size, bytes)?,
    ];
    for segment in segments {
        let (kind, (at, length)) = (segment.p_type(endian), segment.file_range(endian));
        if kind == elf::PT_NULL {
            continue;
        }
        if length > 0 {
            covered.push(range(at, length, bytes)?);
        } else if kind == elf::PT_LOAD {
            // The page on which zeroed memory begins is mapped and written to.
            end = end.max(usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()));
        }
    }
    let covered = merged(covered);
    end = end.max(covered.last().map_or(0, |last| last.end));

    let shentsize: u64 = header.e_shentsize(endian).into();
    let table = range(shoff, shentsize * sections.len() as u64, bytes)?;
    let mut explained = end.max(table.end);
    let mut free = vec![table.clone()];
    let mut found = vec![(table.start, HEADERS.to_owned(), table)];
    let mut own = Vec::new();
    for section in sections.iter() {
        let Some((at, length)) = section.file_range(endian).filter(|(_, length)| *length > 0)
        else {
            continue;
        };
        let kind = section.sh_type(endian);
        if kind == elf::SHT_NULL {
            continue;
        }
        let place = range(at, length, bytes)?;
        explained = explained.max(place.end);
        let name = sections.section_name(endian, section).map_err(damaged)?;
        let name = String::from_utf8_lossy(name).into_owned();
        if is_tools(&name, kind == elf::SHT_NOTE) {
            free.push(place.clone());
            found.push((place.start, name, place));
        } else {
            own.push((place, name));
        }
    }
    if has_data(&bytes[explained..]) {
        return Err("data of its own follows it".to_owned());
    }
    let apart = |ranges: Vec<Range<usize>>| {
        let ranges = merged(ranges).into_iter();
        ranges.flat_map(|range| without(range, &covered))
    };
    for range in apart(own.iter().map(|(place, _)| place.clone()).collect()) {
        if let Some(at) = bytes[range.clone()].iter().position(|byte| *byte != 0) {
            let at = range.start + at;
            let name = own.iter().find(|(place, _)| place.contains(&at));
            let name = name.map_or("", |(_, name)| name);
            return Err(format!(
                "its section `{name}` is not loaded and may be data of its own"
            ));
        }
    }
    let free: Vec<_> = apart(free).collect();
    if free.is_empty() {
        return Ok(None);
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let sizes = found.into_iter().map(|(_, name, place)| {
        let parts = without(place, &covered).into_iter();
        (name, parts.map(|part| part.len() as u64).sum())
    });
    let sections = sizes.filter(|(_, bytes)| *bytes > 0).collect();
    Ok(Some(Plan {
        wide: header.is_type_64(),
        covered,
        free,
        end,
        sections,
    }))
}

/// Whether a section is of no use but to tools, as long as it is not loaded.
fn is_tools(name: &str, is_note: bool) -> bool {
    let begins = |prefix: &str| name.starts_with(prefix);
    TOOLS_SECTIONS.contains(&name)
        || TOOLS_PREFIXES.iter().any(|prefix| begins(prefix))
        || is_note && begins(".note.")
}

/// Holds the file against what it was: the same segments, and in them the same bytes.
fn prove<H: FileHeader<Endian = Endianness>>(
    before: &[u8],
    after: &[u8],
    plan: &Plan,
) -> Result<(), String> {
    let header = H::parse(after).map_err(|_| "its new header cannot be read")?;
    let endian = header
        .endian()
        .map_err(|_| "its new header cannot be read")?;
    let segments = header.program_headers(endian, after);
    let segments = segments.map_err(|_| "its new segments cannot be read")?;
    let mut expected = before[..size_of::<H>()].to_vec();
    for field in header_fields(plan.wide) {
        expected[field].fill(0);
    }
    if after.get(..size_of::<H>()) != Some(&expected[..]) {
        return Err("its header would change".to_owned());
    }
    let rest = plan.covered.iter().map(|range| {
        let start = range.start.max(size_of::<H>()).min(range.end);
        start..range.end
    });
    for range in rest {
        if before.get(range.clone()) != after.get(range) {
            return Err("what is loaded would change".to_owned());
        }
    }
    let whole = segments.iter().all(|segment| {
        let (at, length) = segment.file_range(endian);
        length == 0
            || segment.p_type(endian) == elf::PT_NULL
            || at
                .checked_add(length)
                .is_some_and(|end| end <= after.len() as u64)
    });
    if whole {
        Ok(())
    } else {
        Err("a segment would be cut".to_owned())
    }
}

fn has_data(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| *byte != 0)
}

/// The place of `length` bytes at `at`, if it is in the file.
fn range(at: u64, length: u64, bytes: &[u8]) -> Result<Range<usize>, String> {
    let outside = || "it ends before what its headers tell of".to_owned();
    let end = at.checked_add(length).ok_or_else(outside)?;
    if end > bytes.len() as u64 {
        return Err(outside());
    }
    let place = |at| usize::try_from(at).map_err(|_| outside());
    Ok(place(at)?..place(end)?)
}

/// The same places, in order and apart from each other.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => apart.push(range),
        }
    }
    apart
}

/// What of `range` lies in none of `others`, which are in order and apart.
fn without(range: Range<usize>, others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut rest = Vec::new();
    let mut at = range.start;
    for other in others {
        if other.start >= range.end {
            break;
        }
        if other.end <= at {
            continue;
        }
        if other.start > at {
            rest.push(at..other.start);
        }
        at = at.max(other.end);
    }
    if at < range.end {
        rest.push(at..range.end);
    }
    rest
}

#[cfg(test)]
mod tests;
