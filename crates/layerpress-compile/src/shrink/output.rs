//! [`place`]: where the smaller layer goes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ShrinkError, ShrinkRequest};

/// The file to write.
///
/// # Errors
/// A request that would replace its own input without saying so, or a folder by a file.
pub(super) fn place(request: &ShrinkRequest) -> Result<PathBuf, ShrinkError> {
    let input = &request.input;
    let is_folder = input.is_dir();
    if request.in_place {
        return match is_folder {
            true => Err(ShrinkError::FolderInPlace {
                path: input.clone(),
            }),
            false => Ok(input.clone()),
        };
    }
    let output = match &request.output {
        Some(file) if is_zip(file) && !file.is_dir() => file.clone(),
        Some(folder) => folder.join(file_name(input)),
        None => beside(input, is_folder),
    };
    match same(&output, input) {
        true => Err(ShrinkError::SameFile { path: output }),
        false => Ok(output),
    }
}

/// Makes sure, before any work is done, that a file can be put where `output` is to be.
///
/// # Errors
/// What the system says of the folder, or of the nearest one above it that is there.
pub(super) fn probe(output: &Path) -> Result<(), ShrinkError> {
    let folder = output.ancestors().skip(1).find(|it| it.is_dir());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(source) => Err(ShrinkError::Unwritable {
            path: output.to_owned(),
            source,
        }),
    }
}

fn is_zip(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|it| it.eq_ignore_ascii_case("zip"))
}

/// `api.small.zip` for `api.zip`.
fn file_name(input: &Path) -> OsString {
    // Of a folder named `.` only its real path tells the name.
    let real = fs::canonicalize(input);
    let named = match input.file_name() {
        Some(_) => input,
        None => real.as_deref().unwrap_or(input),
    };
    let stem = match is_zip(named) && !named.is_dir() {
        true => named.file_stem(),
        false => named.file_name(),
    };
    let mut name = stem.map_or_else(|| OsString::from("layer"), OsString::from);
    name.push(".small.zip");
    name
}

fn beside(input: &Path, is_folder: bool) -> PathBuf {
    let name = file_name(input);
    match input.file_name() {
        Some(_) => input.with_file_name(name),
        // `.` and `..`: beside the folder itself.
        None if is_folder => input.join("..").join(name),
        None => PathBuf::from(name),
    }
}

fn same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::Level;
    use layerpress_press::Profile;
    use layerpress_press::rules::Overrides;

    fn placed(input: &Path, output: Option<&Path>, in_place: bool) -> Result<PathBuf, String> {
        let request = ShrinkRequest {
            input: input.to_owned(),
            output: output.map(Path::to_owned),
            in_place,
            profile: Profile::Safe,
            overrides: Overrides::default(),
            explain: Vec::new(),
            compression: Level::Fast,
            runtime: None,
            arch: None,
            smoke: None,
            bytecode: crate::bytecode::Bytecode::None,
            interpreters: layerpress_python::build::Candidates::default(),
            trace: None,
        };
        place(&request).map_err(|error| error.to_string())
    }

    #[test]
    fn the_result_lies_beside_the_input() {
        let root = tempfile::tempdir().expect("a folder");
        let (root, zip) = (root.path(), root.path().join("api.zip"));
        fs::write(&zip, "").expect("a file");
        fs::create_dir(root.join("layer")).expect("a folder");
        let at = |path: &str| Ok(root.join(path));
        assert_eq!(placed(&zip, None, false), at("api.small.zip"));
        assert_eq!(placed(&zip, None, true), at("api.zip"));
        assert_eq!(
            placed(&root.join("layer"), None, false),
            at("layer.small.zip")
        );
        assert_eq!(placed(&zip, Some(&root.join("b.zip")), false), at("b.zip"));
        assert_eq!(
            placed(&zip, Some(&root.join("layer")), false),
            at("layer/api.small.zip")
        );
        assert_eq!(
            placed(&root.join("layer/."), None, false),
            at("layer.small.zip")
        );
        let refused = [
            placed(&zip, Some(&root.join("layer/../api.zip")), false),
            placed(&root.join("layer"), None, true),
        ];
        let root = root.display().to_string();
        let refused = refused.map(|it| it.expect_err("refused").replace(&root, "[ROOT]"));
        insta::assert_snapshot!(refused.join("\n"), @r"
        `[ROOT]/layer/../api.zip` is the layer itself, which is not replaced unasked
        `[ROOT]/layer` is a folder, so it cannot be replaced by a zip
        ");
    }
}
