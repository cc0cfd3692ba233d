//! The program's face: help, usage errors, exit codes, JSON. What needs no package and no network.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(stdout(&output), @r"
    Turn a requirements file, a package.json or a lockfile into an AWS Lambda layer: resolved for the
    Lambda runtime, pinned by a lockfile, checked, and the same bytes every time

    Usage: layerpress [OPTIONS] <COMMAND>

    Commands:
      build        Build one layer zip per runtime and architecture
      lock         Resolve a manifest and write its lockfile, without building
      fetch        Fill the cache with what a lockfile names, for a later offline build
      shrink       Make a layer smaller, whoever made it
      inspect      Show what a layer zip holds and what weighs how much
      diff         Show what changed from one layer zip to another
      tree         Show which packages need which
      why          Show who asks for a package
      cache        Look at or tidy the cache
      completions  Print a completion script
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Global options:
          --cache-dir <DIR>  Where downloads and what was learnt from them are kept [default:
                             `layerpress` in the user's cache folder]
          --offline          Use the cache only; what it does not hold is an error [default: off]
          --json             Print one JSON document on stdout, for errors too [default: off]
      -q, --quiet            Print data and errors only [default: off]
      -v, --verbose          Say what each step does, and the weight of each package [default: off]
          --color <WHEN>     When to use colour: `auto` (on a terminal, unless `NO_COLOR` is set),
                             `always` or `never` [default: auto]
          --no-progress      Draw no progress bars [default: drawn where stderr is a terminal]

    Examples:
      layerpress build requirements.txt
      layerpress build requirements.txt --arch arm64 -o layer.zip
      layerpress build package.json --runtime nodejs22.x
      layerpress build layer/python --locked --json
      layerpress lock pyproject.toml --runtime python3.12,python3.13
      layerpress shrink layer.zip

    Each option also has a variable, which a flag beats: LAYERPRESS_INDEX_URL is
    `--index-url`.

    Exit codes:
      0   done
      1   the request cannot be met: no solution, lock out of date, layer too large
      2   the command line cannot be understood
      3   the network
      4   a manifest, lockfile or archive is wrong, or names what is not there
      5   a file that the command line names cannot be read or written
      70  a bug
    ");
}

#[test]
fn every_option_says_its_default_or_can_be_left_out() {
    let output = run(&["build", "--help"]);
    let help = stdout(&output);
    for option in [
        "--runtime",
        "--arch",
        "--output",
        "--layout",
        "--locked",
        "--upgrade",
        "--offline",
        "--index-url",
        "--find-links",
        "--exclude-newer",
        "--jobs",
        "--json",
        "--check-digest",
        "--registry",
        "--dev",
        "--profile",
        "--compression",
        "--bytecode",
        "--keep",
        "--drop",
        "--explain",
    ] {
        assert!(help.contains(option), "no {option} in\n{help}");
    }
    assert!(help.contains("Examples:"), "{help}");
}

#[test]
fn usage_errors_end_with_two_and_leave_stdout_alone() {
    for arguments in [
        &["build"][..],
        &["build", "requirements.txt", "--no-such-option"],
        &["no-such-command"],
        &["build", "requirements.txt", "--runtime", "python3.1"],
        &["build", "requirements.txt", "--arch", "sparc"],
        &["build", "requirements.txt", "--jobs", "0"],
        &["build", "requirements.txt", "--exclude-newer", "yesterday"],
        &["build", "requirements.txt", "--index-url", "not a url"],
        &["build", "requirements.txt", "--check-digest", "abc"],
        &["build", "requirements.txt", "--drop", "rule:test"],
        &["build", "requirements.txt", "--keep", "["],
        &["build", "package.json", "--registry", "file:///tmp"],
        &["build", "package.json", "--exclude", "@scope"],
        &["build", "requirements.txt", "--exclude", "boto3>=1"],
        &["build", "requirements.txt", "--locked", "--upgrade"],
        &["lock", "requirements.txt", "--layout", "flat"],
        &["cache", "prune", "--max-size", "much"],
        &["man", "no-such-command"],
    ] {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(
            stderr(&output).starts_with("error: "),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_runtime_that_there_is_not_is_met_with_the_nearest() {
    let output = run(&["build", "requirements.txt", "--runtime", "pyhton3.13"]);
    insta::assert_snapshot!(stderr(&output), @"
    error: `--runtime`: `pyhton3.13` is not a Lambda runtime
    hint: did you mean `python3.13`?
    ");
}

#[test]
fn errors_are_a_json_document_too() {
    for arguments in [
        &["build", "requirements.txt", "--runtime", "cobol", "--json"][..],
        &["build", "--nonsense", "--json"],
    ] {
        let output = run(arguments);
        let document: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON document");
        let error = &document["error"];
        assert_eq!(error["exit"], 2, "{document}");
        assert_eq!(error["code"], "usage", "{document}");
        let message = error["message"].as_str().expect("a message");
        assert!(
            stderr(&output).contains(message),
            "{document}\n{}",
            stderr(&output)
        );
    }
}

#[test]
fn the_cache_folder_follows_option_variable_and_home() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = |command: &mut Command| {
        command.env("HOME", folder.path());
    };
    let path = |arguments: &[&str], set: &dyn Fn(&mut Command)| {
        let mut command = command(folder.path());
        home(&mut command);
        set(&mut command);
        stdout(&command.args(arguments).output().expect("a run"))
    };
    let default = path(&["cache", "dir"], &|_| {});
    let expected = folder.path().join(".cache/layerpress");
    assert_eq!(Path::new(default.trim()), expected);
    let variable: &dyn Fn(&mut Command) = &|command| {
        command.env("LAYERPRESS_CACHE_DIR", "/variable");
    };
    assert_eq!(path(&["cache", "dir"], variable).trim(), "/variable");
    let both = path(&["cache", "dir", "--cache-dir", "/flag"], variable);
    assert_eq!(both.trim(), "/flag");
}

#[test]
fn an_empty_cache_weighs_nothing_and_is_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = |arguments: &[&str]| {
        let mut command = command(folder.path());
        command.args(["cache"]).args(arguments);
        command.args(["--cache-dir", "cache", "--json"]);
        let output = command.output().expect("a run");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("one JSON document")
    };
    assert_eq!(cache(&["size"])["bytes"], 0);
    assert_eq!(cache(&["verify"])["checked"], 0);
    assert_eq!(cache(&["clean"])["removed_files"], 0);
    let pruned = cache(&["prune", "--max-size", "1GB"]);
    assert_eq!(
        (&pruned["removed_bytes"], &pruned["bytes"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn completions_and_manual_pages_name_the_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("layerpress"), "{shell}");
    }
    assert!(stdout(&run(&["man"])).contains(".TH LAYERPRESS 1"));
    assert!(stdout(&run(&["man", "build"])).contains("exclude\\-newer"));
}

#[cfg(unix)]
#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_none() {
    use std::process::Stdio;

    let folder = tempfile::tempdir().expect("a folder");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("layerpress"));
        let output = command
            .args(["cache", "dir"])
            .current_dir(folder.path())
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("a run");
        assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("layerpress"));
    let output = command
        .args(["completions", "bash"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("a run");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    command(folder.path())
        .args(arguments)
        .output()
        .expect("a run")
}

/// The program in a folder of its own, with nothing of this machine's environment.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("layerpress"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PIP_CONFIG_FILE", "/dev/null");
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
