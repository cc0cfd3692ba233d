//! Tarballs honest and hostile, built with the `tar` crate and, where that would refuse, by hand.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

use super::*;

/// A gzip stream of `bytes`.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A header with a raw name, which the crate's own builder might refuse.
fn header(name: &[u8], kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_cksum();
    header
}

fn push(tar: &mut Vec<u8>, header: &Header, data: &[u8]) {
    tar.extend(header.as_bytes());
    tar.extend(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// A tar of one member, with its end.
fn one(name: &[u8], kind: EntryType, data: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    push(
        &mut tar,
        &header(name, kind, 0o644, data.len() as u64),
        data,
    );
    tar.extend([0; 1024]);
    tar
}

fn stripped() -> Options {
    Options {
        root: Root::Strip,
        ..Options::default()
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Tarball(#[from] TarballError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Each member on a line.
fn list(archive: &[u8], options: &Options) -> Result<String, Error> {
    let mut lines = Vec::new();
    read(archive, options, |member| {
        let path = &member.path;
        lines.push(match member.kind {
            Kind::File { mode, size, data } => {
                let mut text = String::new();
                data.read_to_string(&mut text)?;
                assert_eq!(text.len() as u64, size);
                format!("{:o} {path} {}", mode.bits(), text.escape_debug())
            }
            Kind::Folder => format!("folder {path}"),
            Kind::Link { target, hard } => format!("link {path} {target} {hard}"),
        });
        Ok::<_, Error>(())
    })?;
    Ok(lines.join("\n"))
}

fn refusal(archive: &[u8], options: &Options) -> String {
    match list(archive, options) {
        Ok(_) => panic!("a hostile tarball was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn members_of_a_source_distribution() {
    let long = format!("pkg-1.0/{}/deep.py", "long".repeat(40));
    let mut tar = Builder::new(Vec::new());
    let mut append = |name: &str, mode: u32, text: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text).expect("memory");
    };
    append("pkg-1.0/PKG-INFO", 0o666, b"Name: pkg\n");
    append("./pkg-1.0//setup.py", 0o777, b"");
    append("pkg-1.0/secret", 0o600, b"");
    append(&long, 0o644, b"deep");
    let pax = [("path", "pkg-1.0/ü.py".as_bytes())];
    tar.append_pax_extensions(pax).expect("memory");
    let tar = tar.into_inner().expect("memory");
    let mut tar = tar[..tar.len() - 1024].to_vec();
    push(
        &mut tar,
        &header(b"short", EntryType::Regular, 0o644, 2),
        b"42",
    );
    let folder = header(b"pkg-1.0/src/", EntryType::Directory, 0o755, 0);
    push(&mut tar, &folder, b"");
    push(
        &mut tar,
        &header(b"pkg-1.0/", EntryType::Directory, 0o755, 0),
        b"",
    );
    tar.extend([0; 1024]);
    for archive in [tar.clone(), gzip(&tar)] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(list(&archive, &stripped()).expect("honest"), @r#"
644 PKG-INFO Name: pkg\n
755 setup.py 
644 secret 
644 longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong/deep.py deep
644 ü.py 42
folder src
"#);
        }
    }
    let kept = list(&gzip(&tar), &Options::default()).expect("honest");
    assert!(kept.starts_with("644 pkg-1.0/PKG-INFO Name"), "{kept}");
}

#[test]
fn gzip_members_in_a_row_and_padding_are_one_stream() {
    let tar = one(b"a/b", EntryType::Regular, b"text");
    let (front, back) = tar.split_at(700);
    let row = [gzip(front), gzip(back), vec![0; 300]].concat();
    assert_eq!(list(&row, &stripped()).expect("honest"), "644 b text");
    // Some writers leave out the blocks of zeros at the end.
    let unended = gzip(&tar[..1024]);
    assert_eq!(list(&unended, &stripped()).expect("honest"), "644 b text");
}

#[test]
fn links_are_refused_or_reported() {
    let mut tar = Vec::new();
    for (name, kind, target) in [
        (&b"a/soft"[..], EntryType::Symlink, "../../etc/passwd"),
        (b"a/hard", EntryType::Link, "a/soft"),
    ] {
        let mut header = header(name, kind, 0o777, 0);
        header.set_link_name_literal(target).expect("short");
        header.set_cksum();
        push(&mut tar, &header, b"");
    }
    let report = Options {
        links: Links::Report,
        ..stripped()
    };
    insta::assert_snapshot!(list(&tar, &report).expect("reported"), @r#"
link soft ../../etc/passwd false
link hard a/soft true
"#);
    insta::assert_snapshot!([
        refusal(&tar, &stripped()),
        refusal(&tar[512..], &stripped()),
    ].join("\n"), @r#"
`soft` is a symbolic link to `../../etc/passwd`
`hard` is a hard link to `a/soft`
"#);
}

#[test]
fn what_is_no_file_in_a_place_of_its_own_is_refused() {
    let named = |name: &[u8]| refusal(&one(name, EntryType::Regular, b""), &Options::default());
    let kind = |kind| refusal(&one(b"a/b", kind, b""), &Options::default());
    let mut sparse = Builder::new(Vec::new());
    let records = [("GNU.sparse.major", &b"1"[..])];
    sparse.append_pax_extensions(records).expect("memory");
    let sparse = sparse.into_inner().expect("memory");
    let sparse = [&sparse[..1024], &one(b"a/b", EntryType::Regular, b"")].concat();
    insta::assert_snapshot!([
        named(b"../a"),
        named(b"a/../../b"),
        named(b"/etc/passwd"),
        named(b"a\\b"),
        named(b"a\xff"),
        named(b"a\x1b"),
        named(b"."),
        refusal(&one(b"README", EntryType::Regular, b""), &stripped()),
        kind(EntryType::Char),
        kind(EntryType::Block),
        kind(EntryType::Fifo),
        kind(EntryType::GNUSparse),
        kind(EntryType::new(b'V')),
        refusal(&sparse, &Options::default()),
    ].join("\n"), @r#"
an entry's name is no path inside the archive: `../a` holds the component `..`
an entry's name is no path inside the archive: `a/../../b` holds the component `..`
an entry's name is no path inside the archive: `/etc/passwd` is an absolute path
an entry's name is no path inside the archive: `a\\b` holds the character '\\'
`a�`: the name is not UTF-8
an entry's name is no path inside the archive: `a\u{1b}` holds the character '\u{1b}'
an entry's name is no path inside the archive: the path is empty
`README` stands outside of the archive's root folder
`a/b` is a character device, not a file
`a/b` is a block device, not a file
`a/b` is a pipe, not a file
the archive is damaged: sparse entry type listed but not GNU header
`a/b` is a member of an unknown type, not a file
`a/b` is a sparse file, not a file
"#);
}

#[test]
fn what_stands_beside_the_root_can_be_left_out() {
    let mut tar = one(b"._package", EntryType::Regular, b"x")[..1024].to_vec();
    tar.extend(one(b"package/a", EntryType::Regular, b"y"));
    let options = Options {
        root: Root::StripOrDrop,
        ..Options::default()
    };
    assert_eq!(list(&tar, &options).expect("honest"), "644 a y");
    refusal(&tar, &stripped());
}

#[test]
fn other_formats_are_named() {
    let formats: [&[u8]; 5] = [b"BZh9", b"\xfd7zXZ\0", b"PK\x03\x04", b"<html>", b""];
    let refusals = formats.map(|magic| refusal(magic, &Options::default()));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
bzip2 archives are not supported as source archives, only `.tar.gz` and `.zip`
xz archives are not supported as source archives, only `.tar.gz` and `.zip`
zip archives are not supported as source archives, only `.tar.gz` and `.zip`
not a gzip or tar archive
not a gzip or tar archive
"#);
}

#[test]
fn damage_is_found() {
    let tar = one(b"a/b", EntryType::Regular, &[b'x'; 3000]);
    let zipped = gzip(&tar);
    let mut crc = zipped.clone();
    let at = crc.len() - 8;
    crc[at] ^= 1;
    let mut sum = tar.clone();
    sum[0] = b'z';
    let damaged = [
        crc,
        zipped[..zipped.len() - 20].to_vec(),
        zipped[..zipped.len() - 3].to_vec(),
        [&zipped[..], b"hidden"].concat(),
        sum,
        tar[..2000].to_vec(),
        tar[..700].to_vec(),
    ];
    let refusals = damaged.map(|archive| refusal(&archive, &Options::default()));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
the archive is damaged: corrupt gzip stream does not have a matching checksum
the archive is damaged: incomplete deflate stream
the archive is damaged: unexpected end of file
the archive is damaged: unexpected end of file
the archive is damaged: archive header checksum mismatch
the archive is damaged: unexpected end of file
the archive is damaged: unexpected end of file
"#);
    for cut in 0..zipped.len() {
        list(&zipped[..cut], &Options::default()).expect_err("cut short");
    }
    // Nobody asked for the data; they are missing all the same.
    read(&tar[..2000], &Options::default(), |_| {
        Ok::<_, TarballError>(())
    })
    .expect_err("cut short and unread");
}

#[test]
fn budgets_hold_while_inflating() {
    let zeros = |size: u64| {
        let mut tar = Vec::new();
        let header = header(b"a/zeros", EntryType::Regular, 0o644, size);
        push(
            &mut tar,
            &header,
            &vec![0; usize::try_from(size).expect("small")],
        );
        tar.extend([0; 1024]);
        gzip(&tar)
    };
    let limits = Limits::default();
    let with = |limits: Limits| Options {
        limits,
        ..Options::default()
    };
    let mut name = Vec::new();
    push(
        &mut name,
        &header(b"././@LongLink", EntryType::GNULongName, 0o644, 8 << 20),
        &vec![b'n'; 8 << 20],
    );
    name.extend(one(b"a", EntryType::Regular, b""));
    let mut behind = one(b"a", EntryType::Regular, b"");
    behind.resize(8 << 20, 0);
    let two = [
        &one(b"a", EntryType::Regular, b"")[..512],
        &one(b"b", EntryType::Regular, b""),
    ];
    let refusals = [
        refusal(
            &zeros(20 << 20),
            &with(Limits {
                ratio: 50,
                ..limits
            }),
        ),
        refusal(
            &zeros(5000),
            &with(Limits {
                total_bytes: 4999,
                ..limits
            }),
        ),
        refusal(
            &two.concat(),
            &with(Limits {
                entries: 1,
                ..limits
            }),
        ),
        refusal(&gzip(&name), &with(limits)),
        refusal(&gzip(&behind), &with(limits)),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r#"
the archive inflates to more than 50 times its size
the archive's files take more than 4999 bytes unpacked
the archive holds more than 1 entries
the archive has more than 1048576 bytes of headers for one entry or behind the last
the archive has more than 1048576 bytes of headers for one entry or behind the last
"#);
    let mut lie = one(b"a/b", EntryType::Regular, b"");
    let header = header(b"a/b", EntryType::Regular, 0o644, 1 << 40);
    lie[..512].copy_from_slice(header.as_bytes());
    insta::assert_snapshot!(refusal(&gzip(&lie), &with(limits)), @"the archive's files take more than 262144000 bytes unpacked");
}
