//! Where a Python that builds source distributions may lie: the folders that people's tools keep
//! them in. Which of them is right for a target, the library finds out.

use std::env;
use std::path::PathBuf;

use layerpress_python::build::Candidates;

use crate::environment::Environment;

/// The places of this machine, or only what `--python` names.
pub(crate) fn candidates(named: Option<&str>, environment: &Environment) -> Candidates {
    let path = environment.value("PATH").unwrap_or_default();
    let home = environment.home();
    let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
    let pyenv = environment.value("PYENV_ROOT").map(PathBuf::from);
    let uv = environment
        .value("UV_PYTHON_INSTALL_DIR")
        .map(PathBuf::from);
    let data = environment.value("XDG_DATA_HOME").map(PathBuf::from);
    let version_folders = [
        pyenv
            .or_else(|| below_home(".pyenv"))
            .map(|root| root.join("versions")),
        uv.or_else(|| Some(data?.join("uv/python")))
            .or_else(|| below_home(".local/share/uv/python")),
    ];
    Candidates {
        request: named.map(str::to_owned),
        path_folders: env::split_paths(path).collect(),
        version_folders: version_folders.into_iter().flatten().collect(),
    }
}
