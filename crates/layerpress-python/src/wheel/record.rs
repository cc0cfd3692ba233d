//! RECORD: what a wheel says it holds, and what we say that a layer holds.
//!
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>
//! The file is CSV in the default dialect of Python's reader: `path,hash,size`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use layerpress_tree::{Algorithm, Digest, LayerPath};

use super::error::{RecordProblem, WheelFault};

use crate::escaped::escaped;

/// What RECORD promises about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promise {
    /// Nothing where the hash was left out.
    pub(super) digest: Option<Digest>,
    /// Nothing where the size was left out.
    pub(super) size_bytes: Option<u64>,
}

/// Reads RECORD into one promise for each path.
///
/// A path that stands twice is fine if both lines promise the same; lines for folders (some old
/// tools wrote them) promise nothing.
pub(super) fn parse(text: &str) -> Result<BTreeMap<LayerPath, Promise>, WheelFault> {
    let mut promises = BTreeMap::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut line = 1;
    while !rest.is_empty() {
        let at = line;
        let fault = |problem| WheelFault::Record { line: at, problem };
        let (fields, after) = row(rest).map_err(fault)?;
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
        if fields.len() == 1 && fields[0].is_empty() {
            continue;
        }
        let [path, hash, size] = <[String; 3]>::try_from(fields)
            .map_err(|fields| fault(RecordProblem::Fields(fields.len())))?;
        if path.ends_with('/') {
            continue;
        }
        let path = path.strip_prefix("./").unwrap_or(&path);
        let path = LayerPath::new(path).map_err(|error| fault(RecordProblem::Path(error)))?;
        let promise = Promise {
            digest: digest(&hash).map_err(fault)?,
            size_bytes: match size.trim() {
                "" => None,
                number => Some(
                    number
                        .parse()
                        .map_err(|_| fault(RecordProblem::Size(escaped(number))))?,
                ),
            },
        };
        match promises.get(&path) {
            Some(earlier) if *earlier != promise => {
                return Err(fault(RecordProblem::Twice(path.to_string())));
            }
            Some(_) => {}
            None => {
                promises.insert(path, promise);
            }
        }
    }
    Ok(promises)
}

/// Writes RECORD for `files` (in their order), each with its SHA-256 and its size in bytes, and a
/// last line for RECORD itself at `own_path`.
pub(super) fn render<'a>(
    files: impl Iterator<Item = (&'a str, &'a [u8; 32], u64)>,
    own_path: &str,
) -> String {
    let mut text = String::new();
    let mut own = Some(own_path);
    for (path, sha256, size_bytes) in files {
        if let Some(own_path) = own.take_if(|own_path| *own_path < path) {
            push_row(&mut text, own_path, ",,");
        }
        let value = format!(",{},{size_bytes}", hash(Algorithm::Sha256, sha256));
        push_row(&mut text, path, &value);
    }
    if let Some(own_path) = own {
        push_row(&mut text, own_path, ",,");
    }
    text
}

/// A hash as RECORD writes it: `sha256=<URL-safe base64 without padding>`.
pub(super) fn hash(algorithm: Algorithm, bytes: &[u8]) -> String {
    format!("{algorithm}={}", URL_SAFE_NO_PAD.encode(bytes))
}

fn push_row(text: &mut String, path: &str, rest: &str) {
    // A path holds no line break (see `LayerPath`); quotes and commas are what is left to quote.
    if path.contains([',', '"']) {
        let _ = writeln!(text, "\"{}\"{rest}", path.replace('"', "\"\""));
    } else {
        let _ = writeln!(text, "{path}{rest}");
    }
}

fn digest(text: &str) -> Result<Option<Digest>, RecordProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (algorithm, value) = text.split_once('=').unwrap_or((text, ""));
    let algorithm: Algorithm = algorithm
        .parse()
        .map_err(|_| RecordProblem::Algorithm(escaped(algorithm)))?;
    URL_SAFE_NO_PAD
        .decode(value.trim_end_matches('='))
        .ok()
        .and_then(|bytes| Digest::from_bytes(algorithm, &bytes))
        .map(Some)
        .ok_or_else(|| RecordProblem::Value(escaped(value)))
}

/// The paths that an installed RECORD names, as they stand there, up to the first row that is none:
/// after an installation some lead out of the folder, which no wheel's may.
pub(crate) fn recorded(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text.trim_start_matches('\u{feff}');
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (fields, after) = row(rest).ok()?;
        rest = after;
        fields.into_iter().next()
    })
}

