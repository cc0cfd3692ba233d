//! [`foreign_zip`]: zips that layerpress did not write.

use std::io::{Cursor, Write as _};

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// Stands for the mode of a link.
pub const LINK: u32 = 0o777;

/// A zip as other tools write them: with folders, modes of all sorts, times and links. Each file has its
/// path, which ends in `/` for a folder, its mode and its bytes.
///
/// # Panics
///
/// If two files have one path.
pub fn foreign_zip(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, mode, bytes) in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .unix_permissions(*mode);
        if let Some(folder) = path.strip_suffix('/') {
            zip.add_directory(folder, options).expect("a folder");
        } else if *mode == LINK {
            let target = String::from_utf8_lossy(bytes).into_owned();
            let options = SimpleFileOptions::default();
            zip.add_symlink(*path, target, options).expect("a link");
        } else {
            zip.start_file(*path, options).expect("a file");
            zip.write_all(bytes).expect("its bytes");
        }
    }
    zip.finish().expect("a zip").into_inner()
}
