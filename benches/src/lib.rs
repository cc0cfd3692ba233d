//! Inputs that the benchmarks share: generated, and the same on every run and machine.
//!
//! Each stage has its own file in `benches/`, and each benchmark names its input's size and unit.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use layerpress_pack::{Level, compress, stored};
use layerpress_tree::{Content, Entry, LayerPath, LayerTree, Mode};

/// How many files [`layer`] holds.
pub const LAYER_FILES: usize = 6_000;

/// What one of a hundred files of [`layer`] takes, in bytes: shared libraries.
const LARGE_FILE: usize = 700_000;

/// What the others take, in bytes: modules.
const SMALL_FILE: usize = 7_240;

/// What one module of [`package_tarball`] takes, in bytes: the average of 130 real packages.
pub const MODULE_BYTES: usize = 4_000;

/// A layer about as large as one of pandas, numpy, scipy and boto3 is when zipped: 6,000 files,
/// 85 MB. Its contents are stored noise, for stages that only move streams.
#[must_use]
pub fn layer() -> LayerTree {
    let mut noise = Noise(1);
    let mut tree = LayerTree::new();
    for number in 0..LAYER_FILES {
        let size = if number % 100 == 0 {
            LARGE_FILE
        } else {
            SMALL_FILE
        };
        let path = format!(
            "python/package{}/folder{}/module{number}.py",
            number / 600,
            number / 20
        );
        let entry = Entry {
            mode: Mode::File,
            content: stored(noise.bytes(size).into()),
        };
        tree.insert(LayerPath::new(&path).expect("plain"), entry)
            .expect("numbered");
    }
    tree
}

/// `size` bytes that press about as well as source code does, to a third.
#[must_use]
pub fn source_code(size: usize) -> Vec<u8> {
    let mut noise = Noise(2);
    let mut text = Vec::with_capacity(size + 64);
    while text.len() < size {
        let word = noise.next();
        let line = format!("    self.field_{} = value_{:x}\n", word % 512, word >> 24);
        text.extend(line.into_bytes());
    }
    text.truncate(size);
    text
}

/// [`source_code`] as a deflate stream of level [`Level::Fast`].
#[must_use]
pub fn deflated_source_code(size: usize) -> Content {
    compress(&source_code(size), Level::Fast)
}

/// The tarball of an npm package: a manifest and `files` modules of [`MODULE_BYTES`] each, no two
/// packages alike.
#[must_use]
pub fn package_tarball(number: usize, files: usize) -> Vec<u8> {
    let code = source_code(MODULE_BYTES);
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut append = |path: &str, text: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        let path = format!("package/{path}");
        tar.append_data(&mut header, path, text).expect("memory");
    };
    let manifest = format!(r#"{{"name":"package-{number}","version":"1.0.0"}}"#);
    append("package.json", manifest.as_bytes());
    for file in 0..files {
        let head = format!("// module {file} of package {number}\n");
        let text = [head.as_bytes(), &code[head.len()..]].concat();
        append(&format!("dist/part{}/module{file}.js", file / 20), &text);
    }
    let mut gzip = tar.into_inner().expect("memory");
    gzip.flush().expect("memory");
    gzip.finish().expect("memory")
}

/// The generator xorshift64* (Vigna 2016): fast, and good enough to be incompressible.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_the_sizes_that_benchmarks_state() {
        let layer = layer();
        assert_eq!(layer.len(), LAYER_FILES);
        let megabytes = layer.unzipped_size() / 1_000_000;
        assert_eq!(megabytes, 85);
        let code = deflated_source_code(1_000_000);
        assert_eq!(code.size, 1_000_000);
        let share = code.size as f64 / code.stream_size() as f64;
        assert!((2.5..4.2).contains(&share), "presses {share:.1} to one");
    }
}
