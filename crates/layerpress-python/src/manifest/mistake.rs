//! [`Mistake`]: what is wrong with one line that a user wrote, and what would be right.

use layerpress_tree::DigestError;

/// What is wrong with one requirement or option.
///
/// `right` fields hold the text to write instead; it is meant to be pasted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// An option that requirements files do not have.
    #[error("`{option}` is not an option of requirements files")]
    UnknownOption {
        /// As written, without its value.
        option: String,
        /// The known option that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A shortened option that fits several.
    #[error("`{option}` could be any of {candidates}")]
    AmbiguousOption {
        /// As written.
        option: String,
        /// The options it fits, in backticks.
        candidates: String,
    },
    /// An option that takes a value has none.
    #[error("`{option}` needs a value")]
    OptionValueMissing {
        /// As written.
        option: String,
    },
    /// An option that takes no value has one.
    #[error("`{option}` takes no value")]
    OptionValueUnwanted {
        /// As written.
        option: String,
    },
    /// The value of an option cannot be used.
    #[error("`{value}` is not {expected}")]
    OptionValue {
        /// As written.
        value: String,
        /// What the option takes, with its article.
        expected: &'static str,
    },
    /// An option for the whole file on a requirement's line, where pip passes it over.
    #[error("`{option}` has no effect beside a requirement")]
    OptionBesideRequirement {
        /// The option.
        option: &'static str,
    },
    /// An option for one requirement on a line without one.
    #[error("`{option}` belongs to a requirement and there is none on this line")]
    OptionWithoutRequirement {
        /// The option.
        option: &'static str,
    },
    /// A word after the options, which pip passes over without a word.
    #[error("`{argument}` stands after an option and would be passed over")]
    Stray {
        /// The word.
        argument: String,
    },
    /// An option of times gone by.
    #[error("`{option}` was an option of `setup.py` builds, which are gone")]
    Retired {
        /// The option.
        option: &'static str,
    },
    /// A quotation that never ends.
    #[error("a quotation mark is not closed")]
    UnclosedQuote,
    /// A `--hash` that is none.
    #[error("not a hash to pin with: {0}")]
    Hash(DigestError),
    /// An option after a tab, which pip takes for part of the requirement.
    #[error("a tab stands before an option")]
    Tab {
        /// The line with a space instead.
        right: String,
    },
    /// A dash that a word processor made longer, or a quotation mark it made curly.
    #[error("`{found}` is a typographic {kind}")]
    Typographic {
        /// The character found.
        found: char,
        /// `dash` or `quotation mark`.
        kind: &'static str,
        /// The line with plain characters.
        right: String,
    },
    /// A character that cannot be seen.
    #[error("an invisible character (U+{code:04X}) hides in the line")]
    Invisible {
        /// Its code point.
        code: u32,
        /// The line without it.
        right: String,
    },
    /// An operator that versions do not have.
    #[error("`{found}` is not a version operator")]
    Operator {
        /// As written.
        found: String,
        /// The requirement with the operator that was probably meant.
        right: String,
    },
    /// A version clause whose operator does not go with such a version.
    #[error("`{clause}` is not a version clause")]
    ClauseMeant {
        /// As written.
        clause: String,
        /// The requirement with the clause that was probably meant.
        right: String,
    },
    /// A comma with nothing after it.
    #[error("a comma at the end")]
    TrailingComma {
        /// Without it.
        right: String,
    },
    /// Two version clauses with only a space between.
    #[error("the version clauses are not separated by a comma")]
    MissingComma {
        /// With commas.
        right: String,
    },
    /// An operator with no version after it.
    #[error("no version follows `{operator}`")]
    NoVersion {
        /// The operator.
        operator: String,
        /// The requirement without it.
        right: String,
    },
    /// A version that PEP 440 does not know.
    #[error("`{version}` is not a version")]
    Version {
        /// As written.
        version: String,
    },
    /// A version clause that is wrong in another way.
    #[error("`{clause}` is not a version clause: {reason}")]
    Clause {
        /// As written.
        clause: String,
        /// What the parser found.
        reason: String,
    },
    /// A name and a version with only a space between.
    #[error("a version needs an operator before it")]
    BareVersion {
        /// With `==`.
        right: String,
    },
    /// A requirement in quotation marks.
    #[error("quotation marks are not part of a requirement")]
    Quoted {
        /// Without them.
        right: String,
    },
    /// Extras after the version.
    #[error("extras stand between name and version")]
    ExtrasAfterVersion {
        /// In the right order.
        right: String,
    },
    /// Extras that are not a list of names in brackets.
    #[error("`{extras}` is not a list of extras")]
    Extras {
        /// As written.
        extras: String,
    },
    /// A name that no package can have.
    #[error("`{name}` is not a package name")]
    Name {
        /// As written.
        name: String,
    },
    /// Several words where a name was due.
    #[error("a package name holds no white space")]
    Space {
        /// The words joined by hyphens.
        right: String,
    },
    /// A whole command line was pasted.
    #[error("`{command}` is a command, not a requirement")]
    Command {
        /// The command's own words.
        command: String,
        /// What is left without them.
        right: String,
    },
    /// A list item of YAML or Markdown.
    #[error("a requirement has no list marker before it")]
    ListItem {
        /// Without the marker.
        right: String,
    },
    /// An export of conda, with a build string.
    #[error("`name=version=build` is conda's form")]
    CondaPin {
        /// pip's form of it.
        right: String,
    },
    /// A statement of a programming language.
    #[error("a line of Python code, not a requirement")]
    Code,
    /// A comment mark of another language.
    #[error("`{mark}` does not start a comment")]
    CommentMark {
        /// As written.
        mark: &'static str,
        /// With `#`.
        right: String,
    },
    /// A `#` right behind a requirement, where it starts no comment.
    #[error("a comment needs white space before its `#`")]
    Comment {
        /// With it.
        right: String,
    },
    /// A variable that is not set, and stays as it is.
    #[error("the variable `{name}` is not set")]
    Unset {
        /// Its name.
        name: String,
    },
    /// A requirements file is named as if it were a package.
    #[error("`{file}` is a file of requirements, not a requirement")]
    IncludeWithoutOption {
        /// The file as written.
        file: String,
    },
    /// A path as Windows writes it.
    #[error("`{path}` is a Windows path")]
    WindowsPath {
        /// As written.
        path: String,
        /// The same with forward slashes, where that can work.
        right: Option<String>,
    },
    /// A local path that leads nowhere.
    #[error("there is no file or folder `{path}`")]
    MissingPath {
        /// As written.
        path: String,
        /// What a relative path is relative to, where it is not the whole answer itself.
        from: Option<String>,
    },
    /// A folder that holds no project.
    #[error("the folder `{path}` holds neither `pyproject.toml` nor `setup.py`")]
    NotAProject {
        /// As written.
        path: String,
    },
    /// A file that is neither a wheel nor a source distribution.
    #[error("`{path}` is neither a wheel nor a source distribution")]
    NotAnArchive {
        /// As written.
        path: String,
    },
    /// A URL that cannot be parsed.
    #[error("`{url}` is not a URL: {reason}")]
    Url {
        /// Masked.
        url: String,
        /// What the parser found.
        reason: String,
    },
    /// A URL whose scheme nothing here can fetch.
    #[error("`{scheme}` is not a scheme that can be fetched")]
    Scheme {
        /// As written.
        scheme: String,
    },
    /// A git repository without `git+`, or in scp's form.
    #[error("a git repository is named by a `git+` URL")]
    GitUrl {
        /// The URL that works.
        right: String,
    },
    /// `@` in a git URL with nothing after it.
    #[error("no revision follows the `@` of the git URL")]
    EmptyReference,
    /// A `#subdirectory=` that leaves the archive.
    #[error("the subdirectory `{path}` does not stay inside the source")]
    Subdirectory {
        /// As written.
        path: String,
    },
    /// A URL fragment with a digest that pins nothing.
    #[error("`{algorithm}` is too weak to pin a file with")]
    WeakHash {
        /// The algorithm.
        algorithm: String,
    },
    /// A marker that cannot be parsed.
    #[error("the marker `{marker}` cannot be read: {reason}")]
    Marker {
        /// As written.
        marker: String,
        /// What the parser found.
        reason: String,
        /// A marker that was probably meant.
        right: Option<String>,
    },
    /// A marker variable that does not exist.
    #[error("`{variable}` is not a marker variable")]
    MarkerVariable {
        /// As written.
        variable: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A marker beyond the limits that keep parsing it cheap.
    #[error("the marker is {0}")]
    MarkerTooBig(&'static str),
    /// A line longer than any requirement.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A constraint that only a requirement can be.
    #[error("a constraint {0}")]
    Constraint(&'static str),
    /// `-e` with something that cannot be edited.
    #[error("`--editable` takes a project folder or a `git+` URL")]
    Editable,
    /// Without an exact version where hashes are required.
    #[error("hashes are required and the version is not pinned with `==`")]
    NotPinned,
    /// Without a hash where hashes are required.
    #[error("hashes are required and there is none")]
    NoHash,
    /// A folder or repository, which has no hash, where hashes are required.
    #[error("hashes are required and a folder or repository has none")]
    NotHashable,
}

/// Options of `pip install` that people copy into requirements files, where pip refuses them too.
const OF_COMMANDS: [&str; 14] = [
    "--cache-dir",
    "--no-cache-dir",
    "--no-deps",
    "--platform",
    "--python-version",
    "--quiet",
    "--target",
    "--upgrade",
    "--user",
    "--verbose",
    "-U",
    "-q",
    "-t",
    "-v",
];

impl Mistake {
    /// What would be right, as one lowercase fragment.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownOption { nearest: Some(nearest), .. }
            | Self::MarkerVariable { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            Self::UnknownOption { option, .. } if OF_COMMANDS.contains(&option.as_str()) => {
                "leave it out: it is an option of pip's commands, not of their files".into()
            }
            Self::UnknownOption { .. } => {
                "such files have `-r`, `-c`, `-e`, `-i`, `-f`, `--extra-index-url`, `--no-index`, \
                 `--no-binary`, `--only-binary`, `--pre`, `--hash` and a few more"
                    .into()
            }
            Self::AmbiguousOption { .. } => "write the option in full".into(),
            Self::OptionValueMissing { option } if option.starts_with("--") => {
                format!("write `{option}=VALUE`")
            }
            Self::OptionValueMissing { option } => format!("write `{option} VALUE`"),
            Self::OptionBesideRequirement { option } => {
                format!("put `{option}` on a line of its own; it counts for the whole file")
            }
            Self::OptionWithoutRequirement { .. } => {
                "end the requirement's line above with ` \\` so that this line continues it".into()
            }
            Self::Stray { argument } if argument.starts_with(';') => {
                "a marker stands before the options".into()
            }
            Self::Stray { .. } => "put it on a line of its own, before any option".into(),
            Self::Retired { .. } => {
                "say it to the build backend with `--config-settings KEY=VALUE`".into()
            }
            Self::Unset { name } => format!("set it, or write what `${{{name}}}` stands for"),
            Self::UnclosedQuote => "close it, or leave it out".into(),
            Self::Hash(_) => "pin with `sha256` and the file's 64 hexadecimal digits".into(),
            Self::Tab { right }
            | Self::Typographic { right, .. }
            | Self::Invisible { right, .. }
            | Self::BareVersion { right }
            | Self::TrailingComma { right }
            | Self::MissingComma { right }
            | Self::Quoted { right }
            | Self::ExtrasAfterVersion { right }
            | Self::Space { right }
            | Self::ListItem { right }
            | Self::CondaPin { right }
            | Self::CommentMark { right, .. }
            | Self::Comment { right }
            | Self::GitUrl { right }
            | Self::WindowsPath { right: Some(right), .. } => format!("write `{right}`"),
            Self::Operator { right, .. }
            | Self::ClauseMeant { right, .. } | Self::Marker { right: Some(right), .. } => format!("did you mean `{right}`?"),
            Self::NoVersion { right, .. } => {
                format!("name a version, or write `{right}` for any version")
            }
            Self::Version { version } if version == "*" => "for any version, name none".into(),
            Self::Version { .. } => {
                "versions look like `1.2.3`, `1.0rc1` or `1.0.post1`; for the newest, name no version"
                    .into()
            }
            Self::Command { right, .. } if right.is_empty() => {
                "write only the packages' names, one per line".into()
            }
            Self::Command { right, .. } => format!("write only `{right}`"),
            Self::Code => "write the name of the package that holds the module".into(),
            Self::Extras { .. } => "extras look like `name[first,second]`".into(),
            Self::Name { .. } => {
                "names hold letters, digits, `-`, `_` and `.`, and start and end with a letter or digit"
                    .into()
            }
            Self::IncludeWithoutOption { file } => format!("write `-r {file}`"),
            Self::WindowsPath { .. } => {
                "use a path relative to the requirements file, with forward slashes".into()
            }
            Self::MissingPath { from, .. } => {
                return from
                    .as_ref()
                    .map(|from| format!("relative paths are taken from {from}"));
            }
            Self::NotAProject { .. } => "name the folder that holds the project's `pyproject.toml`".into(),
            Self::NotAnArchive { .. } => "wheels end in `.whl`, source distributions in `.tar.gz` or `.zip`".into(),
            Self::Scheme { .. } => "use `https`, `file` or `git+https`".into(),
            Self::EmptyReference => "name a branch, tag or commit, or leave the `@` out".into(),
            Self::Subdirectory { .. } => "name a folder relative to the source's root".into(),
            Self::WeakHash { .. } => "give the file's `sha256`".into(),
            Self::Marker { .. } | Self::MarkerVariable { .. } => {
                "markers look like `python_version < \"3.12\" and sys_platform == \"linux\"`".into()
            }
            Self::Constraint(_) => "constraints only limit versions: write `name` and versions".into(),
            Self::Editable => "write the requirement without `-e`".into(),
            Self::NotPinned => "pin it, or leave all hashes out; `layerpress lock` pins and hashes for you".into(),
            Self::NoHash => "add `--hash=sha256:…`, or leave all hashes out".into(),
            Self::NotHashable => "name an archive with a hash instead, or leave all hashes out".into(),
            Self::Clause { .. } => {
                "requirements look like `name>=1.0,<2 ; python_version < \"3.12\"`, one per line".into()
            }
            Self::OptionValueUnwanted { .. }
            | Self::OptionValue { .. }
            | Self::Url { .. }
            | Self::MarkerTooBig(_)
            | Self::TooLong { .. } => return None,
        })
    }
}
