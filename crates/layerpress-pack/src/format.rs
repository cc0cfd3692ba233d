//! The zip format's numbers, shared by the reader and the writer.
//!
//! Section numbers are those of PKWARE's APPNOTE.TXT, version 6.3.10.

/// Section 4.3.7: a local file header.
pub(crate) const LOCAL_HEADER: u32 = 0x0403_4b50;
/// Section 4.3.9: a data descriptor's optional signature.
pub(crate) const DESCRIPTOR: u32 = 0x0807_4b50;
/// Section 4.3.12: a central directory header.
pub(crate) const CENTRAL_HEADER: u32 = 0x0201_4b50;
/// Section 4.3.14: the zip64 end of central directory record.
pub(crate) const ZIP64_END: u32 = 0x0606_4b50;
/// Section 4.3.15: the zip64 end of central directory locator.
pub(crate) const ZIP64_LOCATOR: u32 = 0x0706_4b50;
/// Section 4.3.16: the end of central directory record.
pub(crate) const END: u32 = 0x0605_4b50;

/// The fixed part of a local file header, in bytes.
pub(crate) const LOCAL_HEADER_BYTES: usize = 30;
/// The fixed part of a central directory header, in bytes.
pub(crate) const CENTRAL_HEADER_BYTES: usize = 46;
/// The fixed part of the end record, in bytes.
pub(crate) const END_BYTES: usize = 22;
/// The zip64 end record without extensible data, in bytes.
pub(crate) const ZIP64_END_BYTES: usize = 56;
/// The zip64 locator, in bytes.
pub(crate) const ZIP64_LOCATOR_BYTES: usize = 20;

/// Section 4.4.4, bit 0: the entry is encrypted.
pub(crate) const FLAG_ENCRYPTED: u16 = 1;
/// Section 4.4.4, bit 3: sizes and CRC follow the data in a descriptor.
pub(crate) const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// Section 4.4.4, bit 5: the entry is a patch.
pub(crate) const FLAG_PATCH: u16 = 1 << 5;
/// Section 4.4.4, bit 6: strong encryption.
pub(crate) const FLAG_STRONG_ENCRYPTION: u16 = 1 << 6;
/// Section 4.4.4, bit 11: the name is UTF-8.
pub(crate) const FLAG_UTF8: u16 = 1 << 11;
/// Section 4.4.4, bit 13: the directory is encrypted, local headers are masked.
pub(crate) const FLAG_MASKED: u16 = 1 << 13;

/// Section 4.4.5: stored.
pub(crate) const METHOD_STORED: u16 = 0;
/// Section 4.4.5: deflated.
pub(crate) const METHOD_DEFLATE: u16 = 8;

/// Reads two little-endian bytes of a header whose length the caller has checked.
pub(crate) fn u16_at(header: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([header[at], header[at + 1]])
}

/// Reads four little-endian bytes of a header whose length the caller has checked.
pub(crate) fn u32_at(header: &[u8], at: usize) -> u32 {
    u32::from(u16_at(header, at)) | u32::from(u16_at(header, at + 2)) << 16
}

/// Reads eight little-endian bytes of a header whose length the caller has checked.
pub(crate) fn u64_at(header: &[u8], at: usize) -> u64 {
    u64::from(u32_at(header, at)) | u64::from(u32_at(header, at + 4)) << 32
}
