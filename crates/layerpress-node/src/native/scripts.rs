//! What can be told of an install script by its text.

/// What a script is for, by its text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It prints, or checks who installs; or the package does without it.
    Nothing,
    /// It makes files executable, which unpacking did.
    Modes,
    /// It builds or downloads machine code.
    Native,
    /// Who knows.
    Unknown,
}

/// Tools that build a native part or download it.
const NATIVE_TOOLS: [&str; 13] = [
    "node-gyp",
    "node-gyp-build",
    "node-gyp-build-optional-packages",
    "node-pre-gyp",
    "prebuild-install",
    "pkg-prebuilds-verify",
    "install-from-cache",
    "cmake-js",
    "node-waf",
    "neon",
    "cargo-cp-artifact",
    "prebuildify",
    "napi-postinstall",
];

/// Commands that print a word, ask for money, or refuse a package manager.
const IDLE_TOOLS: [&str; 12] = [
    "echo",
    "exit",
    "true",
    ":",
    "husky",
    "opencollective",
    "opencollective-postinstall",
    "opencollective-cli",
    "only-allow",
    "check-node-version",
    "is-ci",
    "lefthook",
];

/// What `script` is for.
pub(super) fn purpose(script: &str) -> Purpose {
    if fails_softly(script) || is_guarded_require(script) {
        return Purpose::Nothing;
    }
    let tools: Vec<&str> = commands(script).filter_map(tool).collect();
    if tools.iter().any(|tool| NATIVE_TOOLS.contains(tool)) {
        return Purpose::Native;
    }
    if !executables(script).is_empty() {
        return Purpose::Modes;
    }
    if !tools.is_empty() && tools.iter().all(|tool| IDLE_TOOLS.contains(tool)) {
        return Purpose::Nothing;
    }
    Purpose::Unknown
}

/// The files that a script makes executable, where it does nothing else: `chmod +x bin/tool`.
pub(crate) fn executables(script: &str) -> Vec<&str> {
    let mut words = script.split_whitespace();
    let plain = |word: &str| !word.contains(['&', '|', ';', '*', '$', '"', '\'', '`', '<', '>']);
    let modes = ["+x", "u+x", "a+x", "ugo+x", "755", "0755", "775", "777"];
    match (words.next(), words.next()) {
        (Some("chmod"), Some(mode)) if modes.contains(&mode) => {
            let files: Vec<&str> = words.collect();
            if files.iter().all(|file| plain(file)) {
                files
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// Whether the script succeeds whatever happens, so that its package does without what it makes:
/// `node-gyp rebuild || exit 0`.
fn fails_softly(script: &str) -> bool {
    let Some((_, last)) = script.rsplit_once("||") else {
        return false;
    };
    let last = last.trim().trim_matches(['(', ')', ' ']);
    last == "exit 0" || tool(last).is_some_and(|tool| ["echo", "true", ":"].contains(&tool))
}

/// Whether all that a script does may fail: `node -e "try{require('./postinstall')}catch(e){}"`.
fn is_guarded_require(script: &str) -> bool {
    let code = script
        .strip_prefix("node -e ")
        .map(|code| code.trim().trim_matches(['"', '\'']).replace(' ', ""));
    let guarded = |code: String| {
        let (_, caught) = code.strip_prefix("try{")?.rsplit_once("}catch")?;
        let body = caught.split_once('{')?.1;
        (body == "}" || body == "};").then_some(())
    };
    code.and_then(guarded).is_some()
}

/// The commands of a script.
fn commands(script: &str) -> impl Iterator<Item = &str> {
    script.split(['&', '|', ';', '(', ')']).map(str::trim)
}

/// The program that a command runs, behind variables and those that only start another.
fn tool(command: &str) -> Option<&str> {
    const STARTERS: [&str; 6] = [
        "npx",
        "-y",
        "--yes",
        "--no-install",
        "cross-env",
        "cross-env-shell",
    ];
    let mut words = command.split_whitespace();
    let word = words.find(|word| !word.contains('=') && !STARTERS.contains(word))?;
    Some(word.rsplit('/').next().unwrap_or(word))
}
