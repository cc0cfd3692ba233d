//! [`WheelError`]: why a wheel could not become a tree, and [`MergeError`]: why two cannot share one.

use layerpress_pack::ArchiveError;
use layerpress_press::pressed::PressError;
use layerpress_tree::{Conflict, PathError};

/// A wheel that cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[error("`{wheel}`: {fault}")]
pub struct WheelError {
    /// The wheel's file name.
    pub wheel: String,
    /// What is wrong with it.
    pub fault: Box<WheelFault>,
}

/// What is wrong with a wheel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WheelFault {
    /// The file name is not one of a wheel.
    #[error("the file name is not `name-version[-build]-python-abi-platform.whl`")]
    FileName,
    /// The archive is damaged, lies about itself or is over its limits.
    #[error("{0}")]
    Archive(ArchiveError),
    /// A file's stream does not hold what the archive says.
    #[error("`{path}` cannot be read: {message}")]
    Stream {
        /// The file inside the wheel.
        path: String,
        /// What is wrong with its stream.
        message: String,
    },
    /// No `.dist-info` folder.
    #[error("there is no `.dist-info` folder in it")]
    NoDistInfo,
    /// More than one `.dist-info` folder.
    #[error("there is more than one `.dist-info` folder in it: `{first}` and `{second}`")]
    SeveralDistInfos {
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// A file that every wheel has is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// The file.
        path: String,
    },
    /// A file of the dist-info folder is far larger than any real one.
    #[error("`{path}` is {bytes} bytes long, more than the {limit} that are read")]
    TooLong {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// What is read at most.
        limit: u64,
    },
    /// A file of the dist-info folder is not UTF-8.
    #[error("`{path}` is not UTF-8")]
    NotText {
        /// The file.
        path: String,
    },
    /// A field of METADATA or WHEEL is missing or nonsense.
    #[error("`{path}` has no usable `{field}`")]
    Field {
        /// The file.
        path: String,
        /// The field.
        field: &'static str,
    },
    /// A `Wheel-Version` whose major number is not 1.
    #[error("its format is wheel {found}, and this program reads 1.x")]
    WheelVersion {
        /// What stands there.
        found: String,
    },
    /// The file name and METADATA disagree.
    #[error("`{path}` says `{field}: {found}`, the file name says `{expected}`")]
    Identity {
        /// Where the other value stands.
        path: String,
        /// `Name` or `Version`.
        field: &'static str,
        /// What METADATA says.
        found: String,
        /// What the file name says.
        expected: String,
    },
    /// A line of RECORD is not `path,hash,size`.
    #[error("line {line} of RECORD {problem}")]
    Record {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: RecordProblem,
    },
    /// The archive holds a file that RECORD does not list.
    #[error("RECORD does not list `{path}`{}", and_more(*.others))]
    Unlisted {
        /// The first such file.
        path: String,
        /// How many more there are.
        others: usize,
    },
    /// RECORD lists a file that the archive does not hold.
    #[error("RECORD lists `{path}`, which is not in the wheel{}", and_more(*.others))]
    Absent {
        /// The first such file.
        path: String,
        /// How many more there are.
        others: usize,
    },
    /// RECORD lists a file without a hash.
    #[error("RECORD has no hash for `{path}`")]
    Unhashed {
        /// The file.
        path: String,
    },
    /// A file's bytes are not those that RECORD promises.
    #[error("`{path}` has the hash `{found}`, RECORD says `{expected}`")]
    Hash {
        /// The file.
        path: String,
        /// The hash of the bytes, as RECORD would write it.
        found: String,
        /// What RECORD says.
        expected: String,
    },
    /// A file's size is not the one that RECORD promises.
    #[error("`{path}` has {found} bytes, RECORD says {expected}")]
    Size {
        /// The file.
        path: String,
        /// The real size in bytes.
        found: u64,
        /// What RECORD says.
        expected: u64,
    },
    /// A folder below `.data` that no scheme knows.
    #[error("`{path}` belongs to the unknown scheme `{scheme}`")]
    Scheme {
        /// The file.
        path: String,
        /// The folder's name.
        scheme: String,
    },
    /// A path that cannot stand in a layer.
    #[error("{0}")]
    Path(PathError),
    /// Two files of the wheel claim one place.
    #[error("{0}")]
    Conflict(Conflict),
    /// A line of `entry_points.txt` that cannot become a script.
    #[error("the entry point `{entry}` {problem}")]
    EntryPoint {
        /// The line.
        entry: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Its files do not go into one zip.
    #[error(transparent)]
    Press(PressError),
    /// The store's copy of the archive has changed since it was verified.
    #[error("the cached copy is damaged")]
    Damaged,
}

