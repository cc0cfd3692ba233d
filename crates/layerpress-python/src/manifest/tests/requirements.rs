//! The requirements.txt language: what is taken.

use super::*;

#[test]
fn every_kind_of_requirement_is_taken() {
    let manifest = one(concat!(
        "Flask_SQLAlchemy[a, B.c]>=1,<2 ; python_version < '4' # why\n",
        "name == 1.0 ;python_version>='3'\n",
        "legacy (>=1.0)\n",
        "anything\n",
        "empty[]\n",
        "x @ https://pkg.example/x-1.0-py3-none-any.whl;os_name == 'posix'\n",
        "https://pkg.example/y_z-1.0-py3-none-any.whl#sha256=",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
        "https://pkg.example/archive.tar.gz#egg=W[q]&subdirectory=./a/b\n",
        "g @ git+https://u:p@git.example/a/b.git@feature/x#subdirectory=py\n",
        "git+ssh://git@git.example/a/b@v1.0#egg=v\n",
        "git+file:///srv/repository\n",
    ));
    assert_eq!(
        lines(&manifest),
        [
            "flask-sqlalchemy[a,b-c]>=1,<2 ; python_full_version < '4'",
            "name==1.0 ; python_full_version >= '3'",
            "legacy>=1.0",
            "anything",
            "empty",
            "x @ https://pkg.example/x-1.0-py3-none-any.whl ; os_name == 'posix'",
            "y-z @ https://pkg.example/y_z-1.0-py3-none-any.whl --hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "w[q] @ https://pkg.example/archive.tar.gz#subdirectory=a/b",
            "g @ git+https://***@git.example/a/b.git@feature/x#subdirectory=py",
            "v @ git+ssh://git@git.example/a/b@v1.0",
            "git+file:///srv/repository",
        ]
    );
    assert!(
        !manifest.require_hashes,
        "a hash in a URL does not ask for all"
    );
    assert_eq!(
        manifest.requirements[0]
            .origin
            .to_string()
            .rsplit('/')
            .next(),
        Some("requirements.txt:1")
    );
}

#[test]
fn local_projects_and_archives_are_found_beside_the_file() {
    let folder = folder(&[
        (
            "sub/requirements.txt",
            "./pkg[a]\n-e pkg\n-e ./pkg ; os_name == 'nt'\n./w-1.0-py3-none-any.whl\nn @ ./s-1.tar.gz\nfile:./pkg\n",
        ),
        ("sub/pkg/pyproject.toml", ""),
        ("sub/w-1.0-py3-none-any.whl", ""),
        ("sub/s-1.tar.gz", ""),
    ]);
    let path = folder.path().join("sub/requirements.txt");
    let manifest = read_requirements(&path, &Environment::default(), &no_fetch).expect("valid");
    let shown: Vec<String> = lines(&manifest)
        .into_iter()
        .map(|line| line.replace(&format!("{}/", folder.path().display()), ""))
        .collect();
    assert_eq!(
        shown,
        [
            "sub/./pkg[a]",
            "-e sub/./pkg",
            "-e sub/./pkg ; os_name == 'nt'",
            "w @ sub/./w-1.0-py3-none-any.whl",
            "n @ sub/./s-1.tar.gz",
            "sub/./pkg",
        ]
    );
}

#[test]
fn options_for_the_whole_file() {
    let manifest = one(concat!(
        "-i https://u:${TOKEN}@${HOST}/simple --pre\n",
        "--extra-index-url=https://extra.example/simple\n",
        "--no-binary :all: \n--only-binary=numpy,Pandas\n--prefer-binary\n",
        "--trusted-host pkg.example:8080\n-f https://files.example/\n-f missing\n--use-feature fast-deps\n",
    ));
    let index = manifest.indexes.index_url.expect("set");
    assert_eq!(
        (index.password(), index.host_str()),
        (Some("s3cret"), Some("pkg.example"))
    );
    assert_eq!(manifest.indexes.extra_index_urls.len(), 1);
    assert_eq!(manifest.indexes.find_links.len(), 1);
    assert!(manifest.pre && manifest.prefer_binary && !manifest.indexes.no_index);
    assert!(
        manifest
            .build
            .formats(&"pandas".parse().expect("valid"))
            .wheel
    );
    assert!(
        !manifest
            .build
            .formats(&"scipy".parse().expect("valid"))
            .wheel
    );
    assert_eq!(manifest.trusted_hosts, ["pkg.example:8080"]);
    assert_eq!(manifest.warnings.len(), 2);
    insta::assert_snapshot!(one("-i https://${UNSET}@pkg.example/\n").warnings[0].rsplit('/').next().unwrap_or_default(), @"requirements.txt:1: the variable `UNSET` is not set; `${UNSET}` is taken as it stands");
}

