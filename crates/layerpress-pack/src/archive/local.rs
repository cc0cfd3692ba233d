//! Local headers and data descriptors: each must say what the central directory says.

use std::ops::Range;

use super::directory::{Central, check_coding};
use super::extra::Extra;
use super::name;
use crate::format::{
    DESCRIPTOR, FLAG_DESCRIPTOR, LOCAL_HEADER, LOCAL_HEADER_BYTES, u16_at, u32_at,
};
use crate::{ArchiveError, EntryFault};

/// Where an entry's parts lie in the archive.
#[derive(Debug, Clone)]
pub(super) struct Local {
    /// Its stream.
    pub(super) data: Range<usize>,
    /// Offset of the local header.
    pub(super) start: usize,
    descriptor: Descriptor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Descriptor {
    Absent,
    Plain,
    /// With 64-bit sizes; some writers keep to 32 bits even so.
    Wide,
}

/// Reads the local header of `central` in `entries`, the archive's bytes before the central
/// directory, and compares them (APPNOTE section 4.3.7).
pub(super) fn read(entries: &[u8], central: &Central<'_>) -> Result<Local, EntryFault> {
    let missing = EntryFault::NoLocalHeader {
        offset: central.offset,
    };
    let Some((start, fixed)) = usize::try_from(central.offset)
        .ok()
        .and_then(|start| Some((start, entries.get(start..)?.get(..LOCAL_HEADER_BYTES)?)))
        .filter(|(_, fixed)| u32_at(fixed, 0) == LOCAL_HEADER)
    else {
        return Err(missing);
    };
    let name_at = start + LOCAL_HEADER_BYTES;
    let extra_at = name_at + usize::from(u16_at(fixed, 26));
    let data_at = extra_at + usize::from(u16_at(fixed, 28));
    let data_end = usize::try_from(central.compressed)
        .ok()
        .and_then(|length| data_at.checked_add(length))
        .filter(|end| *end <= entries.len())
        .ok_or(EntryFault::OutOfBounds)?;
    let raw_name = &entries[name_at..extra_at];
    let extra = Extra::parse(&entries[extra_at..data_at]).ok_or(EntryFault::Extra)?;
    compare(fixed, raw_name, &extra, central)?;
    let descriptor = match (u16_at(fixed, 6) & FLAG_DESCRIPTOR, extra.is_wide()) {
        (0, _) => Descriptor::Absent,
        (_, false) => Descriptor::Plain,
        (_, true) => Descriptor::Wide,
    };
    Ok(Local {
        data: data_at..data_end,
        start,
        descriptor,
    })
}

fn compare(
    fixed: &[u8],
    raw_name: &[u8],
    extra: &Extra<'_>,
    central: &Central<'_>,
) -> Result<(), EntryFault> {
    let differs = |field| Err(EntryFault::Differs { field });
    let flags = u16_at(fixed, 6);
    let method = u16_at(fixed, 8);
    if raw_name != central.raw_name {
        return differs("name");
    }
    if method != central.method {
        return differs("method");
    }
    check_coding(flags, method)?;
    // Other flags may differ: which name it is and where the data end is known without them. Only
    // a name that the local header's flags or extra fields spell otherwise is another name.
    if !raw_name.is_ascii() || *extra != Extra::default() {
        let name = name::decode(raw_name, flags, extra)?;
        if name.strip_suffix('/').unwrap_or(&name) != central.path.as_str() {
            return differs("name");
        }
    }
    let [size, compressed] = extra
        .widen([u32_at(fixed, 22), u32_at(fixed, 18)])
        .ok_or(EntryFault::Extra)?;
    // With a descriptor to come, a header may leave the three at zero.
    let unknown = flags & FLAG_DESCRIPTOR != 0;
    let agrees = |local: u64, central: u64| local == central || (unknown && local == 0);
    if !agrees(size, central.size) {
        return differs("size");
    }
    if !agrees(compressed, central.compressed) {
        return differs("compressed size");
    }
    if !agrees(u32_at(fixed, 14).into(), central.crc32.into()) {
        return differs("CRC-32");
    }
    Ok(())
}

/// Checks what lies between an entry's data and the next entry: its data descriptor (APPNOTE
/// section 4.3.9) or nothing.
pub(super) fn check_after(
    local: &Local,
    between: &[u8],
    central: &Central<'_>,
) -> Result<(), ArchiveError> {
    let gap = |bytes: usize| {
        Err(ArchiveError::Gap {
            after: central.path.to_string(),
            bytes: bytes as u64,
        })
    };
    if local.descriptor == Descriptor::Absent {
        return match between.len() {
            0 => Ok(()),
            bytes => gap(bytes),
        };
    }
    let mut longest = None;
    for form in descriptors(local.descriptor, central) {
        if between == form {
            return Ok(());
        }
        if between.starts_with(&form) {
            longest = longest.max(Some(form.len()));
        }
    }
    match longest {
        Some(length) => gap(between.len() - length),
        None => Err(ArchiveError::entry(
            central.path.as_str(),
            EntryFault::Descriptor,
        )),
    }
}

/// Every form a descriptor of `central` may have: with and without signature, 64-bit or not.
fn descriptors(kind: Descriptor, central: &Central<'_>) -> impl Iterator<Item = Vec<u8>> {
    let sizes = [central.compressed, central.size];
    let crc32 = central.crc32.to_le_bytes();
    let plain = sizes
        .map(|size| u32::try_from(size).map(u32::to_le_bytes))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .map(|sizes| sizes.concat());
    let wide = (kind == Descriptor::Wide).then(|| sizes.map(u64::to_le_bytes).concat());
    [plain, wide].into_iter().flatten().flat_map(move |sizes| {
        let bare = [&crc32[..], &sizes].concat();
        let signed = [&DESCRIPTOR.to_le_bytes()[..], &bare].concat();
        [signed, bare]
    })
}
