//! [`Profile`]: how much may be left out of a layer, or made smaller in it.

/// How much may go; each profile allows what the one before it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Nothing: the archives' files as they are.
    None,
    /// What a running function cannot miss; what code computes never changes.
    #[default]
    Safe,
    /// Also what code could notice only by reading its own source, or by unusual paths.
    Small,
}

impl Profile {
    /// Every profile, the most careful first.
    pub const ALL: [Self; 3] = [Self::None, Self::Safe, Self::Small];

    /// Its name, as the command line has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Safe => "safe",
            Self::Small => "small",
        }
    }
}
