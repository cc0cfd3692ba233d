//! What is known of single packages, where their scripts' texts do not tell.

/// Packages of one kind.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) names: &'static [&'static str],
    pub(super) known: Known,
}

/// What is known of a package that has an install script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It works without: the script does no more than this.
    Idle(&'static str),
    /// It does not work at all without its native part, which must be in its tarball or in a package
    /// for the platform. The remedy if it is in neither.
    Needed(&'static str),
    /// It does hardly anything without the browser that its script downloads. The remedy.
    Browser(&'static str),
}

/// What is known of the package `name`.
pub(super) fn known(name: &str) -> Option<Known> {
    let row = ROWS.iter().find(|row| row.names.contains(&name))?;
    Some(row.known)
}

/// Read in the packages' own scripts, in the versions that were current on 2026-11-21; for those that
/// carry their native part now, also in the last one that downloaded it.
pub(super) static ROWS: [Row; 21] = [
    Row {
        names: &[
            "core-js",
            "core-js-pure",
            "core-js-bundle",
            "es5-ext",
            "ejs",
        ],
        known: Known::Idle("prints a notice"),
    },
    Row {
        names: &["aws-sdk"],
        known: Known::Idle("says that its maintenance ended"),
    },
    Row {
        names: &["protobufjs", "@apollo/protobufjs"],
        known: Known::Idle("compares its version with the one that the project asks for"),
    },
    Row {
        names: &["@scarf/scarf"],
        known: Known::Idle("counts installations"),
    },
    Row {
        names: &["@firebase/util"],
        known: Known::Idle(
            "writes down the settings in `FIREBASE_WEBAPP_CONFIG`, if there are any",
        ),
    },
    Row {
        names: &["faunadb"],
        known: Known::Idle("prints what is new"),
    },
    Row {
        names: &["prisma"],
        known: Known::Idle("checks the version of Node.js"),
    },
    Row {
        names: &["@prisma/engines"],
        known: Known::Idle("downloads engines, which the generated client brings along"),
    },
    Row {
        names: &[
            "bufferutil",
            "utf-8-validate",
            "keccak",
            "secp256k1",
            "msgpackr-extract",
        ],
        known: Known::Idle("builds what is done in JavaScript without it"),
    },
    Row {
        names: &["ssh2", "cpu-features", "dtrace-provider"],
        known: Known::Idle("builds what it works without"),
    },
    Row {
        names: &["onnxruntime-node"],
        known: Known::Idle("downloads what graphics processors need"),
    },
    Row {
        names: &["better-sqlite3"],
        known: Known::Needed(
            "take `better-sqlite3` 13 or later with Node.js 22 or later: its tarball has it for every platform",
        ),
    },
    Row {
        names: &["bcrypt"],
        known: Known::Needed("take `bcrypt` 6 or later, whose tarball has it for every platform"),
    },
    Row {
        names: &["argon2"],
        known: Known::Needed(
            "take `argon2` 0.40 or later, whose tarball has it for every platform",
        ),
    },
    Row {
        names: &["sharp"],
        known: Known::Needed(
            "take `sharp` 0.33 or later, which has it in a package for each platform",
        ),
    },
    Row {
        names: &["canvas"],
        known: Known::Needed("use `@napi-rs/canvas`, which has it in a package for each platform"),
    },
    Row {
        names: &["sqlite3"],
        known: Known::Needed(
            "with Node.js 22.13 or later, use `node:sqlite`, or `better-sqlite3` 13 or later",
        ),
    },
    Row {
        names: &["grpc"],
        known: Known::Needed("use `@grpc/grpc-js`, which is JavaScript"),
    },
    Row {
        names: &["node-sass"],
        known: Known::Needed("use `sass`, which is JavaScript"),
    },
    Row {
        names: &["ffmpeg-static"],
        known: Known::Needed(
            "use `@ffmpeg-installer/ffmpeg`, which has it in a package for each platform",
        ),
    },
    Row {
        names: &["puppeteer"],
        known: Known::Browser(
            "use `puppeteer-core` with `@sparticuz/chromium`, a browser made for Lambda",
        ),
    },
];
