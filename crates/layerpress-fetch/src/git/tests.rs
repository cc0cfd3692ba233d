//! Repositories made by git itself.

use std::fs;
use std::process::Command;

use super::*;

const BUDGET: Duration = Duration::from_secs(60);

/// This process's variables, which git finds its own programs by.
fn variables() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

#[tokio::test]
async fn references_lead_to_commits() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    fs::write(at.join("file"), "one").expect("written");
    git(at, &["init", "--quiet"]);
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "one"]);
    git(at, &["tag", "-a", "v1", "-m", "annotated"]);
    let first = git(at, &["rev-parse", "HEAD"]);
    git(at, &["checkout", "--quiet", "-b", "feature/x"]);
    fs::write(at.join("file"), "two").expect("written");
    git(at, &["commit", "--quiet", "-a", "-m", "two"]);
    let second = git(at, &["rev-parse", "HEAD"]);
    git(at, &["checkout", "--quiet", "main"]);

    let url = Url::from_directory_path(at).expect("absolute");
    let (variables, temporary) = (variables(), tempfile::tempdir().expect("temporary folder"));
    let repository = Repository {
        url: &url,
        variables: &variables,
        temporary: temporary.path(),
        budget: BUDGET,
    };
    for (reference, commit) in [
        (None, &first),
        (Some("main"), &first),
        (Some("v1"), &first),
        (Some("feature/x"), &second),
        (Some("refs/heads/feature/x"), &second),
        (Some(&second[..8]), &second),
        (Some(&second[..]), &second),
    ] {
        let found = repository.resolve(reference).await.expect("resolved");
        assert_eq!(found.as_str(), commit, "{reference:?}");
    }
    let mut errors = String::new();
    for reference in ["nope", "--upload-pack=touch x", "a..b", "0123abc"] {
        let error = repository
            .resolve(Some(reference))
            .await
            .expect_err(reference);
        errors += &format!("{error}\n");
    }
    insta::assert_snapshot!(errors.replace(url.as_str(), "file:///repository/"), @r"
    `file:///repository/` has no branch, tag or commit `nope`
    `file:///repository/`: `--upload-pack=touch x` is no git reference
    `file:///repository/`: `a..b` is no git reference
    `file:///repository/` has no branch, tag or commit `0123abc`
    ");

    let listed = repository.references().await.expect("listed");
    let listed: Vec<(&str, &str)> = listed
        .iter()
        .map(|(name, commit)| (name.as_str(), commit.as_str()))
        .collect();
    assert_eq!(
        listed,
        [
            ("HEAD", first.as_str()),
            ("refs/heads/feature/x", &second),
            ("refs/heads/main", &first),
            ("refs/tags/v1", &first),
        ]
    );

    for (commit, text, history) in [(&first, "one", false), (&second, "two", true)] {
        let into = tempfile::tempdir().expect("temporary folder");
        let commit: Commit = commit.parse().expect("a commit");
        let done = repository.check_out(&commit, into.path(), |_| history);
        done.await.expect("checked out");
        let file = fs::read_to_string(into.path().join("file")).expect("readable");
        assert_eq!(file, text);
        let known = git(into.path(), &["rev-list", "--count", "HEAD"]);
        assert_eq!(known, if history { "2" } else { "1" });
    }
    let missing: Commit = "0".repeat(40).parse().expect("a commit");
    let into = tempfile::tempdir().expect("temporary folder");
    let error = repository.check_out(&missing, into.path(), |_| false).await;
    assert!(matches!(error, Err(GitError::Unknown { .. })), "{error:?}");
}

#[tokio::test]
async fn addresses_that_run_commands_are_refused() {
    let variables = BTreeMap::new();
    for text in ["ext::sh -c touch%20x", "ssh://-oProxyCommand=x/y", "fd::17"] {
        let url: Url = text.parse().expect(text);
        let repository = Repository {
            url: &url,
            variables: &variables,
            temporary: Path::new(""),
            budget: Duration::from_secs(5),
        };
        let error = repository.resolve(None).await;
        assert!(
            matches!(error, Err(GitError::Scheme { .. })),
            "{text}: {error:?}"
        );
    }
}

#[test]
fn complaints_are_one_line_without_what_git_always_says() {
    let always = "fatal: Could not read from remote repository.\n\n\
        Please make sure you have the correct access rights\nand the repository exists.\n";
    let told = format!("git@host: Permission denied (publickey).\n{always}");
    assert_eq!(complaint(&told), "git@host: Permission denied (publickey).");
    assert_eq!(
        complaint("remote: Repository not found.\nfatal: repository 'x' not found\n"),
        "remote: Repository not found.; repository 'x' not found"
    );
    // Nothing else was said.
    assert!(complaint(always).starts_with("Could not read from remote repository."));
}
