//! [`Event`] and [`Reporter`]: what the stages say while they work.
//!
//! Nothing below the program prints. Whatever takes time or is worth a word goes to a [`Reporter`]
//! as an [`Event`]; the program draws it, tests record it, the default is silent.

use std::fmt;

/// Something that happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something the user should know although the work goes on.
    Warning {
        /// What happened: a lowercase sentence without a final period.
        message: String,
        /// What to do about it, if there is something.
        hint: Option<String>,
    },
    /// A stage of the pipeline begins for one target.
    StageStarted {
        /// The stage.
        stage: Stage,
        /// What it works on, for display: `python3.13 x86_64`.
        subject: String,
    },
    /// The stage that began last is done.
    StageFinished {
        /// The stage.
        stage: Stage,
    },
    /// The resolver looks at a version of a package.
    Considering {
        /// The package's normalised name.
        package: String,
        /// The version.
        version: String,
    },
    /// An archive's download begins.
    DownloadStarted {
        /// Tells the downloads under way apart.
        id: u64,
        /// The file's name.
        name: String,
        /// Its size in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// More of an archive has arrived.
    DownloadAdvanced {
        /// The download.
        id: u64,
        /// How many bytes came since the last event.
        bytes: u64,
    },
    /// An archive's download ended, well or not.
    DownloadFinished {
        /// The download.
        id: u64,
    },
    /// A source distribution is being built: its own code runs now.
    BuildStarted {
        /// The package, for display: `docopt 0.6.2`.
        package: String,
    },
    /// That build ended, well or not.
    BuildFinished {
        /// The package, for display.
        package: String,
    },
}

/// The stages of the pipeline that a person waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// From manifest to pinned versions.
    Resolve,
    /// From pinned versions to verified archives in the store.
    Fetch,
    /// From archives to a layer zip.
    Pack,
}

/// Where events go.
pub trait Reporter: Send + Sync + fmt::Debug {
    /// Takes one event; called from any thread, and must return at once.
    fn report(&self, event: Event);

    /// Reports a warning without a hint.
    fn warn(&self, message: String) {
        self.report(Event::Warning {
            message,
            hint: None,
        });
    }
}

/// A reporter that says nothing: the default of every library call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event) {}
}
