//! What can be wrong with what a package is asked for by.

use crate::name::NameFault;

/// A dependency whose name or specifier cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The name is none.
    #[error("`{name}` is not a package name: {fault}")]
    Name {
        /// As written, control characters escaped.
        name: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// Neither a version, a range nor a tag.
    #[error("`{name}@{spec}` names neither a version, a range nor a tag")]
    Tag {
        /// The package.
        name: String,
        /// What it was asked for by.
        spec: String,
    },
    /// `npm:` leads to something that no registry has.
    #[error("`{name}@{spec}`: an alias needs the name and range of a registry package")]
    Alias {
        /// The alias.
        name: String,
        /// What it was asked for by.
        spec: String,
    },
    /// A kind of address that npm does not fetch from.
    #[error("`{name}@{spec}`: nothing is fetched by `{protocol}`")]
    Protocol {
        /// The package.
        name: String,
        /// What it was asked for by.
        spec: String,
        /// The scheme with its colon.
        protocol: String,
    },
    /// An address that is none.
    #[error("`{name}@{spec}` is not an address")]
    Url {
        /// The package.
        name: String,
        /// What it was asked for by.
        spec: String,
    },
    /// What follows the `#` of a git address contradicts itself.
    #[error("`{name}@{spec}` asks for more than one commit, range or folder")]
    GitReference {
        /// The package.
        name: String,
        /// What it was asked for by.
        spec: String,
    },
}

impl SpecError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SpecError::Name { .. } => "names are like `express` or `@scope/name`",
            SpecError::Tag { .. } => "write a range such as `^1.2.3`, or a tag such as `latest`",
            SpecError::Alias { .. } => "write it as `npm:name@range`",
            SpecError::Protocol { protocol, .. } if protocol == "catalog:" => {
                "the lockfile of the workspace knows what that stands for: build from it"
            }
            SpecError::Protocol { .. } => {
                "use a range, `npm:`, `file:`, `git+https:`, `git+ssh:`, `https:` or `user/repo`"
            }
            SpecError::Url { .. } => "check the address for stray characters",
            SpecError::GitReference { .. } => {
                "write one commit, tag or `semver:range` after the `#`"
            }
        }
    }
}
