//! Specifiers as npm's documentation and real packages write them.

use proptest::prelude::*;

use super::*;

/// A specifier in one line: its kind and what was made of it.
fn read(spec: &str) -> String {
    let wanted = |wanted: &Wanted| match wanted {
        Wanted::Version(text) => format!("version {text}"),
        Wanted::Range(range, text) => format!("range {text} = {range}"),
        Wanted::Tag(text) => format!("tag {text}"),
    };
    match Spec::parse("foo", spec) {
        Ok(Spec::Registry(registry)) => wanted(&registry),
        Ok(Spec::Alias {
            name,
            wanted: target,
        }) => format!("alias {name} {}", wanted(&target)),
        Ok(Spec::Tarball(url)) => format!("tarball {url}"),
        Ok(Spec::File(path)) => format!("file {path}"),
        Ok(Spec::Folder(path)) => format!("folder {path}"),
        Ok(Spec::Workspace(range)) => format!("workspace {range}"),
        Ok(Spec::Git(Git {
            repository,
            reference,
            folder,
        })) => {
            let repository = match repository {
                Repository::Hosted(hosted) => {
                    format!("{} {}", hosted.ssh(), hosted.https_address())
                }
                Repository::Address(address) => address,
            };
            let reference = match reference {
                Reference::Head => "head".to_owned(),
                Reference::Name(name) => format!("at {name}"),
                Reference::Range(range) => format!("in {range}"),
            };
            let folder = folder
                .map(|folder| format!(" folder {folder}"))
                .unwrap_or_default();
            format!("git {repository} {reference}{folder}")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn registry_packages() {
    for (spec, expected) in [
        ("^1.2", "range ^1.2 = >=1.2.0 <2.0.0-0"),
        (" 1.2.3 ", "version 1.2.3"),
        ("=1.2.3", "version =1.2.3"),
        ("", "range  = "),
        ("latest", "tag latest"),
        ("next-9", "tag next-9"),
        (">=1 <2 foo", "range >=1 <2 foo = >=1.0.0 <2.0.0-0"),
        ("npm:bar@^1", "alias bar range ^1 = >=1.0.0 <2.0.0-0"),
        ("npm:@s/bar", "alias @s/bar range * = "),
        ("npm:bar@", "alias bar range * = "),
        ("NPM:@s/bar@latest", "alias @s/bar tag latest"),
        ("workspace:^", "workspace ^"),
    ] {
        assert_eq!(read(spec), expected, "{spec:?}");
    }
}

#[test]
fn git_repositories() {
    let hub = "git git@github.com:user/repo.git https://github.com/user/repo.git";
    for (spec, expected) in [
        ("user/repo", format!("{hub} head")),
        ("user/repo.git#main", format!("{hub} at main")),
        ("user/repo#semver:^1.2", format!("{hub} in ^1.2")),
        (
            "user/repo#semver:%5E1::path:packages/x",
            format!("{hub} in ^1 folder packages/x"),
        ),
        ("github:user/repo#v1", format!("{hub} at v1")),
        (
            "git+ssh://git@github.com/user/repo.git",
            format!("{hub} head"),
        ),
        (
            "git+ssh://git@github.com:user/repo.git#abc",
            format!("{hub} at abc"),
        ),
        ("git@github.com:user/repo.git", format!("{hub} head")),
        ("git+https://github.com/user/repo", format!("{hub} head")),
        ("https://github.com/user/repo", format!("{hub} head")),
        ("https://www.github.com/user/repo/", format!("{hub} head")),
        (
            "https://github.com/user/repo/tree/main",
            format!("{hub} at main"),
        ),
        (
            "https://me:pw@github.com/user/repo.git",
            "git git@github.com:user/repo.git https://me:pw@github.com/user/repo.git head".into(),
        ),
        (
            "gitlab:group/sub/repo",
            "git git@gitlab.com:group/sub/repo.git https://gitlab.com/group/sub/repo.git head"
                .into(),
        ),
        (
            "gist:u/abc",
            "git git@gist.github.com:abc.git https://gist.github.com/abc.git head".into(),
        ),
        (
            "git+ssh://git@git.example:user/repo.git#v1",
            "git git@git.example:user/repo.git at v1".into(),
        ),
        (
            "git+ssh://git@git.example:2222/user/repo.git#v1",
            "git ssh://git@git.example:2222/user/repo.git at v1".into(),
        ),
        (
            "git@git.example:user/repo.git",
            "git git@git.example:user/repo.git head".into(),
        ),
        (
            "git+file:///srv/repo.git#main",
            "git file:///srv/repo.git at main".into(),
        ),
        (
            "git+http://git.example/x.git",
            "git http://git.example/x.git head".into(),
        ),
    ] {
        assert_eq!(read(spec), expected, "{spec:?}");
    }
}

#[test]
fn tarballs_files_and_folders() {
    for (spec, expected) in [
        (
            "https://files.example/x.tgz",
            "tarball https://files.example/x.tgz",
        ),
        (
            "https://github.com/user/repo/archive/v1.tar.gz",
            "tarball https://github.com/user/repo/archive/v1.tar.gz",
        ),
        ("file:../x", "folder ../x"),
        ("file:../x.tgz", "file ../x.tgz"),
        ("file:///abs/x", "folder /abs/x"),
        ("file://abs/x", "folder /abs/x"),
        ("file:/../x", "folder ../x"),
        ("file:///../x", "folder ../x"),
        ("file:~/x", "folder ~/x"),
        ("./x.tar.gz", "file ./x.tar.gz"),
        ("~/x", "folder ~/x"),
        ("a/b/c.tgz", "file a/b/c.tgz"),
        ("x.tgz", "file x.tgz"),
        ("a/b/c", "folder a/b/c"),
        ("link:../x", "folder ../x"),
    ] {
        assert_eq!(read(spec), expected, "{spec:?}");
    }
}

#[test]
fn what_cannot_be_fetched_is_refused() {
    for (spec, expected) in [
        (
            "a b",
            "`foo@a b` names neither a version, a range nor a tag",
        ),
        ("$x", "`foo@$x` names neither a version, a range nor a tag"),
        (
            "a\u{1b}[2J",
            "`foo@a\\u{1b}[2J` names neither a version, a range nor a tag",
        ),
        (
            "npm:b@npm:c@1",
            "`foo@npm:b@npm:c@1`: an alias needs the name and range of a registry package",
        ),
        (
            "npm:./x",
            "`foo@npm:./x`: an alias needs the name and range of a registry package",
        ),
        (
            "ftp://x.example/x.tgz",
            "`foo@ftp://x.example/x.tgz`: nothing is fetched by `ftp:`",
        ),
        ("http://", "`foo@http://` is not an address"),
        (
            "user/repo#a::b",
            "`foo@user/repo#a::b` asks for more than one commit, range or folder",
        ),
    ] {
        assert_eq!(read(spec), expected, "{spec:?}");
        assert!(!Spec::parse("foo", spec).unwrap_err().hint().is_empty());
    }
    let catalog = Spec::parse("foo", "catalog:").unwrap_err();
    assert_eq!(
        catalog.hint(),
        "the lockfile of the workspace knows what that stands for: build from it"
    );
    let error = Spec::parse("../evil", "1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`../evil` is not a package name: it begins with `.`"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(git\\+ssh://|file:|npm:|https://|)[a-z@:/#.%~ ^*0-9é]{0,30}") {
        let _ = Spec::parse("foo", &text);
        let _ = Spec::parse(&text, "1");
    }
}
