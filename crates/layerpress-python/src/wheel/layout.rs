//! Where a wheel's files lie: [`Layout`], and the walk that puts them there.
//!
//! Binary distribution format, "The .data directory"; `pip install --target` merges `purelib`,
//! `platlib` and `data` into one folder, and so does this.

use std::collections::BTreeMap;

use layerpress_pack::{Level, compress, read_all};
use layerpress_press::pressed::Change;
use layerpress_tree::{Content, Entry, LayerPath, LayerTree, Mode};
use sha2::Digest as _;

use super::error::WheelFault;
use super::receipt::{Receipt, ReceiptFile};
use super::record;
use super::scripts::rewrite_shebang;
use super::unpack::{Scripts, UnpackOptions};

/// Where packages lie below the folder that a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Directly in it: `python/` of a layer.
    #[default]
    Flat,
    /// In `lib/pythonX.Y/site-packages`: the same, for one Python.
    Versioned {
        /// Major and minor version.
        python: (u8, u8),
    },
    /// As in a virtual environment, the tree being its root: data and headers lie beside `lib`.
    Environment {
        /// Major and minor version.
        python: (u8, u8),
    },
}

impl Layout {
    /// The folder of packages below the tree's root; empty, or with a `/` at its end.
    #[must_use]
    pub fn packages(self) -> String {
        match self {
            Self::Flat => String::new(),
            Self::Versioned { python } | Self::Environment { python } => {
                format!("lib/python{}.{}/site-packages/", python.0, python.1)
            }
        }
    }

    fn data(self) -> String {
        match self {
            Self::Flat | Self::Versioned { .. } => self.packages(),
            Self::Environment { .. } => String::new(),
        }
    }

    /// Headers are of no use to a running function.
    fn headers(self, distribution: &str) -> Option<String> {
        match self {
            Self::Flat | Self::Versioned { .. } => None,
            Self::Environment {
                python: (major, minor),
            } => Some(format!(
                "include/site/python{major}.{minor}/{distribution}/"
            )),
        }
    }
}

/// Files of the dist-info folder that speak of one installation, or sign a RECORD that is written
/// anew.
const NOT_KEPT: [&str; 6] = [
    "RECORD",
    "RECORD.jws",
    "RECORD.p7s",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
];

/// What of a wheel's file goes into a layer.
#[derive(Debug, Clone)]
pub(super) struct Laid {
    pub(super) content: Content,
    /// What a pass did to it.
    pub(super) change: Option<Change>,
}

impl Laid {
    /// The file as the wheel has it.
    pub(super) fn own(content: Content) -> Self {
        let change = None;
        Self { content, change }
    }
}

/// Puts the files of `receipt`, whose contents are `contents`, where `options` wants them; `record`
/// is the RECORD of a layer without scripts, if it is known.
pub(super) fn lay_out(
    receipt: &Receipt,
    contents: Vec<Laid>,
    record: Option<Content>,
    options: &UnpackOptions,
) -> Result<LayerTree, WheelFault> {
    let record = record.filter(|_| options.has_layer_record());
    let mut placed = Placed::new(options, record.is_none());
    for (file, content) in receipt.files.iter().zip(contents) {
        place(&mut placed, file, content, receipt, options)?;
    }
    if let Some(scripts) = &options.scripts {
        place_entry_points(&mut placed, receipt, scripts)?;
    }
    let own = receipt.record_path();
    let content = match record {
        Some(content) => content,
        None => {
            let text = placed.record_text(&own);
            compress(text.as_bytes(), options.recipe.compression)
        }
    };
    let mode = Mode::File;
    placed.put(&(options.layout.packages() + &own), Entry { mode, content })?;
    placed.finish()
}