/// Takes one row off the front: its fields, and what follows.
fn row(text: &str) -> Result<(Vec<String>, &str), RecordProblem> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let field;
        if let Some(quoted) = rest.strip_prefix('"') {
            (field, rest) = quoted_field(quoted)?;
        } else {
            let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
            field = rest[..end].to_owned();
            rest = &rest[end..];
        }
        fields.push(field);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if rest.is_empty() {
            return Ok((fields, rest));
        } else if let Some(after) = ["\r\n", "\n", "\r"]
            .iter()
            .find_map(|end| rest.strip_prefix(end))
        {
            return Ok((fields, after));
        } else {
            return Err(RecordProblem::Quote);
        }
    }
}

/// The rest of a field after its opening quote, and what follows its closing one.
fn quoted_field(mut rest: &str) -> Result<(String, &str), RecordProblem> {
    let mut field = String::new();
    loop {
        let end = rest.find('"').ok_or(RecordProblem::Quote)?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn fault(text: &str) -> String {
        parse(text).expect_err("a fault").to_string()
    }

    #[test]
    fn rows_as_real_wheels_have_them() {
        let text = format!(
            "\u{feff}a.py,{EMPTY},0\r\n\"b,\"\"c\"\".py\",{EMPTY}=,\n./d.py,{EMPTY},0\n\
             sub/,,\na.py,{EMPTY},0\nx-1.dist-info/RECORD,,\n\n"
        );
        let paths: Vec<String> = parse(&text)
            .expect("valid")
            .keys()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            paths,
            ["a.py", "b,\"c\".py", "d.py", "x-1.dist-info/RECORD"]
        );
    }

    #[test]
    fn lines_that_lie() {
        insta::assert_snapshot!(
            fault("a,,\nb"),
            @"line 2 of RECORD has 1 fields, not 3"
        );
        insta::assert_snapshot!(
            fault("../a,,"),
            @"line 1 of RECORD names an impossible path: `../a` holds the component `..`"
        );
        insta::assert_snapshot!(
            fault("/etc/passwd,,"),
            @"line 1 of RECORD names an impossible path: `/etc/passwd` is an absolute path"
        );
        insta::assert_snapshot!(
            fault("a\\b,,"),
            @r"line 1 of RECORD names an impossible path: `a\\b` holds the character '\\'"
        );
        insta::assert_snapshot!(
            fault("a,md5=abc,"),
            @"line 1 of RECORD has the hash `md5`, which is not one of sha256, sha384, sha512"
        );
        insta::assert_snapshot!(
            fault("a,sha256=abc,"),
            @"line 1 of RECORD has the hash value `abc`, which is not base64 of the right length"
        );
        insta::assert_snapshot!(
            fault("a,,-1"),
            @"line 1 of RECORD has the size `-1`, which is not a number"
        );
        insta::assert_snapshot!(
            fault("\"a\nb,,"),
            @"line 1 of RECORD has a quote in the wrong place"
        );
        insta::assert_snapshot!(
            fault("\"a\"b,,"),
            @"line 1 of RECORD has a quote in the wrong place"
        );
        insta::assert_snapshot!(
            fault("\n\na,,1\na,,2"),
            @"line 4 of RECORD lists `a` again, differently"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            files in proptest::collection::btree_map("[a-z,\" /é]{1,12}", any::<([u8; 32], u64)>(), 0..8)
        ) {
            let files: BTreeMap<LayerPath, _> = files
                .into_iter()
                .filter_map(|(path, value)| Some((LayerPath::new(&path).ok()?, value)))
                .collect();
            let rows = files.iter().map(|(path, (sha, size))| (path.as_str(), sha, *size));
            let text = render(rows, "m/RECORD");
            let read = parse(&text).expect("own RECORD");
            prop_assert_eq!(read.len(), files.len() + 1);
            for (path, (sha, size)) in &files {
                let promise = &read[path];
                prop_assert_eq!(promise.digest.as_ref().map(Digest::as_bytes), Some(&sha[..]));
                prop_assert_eq!(promise.size_bytes, Some(*size));
            }
            let lines: Vec<LayerPath> = text
                .lines()
                .map(|line| row(line).map(|(fields, _)| LayerPath::new(&fields[0]).expect("own")))
                .collect::<Result<_, _>>()
                .expect("own RECORD");
            prop_assert!(lines.is_sorted());
        }

        #[test]
        fn any_text_ends_in_an_answer(text in "(?s)[a,\"\r\n./\\\\=]{0,40}") {
            let _ = parse(&text);
        }
    }
}
