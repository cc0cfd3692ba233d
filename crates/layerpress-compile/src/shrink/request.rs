//! [`ShrinkRequest`]: what is to be made smaller, and how.

use std::path::PathBuf;

use layerpress_pack::Level;
use layerpress_press::Profile;
use layerpress_press::rules::Overrides;
use layerpress_python::build::Candidates;
use layerpress_target::{Arch, Runtime};

use crate::bytecode::Bytecode;
use crate::smoke::Smoke;
use crate::trace::Trace;

/// What to make smaller, and how.
#[derive(Debug, Clone)]
pub struct ShrinkRequest {
    /// A layer zip, or a folder that is to be one.
    pub input: PathBuf,
    /// A `.zip` file, or a folder for one; `None`: `<name>.small.zip` beside the input.
    pub output: Option<PathBuf>,
    /// Whether the result replaces the input.
    pub in_place: bool,
    /// What may be left out or made smaller.
    pub profile: Profile,
    /// What the user says beside.
    pub overrides: Overrides,
    /// Files of the layer whose fate is to be told: paths from its root, or from where packages lie.
    pub explain: Vec<String>,
    /// How hard files are compressed.
    pub compression: Level,
    /// The runtime, instead of what the layer's files tell.
    pub runtime: Option<Runtime>,
    /// The architecture, instead of what the layer's files tell.
    pub arch: Option<Arch>,
    /// Which modules come with bytecode.
    pub bytecode: Bytecode,
    /// Where interpreters may lie, to compile with.
    pub interpreters: Candidates,
    /// What is run to see which files are needed; what it does not open goes.
    pub trace: Option<Trace>,
    /// What must do the same with the layer before and after.
    pub smoke: Option<Smoke>,
}
