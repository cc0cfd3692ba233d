//! Zips made field by field for tests, so that any one of them can lie.

use crate::format::{
    CENTRAL_HEADER, DESCRIPTOR, END, FLAG_DESCRIPTOR, LOCAL_HEADER, METHOD_STORED, ZIP64_END,
    ZIP64_LOCATOR,
};

/// One header, local or central.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc32: u32,
    pub(super) compressed: u32,
    pub(super) size: u32,
    pub(super) extra: Vec<u8>,
}

/// One entry with both its headers and what lies around its data.
#[derive(Debug, Clone)]
pub(super) struct Forged {
    pub(super) before: Vec<u8>,
    pub(super) local: Header,
    pub(super) data: Vec<u8>,
    pub(super) after: Vec<u8>,
    pub(super) central: Header,
    pub(super) attributes: u32,
    /// The local header's offset, where the central one does not tell the truth.
    pub(super) offset: Option<u32>,
}

impl Forged {
    /// A stored file that tells the truth.
    pub(super) fn stored(name: &str, data: &[u8]) -> Self {
        Self::new(name, METHOD_STORED, data.to_vec(), data)
    }

    /// An honest entry with `data` as the stream of `file`.
    pub(super) fn new(name: &str, method: u16, data: Vec<u8>, file: &[u8]) -> Self {
        let header = Header {
            name: name.into(),
            flags: 0,
            method,
            crc32: crc32fast::hash(file),
            compressed: u32::try_from(data.len()).expect("small"),
            size: u32::try_from(file.len()).expect("small"),
            extra: Vec::new(),
        };
        Self {
            before: Vec::new(),
            local: header.clone(),
            data,
            after: Vec::new(),
            central: header,
            attributes: 0o100_644 << 16,
            offset: None,
        }
    }

    /// The same with `change` applied to both headers.
    pub(super) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    /// The same with `change` applied.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same with a data descriptor, and zeros in the local header.
    pub(super) fn streamed(self, signed: bool, wide: bool) -> Self {
        let mut forged = self.both(|header| header.flags |= FLAG_DESCRIPTOR);
        let local = &mut forged.local;
        let sizes = [local.compressed, local.size].map(u64::from);
        let width = if wide { 8 } else { 4 };
        if signed {
            forged.after.extend(DESCRIPTOR.to_le_bytes());
        }
        forged.after.extend(local.crc32.to_le_bytes());
        for size in sizes {
            forged.after.extend(&size.to_le_bytes()[..width]);
        }
        (local.crc32, local.compressed, local.size) = (0, 0, 0);
        forged
    }
}

/// A whole archive; what is not said is computed.
#[derive(Debug, Clone, Default)]
pub(super) struct Zip {
    pub(super) entries: Vec<Forged>,
    pub(super) before_directory: Vec<u8>,
    pub(super) after_directory: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) after: Vec<u8>,
    pub(super) zip64: bool,
    pub(super) change_end: Option<fn(&mut EndRecord)>,
    pub(super) change_zip64: Option<fn(&mut Vec<u8>)>,
}

/// The end record's fields.
#[derive(Debug, Clone)]
pub(super) struct EndRecord {
    pub(super) disk: u16,
    pub(super) count: u16,
    pub(super) size: u32,
    pub(super) start: u32,
}

impl Zip {
    pub(super) fn of(entries: impl IntoIterator<Item = Forged>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same with `change` applied.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The archive's bytes.
    pub(super) fn build(&self) -> Vec<u8> {
        let mut zip = Vec::new();
        let mut directory = Vec::new();
        for entry in &self.entries {
            zip.extend(&entry.before);
            let offset = entry.offset.unwrap_or_else(|| length(&zip));
            push_local(&mut zip, &entry.local);
            zip.extend(&entry.data);
            zip.extend(&entry.after);
            push_central(&mut directory, &entry.central, entry.attributes, offset);
        }
        zip.extend(&self.before_directory);
        let mut end = EndRecord {
            disk: 0,
            count: u16::try_from(self.entries.len()).expect("few"),
            size: length(&directory),
            start: length(&zip),
        };
        zip.extend(directory);
        zip.extend(&self.after_directory);
        if self.zip64 {
            let mut records = zip64_records(&end, zip.len() as u64);
            if let Some(change) = self.change_zip64 {
                change(&mut records);
            }
            zip.extend(records);
        }
        if let Some(change) = self.change_end {
            change(&mut end);
        }
        zip.extend(END.to_le_bytes());
        zip.extend(
            [end.disk, end.disk, end.count, end.count]
                .map(u16::to_le_bytes)
                .concat(),
        );
        zip.extend([end.size, end.start].map(u32::to_le_bytes).concat());
        let comment = u16::try_from(self.comment.len()).expect("short");
        zip.extend(comment.to_le_bytes());
        zip.extend(&self.comment);
        zip.extend(&self.after);
        zip
    }
}

fn push_local(zip: &mut Vec<u8>, header: &Header) {
    zip.extend(LOCAL_HEADER.to_le_bytes());
    push_common(zip, header);
    zip.extend(&header.name);
    zip.extend(&header.extra);
}

fn push_central(directory: &mut Vec<u8>, header: &Header, attributes: u32, offset: u32) {
    directory.extend(CENTRAL_HEADER.to_le_bytes());
    directory.extend([20, 3]);
    push_common(directory, header);
    directory.extend([0; 6]);
    directory.extend(attributes.to_le_bytes());
    directory.extend(offset.to_le_bytes());
    directory.extend(&header.name);
    directory.extend(&header.extra);
}

fn push_common(to: &mut Vec<u8>, header: &Header) {
    to.extend(
        [20u16, header.flags, header.method, 0, 33]
            .map(u16::to_le_bytes)
            .concat(),
    );
    to.extend(
        [header.crc32, header.compressed, header.size]
            .map(u32::to_le_bytes)
            .concat(),
    );
    let lengths = [&header.name, &header.extra].map(Vec::len);
    for length in lengths {
        to.extend(u16::try_from(length).expect("short").to_le_bytes());
    }
}

fn zip64_records(end: &EndRecord, at: u64) -> Vec<u8> {
    let count = u64::from(end.count);
    let mut records = Vec::new();
    records.extend(ZIP64_END.to_le_bytes());
    records.extend(44u64.to_le_bytes());
    records.extend([45, 3, 45, 0]);
    records.extend([0; 8]);
    for number in [count, count, end.size.into(), end.start.into()] {
        records.extend(number.to_le_bytes());
    }
    records.extend(ZIP64_LOCATOR.to_le_bytes());
    records.extend([0; 4]);
    records.extend(at.to_le_bytes());
    records.extend(1u32.to_le_bytes());
    records
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("small")
}
