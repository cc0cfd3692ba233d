//! [`Naming`]: by what its makers know a thing in the making.

use std::ffi::OsStr;

/// What the names of one kind of files or folders in the making begin and end with; some random
/// letters stand in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    /// What they begin with.
    pub prefix: &'static str,
    /// What they end with.
    pub suffix: &'static str,
}

impl Naming {
    /// What stands beside a file of the user's until it replaces it.
    pub const OUTPUT: Self = Self {
        prefix: ".layerpress-",
        suffix: ".tmp",
    };

    pub(crate) fn builder(&self) -> tempfile::Builder<'static, 'static> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(self.prefix).suffix(self.suffix);
        builder
    }

    /// Whether a thing of this name is of the kind.
    pub(crate) fn fits(&self, name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        name.len() > self.prefix.len() + self.suffix.len()
            && name.starts_with(self.prefix.as_bytes())
            && name.ends_with(self.suffix.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_have_been_made_here_fits() {
        for (name, fits) in [
            (".layerpress-abc123.tmp", true),
            (".layerpress-.tmp", false),
            (".layerpress-notes.txt", false),
            ("layerpress-abc123.tmp", false),
            (".layerpress-tmp", false),
        ] {
            assert_eq!(Naming::OUTPUT.fits(OsStr::new(name)), fits, "{name}");
        }
    }
}
