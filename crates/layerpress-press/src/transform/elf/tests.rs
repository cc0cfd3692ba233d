//! Libraries built by hand, with what linkers, patching tools and bundlers leave in them.

use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};
use proptest::prelude::*;

use super::*;

/// A 64-bit library: a segment of code, sections that are not loaded, a segment that a patching tool
/// added behind them, more sections, and the section headers.
struct Library {
    kind: u16,
    /// Sections between the segments.
    inside: Vec<(&'static str, u32, Vec<u8>)>,
    /// Sections behind them.
    behind: Vec<(&'static str, u32, Vec<u8>)>,
    /// What stands behind all that.
    payload: Vec<u8>,
}

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const NOTE: u32 = 7;
const NOBITS: u32 = 8;

impl Default for Library {
    fn default() -> Self {
        Self {
            kind: 3,
            inside: vec![(".symtab", SYMTAB, vec![7; 240])],
            behind: vec![
                (".comment", PROGBITS, b"a compiler".to_vec()),
                (".debug_info", PROGBITS, vec![9; 1000]),
                (".note.stapsdt", NOTE, vec![5; 30]),
            ],
            payload: Vec::new(),
        }
    }
}

const CODE: usize = 64 + 3 * 56;

impl Library {
    fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0; CODE];
        file.extend([0xc3; 300]);
        let code_end = file.len();
        let mut names = vec![0];
        let mut headers = vec![[0u64; 6]];
        let mut section = |file: &mut Vec<u8>, name: &str, kind: u32, flags: u64, bytes: &[u8]| {
            let at = names.len();
            names.extend(name.as_bytes());
            names.push(0);
            let start = file.len() as u64;
            headers.push([at as u64, kind.into(), flags, start, bytes.len() as u64, 0]);
            file.extend(bytes);
        };
        for (name, kind, bytes) in &self.inside {
            section(&mut file, name, *kind, 0, bytes);
        }
        file.resize(file.len().next_multiple_of(4096), 0);
        let added = file.len();
        file.extend([0x11; 100]);
        for (name, kind, bytes) in &self.behind {
            let flags = if *kind == NOBITS { 6 } else { 0 };
            section(&mut file, name, *kind, flags, bytes);
        }
        section(&mut file, ".shstrtab", 3, 0, b"");
        let last = headers.len() - 1;
        headers[last][3] = file.len() as u64;
        headers[last][4] = names.len() as u64;
        file.extend(names);
        file.resize(file.len().next_multiple_of(8), 0);
        let table = file.len() as u64;
        for [name, kind, flags, at, size, _] in &headers {
            file.extend((*name as u32).to_le_bytes());
            file.extend((*kind as u32).to_le_bytes());
            file.extend(
                [*flags, 0, *at, *size, 0, 1, 0]
                    .map(u64::to_le_bytes)
                    .concat(),
            );
        }
        file.extend(&self.payload);

        let mut front = b"\x7fELF\x02\x01\x01".to_vec();
        front.resize(16, 0);
        front.extend([self.kind, 62].map(u16::to_le_bytes).concat());
        front.extend(1u32.to_le_bytes());
        front.extend([0, 64, table].map(u64::to_le_bytes).concat());
        front.extend(0u32.to_le_bytes());
        let count = headers.len() as u16;
        front.extend(
            [64, 56, 3, 64, count, count - 1]
                .map(u16::to_le_bytes)
                .concat(),
        );
        // Two segments, and a third of memory alone that begins inside of a page.
        for (at, size) in [
            (0, code_end as u64),
            (added as u64, 100),
            (added as u64 + 120, 0),
        ] {
            front.extend([1u32, 5].map(u32::to_le_bytes).concat());
            front.extend(
                [at, at, at, size, size + 64, 4096]
                    .map(u64::to_le_bytes)
                    .concat(),
            );
        }
        file[..CODE].copy_from_slice(&front);
        file
    }

    fn outcome(&self) -> Outcome {
        elf_strip("a/lib.so", &self.bytes())
    }
}

fn smaller(bytes: &[u8]) -> Vec<u8> {
    match elf_strip("a/lib.so", bytes) {
        Outcome::Smaller(file) => file,
        other => panic!("{other:?}"),
    }
}

