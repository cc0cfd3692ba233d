//! [`Target`]: a runtime on an architecture, and what requirements may ask about it.

use std::fmt;

use crate::wheel_tags::{self, WheelTag};
use crate::{Arch, Ecosystem, Runtime};

/// What a layer is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The language runtime.
    pub runtime: Runtime,
    /// The processor architecture.
    pub arch: Arch,
}

/// The values of the environment markers, named as in the dependency specifiers specification
/// (PEP 508).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonMarkers {
    /// `sys.implementation.name`.
    pub implementation_name: String,
    /// `sys.implementation.version`, as `3.13.12`.
    pub implementation_version: String,
    /// `os.name`.
    pub os_name: String,
    /// `platform.machine()`.
    pub platform_machine: String,
    /// `platform.python_implementation()`.
    pub platform_python_implementation: String,
    /// `platform.release()`: empty, as the kernel is AWS's affair and no requirement may hang on it.
    pub platform_release: String,
    /// `platform.system()`.
    pub platform_system: String,
    /// `platform.version()`: empty, like [`Self::platform_release`].
    pub platform_version: String,
    /// `platform.python_version()`, as `3.13.12`.
    pub python_full_version: String,
    /// The first two numbers of the version, as `3.13`.
    pub python_version: String,
    /// `sys.platform`.
    pub sys_platform: String,
}

impl Target {
    /// The values of the environment markers.
    ///
    /// A Node.js target has no Python: its Python versions are `0`, which no requirement admits.
    #[must_use]
    pub fn markers(&self) -> PythonMarkers {
        let (full_version, version) = match self.runtime.ecosystem() {
            Ecosystem::Python => {
                let (major, minor) = self.runtime.version();
                (self.runtime.full_version(), format!("{major}.{minor}"))
            }
            Ecosystem::Node => ("0", "0".to_owned()),
        };
        PythonMarkers {
            implementation_name: "cpython".to_owned(),
            implementation_version: full_version.to_owned(),
            os_name: "posix".to_owned(),
            platform_machine: self.arch.machine().to_owned(),
            platform_python_implementation: "CPython".to_owned(),
            platform_release: String::new(),
            platform_system: "Linux".to_owned(),
            platform_version: String::new(),
            python_full_version: full_version.to_owned(),
            python_version: version,
            sys_platform: "linux".to_owned(),
        }
    }

    /// The tags of the wheels that load on this target, best first; none for Node.js.
    #[must_use]
    pub fn wheel_tags(&self) -> Vec<WheelTag> {
        match self.runtime.ecosystem() {
            Ecosystem::Python => {
                wheel_tags::of_cpython(self.runtime.version(), self.arch, self.runtime.glibc())
            }
            Ecosystem::Node => Vec::new(),
        }
    }
}

/// `python3.13 x86_64`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.runtime, self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(runtime: &str, arch: Arch) -> Target {
        Target {
            runtime: runtime.parse().expect("exists"),
            arch,
        }
    }

    #[test]
    fn markers_are_the_runtimes_and_not_the_hosts() {
        let markers = target("python3.10", Arch::Arm64).markers();
        insta::assert_snapshot!(format!("{markers:#?}"), @r#"
        PythonMarkers {
            implementation_name: "cpython",
            implementation_version: "3.10.20",
            os_name: "posix",
            platform_machine: "aarch64",
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: "3.10.20",
            python_version: "3.10",
            sys_platform: "linux",
        }
        "#);
    }

    #[test]
    fn a_node_target_has_no_python() {
        let target = target("nodejs22.x", Arch::X86_64);
        assert_eq!(target.to_string(), "nodejs22.x x86_64");
        assert_eq!(target.markers().python_full_version, "0");
        assert!(target.wheel_tags().is_empty());
    }
}
