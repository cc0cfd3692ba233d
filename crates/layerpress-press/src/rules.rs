//! Rules: which files of a layer nothing reads while a function runs.
//!
//! A [`Rule`] says why files of some sort may go, and from which profile on they do. Which files those
//! are is told in two steps. [`evidence`] looks at one package: which of its files are candidates, and
//! what its code says that speaks against taking them. What it found is small and can be kept. [`decide`]
//! then takes the packages of a layer together, since one may import what another one ships as a test, and
//! the user's own [`Overrides`].
//!
//! No file goes by the name of its folder alone: what code imports, opens by name or lists by its ending
//! stays, and so does what a package.json points to.

mod builds;
mod bytecode;
mod code;
mod copies;
mod decide;
mod evidence;
mod leftovers;
mod node;
mod overrides;
mod python;
mod python_imports;
mod quoted;
mod services;
#[cfg(test)]
mod tests;
mod types;

pub use decide::{Decision, Explanation, Part, Removal, Smaller, decide, explain};
pub use evidence::{Evidence, evidence};
pub(crate) use node::{collect, targets};
pub use overrides::{Choice, OverrideError, Overrides, Owner};
pub(crate) use python_imports::imports;
pub use services::Services;

use crate::Profile;

/// Whose packages a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Distributions of Python.
    Python,
    /// Packages of Node.js.
    Node,
}

/// Why files of some sort may be left out of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name in accounts, and after `rule:` on the command line.
    pub name: &'static str,
    /// Why nothing is lost, as a lowercase sentence.
    pub reason: &'static str,
    /// The first profile that has it; `None` for what only the user's own choice takes.
    pub profile: Option<Profile>,
    /// Whose packages it is for; `None` for both.
    pub ecosystem: Option<Ecosystem>,
}

/// What a candidate is, and so which rule it falls under.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[rkyv(derive(Debug))]
pub enum Kind {
    /// Tests, and what lies beside them.
    Tests,
    /// Type stubs and declarations.
    TypeStubs,
    /// TypeScript beside the JavaScript that it became.
    TypeScript,
    /// Source maps.
    SourceMaps,
    /// Sources and headers of compiled languages.
    NativeSources,
    /// What only a linker reads.
    LinkLibraries,
    /// Shared libraries once more, under names that nothing is linked with.
    LibraryCopies,
    /// Documentation.
    Docs,
    /// Examples.
    Examples,
    /// Bills of materials.
    Sboms,
    /// What an installer notes for its own later use.
    InstallNotes,
    /// Settings of editors, linters, CI and package managers.
    ToolConfig,
    /// Machine code for other platforms.
    OtherPlatforms,
    /// Compiled Python that no interpreter would take.
    StaleBytecode,
    /// botocore's examples for documentation.
    BotocoreExamples,
    /// The same code once more, for bundlers.
    BundlerBuilds,
    /// Licences and notices.
    Licences,
    /// botocore's and boto3's descriptions of services that the user does not name.
    AwsServices,
}

/// Each kind with its rule, in the order in which accounts have them.
static RULES: [(Kind, Rule); 18] = [
    (
        Kind::Tests,
        Rule {
            name: "tests",
            reason: "no code but tests imports them or opens them by name",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::TypeStubs,
        Rule {
            name: "type-stubs",
            reason: "type checkers and editors read them, a running function does not",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::TypeScript,
        Rule {
            name: "typescript-sources",
            reason: "no TypeScript is loaded from `node_modules`, and no entry point names it",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Node),
        },
    ),
    (
        Kind::SourceMaps,
        Rule {
            name: "source-maps",
            reason: "only debuggers read them",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Node),
        },
    ),
    (
        Kind::NativeSources,
        Rule {
            name: "native-sources",
            reason: "only compilers read them, and they were compiled already",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::LinkLibraries,
        Rule {
            name: "link-libraries",
            reason: "only linkers read them",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::LibraryCopies,
        Rule {
            name: "library-copies",
            reason: "the same library stands beside it under the name that the loader is told",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Python),
        },
    ),
    (
        Kind::Docs,
        Rule {
            name: "docs",
            reason: "they are for people, and no code opens them by name",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::Examples,
        Rule {
            name: "examples",
            reason: "they are for people, and no code imports them or opens them by name",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::Sboms,
        Rule {
            name: "sboms",
            reason: "scanners read them, a running function does not",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Python),
        },
    ),
    (
        Kind::InstallNotes,
        Rule {
            name: "install-notes",
            reason: "installers keep them to uninstall by, and a layer is replaced as a whole",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::ToolConfig,
        Rule {
            name: "tool-config",
            reason: "editors, linters, CI and package managers read them, a running function does not",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::OtherPlatforms,
        Rule {
            name: "other-platform-binaries",
            reason: "they cannot run on the layer's target",
            profile: Some(Profile::Safe),
            ecosystem: None,
        },
    ),
    (
        Kind::StaleBytecode,
        Rule {
            name: "stale-bytecode",
            reason: "its time stamp is that of a source file that is unpacked anew, so Python \
                     compiles the source that is beside it",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Python),
        },
    ),
    (
        Kind::BotocoreExamples,
        Rule {
            name: "botocore-examples",
            reason: "botocore reads them for its documentation alone",
            profile: Some(Profile::Safe),
            ecosystem: Some(Ecosystem::Python),
        },
    ),
    (
        Kind::BundlerBuilds,
        Rule {
            name: "bundler-builds",
            reason: "only bundlers read the field that points there, and no code of the layer does",
            profile: Some(Profile::Small),
            ecosystem: Some(Ecosystem::Node),
        },
    ),
    (
        Kind::Licences,
        Rule {
            name: "licences",
            reason: "they stay unless you say that they may go",
            profile: None,
            ecosystem: None,
        },
    ),
    (
        Kind::AwsServices,
        Rule {
            name: "aws-services",
            reason: "boto3 reads the data of a service for its clients alone, and `--aws-services` names others",
            profile: None,
            ecosystem: Some(Ecosystem::Python),
        },
    ),
];

/// Every rule, in the order in which accounts have them.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().map(|(_, rule)| rule)
}

impl Kind {
    /// The rule that such files fall under.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        let found = RULES.iter().find(|(kind, _)| *kind == self);
        &found
            .expect("every kind stands in the table, as a test shows")
            .1
    }

    /// The kind whose rule has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut rules = RULES.iter();
        rules
            .find(|(_, rule)| rule.name == name)
            .map(|(kind, _)| *kind)
    }
}
