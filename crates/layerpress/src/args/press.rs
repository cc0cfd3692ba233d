//! The options by which packages are pressed: they mean the same for every command that has them.

use clap::{Args, ValueEnum};
use layerpress_compile::{Bytecode, Level, Profile};

use super::overrides::OverrideArgs;
use super::run::{SmokeArgs, TraceArgs};

/// How a layer is pressed, which `build` and `shrink` are told alike.
#[derive(Debug, Args)]
pub(crate) struct PressingArgs {
    #[command(flatten)]
    pub press: PressArgs,

    #[command(flatten)]
    pub overrides: OverrideArgs,

    /// Say why a file of the layer goes or stays: its path, from the layer's root or from where packages
    /// lie (repeatable)
    #[arg(long, value_name = "PATH", env = "LAYERPRESS_EXPLAIN", hide_env = true)]
    pub explain: Vec<String>,

    /// Of botocore's and boto3's data keep these services alone, as `s3,dynamodb`, and what credentials
    /// come from (sts, sso, sso-oidc, signin); `boto3.client` of any other fails (repeatable) [default:
    /// every service]
    #[arg(
        long,
        value_name = "SERVICE",
        env = "LAYERPRESS_AWS_SERVICES",
        hide_env = true,
        value_delimiter = ','
    )]
    pub aws_services: Vec<String>,

    /// Put bytecode into the layer, so that Python need not compile on every cold start: for every
    /// module beside its source (`hashed`), for those alone that `--smoke` or `--trace` loads
    /// (`hot`), or for every one in place of its source (`only`); made by a Python of the layer's
    /// version that is found on this machine
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value = "none",
        env = "LAYERPRESS_BYTECODE",
        hide_env = true,
        hide_possible_values = true
    )]
    pub bytecode: BytecodeArg,

    #[command(flatten)]
    pub trace: TraceArgs,

    #[command(flatten)]
    pub smoke: SmokeArgs,
}

/// How the files of packages are pressed, which the cache keeps.
#[derive(Debug, Args)]
pub(crate) struct PressArgs {
    #[command(flatten)]
    profile: ProfileArgs,

    /// How hard files are compressed: as they came where they came compressed (`fast`), or as small
    /// as they get, which takes seconds for each new package, once (`best`) [default: fast; best
    /// with `--profile small`, and for `shrink`]
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        env = "LAYERPRESS_COMPRESSION",
        hide_env = true,
        hide_possible_values = true
    )]
    compression: Option<CompressionArg>,
}

/// How much goes.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// How much may be left out of packages or made smaller in them: nothing (`none`), what a
    /// running function cannot miss (`safe`), also what code could notice only by reading its own
    /// source (`small`)
    #[arg(
        long,
        value_name = "PROFILE",
        value_enum,
        default_value = "safe",
        env = "LAYERPRESS_PROFILE",
        hide_env = true,
        hide_possible_values = true
    )]
    profile: ProfileArg,
}

impl ProfileArgs {
    /// The profile that was asked for.
    pub(crate) fn profile(&self) -> Profile {
        match self.profile {
            ProfileArg::None => Profile::None,
            ProfileArg::Safe => Profile::Safe,
            ProfileArg::Small => Profile::Small,
        }
    }
}

impl PressArgs {
    /// The profile that was asked for.
    pub(crate) fn profile(&self) -> Profile {
        self.profile.profile()
    }

    /// How hard files are compressed: if nothing is said, as hard as can be with the profile that is
    /// about size.
    pub(crate) fn level(&self) -> Level {
        self.level_or(match self.profile() {
            Profile::None | Profile::Safe => Level::Fast,
            Profile::Small => Level::Best,
        })
    }

    /// How hard files are compressed: if nothing is said, as `otherwise`.
    pub(crate) fn level_or(&self, otherwise: Level) -> Level {
        match self.compression {
            Some(CompressionArg::Fast) => Level::Fast,
            Some(CompressionArg::Best) => Level::Best,
            None => otherwise,
        }
    }
}

/// What is left out of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileArg {
    /// Nothing
    None,
    /// What a running function cannot miss
    Safe,
    /// Also what code could notice only by reading its own source
    Small,
}

/// How hard files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompressionArg {
    /// As they came where they came compressed
    Fast,
    /// As small as they get
    Best,
}

/// Which modules come with bytecode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BytecodeArg {
    /// None
    None,
    /// All, beside their source
    Hashed,
    /// Those that are loaded, beside their source
    Hot,
    /// All, in place of their source
    Only,
}

impl From<BytecodeArg> for Bytecode {
    fn from(argument: BytecodeArg) -> Self {
        match argument {
            BytecodeArg::None => Self::None,
            BytecodeArg::Hashed => Self::Hashed,
            BytecodeArg::Hot => Self::Hot,
            BytecodeArg::Only => Self::Only,
        }
    }
}
