//! [`infer`]: what a layer was made for, as its own files tell it.
//!
//! Each question is put to one kind of witness after another, the surest first: the folders that only
//! one runtime looks into, the ABI tags in the names of extension modules (PEP 3149), the machine that
//! ELF files state, the tags in WHEEL files. The first kind that answers decides, if all of it says the
//! same. What nobody answers stays unknown: nothing is assumed.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read as _;

use layerpress_pack::{read_all, reader};
use layerpress_target::{Arch, Ecosystem, Runtime};
use layerpress_tree::{Content, LayerPath, LayerTree, Mode};

/// What a layer was made for, as far as its files tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inferred {
    /// The Python runtime.
    pub python: Option<Found<Runtime>>,
    /// The Node.js runtime.
    pub node: Option<Found<Runtime>>,
    /// The architecture.
    pub arch: Option<Found<Arch>>,
}

/// Something that was found out, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<T> {
    /// What it is.
    pub value: T,
    /// What told it: `ABI tags`.
    pub by: &'static str,
}

/// The folders that only one runtime looks into.
const FOLDERS: &str = "folders";
/// The names of extension modules.
const ABI_TAGS: &str = "ABI tags";
/// What ELF files state.
const MACHINE_CODE: &str = "machine code";

impl<T> Found<T> {
    /// Whether nothing else can be right: Lambda would not look into those folders, and no other Python
    /// loads those modules.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        [FOLDERS, ABI_TAGS].contains(&self.by)
    }

    /// Whether machine code says so, which another machine cannot run; what is beside it may do without.
    #[must_use]
    pub fn is_by_machine_code(&self) -> bool {
        self.by == MACHINE_CODE
    }
}

/// No WHEEL file comes near this.
const TEXT_LIMIT: u64 = 1 << 20;

/// System V ABI, chapter 4: where an ELF header has its machine, and the numbers of two.
const ELF_MACHINE_AT: usize = 18;
const ELF_X86_64: u16 = 62;
const ELF_AARCH64: u16 = 183;

/// Looks through a layer for what it was made for.
#[must_use]
pub fn infer(layer: &LayerTree) -> Inferred {
    let mut witnesses = Witnesses::default();
    for (path, entry) in layer.iter() {
        witnesses.hear_path(path.as_str());
        if entry.mode == Mode::Link {
            continue;
        }
        if is_native_name(path) {
            let elf = elf_machine(&entry.content);
            match path.as_str().contains("/prebuilds/") {
                true => witnesses.prebuilds.extend(elf),
                false => witnesses.elf.extend(elf),
            }
        } else if path.file_name() == "WHEEL" && entry.content.size <= TEXT_LIMIT {
            witnesses.hear_wheel(&entry.content);
        }
    }
    witnesses.agree()
}

impl Inferred {
    /// Whether nothing was found out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `python3.13, x86_64: by ABI tags`.
impl fmt::Display for Inferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runtime = |it: Found<Runtime>| (it.value.name(), it.by);
        let all = [
            self.python.map(runtime),
            self.node.map(runtime),
            self.arch.map(|it| (it.value.name(), it.by)),
        ];
        let all: Vec<(&str, &str)> = all.into_iter().flatten().collect();
        for (index, (name, by)) in all.iter().enumerate() {
            let more = all.get(index + 1);
            match more {
                Some((_, next)) if next == by => write!(f, "{name}, ")?,
                Some(_) => write!(f, "{name}: by {by}; ")?,
                None => write!(f, "{name}: by {by}")?,
            }
        }
        Ok(())
    }
}

/// All that the files say.
#[derive(Debug, Default)]
struct Witnesses {
    python_folders: BTreeSet<(u8, u8)>,
    python_tags: BTreeSet<(u8, u8)>,
    python_wheels: BTreeSet<(u8, u8)>,
    python_bytecode: BTreeSet<(u8, u8)>,
    node_folders: BTreeSet<(u8, u8)>,
    arch_tags: BTreeSet<Arch>,
    elf: BTreeSet<Arch>,
    /// Of several for one to be chosen from, most are for others.
    prebuilds: BTreeSet<Arch>,
    arch_wheels: BTreeSet<Arch>,
}

