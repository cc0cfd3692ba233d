//! pip's settings files: where they lie, and their text. What is in them is the library's to read.
//!
//! A team's index is usually named there and nowhere else. The order is pip's ("Configuration" in
//! its user guide): `PIP_CONFIG_FILE`, virtual environment, user, machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SettingsError;
use crate::environment::Environment;

/// Name and text of pip's settings files, the strongest first.
///
/// # Errors
///
/// A file that is there and cannot be read, except for want of permission: pip passes over those.
pub(crate) fn files(environment: &Environment) -> Result<Vec<(String, String)>, SettingsError> {
    let mut files = Vec::new();
    for path in places(environment).into_iter().rev() {
        if let Some(text) = read(&path)? {
            files.push((path.display().to_string(), text));
        }
    }
    Ok(files)
}

/// The files that pip would read, the weakest first.
fn places(environment: &Environment) -> Vec<PathBuf> {
    let named = environment.value("PIP_CONFIG_FILE").map(PathBuf::from);
    if named.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    let file_name = if cfg!(windows) { "pip.ini" } else { "pip.conf" };
    let mut places = of_machine(environment);
    // A file named by the variable stands instead of the user's own.
    if !named.as_deref().is_some_and(Path::exists) {
        places.extend(of_user(environment, file_name));
    }
    if let Some(folder) = environment.value("VIRTUAL_ENV") {
        places.push(Path::new(folder).join(file_name));
    }
    places.extend(named);
    places
}

fn of_machine(environment: &Environment) -> Vec<PathBuf> {
    if cfg!(target_os = "macos") {
        return vec![PathBuf::from("/Library/Application Support/pip/pip.conf")];
    }
    if !cfg!(unix) {
        return Vec::new();
    }
    let folders = environment.value("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg");
    let folders = folders.split(':').filter(|folder| !folder.is_empty());
    folders
        .map(|folder| Path::new(folder).join("pip/pip.conf"))
        .chain([PathBuf::from("/etc/pip.conf")])
        .collect()
}

fn of_user(environment: &Environment, file_name: &str) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(home) = environment.home() {
        let folder = if cfg!(windows) { "pip" } else { ".pip" };
        places.push(home.join(folder).join(file_name));
        if cfg!(target_os = "macos") {
            places.push(home.join("Library/Application Support/pip/pip.conf"));
        }
    }
    let folder = environment.config_home();
    places.extend(folder.map(|folder| folder.join("pip").join(file_name)));
    places
}

/// A file's text; `None` where there is none to be read.
fn read(path: &Path) -> Result<Option<String>, SettingsError> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            Ok(Some(text.to_owned()))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(home: &Path, variables: &[(&str, &str)]) -> Vec<String> {
        let home_text = home.to_str().expect("a Unicode path");
        let mut all = vec![("HOME", home_text), ("XDG_CONFIG_DIRS", home_text)];
        all.extend_from_slice(variables);
        let files = files(&Environment::of(&all)).expect("readable files");
        let relative = |(name, _): &(String, String)| {
            let name = Path::new(name).strip_prefix(home).ok()?;
            Some(name.display().to_string())
        };
        files.iter().filter_map(relative).collect()
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn the_strongest_file_comes_first() {
        let home = tempfile::tempdir().expect("a folder");
        for folder in [".pip", ".config/pip", "pip", "venv"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
            fs::write(home.path().join(folder).join("pip.conf"), "").expect("a file");
        }
        let venv = home.path().join("venv");
        let venv = ("VIRTUAL_ENV", venv.to_str().expect("a Unicode path"));
        assert_eq!(
            names(home.path(), &[venv]),
            [
                "venv/pip.conf",
                ".config/pip/pip.conf",
                ".pip/pip.conf",
                "pip/pip.conf"
            ]
        );
    }

    #[test]
    fn the_variable_stands_instead_of_the_users_file_or_leaves_all_out() {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(home.path().join(".pip")).expect("a folder");
        fs::write(home.path().join(".pip/pip.conf"), "").expect("a file");
        let own = home.path().join("own.conf");
        fs::write(&own, "").expect("a file");
        let own = ("PIP_CONFIG_FILE", own.to_str().expect("a Unicode path"));
        assert_eq!(names(home.path(), &[own]), ["own.conf"]);
        let none = ("PIP_CONFIG_FILE", "/dev/null");
        assert!(names(home.path(), &[none]).is_empty());
    }
}
