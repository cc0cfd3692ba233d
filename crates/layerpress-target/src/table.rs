//! The table of runtimes. A new runtime, patch version or date is one line here.
//!
//! Sources, read 2026-11-21:
//! - deprecation dates: the CloudFormation linter 1.58.0, `LmbdRuntimeLifecycle.json`, which follows
//!   AWS's "Lambda runtimes" page;
//! - the names, previews (`python3.15`, `nodejs26.x`) included: botocore 1.44.5, Lambda model
//!   2015-03-31, shape `Runtime`;
//! - operating systems: AWS's "Lambda runtimes" page. Amazon Linux has glibc 2.17, Amazon Linux 2
//!   has 2.26 and Amazon Linux 2023 has 2.34 (the table of AWS's `aws-lambda-builders`,
//!   `workflows/python_pip/packager.py`);
//! - full versions: the newest patch of each line as published by python.org and nodejs.org;
//! - `NODE_MODULE_VERSION`: `doc/abi_version_registry.json` in Node.js's repository; 147 from the npm
//!   package `node-abi` 3.101.0.

use crate::Ecosystem::{Node, Python};
use crate::{Date, Ecosystem};

/// The day on which the table was true: what counts as deprecated by default.
pub(crate) const AS_OF: Date = Date::new(2026, 11, 21);

/// What is known of one runtime.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) ecosystem: Ecosystem,
    pub(crate) version: (u8, u8),
    pub(crate) full_version: &'static str,
    pub(crate) system: System,
    pub(crate) arm64: bool,
    pub(crate) life: Life,
    pub(crate) node_module_version: Option<u16>,
}

/// An operating system generation of Lambda's base images.
#[derive(Debug, Clone, Copy)]
pub(crate) enum System {
    Al1,
    Al2,
    Al2023,
}

/// Where a runtime stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Life {
    /// Generally available until the date on which AWS deprecates it.
    Until(Date),
    /// Named by AWS, not yet generally available.
    Preview,
}

impl System {
    pub(crate) fn glibc(self) -> (u16, u16) {
        match self {
            Self::Al1 => (2, 17),
            Self::Al2 => (2, 26),
            Self::Al2023 => (2, 34),
        }
    }
}

/// Every runtime, by ecosystem and then by version.
pub(crate) static RUNTIMES: [Facts; 18] = [
    python("python3.6", 6, "3.6.15", System::Al1, until(2022, 7, 18)),
    python("python3.7", 7, "3.7.17", System::Al1, until(2023, 12, 4)),
    python("python3.8", 8, "3.8.20", System::Al2, until(2024, 10, 14)),
    python("python3.9", 9, "3.9.25", System::Al2, until(2025, 12, 15)),
    python(
        "python3.10",
        10,
        "3.10.20",
        System::Al2,
        until(2026, 10, 31),
    ),
    python("python3.11", 11, "3.11.15", System::Al2, until(2027, 6, 30)),
    python(
        "python3.12",
        12,
        "3.12.13",
        System::Al2023,
        until(2028, 10, 31),
    ),
    python(
        "python3.13",
        13,
        "3.13.12",
        System::Al2023,
        until(2029, 6, 30),
    ),
    python(
        "python3.14",
        14,
        "3.14.3",
        System::Al2023,
        until(2029, 6, 30),
    ),
    python("python3.15", 15, "3.15.0", System::Al2023, Life::Preview),
    node(
        "nodejs12.x",
        12,
        "12.22.12",
        System::Al2,
        until(2023, 3, 31),
        Some(72),
    ),
    node(
        "nodejs14.x",
        14,
        "14.21.3",
        System::Al2,
        until(2023, 12, 4),
        Some(83),
    ),
    node(
        "nodejs16.x",
        16,
        "16.20.2",
        System::Al2,
        until(2024, 6, 12),
        Some(93),
    ),
    node(
        "nodejs18.x",
        18,
        "18.20.8",
        System::Al2,
        until(2025, 9, 1),
        Some(108),
    ),
    node(
        "nodejs20.x",
        20,
        "20.20.2",
        System::Al2023,
        until(2026, 4, 30),
        Some(115),
    ),
    node(
        "nodejs22.x",
        22,
        "22.23.3",
        System::Al2023,
        until(2027, 4, 30),
        Some(127),
    ),
    node(
        "nodejs24.x",
        24,
        "24.21.0",
        System::Al2023,
        until(2028, 4, 30),
        Some(137),
    ),
    node(
        "nodejs26.x",
        26,
        "26.0.0",
        System::Al2023,
        Life::Preview,
        Some(147),
    ),
];

const fn python(
    name: &'static str,
    minor: u8,
    full_version: &'static str,
    system: System,
    life: Life,
) -> Facts {
    Facts {
        name,
        ecosystem: Python,
        version: (3, minor),
        full_version,
        system,
        // arm64 came with Python 3.8 ("Lambda instruction set architectures", AWS, 2021-09-29).
        arm64: minor >= 8,
        life,
        node_module_version: None,
    }
}

const fn node(
    name: &'static str,
    major: u8,
    full_version: &'static str,
    system: System,
    life: Life,
    node_module_version: Option<u16>,
) -> Facts {
    Facts {
        name,
        ecosystem: Node,
        version: (major, 0),
        full_version,
        system,
        arm64: true,
        life,
        node_module_version,
    }
}

const fn until(year: u16, month: u8, day: u8) -> Life {
    Life::Until(Date::new(year, month, day))
}

/// The beginnings of the names of Lambda's other runtimes.
pub(crate) const OTHER_FAMILIES: [&str; 6] = ["provided", "java", "dotnet", "ruby", "go", "custom"];