#[test]
fn one_hash_asks_for_all() {
    const HASH: &str =
        "--hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let manifest = one(&format!("a==1.0 \\\n  {HASH} \\\n  {HASH}\nb==2\n"));
    assert!(manifest.require_hashes);
    assert_eq!(manifest.requirements[0].hashes.len(), 1);
    let message = |text: String| {
        let folder = folder(&[("requirements.txt", &text)]);
        let manifest = read(folder.path()).expect("valid");
        let error = manifest.check_hashes().expect_err("refused");
        printed(&error, folder.path())
    };
    insta::assert_snapshot!(message(format!("a==1.0 {HASH}\nb==2\n")), @r"
    requirements.txt:2: `b==2`: hashes are required and there is none
    hint: add `--hash=sha256:…`, or leave all hashes out
    ");
    insta::assert_snapshot!(message(format!("a>=1.0 {HASH}\n")), @r"
    requirements.txt:1: `a>=1.0 --hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`: hashes are required and the version is not pinned with `==`
    hint: pin it, or leave all hashes out; `layerpress lock` pins and hashes for you
    ");
    insta::assert_snapshot!(message("--require-hashes\nx @ git+https://git.example/x\n".into()), @r"
    requirements.txt:2: `x @ git+https://git.example/x`: hashes are required and a folder or repository has none
    hint: name an archive with a hash instead, or leave all hashes out
    ");
    assert!(one(&format!("a==1.0 {HASH}\n")).check_hashes().is_ok());
    let pinned_elsewhere = taken(&[
        ("requirements.txt", "-c c.txt\n--require-hashes\na\n"),
        ("c.txt", &format!("a==1.0 {HASH}\n")),
    ]);
    assert!(pinned_elsewhere.check_hashes().is_ok());
    assert!(one("a\n").check_hashes().is_ok());
}

#[test]
fn includes_are_relative_to_the_including_file() {
    let manifest = taken(&[
        ("requirements.txt", "-r sub/base.txt\na\n"),
        ("sub/base.txt", "-r ../other.txt\n-c limits.txt\nb\n"),
        ("other.txt", "c\n"),
        ("sub/limits.txt", "d<2\n-r more.txt\n"),
        ("sub/more.txt", "e<3\n"),
    ]);
    assert_eq!(lines(&manifest), ["c", "b", "a"]);
    let constraints: Vec<_> = manifest
        .constraints
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(constraints, ["d<2", "e<3"]);
    assert_eq!(manifest.files_read.len(), 5);
}

#[test]
fn files_by_url_come_through_the_caller() {
    let folder = folder(&[("requirements.txt", "-r https://pkg.example/a/base.txt\n")]);
    let fetch = |url: &Url| -> Result<String, FetchTextError> {
        Ok(match url.as_str() {
            "https://pkg.example/a/base.txt" => "-c ../limits.txt\nx\n".into(),
            "https://pkg.example/limits.txt" => "x<2\n".into(),
            other => return Err(other.to_owned().into()),
        })
    };
    let path = folder.path().join("requirements.txt");
    let manifest = read_requirements(&path, &Environment::default(), &fetch).expect("valid");
    assert_eq!(
        manifest.requirements[0].origin.to_string(),
        "https://pkg.example/a/base.txt:2"
    );
    assert_eq!(
        manifest.constraints[0].origin.to_string(),
        "https://pkg.example/limits.txt:1"
    );
    let error = read(folder.path()).expect_err("nothing is there");
    assert_eq!(error.kind(), ManifestErrorKind::Network);
    insta::assert_snapshot!(printed(&error, folder.path()), @"requirements.txt:1: `https://pkg.example/a/base.txt` cannot be fetched");
    let local = |_: &Url| Ok("-r file:///etc/passwd".to_owned());
    let error = read_requirements(&path, &Environment::default(), &local).expect_err("refused");
    insta::assert_snapshot!(printed(&error, folder.path()), @"https://pkg.example/a/base.txt:1: `-r file:///etc/passwd`: `file:///etc/passwd` is not a file or an `https` URL");
}

#[test]
fn includes_that_go_wrong() {
    insta::assert_snapshot!(refused(&[("requirements.txt", "-r a.txt"), ("a.txt", "\n-r b.txt"), ("b.txt", "-c a.txt")]), @r"
    b.txt:1: requirements files include each other: a.txt → b.txt → a.txt
    hint: take one of the `-r` or `-c` lines out
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "x\n-r missing.txt")]), @r"
    requirements.txt:2: `-r missing.txt`: there is no file `missing.txt`
    hint: paths after `-r` and `-c` are relative to the file that they stand in
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "-r sub"), ("sub/x", "")]), @r"
    sub: not a regular file
    hint: manifests are read from regular files only
    ");
    let deep: Vec<(String, String)> = (0..70)
        .map(|n| (format!("{n}.txt"), format!("-r {}.txt", n + 1)))
        .collect();
    let mut files: Vec<(&str, &str)> = deep.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    files.push(("requirements.txt", "-r 0.txt"));
    insta::assert_snapshot!(refused(&files), @"62.txt:1: more than 64 requirements files deep");
    let wide: Vec<(String, String)> = (0..20)
        .map(|n| (format!("{n}.txt"), format!("-r {0}.txt\n-r {0}.txt", n + 1)))
        .collect();
    let mut files: Vec<(&str, &str)> = wide.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    files.extend([("requirements.txt", "-r 0.txt"), ("20.txt", "x")]);
    insta::assert_snapshot!(refused(&files), @"19.txt:2: more than 1000 requirements files in all");
}