fn refused(library: &Library) -> String {
    match library.outcome() {
        Outcome::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_loaded_stays_where_it_is_and_the_rest_goes() {
    let before = Library::default().bytes();
    let file = ElfFile64::<Endianness>::parse(&before[..]).expect("sound");
    assert_eq!(file.sections().count(), 5, "the premise");
    let after = smaller(&before);
    // The segment that was added, and the start of the one that is memory alone.
    assert_eq!(after.len(), 4096 + 120);
    assert_eq!(after[CODE..CODE + 300], [0xc3; 300]);
    assert_eq!(after[CODE + 300..4096], vec![0; 4096 - CODE - 300]);
    assert_eq!(after[4096..4196], [0x11; 100]);
    assert_eq!(after[64..CODE], before[64..CODE], "the segments");
    let again = ElfFile64::<Endianness>::parse(&after[..]).expect("sound");
    assert_eq!(again.sections().filter(|it| it.size() > 0).count(), 0);
    assert_eq!(
        elf_strip("a/lib.so", &after),
        Outcome::Nothing,
        "a second time"
    );
}

#[test]
fn each_section_is_accounted_for() {
    let removed = elf_sections_removed(&Library::default().bytes());
    let removed: Vec<_> = removed
        .iter()
        .map(|(name, bytes)| (&**name, *bytes))
        .collect();
    let expected = [
        (".symtab", 240),
        (".comment", 10),
        (".debug_info", 1000),
        (".note.stapsdt", 30),
        (".shstrtab", 54),
        ("section headers", 6 * 64),
    ];
    assert_eq!(removed, expected);
    assert_eq!(elf_sections_removed(b"#!/bin/sh"), []);
}

#[test]
fn programs_keep_what_may_be_their_own_data() {
    let with = |change: &dyn Fn(&mut Library)| {
        let mut library = Library::default();
        change(&mut library);
        library
    };
    let appended = with(&|it| it.payload = b"scripts".to_vec());
    insta::assert_snapshot!(refused(&appended), @"data of its own follows it");
    let section = with(&|it| it.behind.push(("pydata", PROGBITS, vec![1; 10])));
    insta::assert_snapshot!(refused(&section), @"its section `pydata` is not loaded and may be data of its own");
    let inside = with(&|it| it.inside.push((".note.mine", PROGBITS, vec![1; 10])));
    insta::assert_snapshot!(refused(&inside), @"its section `.note.mine` is not loaded and may be data of its own");
    // Patching tools leave zeros at the end.
    assert!(matches!(
        with(&|it| it.payload = vec![0]).outcome(),
        Outcome::Smaller(_)
    ));
    assert!(matches!(
        with(&|it| it.behind.push(("pydata", PROGBITS, vec![0; 10]))).outcome(),
        Outcome::Smaller(_)
    ));
}

#[test]
fn what_no_section_explains_stays_as_it_is() {
    let mut file = Library::default().bytes();
    // Where a patching tool left the old section headers.
    file[4000..4008].copy_from_slice(b"leftover");
    assert_eq!(&smaller(&file)[4000..4008], b"leftover");
}

#[test]
fn other_files_are_left_alone() {
    let of = |kind| {
        Library {
            kind,
            ..Library::default()
        }
        .outcome()
    };
    for kind in [1, 4] {
        assert_eq!(of(kind), Outcome::Nothing, "objects and core files");
    }
    assert!(matches!(of(2), Outcome::Smaller(_)), "programs");
    let mut split = Library::default();
    split.behind.push((".text", NOBITS, Vec::new()));
    assert_eq!(split.outcome(), Outcome::Nothing, "debug information apart");
    let library = Library::default().bytes();
    assert_eq!(
        elf_strip("ossl-modules/fips.so", &library),
        Outcome::Nothing
    );
    let mut bsd = library.clone();
    bsd[7] = 9;
    assert_eq!(elf_strip("a.so", &bsd), Outcome::Nothing);
    assert_eq!(elf_strip("a.so", b"MZ"), Outcome::NotMine);
    assert_eq!(elf_strip("a.so", &library[..40]), Outcome::Nothing);
    let cut = elf_strip("a.so", &library[..library.len() - 1]);
    assert!(matches!(cut, Outcome::Refused(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_header_makes_it_touch_what_is_loaded(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in 0..200usize,
    ) {
        let mut file = Library::default().bytes();
        file.truncate(file.len() - cut);
        let table = file.len() - 5 * 64;
        for (at, byte) in changes {
            // Headers in front, and those behind.
            let at = at.index(CODE + 5 * 64);
            let at = if at < CODE { at } else { table + at - CODE };
            file[at] = byte;
        }
        let removed: u64 = elf_sections_removed(&file).iter().map(|it| it.1).sum();
        if let Outcome::Smaller(after) = elf_strip("a.so", &file) {
            prop_assert!(removed > 0 && after.len() <= file.len());
            prop_assert_eq!(elf_strip("a.so", &after), Outcome::Nothing);
            let wide = file[4] == 2;
            prop_assert!(wide);
            for n in 0..usize::from(u16::from_le_bytes([file[56], file[57]])) {
                let start = usize::try_from(u64::from_le_bytes(file[32..40].try_into()?))?;
                let segment = &file[start + n * 56..][..56];
                let field = |at: usize| -> usize {
                    u64::from_le_bytes(segment[at..at + 8].try_into().expect("eight")) as usize
                };
                if segment[..4] != [0; 4] && field(32) > 0 && field(8) >= 64 {
                    let range = field(8)..field(8) + field(32);
                    prop_assert_eq!(&file[range.clone()], &after[range]);
                }
            }
        }
    }
}
