//! [`Fault`]: the ways in which a server can let its client down.

use std::time::Duration;

/// Which requests a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// Every request.
    Everything,
    /// The page of a project, by normalised name.
    Page(String),
    /// A file, by name.
    File(String),
    /// The METADATA beside a wheel, by the wheel's name.
    Metadata(String),
    /// The packument of an npm package, by its name.
    Packument(String),
    /// The document of one version of an npm package.
    Version(String, String),
    /// An npm package's tarball, by file name.
    Tarball(String),
}

impl On {
    /// The page of a project.
    pub fn page(name: &str) -> Self {
        Self::Page(name.to_owned())
    }

    /// A file.
    pub fn file(name: &str) -> Self {
        Self::File(name.to_owned())
    }

    /// The METADATA beside a wheel.
    pub fn metadata(file_name: &str) -> Self {
        Self::Metadata(file_name.to_owned())
    }

    /// The packument of an npm package.
    pub fn packument(name: &str) -> Self {
        Self::Packument(name.to_owned())
    }

    /// A tarball.
    pub fn tarball(file_name: &str) -> Self {
        Self::Tarball(file_name.to_owned())
    }

    /// Whether a request for `path` is struck.
    pub(crate) fn strikes(&self, path: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Page(name) => path.trim_end_matches('/') == format!("/simple/{name}"),
            Self::File(name) => path == format!("/files/{name}"),
            Self::Metadata(name) => path == format!("/files/{name}.metadata"),
            Self::Packument(name) => decoded(path).ends_with(&format!("/{name}")),
            Self::Version(name, version) => decoded(path).ends_with(&format!("/{name}/{version}")),
            Self::Tarball(name) => path.ends_with(&format!("/-/{name}")),
        }
    }
}

/// A path whose scope's slash may be escaped, with the slash.
pub(crate) fn decoded(path: &str) -> String {
    path.replace("%2f", "/").replace("%2F", "/")
}

/// What comes instead of the right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A status without a body worth reading.
    Status(u16),
    /// 429 with a `Retry-After` of so many seconds.
    TooManyRequests {
        /// The value of `Retry-After`.
        retry_after: u64,
    },
    /// 302 to another address.
    Redirect(String),
    /// 200 and a page that asks for a login.
    LoginPage,
    /// Nothing at all, on a connection that stays open.
    Hang,
    /// Half of the body, then the connection is cut.
    ResetMidBody,
    /// Half of the body, and `Content-Length` says that this is all.
    Truncated,
    /// As many bytes as there should be, but others.
    WrongBytes,
    /// The right answer, a piece at a time.
    Slow {
        /// How many bytes a piece has.
        piece: usize,
        /// How long each piece takes.
        pause: Duration,
    },
}

/// A fault that waits for its requests.
#[derive(Debug, Clone)]
pub(crate) struct PlannedFault {
    pub(crate) on: On,
    pub(crate) fault: Fault,
    /// How often it still strikes; `None` for always.
    pub(crate) times: Option<u32>,
}

/// The fault that strikes a request for `path`, if any; it is used up by it.
pub(crate) fn take(faults: &mut [PlannedFault], path: &str) -> Option<Fault> {
    let planned = faults
        .iter_mut()
        .find(|planned| planned.on.strikes(path) && planned.times != Some(0))?;
    if let Some(times) = &mut planned.times {
        *times -= 1;
    }
    Some(planned.fault.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_strikes_so_often_and_only_its_path() {
        let mut faults = [PlannedFault {
            on: On::page("one"),
            fault: Fault::Status(500),
            times: Some(1),
        }];
        assert_eq!(take(&mut faults, "/simple/two/"), None);
        assert_eq!(take(&mut faults, "/simple/one/"), Some(Fault::Status(500)));
        assert_eq!(take(&mut faults, "/simple/one/"), None);
    }

    #[test]
    fn npms_paths_are_told_apart() {
        assert!(On::packument("one").strikes("/team/one"));
        assert!(On::packument("@a/one").strikes("/@a%2fone"));
        assert!(!On::packument("one").strikes("/one/1.0.0"));
        assert!(On::Version("@a/one".into(), "1.0.0".into()).strikes("/@a%2fone/1.0.0"));
        assert!(On::tarball("one-1.0.0.tgz").strikes("/@a/one/-/one-1.0.0.tgz"));
    }
}