impl Witnesses {
    fn hear_path(&mut self, path: &str) {
        if let Some(rest) = path.strip_prefix("python/lib/python")
            && let Some((version, rest)) = rest.split_once('/')
            && rest.starts_with("site-packages/")
        {
            self.python_folders.extend(dotted(version));
        }
        if let Some(rest) = path.strip_prefix("nodejs/node")
            && let Some((major, rest)) = rest.split_once('/')
            && rest.starts_with("node_modules/")
        {
            self.node_folders
                .extend(major.parse().map(|major| (major, 0)));
        }
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        // `_core.cpython-313-x86_64-linux-gnu.so`, `core.cpython-313.pyc`
        let Some((_, tag)) = name.split_once(".cpython-") else {
            return;
        };
        let digits = tag.find(|it: char| !it.is_ascii_digit()).unwrap_or(0);
        let Some(version) = joined(&tag[..digits]) else {
            return;
        };
        if name.ends_with(".pyc") {
            self.python_bytecode.insert(version);
        } else if name.ends_with(".so") {
            self.python_tags.insert(version);
            let machine = tag[digits..].trim_start_matches(['-', 'd', 'm', 't']);
            let arch = Arch::ALL.into_iter();
            self.arch_tags
                .extend(arch.filter(|it| machine.starts_with(it.machine())));
        }
    }

    /// The lines `Tag: cp313-cp313-manylinux_2_28_x86_64` of a WHEEL file.
    fn hear_wheel(&mut self, content: &Content) {
        let Ok(text) = read_all(content) else {
            return;
        };
        let text = String::from_utf8_lossy(&text);
        for tag in text.lines().filter_map(|line| line.strip_prefix("Tag:")) {
            let mut parts = tag.trim().split('-');
            let (python, abi) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let platform = parts.next().unwrap_or("");
            // Only a tag with the interpreter's own ABI holds for one version.
            if abi.starts_with("cp") {
                self.python_wheels
                    .extend(python.strip_prefix("cp").and_then(joined));
            }
            let arch = Arch::ALL.into_iter();
            self.arch_wheels
                .extend(arch.filter(|it| platform.ends_with(it.machine())));
        }
    }

    fn agree(self) -> Inferred {
        Inferred {
            python: runtime(
                Ecosystem::Python,
                [
                    (self.python_folders, FOLDERS),
                    (self.python_tags, ABI_TAGS),
                    (self.python_wheels, "wheel tags"),
                    (self.python_bytecode, "compiled files"),
                ],
            ),
            node: runtime(Ecosystem::Node, [(self.node_folders, FOLDERS)]),
            arch: first([
                (self.arch_tags, ABI_TAGS),
                (self.elf, MACHINE_CODE),
                (self.prebuilds, MACHINE_CODE),
                (self.arch_wheels, "wheel tags"),
            ]),
        }
    }
}

