//! The driver: from inputs to finished layers, stage by stage.
//!
//! 1. An input becomes a [`Manifest`](layerpress_python::manifest::Manifest), or a lockfile is taken
//!    as it is.
//! 2. [`lock`] resolves it for each target into a [`Pylock`](layerpress_lock::Pylock), moving no
//!    version without need.
//! 3. [`fetch`] brings the archives that the lock pins into the store, verified.
//! 4. [`build`] unpacks them into one [`LayerTree`](layerpress_tree::LayerTree) per target and writes
//!    it as a zip.
//!
//! [`inspect`] goes the other way: a layer zip, whoever made it, becomes packages and weights, and two of
//! them a [`Difference`].
//!
//! [`graphs`] stops after the lock, or begins at a layer, and tells who asks for whom.
//!
//! [`shrink`] makes such a layer smaller, and proves that nothing in it is missed.
//!
//! Every layer that [`build`] makes is made from a lock, so a first build and a rebuild cannot differ. What happens on the
//! way goes to a [`Reporter`](layerpress_fetch::Reporter); what came of it is in the report.

mod archives;
mod assemble;
mod build;
mod bytecode;
mod diff;
mod error;
mod existing;
mod explain;
mod fetch;
mod finish;
mod graph;
mod input;
mod inspect;
mod lock;
mod node;
mod own_code;
mod pins;
mod project;
mod proven;
mod prune;
mod python;
mod report;
mod request;
mod session;
mod shrink;
mod smoke;
mod targets;
mod trace;
mod trial;

pub use build::build;
pub use bytecode::{Bytecode, BytecodeError, BytecodeReport};
pub use diff::{Difference, FileDifference, PackageDifference, Pair};
pub use error::{CompileError, ExitClass};
pub use existing::InspectError;
pub use fetch::fetch;
pub use graph::{
    Asker, Graph, GraphPackage, GraphRequest, Need, NeedKind, Needed, Row, WalkOptions, Way, Why,
    graphs, named, nearest,
};
pub use inspect::{
    Doubt, FoundFile, FoundPackage, InspectOptions, Inspection, Saving, Weight, inspect,
};
pub use layerpress_check::{Found, Inferred};
pub use layerpress_pack::Level;
pub use layerpress_press::Profile;
pub use layerpress_press::pressed::Refusal;
pub use layerpress_press::rules::{
    Choice, Explanation, OverrideError, Overrides, Services, Smaller,
};
pub use lock::lock;
pub use node::{NodeError, OtherDigest, PrebuiltError};
pub use own_code::OwnCodeError;
pub use python::PythonError;
pub use report::{
    BuildReport, Change, FetchReport, LayerReport, LockReport, LockfileReport, PackageReport,
    RemovedReport, Seconds,
};
pub use request::{
    BuildRequest, FetchRequest, Layout, LockRequest, Login, NodeOptions, PythonOptions, Sources,
    Upgrade,
};
pub use shrink::{
    Finding, Severity, ShrinkError, ShrinkReport, ShrinkRequest, ShrunkPackage, Size, shrink,
};
pub use smoke::{Smoke, SmokeError, SmokeReport};
pub use trace::{Trace, TraceError, TraceKeep};
