//! Binaries of all systems, built by hand as far as anybody looks at them.

use proptest::prelude::*;

use super::*;

/// An ELF file with one segment for each part.
pub(crate) struct Elf {
    pub(crate) class: u8,
    pub(crate) data: u8,
    pub(crate) abi: u8,
    pub(crate) machine: u16,
    pub(crate) interpreter: Option<&'static str>,
    pub(crate) needed: &'static [&'static str],
    pub(crate) name: Option<&'static str>,
    pub(crate) paths: &'static [&'static str],
    pub(crate) note: Option<&'static str>,
}

pub(crate) const LINUX: Elf = Elf {
    class: 2,
    data: 1,
    abi: 0,
    machine: 62,
    interpreter: None,
    needed: &[],
    name: None,
    paths: &[],
    note: None,
};

impl Elf {
    /// The file, 64-bit and little-endian whatever its header says.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        const HEADERS: u64 = 64 + 4 * 56;
        // DT_NEEDED, DT_SONAME, DT_RUNPATH.
        let named = self.needed.iter().map(|name| (1, name));
        let named = named.chain(self.name.iter().map(|name| (14, name)));
        let named: Vec<(u64, &&str)> = named.chain(self.paths.iter().map(|it| (29, it))).collect();
        let strings: String = named.iter().map(|(_, name)| format!("{name}\0")).collect();
        let interpreter = self
            .interpreter
            .map_or(String::new(), |it| format!("{it}\0"));
        let note = self.note.map_or(Vec::new(), |name| {
            let length = u32::try_from(name.len() + 1).expect("short");
            let mut note = [length, 0, 1].map(u32::to_le_bytes).concat();
            note.extend(name.as_bytes());
            note.resize(12 + (name.len() + 1).next_multiple_of(4), 0);
            note
        });
        let strings_at = HEADERS;
        let interpreter_at = strings_at + strings.len() as u64;
        let note_at = (interpreter_at + interpreter.len() as u64).next_multiple_of(8);
        let dynamic_at = (note_at + note.len() as u64).next_multiple_of(8);
        let mut dynamic: Vec<[u64; 2]> = vec![[5, strings_at], [10, strings.len() as u64]];
        let mut at = 0;
        for (tag, name) in &named {
            dynamic.push([*tag, at]);
            at += name.len() as u64 + 1;
        }
        dynamic.push([0, 0]);
        let dynamic: Vec<u8> = dynamic
            .iter()
            .flatten()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let end = dynamic_at + dynamic.len() as u64;