/// The text of RECORD in a layer without scripts, whichever of the two layouts it has: paths are
/// relative to the folder of packages, which holds everything.
pub(super) fn layer_record(receipt: &Receipt, contents: &[Laid]) -> Result<String, WheelFault> {
    let options = UnpackOptions::default();
    let mut placed = Placed::new(&options, true);
    for (file, content) in receipt.files.iter().zip(contents) {
        place(&mut placed, file, content.clone(), receipt, &options)?;
    }
    let text = placed.record_text(&receipt.record_path());
    placed.finish()?;
    Ok(text)
}

fn place(
    placed: &mut Placed,
    file: &ReceiptFile,
    laid: Laid,
    receipt: &Receipt,
    options: &UnpackOptions,
) -> Result<(), WheelFault> {
    let mode = file.mode();
    let sha256 = laid.change.map_or(file.sha256, |change| change.sha256);
    let content = laid.content;
    match spot(file, receipt, options.layout)? {
        Spot::File(path) => placed.put_listed(&path, Entry { mode, content }, sha256),
        Spot::Script(name) => match &options.scripts {
            Some(scripts) => place_script(placed, name, content, sha256, scripts),
            None => Ok(()),
        },
        Spot::Nowhere => Ok(()),
    }
}

/// Where a wheel's file goes.
pub(super) enum Spot<'a> {
    /// To a path.
    File(String),
    /// To where commands lie, under a name.
    Script(&'a str),
    /// It stays out.
    Nowhere,
}

/// Where `file` of a wheel goes.
pub(super) fn spot<'a>(
    file: &'a ReceiptFile,
    receipt: &Receipt,
    layout: Layout,
) -> Result<Spot<'a>, WheelFault> {
    let (folder, rest) = file.path.split_once('/').unwrap_or(("", &file.path));
    if folder == receipt.dist_info && NOT_KEPT.contains(&rest) {
        return Ok(Spot::Nowhere);
    }
    if !receipt.data_folders.iter().any(|own| own == folder) {
        return Ok(Spot::File(layout.packages() + &file.path));
    }
    let (scheme, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let root = match scheme {
        "purelib" | "platlib" => Some(layout.packages()),
        "data" => Some(layout.data()),
        "headers" => {
            let distribution = receipt.dist_info.split('-').next().unwrap_or_default();
            layout.headers(distribution)
        }
        "scripts" => return Ok(Spot::Script(rest)),
        _ => {
            return Err(WheelFault::Scheme {
                path: file.path.clone(),
                scheme: scheme.to_owned(),
            });
        }
    };
    Ok(root.map_or(Spot::Nowhere, |root| Spot::File(root + rest)))
}

fn place_script(
    placed: &mut Placed,
    name: &str,
    content: Content,
    sha256: [u8; 32],
    scripts: &Scripts,
) -> Result<(), WheelFault> {
    let path = format!("bin/{name}");
    let mode = Mode::Executable;
    // Programs lie here too, and some are large; what is rewritten is text.
    const SCRIPT_LIMIT: u64 = 4 << 20;
    if content.size <= SCRIPT_LIMIT {
        let bytes = read_all(&content).map_err(|error| WheelFault::Stream {
            path: path.clone(),
            message: error.to_string(),
        })?;
        if let Some(bytes) = rewrite_shebang(&bytes, &scripts.interpreter) {
            return placed.put_new(&path, mode, &bytes);
        }
    }
    placed.put_listed(&path, Entry { mode, content }, sha256)
}

fn place_entry_points(
    placed: &mut Placed,
    receipt: &Receipt,
    scripts: &Scripts,
) -> Result<(), WheelFault> {
    for entry_point in &receipt.entry_points {
        if let Some((name, text)) = entry_point.script(&scripts.interpreter, &scripts.extras)? {
            placed.put_new(&format!("bin/{name}"), Mode::Executable, text.as_bytes())?;
        }
    }
    Ok(())
}