fn runtime<const N: usize>(
    ecosystem: Ecosystem,
    kinds: [(BTreeSet<(u8, u8)>, &'static str); N],
) -> Option<Found<Runtime>> {
    let Found { value, by } = first(kinds)?;
    let value = Runtime::of_version(ecosystem, value)?;
    Some(Found { value, by })
}

/// What the first kind of witnesses that says anything says, if all of that kind say the same.
fn first<T: Copy + Ord, const N: usize>(
    kinds: [(BTreeSet<T>, &'static str); N],
) -> Option<Found<T>> {
    let (said, by) = kinds.into_iter().find(|(said, _)| !said.is_empty())?;
    let value = said.first().copied().filter(|_| said.len() == 1)?;
    Some(Found { value, by })
}

/// `3.13`
fn dotted(version: &str) -> Option<(u8, u8)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `313`
fn joined(digits: &str) -> Option<(u8, u8)> {
    let (major, minor) = digits.split_at_checked(1)?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether a file may be machine code, going by its name; programs may be called anything, but lie in
/// layers beside libraries mostly, or in `bin`.
fn is_native_name(path: &LayerPath) -> bool {
    let name = path.file_name();
    name.ends_with(".so")
        || name.contains(".so.")
        || name.ends_with(".node")
        || path.as_str().starts_with("bin/")
        || path.as_str().starts_with("extensions/")
}

fn elf_machine(content: &Content) -> Option<Arch> {
    let mut head = [0; ELF_MACHINE_AT + 2];
    // What cannot be inflated is found by whoever needs it.
    reader(content).read_exact(&mut head).ok()?;
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    match u16::from_le_bytes([head[ELF_MACHINE_AT], head[ELF_MACHINE_AT + 1]]) {
        ELF_X86_64 => Some(Arch::X86_64),
        ELF_AARCH64 => Some(Arch::Arm64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::stored;
    use layerpress_tree::Entry;

    fn told(files: &[(&str, &[u8])]) -> String {
        let mut tree = LayerTree::new();
        for (path, bytes) in files {
            let entry = Entry {
                mode: Mode::File,
                content: stored(bytes.to_vec().into()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("no conflict");
        }
        infer(&tree).to_string()
    }

    fn elf(machine: u16) -> Vec<u8> {
        [
            &b"\x7fELF\x02\x01\x01"[..],
            &[0; 11],
            &machine.to_le_bytes(),
        ]
        .concat()
    }

    #[test]
    fn the_surest_witness_is_heard() {
        let tagged = "python/a/_b.cpython-313-x86_64-linux-gnu.so";
        assert_eq!(told(&[(tagged, b"")]), "python3.13, x86_64: by ABI tags");
        assert_eq!(
            told(&[
                ("python/lib/python3.12/site-packages/a.py", b""),
                (tagged, b"")
            ]),
            "python3.12: by folders; x86_64: by ABI tags"
        );
        assert_eq!(
            told(&[("nodejs/node22/node_modules/a/b.node", &elf(183))]),
            "nodejs22.x: by folders; arm64: by machine code"
        );
        let prebuild = "nodejs/node_modules/a/prebuilds/linux-arm64/a.node";
        assert_eq!(
            told(&[(prebuild, &elf(183)), ("bin/tool", &elf(62))]),
            "x86_64: by machine code"
        );
        assert_eq!(told(&[(prebuild, &elf(183))]), "arm64: by machine code");
        assert_eq!(
            told(&[(
                "python/a-1.dist-info/WHEEL",
                b"Tag: cp312-cp312-manylinux_2_17_aarch64\nTag: cp312-cp312-manylinux2014_aarch64\n"
            )]),
            "python3.12, arm64: by wheel tags"
        );
        assert_eq!(
            told(&[("python/__pycache__/a.cpython-311.pyc", b"")]),
            "python3.11: by compiled files"
        );
    }

    #[test]
    fn what_cannot_be_known_is_not_assumed() {
        for files in [
            &[("python/six.py", &b""[..])][..],
            &[(
                "python/a-1.dist-info/WHEEL",
                b"Tag: py3-none-any\nTag: cp37-abi3-any\n",
            )],
            &[
                ("python/a.cpython-312.so", b""),
                ("python/a.cpython-313.so", b""),
            ],
            &[("python/a.cpython-327.so", b"")],
            &[("nodejs/node_modules/a/b.node", b"\x7fELF")],
            &[
                ("nodejs/node_modules/a/x.node", &elf(62)),
                ("nodejs/node_modules/a/y.node", &elf(183)),
            ],
        ] {
            assert_eq!(told(files), "", "{files:?}");
        }
    }
}