        let mut file = b"\x7fELF".to_vec();
        file.extend([self.class, self.data, 1, self.abi, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(3u16.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend([0u64, 64, 0].iter().flat_map(|n| n.to_le_bytes()));
        file.extend(0u32.to_le_bytes());
        file.extend(
            [64u16, 56, 4, 64, 0, 0]
                .iter()
                .flat_map(|n| n.to_le_bytes()),
        );
        // PT_LOAD, PT_INTERP, PT_DYNAMIC, PT_NOTE; without contents PT_NULL.
        for (kind, at, size) in [
            (1u32, 0, end),
            (3, interpreter_at, interpreter.len() as u64),
            (2, dynamic_at, dynamic.len() as u64),
            (4, note_at, note.len() as u64),
        ] {
            file.extend((if size == 0 { 0 } else { kind }).to_le_bytes());
            file.extend(4u32.to_le_bytes());
            file.extend(
                [at, at, at, size, size, 4]
                    .iter()
                    .flat_map(|n| n.to_le_bytes()),
            );
        }
        file.extend(strings.as_bytes());
        file.extend(interpreter.as_bytes());
        file.resize(usize::try_from(note_at).expect("short"), 0);
        file.extend(note);
        file.resize(usize::try_from(dynamic_at).expect("short"), 0);
        file.extend(dynamic);
        file
    }

    fn libc(&self) -> Libc {
        match Binary::of(&self.bytes()) {
            Some(Binary::Elf { libc, .. }) => libc,
            other => panic!("{other:?}"),
        }
    }
}

fn machine(class: u8, data: u8, machine: u16) -> Machine {
    let elf = Elf {
        class,
        data,
        machine,
        ..LINUX
    };
    match Binary::of(&elf.bytes()) {
        Some(Binary::Elf { machine, .. }) => machine,
        other => panic!("{other:?}"),
    }
}

/// A PE file; `machine` and the optional header's magic, and where the .NET header is.
fn pe(machine: u16, magic: u16, net: u32) -> Vec<u8> {
    let mut file = vec![0; 0x80];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x80;
    file.extend(b"PE\0\0");
    file.extend(machine.to_le_bytes());
    file.extend([0; 18]);
    let mut optional = vec![0; 96 + 16 * 8];
    optional[..2].copy_from_slice(&magic.to_le_bytes());
    optional[92] = 16;
    optional[96 + 14 * 8..][..4].copy_from_slice(&net.to_le_bytes());
    file.extend(optional);
    file
}

#[test]
fn processors() {
    assert_eq!(machine(2, 1, 62), Machine::X86_64);
    assert_eq!(machine(2, 1, 183), Machine::Aarch64);
    assert_eq!(machine(2, 1, 247), Machine::Bpf);
    // i386, x32, arm, RISC-V; big-endian Arm and s390x.
    for (class, data, number) in [
        (1, 1, 3),
        (1, 1, 62),
        (1, 1, 40),
        (2, 1, 243),
        (2, 2, 183),
        (2, 2, 22),
    ] {
        let number = if data == 2 {
            u16::swap_bytes(number)
        } else {
            number
        };
        assert_eq!(machine(class, data, number), Machine::Other);
    }
}

#[test]
fn c_libraries_by_loader_by_library_and_by_system() {
    let program = |interpreter| Elf {
        interpreter: Some(interpreter),
        ..LINUX
    };
    let library = |needed| Elf { needed, ..LINUX };
    assert_eq!(LINUX.libc(), Libc::None);
    assert_eq!(program("/lib64/ld-linux-x86-64.so.2").libc(), Libc::Glibc);
    assert_eq!(program("/lib/ld-musl-x86_64.so.1").libc(), Libc::Musl);
    assert_eq!(program("/system/bin/linker64").libc(), Libc::Foreign);
    assert_eq!(program("/libexec/ld-elf.so.1").libc(), Libc::Foreign);
    assert_eq!(
        library(&["libstdc++.so.6", "libc.so.6"]).libc(),
        Libc::Glibc
    );
    assert_eq!(
        library(&["libz.so.1", "libc.musl-x86_64.so.1"]).libc(),
        Libc::Musl
    );
    assert_eq!(library(&["libgcc_s.so.1", "libc.so"]).libc(), Libc::Musl);
    assert_eq!(library(&["libthr.so.3", "libc.so.7"]).libc(), Libc::Foreign);
    assert_eq!(library(&["libvips-cpp.so.42"]).libc(), Libc::None);
    let android = Elf {
        note: Some("Android"),
        ..library(&["libdl.so", "libc.so"])
    };
    assert_eq!(android.libc(), Libc::Foreign);
    let built = Elf {
        note: Some("GNU"),
        ..library(&["libc.so.6"])
    };
    assert_eq!(built.libc(), Libc::Glibc);
    let bsd = Elf { abi: 9, ..LINUX };
    assert_eq!(bsd.libc(), Libc::Foreign);
    let gnu = Elf { abi: 3, ..LINUX };
    assert_eq!(gnu.libc(), Libc::None);
}

#[test]
fn files_of_other_systems() {
    assert_eq!(Binary::of(&pe(0x8664, 0x20b, 0)), Some(Binary::Pe));
    assert_eq!(Binary::of(&pe(0x14c, 0x10b, 0)), Some(Binary::Pe));
    assert_eq!(Binary::of(&pe(0x14c, 0x10b, 0x2008)), Some(Binary::Managed));
    assert_eq!(Binary::of(&pe(0x8664, 0x20b, 0x2008)), Some(Binary::Pe));
    assert_eq!(
        Binary::of(b"\xcf\xfa\xed\xfe\x0c\0\0\x01"),
        Some(Binary::MachO)
    );
    assert_eq!(
        Binary::of(b"\xca\xfe\xba\xbe\0\0\0\x02"),
        Some(Binary::MachO)
    );
    assert_eq!(
        Binary::of(b"Microsoft C/C++ MSF 7.00\r\n\x1aDS"),
        Some(Binary::Pe)
    );
}

#[test]
fn what_is_no_machine_code() {
    for bytes in [
        &b""[..],
        b"ELF",
        b"\x7fELF",
        b"\x7fELF\x02\x01\x01",
        b"\0asm\x01\0\0\0",
        b"MZ in a text",
        // A Java class, version 52.
        b"\xca\xfe\xba\xbe\0\0\0\x34",
        b"!<arch>\n",
        b"#!/usr/bin/env node\n",
        b"Microsoft",
    ] {
        assert_eq!(Binary::of(bytes), None, "{bytes:?}");
    }
}

#[test]
fn every_binary_has_a_code_of_its_own() {
    let machines = [
        Machine::X86_64,
        Machine::Aarch64,
        Machine::Bpf,
        Machine::Other,
    ];
    let libcs = [Libc::None, Libc::Glibc, Libc::Musl, Libc::Foreign];
    let mut all = vec![Binary::MachO, Binary::Pe, Binary::Managed];
    for machine in machines {
        all.extend(libcs.map(|libc| Binary::Elf { machine, libc }));
    }
    for binary in all {
        assert_ne!(binary.code(), 0);
        assert_eq!(Binary::from_code(binary.code()), Some(binary));
    }
    assert_eq!(Binary::from_code(0), None);
    assert_eq!(Binary::from_code(0x1ff), None);
}

proptest! {
    #[test]
    fn damaged_files_are_looked_at_without_harm(
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        windows in any::<bool>(),
    ) {
        let mut file = if windows {
            pe(0x14c, 0x10b, 8)
        } else {
            Elf { interpreter: Some("/lib/ld-musl-x86_64.so.1"), needed: &["libc.so", "b"], note: Some("GNU"), ..LINUX }.bytes()
        };
        for (at, byte) in at {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = Binary::of(&file);
        file.truncate(cut.index(file.len()));
        let _ = Binary::of(&file);
    }
}