/// The files so far, with what RECORD will say of them.
struct Placed {
    layout: Layout,
    level: Level,
    entries: Vec<(LayerPath, Entry)>,
    /// By the path as RECORD has it: relative to the folder of packages. Nothing where nobody will
    /// ask.
    record: Option<BTreeMap<String, ([u8; 32], u64)>>,
}

impl Placed {
    fn new(options: &UnpackOptions, with_record: bool) -> Self {
        Self {
            layout: options.layout,
            level: options.recipe.compression,
            entries: Vec::new(),
            record: with_record.then(BTreeMap::new),
        }
    }

    fn put(&mut self, path: &str, entry: Entry) -> Result<(), WheelFault> {
        let path = LayerPath::new(path).map_err(WheelFault::Path)?;
        self.entries.push((path, entry));
        Ok(())
    }

    fn put_listed(&mut self, path: &str, entry: Entry, sha256: [u8; 32]) -> Result<(), WheelFault> {
        if let Some(record) = &mut self.record {
            let line = (sha256, entry.content.size);
            record.insert(relative(path, &self.layout.packages()), line);
        }
        self.put(path, entry)
    }

    fn put_new(&mut self, path: &str, mode: Mode, bytes: &[u8]) -> Result<(), WheelFault> {
        let content = compress(bytes, self.level);
        let sha256 = sha2::Sha256::digest(bytes).into();
        self.put_listed(path, Entry { mode, content }, sha256)
    }

    /// RECORD of what was listed, which lies at `own` below the folder of packages.
    fn record_text(&self, own: &str) -> String {
        let lines = self.record.iter().flatten();
        let files = lines.map(|(path, (sha256, size))| (path.as_str(), sha256, *size));
        record::render(files, own)
    }

    fn finish(self) -> Result<LayerTree, WheelFault> {
        LayerTree::from_entries(self.entries).map_err(WheelFault::Conflict)
    }
}

