//! The exit codes: what a script can count on.
//!
//! One constant per class of outcome, stable for ever; every error is mapped onto one of them by a
//! single exhaustive match ([`Outcome::code`]), so that a new class does not compile
//! before it has its code.

/// The request was done.
pub(crate) const DONE: u8 = 0;
/// The request is well formed and cannot be met: no solution, a lock out of date, a failed check,
/// a layer over its budget.
pub(crate) const UNMET: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The network, or a server on it, did not do its part.
pub(crate) const NETWORK: u8 = 3;
/// A manifest, lockfile or archive is wrong in itself, or hostile.
pub(crate) const INPUT: u8 = 4;
/// A file could not be read or written.
pub(crate) const IO: u8 = 5;
/// A bug in layerpress.
pub(crate) const BUG: u8 = 70;
/// The user pressed Ctrl-C: 128 and the number of SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// The program was told to end: 128 and the number of SIGTERM.
#[cfg(unix)]
pub(crate) const TERMINATED: u8 = 143;
/// The terminal went away: 128 and the number of SIGHUP.
#[cfg(unix)]
pub(crate) const HUNG_UP: u8 = 129;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// See [`DONE`].
    Done,
    /// See [`UNMET`].
    Unmet,
    /// See [`USAGE`].
    Usage,
    /// See [`NETWORK`].
    Network,
    /// See [`INPUT`].
    Input,
    /// See [`IO`].
    Io,
    /// See [`BUG`].
    Bug,
}

impl Outcome {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => DONE,
            Self::Unmet => UNMET,
            Self::Usage => USAGE,
            Self::Network => NETWORK,
            Self::Input => INPUT,
            Self::Io => IO,
            Self::Bug => BUG,
        }
    }
}