/// What is wrong with a line of RECORD.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// Not three fields.
    #[error("has {0} fields, not 3")]
    Fields(usize),
    /// A quoted field that does not end, or goes on after its end.
    #[error("has a quote in the wrong place")]
    Quote,
    /// The path cannot be one of an archive.
    #[error("names an impossible path: {0}")]
    Path(PathError),
    /// The hash's algorithm is unknown or too weak.
    #[error("has the hash `{0}`, which is not one of sha256, sha384, sha512")]
    Algorithm(String),
    /// The hash's value is not URL-safe base64 of the right length.
    #[error("has the hash value `{0}`, which is not base64 of the right length")]
    Value(String),
    /// The size is not a number.
    #[error("has the size `{0}`, which is not a number")]
    Size(String),
    /// The path stood on an earlier line with another hash or size.
    #[error("lists `{0}` again, differently")]
    Twice(String),
}

impl WheelError {
    pub(crate) fn new(wheel: &str, fault: WheelFault) -> Self {
        Self {
            wheel: wheel.to_owned(),
            fault: Box::new(fault),
        }
    }

    /// Whether the store's copy is at fault and a fresh download may do: the archive has been
    /// forgotten by then.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(*self.fault, WheelFault::Damaged)
    }

    /// What to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match &*self.fault {
            WheelFault::Archive(error) => return error.hint().map(ToOwned::to_owned),
            WheelFault::Unlisted { .. }
            | WheelFault::Absent { .. }
            | WheelFault::Unhashed { .. }
            | WheelFault::Hash { .. }
            | WheelFault::Size { .. }
            | WheelFault::Record { .. } => {
                let name = self.wheel.split('-').next().unwrap_or_default();
                return Some(format!(
                    "the wheel is not what its author recorded; take another version, or build it \
                     from source with `--no-binary {name}`"
                ));
            }
            WheelFault::WheelVersion { .. } => "take an older version, or a newer layerpress",
            WheelFault::Identity { .. } => "the file was renamed; give it back its own name",
            WheelFault::Damaged => "it is fetched again on the next run",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and one more)".to_owned(),
        _ => format!(" (and {others} more)"),
    }
}

/// Two distributions that cannot lie in one folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Both write one path, with different bytes.
    #[error(
        "`{first}` and `{second}` both write `{path}`{}, with different contents",
        and_more(*.others)
    )]
    Different {
        /// The distribution that sorts first, with its version.
        first: String,
        /// The other one.
        second: String,
        /// The first path they disagree on.
        path: String,
        /// How many more there are.
        others: usize,
    },
    /// A file of one lies where the other needs a folder.
    #[error("`{first}` and `{second}` cannot lie in one folder: {conflict}")]
    FileAndFolder {
        /// The distribution that sorts first, with its version.
        first: String,
        /// The other one.
        second: String,
        /// The two paths.
        conflict: Conflict,
    },
}

impl MergeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let (Self::Different { first, second, .. } | Self::FileAndFolder { first, second, .. }) =
            self;
        let name = |label: &str| label.split(' ').next().unwrap_or_default().to_owned();
        let (first, second) = (name(first), name(second));
        // `opencv-python-headless` beside `opencv-python`: one project, built twice.
        if second.starts_with(&format!("{first}-")) || first.starts_with(&format!("{second}-")) {
            format!(
                "they are two builds of one project: require one of them only, or leave one out \
                 with `--exclude {first}` or `--exclude {second}`"
            )
        } else {
            format!(
                "leave one out with `--exclude {first}` or `--exclude {second}`, or take versions \
                 that agree"
            )
        }
    }
}
