//! Which libraries that were taken out are still named, and whether what is loaded is what was.

use std::collections::BTreeSet;

use layerpress_tree::{LayerPath, follow};
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use super::Layer;
use crate::binary::linkage;
use crate::linked::{Found, Libraries, is_library, may_be_linked};

/// The shared libraries that were taken out.
pub(super) struct Native<'a> {
    libraries: Option<Libraries<'a>>,
    removed: &'a BTreeSet<LayerPath>,
}

impl<'a> Native<'a> {
    pub(super) fn new(layer: &Layer<'a>) -> Self {
        let any = layer.removed.iter().any(is_library);
        Self {
            libraries: any.then(|| Libraries::new(layer.tree)),
            removed: layer.removed,
        }
    }

    /// Whether the file at `path` is to be asked which libraries it names.
    pub(super) fn may_need(&self, path: &LayerPath) -> bool {
        self.libraries.is_some() && may_be_linked(path)
    }

    /// The libraries that an ELF file names, where none of them is left.
    pub(super) fn named(
        &self,
        path: &LayerPath,
        bytes: &[u8],
        found: &mut Vec<(LayerPath, &'static str)>,
    ) {
        let needed = self.libraries.as_ref();
        let needed = needed.map(|it| it.needed_by(path, &linkage(bytes)));
        for needed in needed.into_iter().flatten() {
            if let Found::At(paths) = needed
                && paths.iter().all(|path| self.removed.contains(path))
            {
                found.extend(paths.into_iter().map(|path| (path, "is linked with it")));
            }
        }
    }
}

/// What the link at `path` leads to, if that was taken out.
pub(super) fn link(layer: &Layer<'_>, path: &LayerPath) -> Option<(LayerPath, &'static str)> {
    let target = layer.links.get(path.as_str())?;
    let link_at = |at: &str| layer.links.get(at).map(String::as_str);
    let found = follow(path.as_str(), target, link_at).ok()?;
    Some((layer.taken(&found)?, "is a link to it"))
}

/// Whether two ELF files are the same to whoever loads them: the same program headers, and the same
/// bytes wherever these put any (System V ABI, chapter 5). What is no ELF file is loaded otherwise, and
/// is the same.
#[must_use]
pub fn same_when_loaded(before: &[u8], after: &[u8]) -> bool {
    match before.get(..5) {
        Some(b"\x7fELF\x01") => same::<FileHeader32<Endianness>>(before, after),
        Some(b"\x7fELF\x02") => same::<FileHeader64<Endianness>>(before, after),
        _ => Some(true),
    }
    .unwrap_or(false)
}

fn same<H: FileHeader<Endian = Endianness>>(before: &[u8], after: &[u8]) -> Option<bool> {
    let (one, other) = (H::parse(before).ok()?, H::parse(after).ok()?);
    let endian = one.endian().ok()?;
    if one.e_entry(endian).into() != other.e_entry(endian).into()
        || one.e_type(endian) != other.e_type(endian)
        || one.e_machine(endian) != other.e_machine(endian)
    {
        return Some(false);
    }
    let headers = one.program_headers(endian, before).ok()?;
    let others = other.program_headers(endian, after).ok()?;
    if headers.len() != others.len() {
        return Some(false);
    }
    for (header, other) in headers.iter().zip(others) {
        let fields = |it: &H::ProgramHeader| -> [u64; 5] {
            [
                it.p_offset(endian).into(),
                it.p_vaddr(endian).into(),
                it.p_filesz(endian).into(),
                it.p_memsz(endian).into(),
                it.p_align(endian).into(),
            ]
        };
        let kind = |it: &H::ProgramHeader| (it.p_type(endian), it.p_flags(endian));
        if kind(header) != kind(other) || fields(header) != fields(other) {
            return Some(false);
        }
        if header.p_type(endian) == PT_LOAD && !same_segment::<H>(header, endian, before, after)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a segment's bytes are the same. The file's own header lies in the first one, and says where
/// sections are, which no loader asks.
fn same_segment<H: FileHeader<Endian = Endianness>>(
    header: &H::ProgramHeader,
    endian: Endianness,
    before: &[u8],
    after: &[u8],
) -> Option<bool> {
    let start: u64 = header.p_offset(endian).into();
    let length: u64 = header.p_filesz(endian).into();
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let from = start.max(size_of::<H>()).min(end);
    Some(before.get(from..end)? == after.get(from..end)?)
}
