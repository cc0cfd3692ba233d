//! [`TargetError`]: why a text names no target.

use crate::Runtime;

/// Why a text names no target that a layer can be built for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No runtime has this name.
    #[error("`{name}` is not a Lambda runtime")]
    UnknownRuntime {
        /// What was given, escaped and cut for display.
        name: String,
        /// The runtime that was most likely meant.
        nearest: Option<Runtime>,
    },
    /// Lambda has this runtime, but layers are built for Python and Node.js alone.
    #[error("`{name}` is a Lambda runtime without Python or Node.js packages")]
    OtherRuntime {
        /// What was given, escaped and cut for display.
        name: String,
    },
    /// No processor architecture of Lambda has this name.
    #[error("`{name}` is not an architecture of Lambda")]
    UnknownArch {
        /// What was given, escaped and cut for display.
        name: String,
    },
}

impl TargetError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownRuntime {
                nearest: Some(runtime),
                ..
            } => format!("did you mean `{runtime}`?"),
            Self::UnknownRuntime { nearest: None, .. } => {
                "name a runtime such as `python3.13` or `nodejs22.x`".to_owned()
            }
            Self::OtherRuntime { .. } => {
                "name the Python or Node.js version that the layer's code runs on, such as \
                 `python3.13` or `nodejs22.x`"
                    .to_owned()
            }
            Self::UnknownArch { .. } => {
                "use `x86_64` (also `amd64`, `x64`) or `arm64` (also `aarch64`)".to_owned()
            }
        }
    }
}

/// A name from outside, fit for a message: control and direction characters escaped, length capped.
pub(crate) fn shown(name: &str) -> String {
    let mut shown = String::new();
    for character in name.chars().take(SHOWN) {
        match character {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode());
            }
            control if control.is_control() => shown.extend(control.escape_default()),
            plain => shown.push(plain),
        }
    }
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters of a name from outside that a message shows.
const SHOWN: usize = 60;