/// `path` as seen from the folder `packages`, which is empty or ends in `/`.
fn relative(path: &str, packages: &str) -> String {
    match path.strip_prefix(packages) {
        Some(below) => below.to_owned(),
        None => "../".repeat(packages.matches('/').count()) + path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheel::testing::{TestWheel, listing, text};

    fn wheel() -> TestWheel {
        TestWheel::new("Foo")
            .file("foo/__init__.py", "")
            .entry("foo/tool.sh", b"#!/bin/sh\n", Mode::Executable)
            .file("foo.data/x", "a package of that name")
            .file("Foo-1.0.data/purelib/bar.py", "bar")
            .file("Foo-1.0.data/platlib/baz.so", "baz")
            .file("Foo-1.0.data/data/share/man/foo.1", "man")
            .file("Foo-1.0.data/headers/foo.h", "h")
            .file("Foo-1.0.data/scripts/run", "#!python\nprint(1)\n")
            .file("Foo-1.0.data/scripts/plain", "#!/bin/sh\n")
            .info(
                "entry_points.txt",
                "[console_scripts]\nfoo = foo:main\nfoox = foo:x [x]\n",
            )
            .info("licenses/LICENSE", "MIT")
            .info("INSTALLER", "pip\n")
            .info("REQUESTED", "")
            .info("direct_url.json", "{}")
            .info("RECORD.jws", "{}")
    }

    fn scripts() -> Option<Scripts> {
        Some(Scripts {
            interpreter: "/var/lang/bin/python3.13".to_owned(),
            extras: std::collections::BTreeSet::default(),
        })
    }

    #[test]
    fn a_layer_has_neither_scripts_nor_headers() {
        let wheel = wheel().unpack(&UnpackOptions::default()).expect("unpacked");
        insta::assert_snapshot!(listing(&wheel.tree), @r"
    644   45 Foo-1.0.dist-info/METADATA
    644  752 Foo-1.0.dist-info/RECORD
    644   59 Foo-1.0.dist-info/WHEEL
    644   50 Foo-1.0.dist-info/entry_points.txt
    644    3 Foo-1.0.dist-info/licenses/LICENSE
    644    3 bar.py
    644    3 baz.so
    644   22 foo.data/x
    644    0 foo/__init__.py
    755   10 foo/tool.sh
    644    3 share/man/foo.1
    ");
        insta::assert_snapshot!(text(&wheel.tree, "Foo-1.0.dist-info/RECORD"), @r"
        Foo-1.0.dist-info/METADATA,sha256=BQ-dun5KhHvq5EwvEqNCpEpo2-eFPUjQiTP7kK9GrV0,45
        Foo-1.0.dist-info/RECORD,,
        Foo-1.0.dist-info/WHEEL,sha256=JCVX9z8V-js2aV5qmQR2E3fiCs-Yu3vPO91cCBmO1JM,59
        Foo-1.0.dist-info/entry_points.txt,sha256=hGMdEZSL_nCh-xeYMEDhkvh8KvD53s5ISUOjWjihyVI,50
        Foo-1.0.dist-info/licenses/LICENSE,sha256=5dz_6Da27IpY5JJBm1UOZfuMvcMIUDl55drLM6x-o7c,3
        bar.py,sha256=_N4rLtula_QIYB-3If6bXDONEO5CnqBPrlURto-_j7k,3
        baz.so,sha256=uqWglk0zIPvAxqkiFARTyFE-okq4_QV3A0gEqWckgJY,3
        foo.data/x,sha256=YXZOWN8bwMWnZLyorjonUoTh7Hdw6UZgttayRCLQNys,22
        foo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
        foo/tool.sh,sha256=qAdtPSjSHgIBKyDq99v3VAmmJ3E0Q5Al8oLjaOMwWr8,10
        share/man/foo.1,sha256=SLZ24rEH2meVEreT1f1MxDKfDHwXqXz24OPRAFtgCwM,3
        ");
    }

    #[test]
    fn scripts_on_demand() {
        let options = UnpackOptions {
            layout: Layout::Versioned { python: (3, 13) },
            scripts: scripts(),
            ..UnpackOptions::default()
        };
        let tree = wheel().unpack(&options).expect("unpacked").tree;
        insta::assert_snapshot!(listing(&tree), @r"
            755  107 bin/foo
            755   10 bin/plain
            755   36 bin/run
            644   45 lib/python3.13/site-packages/Foo-1.0.dist-info/METADATA
            644  968 lib/python3.13/site-packages/Foo-1.0.dist-info/RECORD
            644   59 lib/python3.13/site-packages/Foo-1.0.dist-info/WHEEL
            644   50 lib/python3.13/site-packages/Foo-1.0.dist-info/entry_points.txt
            644    3 lib/python3.13/site-packages/Foo-1.0.dist-info/licenses/LICENSE
            644    3 lib/python3.13/site-packages/bar.py
            644    3 lib/python3.13/site-packages/baz.so
            644   22 lib/python3.13/site-packages/foo.data/x
            644    0 lib/python3.13/site-packages/foo/__init__.py
            755   10 lib/python3.13/site-packages/foo/tool.sh
            644    3 lib/python3.13/site-packages/share/man/foo.1
            ");
        assert_eq!(
            text(&tree, "bin/run"),
            "#!/var/lang/bin/python3.13\nprint(1)\n"
        );
        let record = text(
            &tree,
            "lib/python3.13/site-packages/Foo-1.0.dist-info/RECORD",
        );
        assert!(record.starts_with("../../../bin/foo,sha256="), "{record}");
    }

    #[test]
    fn an_environment_has_data_and_headers_at_its_root() {
        let options = UnpackOptions {
            layout: Layout::Environment { python: (3, 11) },
            scripts: scripts(),
            ..UnpackOptions::default()
        };
        let tree = wheel().unpack(&options).expect("unpacked").tree;
        assert!(tree.get("include/site/python3.11/Foo/foo.h").is_some());
        assert!(tree.get("share/man/foo.1").is_some());
    }
}
