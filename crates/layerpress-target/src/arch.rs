//! [`Arch`]: the processor architectures of Lambda, under all their names.

use std::fmt;
use std::str::FromStr;

use crate::TargetError;
use crate::error::shown;

/// A processor architecture of Lambda. Ordered as AWS lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86 with AVX2, Lambda's default.
    X86_64,
    /// 64-bit Arm: Graviton2, armv8.2-a.
    Arm64,
}

impl Arch {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// AWS's name: `x86_64` or `arm64`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The Linux kernel's name (`uname -m`, wheel tags, markers): `x86_64` or `aarch64`.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// npm's name (`process.arch`, `cpu` in package.json): `x64` or `arm64`.
    #[must_use]
    pub fn npm_cpu(self) -> &'static str {
        match self {
            Self::X86_64 => "x64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads AWS's names and the usual others (`amd64`, `x64`, `aarch64`), in any case.
impl FromStr for Arch {
    type Err = TargetError;

    fn from_str(name: &str) -> Result<Self, TargetError> {
        match name.to_ascii_lowercase().as_str() {
            "x86_64" | "x86-64" | "amd64" | "x64" => Ok(Self::X86_64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(TargetError::UnknownArch { name: shown(name) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_is_one_of_two() {
        for alias in ["x86_64", "X86_64", "x86-64", "amd64", "x64"] {
            assert_eq!(alias.parse(), Ok(Arch::X86_64));
        }
        for alias in ["arm64", "aarch64", "ARM64"] {
            assert_eq!(alias.parse(), Ok(Arch::Arm64));
        }
        for arch in Arch::ALL {
            assert_eq!(arch.to_string().parse(), Ok(arch));
            assert_eq!(arch.machine().parse(), Ok(arch));
            assert_eq!(arch.npm_cpu().parse(), Ok(arch));
        }
    }

    #[test]
    fn others_are_refused_with_the_names_that_work() {
        let error = "i686\u{1b}[0m".parse::<Arch>().expect_err("is refused");
        insta::assert_snapshot!(error, @r"`i686\u{1b}[0m` is not an architecture of Lambda");
        insta::assert_snapshot!(error.hint(), @"use `x86_64` (also `amd64`, `x64`) or `arm64` (also `aarch64`)");
    }
}
