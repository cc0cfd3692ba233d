//! The requirements.txt language end to end: what is taken, and how every mistake reads.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use url::Url;

use super::*;

/// A folder with files in it; `requirements.txt` is the one that is read.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
        fs::write(path, text).expect("written");
    }
    folder
}

fn no_fetch(url: &Url) -> Result<String, FetchTextError> {
    Err(format!("nothing at {}", url.path()).into())
}

fn read(folder: &Path) -> Result<Manifest, ManifestError> {
    let environment = [("TOKEN", "s3cret"), ("HOST", "pkg.example")]
        .into_iter()
        .collect();
    read_requirements(&folder.join("requirements.txt"), &environment, &no_fetch)
}

fn taken(files: &[(&str, &str)]) -> Manifest {
    let folder = folder(files);
    read(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn one(text: &str) -> Manifest {
    taken(&[("requirements.txt", text)])
}

/// The error as the program prints it, without the temporary folder's path.
pub(crate) fn printed(error: &ManifestError, folder: &Path) -> String {
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text.replace(&format!("{}/", folder.display()), "")
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = read(folder.path()).expect_err("refused");
    printed(&error, folder.path())
}

fn wrong(line: &str) -> String {
    let text = refused(&[("requirements.txt", line)]);
    text.strip_prefix("requirements.txt:1: ")
        .unwrap_or(&text)
        .to_owned()
}

fn lines(manifest: &Manifest) -> Vec<String> {
    manifest
        .requirements
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_kind_of_requirement_is_taken() {
    let manifest = one(concat!(
        "Flask_SQLAlchemy[a, B.c]>=1,<2 ; python_version < '4' # why\n",
        "name == 1.0 ;python_version>='3'\n",
        "legacy (>=1.0)\n",
        "anything\n",
        "empty[]\n",
        "x @ https://pkg.example/x-1.0-py3-none-any.whl ; os_name == 'posix'\n",
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
    missing.txt: cannot be read
    hint: requirements.txt:2 names it; paths after `-r` and `-c` are relative to the file they stand in
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

#[test]
fn files_that_are_something_else() {
    insta::assert_snapshot!(refused(&[("requirements.txt", "{\n \"dependencies\": {}\n}")]), @r"
    requirements.txt: this is a package.json, not a requirements file
    hint: give it under the name `package.json`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "[project]\nname = \"x\"\n")]), @r"
    requirements.txt: this is TOML, not a requirements file
    hint: give a project file under the name `pyproject.toml`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "[[source]]\nurl = \"x\"\n[packages]\nx = \"*\"\n")]), @r"
    requirements.txt: this is a Pipfile, not a requirements file
    hint: export it: `pipenv requirements > requirements.txt`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "name: x\ndependencies:\n  - numpy=1.26\n")]), @r"
    requirements.txt: this is a conda environment, not a requirements file
    hint: layerpress installs from Python indexes; list the packages in a requirements file
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "<!DOCTYPE html>\n<html>")]), @r"
    requirements.txt: this is HTML or XML, not a requirements file
    hint: name a requirements file: one requirement per line
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "PK\u{3}\u{4}\u{14}\0")]), @r"
    requirements.txt: this is an archive or other binary file, not a requirements file
    hint: to install a wheel, name its path in a requirements file
    ");
    let latin = folder(&[]);
    fs::write(latin.path().join("requirements.txt"), b"x\n# caf\xe9\n").expect("written");
    insta::assert_snapshot!(printed(&read(latin.path()).expect_err("refused"), latin.path()), @r"
    requirements.txt:2: not valid UTF-8
    hint: save the file as UTF-8, or say `# -*- coding: latin-1 -*-` in its first line
    ");
    let pipe = Path::new("/dev/null");
    let error = read_requirements(pipe, &Environment::default(), &no_fetch).expect_err("refused");
    insta::assert_snapshot!(printed(&error, Path::new("x")), @r"
    /dev/null: not a regular file
    hint: manifests are read from regular files only
    ");
}

#[test]
fn mistakes_in_versions() {
    insta::assert_snapshot!(wrong("requests=1.0"), @r"
    `requests=1.0`: `=` is not a version operator
    hint: did you mean `requests==1.0`?
    ");
    insta::assert_snapshot!(wrong("requests>1.0,"), @r"
    `requests>1.0,`: a comma at the end
    hint: write `requests>1.0`
    ");
    insta::assert_snapshot!(wrong("Flask~2"), @r"
    `Flask~2`: `~` is not a version operator
    hint: did you mean `Flask~=2.0`?
    ");
    insta::assert_snapshot!(wrong("Flask~=2"), @r"
    `Flask~=2`: `~=2` is not a version clause
    hint: did you mean `Flask~=2.0`?
    ");
    insta::assert_snapshot!(wrong("Flask^2.1 ; python_version<'4'"), @r"
    `Flask^2.1 ; python_version<'4'`: `^` is not a version operator
    hint: did you mean `Flask>=2.1,<3 ; python_version<'4'`?
    ");
    insta::assert_snapshot!(wrong("Flask=>2.0"), @r"
    `Flask=>2.0`: `=>` is not a version operator
    hint: did you mean `Flask>=2.0`?
    ");
    insta::assert_snapshot!(wrong("Flask@2.0"), @r"
    `Flask@2.0`: `@` is not a version operator
    hint: did you mean `Flask==2.0`?
    ");
    insta::assert_snapshot!(wrong("Flask 2.0"), @r"
    `Flask 2.0`: a version needs an operator before it
    hint: write `Flask==2.0`
    ");
    insta::assert_snapshot!(wrong("Flask>=1.0 <2.0"), @r"
    `Flask>=1.0 <2.0`: the version clauses are not separated by a comma
    hint: write `Flask>=1.0,<2.0`
    ");
    insta::assert_snapshot!(wrong("Flask>=1.0 and <2.0"), @r"
    `Flask>=1.0 and <2.0`: `and` is not a version operator
    hint: did you mean `Flask>=1.0,<2.0`?
    ");
    insta::assert_snapshot!(wrong("Flask>=1.0.*"), @r"
    `Flask>=1.0.*`: `>=1.0.*` is not a version clause
    hint: did you mean `Flask>=1.0`?
    ");
    insta::assert_snapshot!(wrong("Flask=="), @r"
    `Flask==`: no version follows `==`
    hint: name a version, or write `Flask` for any version
    ");
    insta::assert_snapshot!(wrong("Flask==latest"), @r"
    `Flask==latest`: `latest` is not a version
    hint: versions look like `1.2.3`, `1.0rc1` or `1.0.post1`; for the newest, name no version
    ");
    insta::assert_snapshot!(wrong("Flask==\"2.0\""), @r#"
    `Flask=="2.0"`: quotation marks are not part of a requirement
    hint: write `Flask==2.0`
    "#);
    insta::assert_snapshot!(wrong("Flask>=2.0[async]"), @r"
    `Flask>=2.0[async]`: extras stand between name and version
    hint: write `Flask[async]>=2.0`
    ");
    insta::assert_snapshot!(wrong("numpy=1.26.4=py312h_0"), @r"
    `numpy=1.26.4=py312h_0`: `name=version=build` is conda's form
    hint: write `numpy==1.26.4`
    ");
}

#[test]
fn mistakes_in_names_and_lines() {
    insta::assert_snapshot!(wrong("my package>=1.0"), @r"
    `my package>=1.0`: a package name holds no white space
    hint: write `my-package>=1.0`
    ");
    insta::assert_snapshot!(wrong("requests-"), @r"
    `requests-`: `requests-` is not a package name
    hint: names hold letters, digits, `-`, `_` and `.`, and start and end with a letter or digit
    ");
    insta::assert_snapshot!(wrong("requests- [x]"), @r"
    `requests- [x]`: `requests-` is not a package name
    hint: names hold letters, digits, `-`, `_` and `.`, and start and end with a letter or digit
    ");
    insta::assert_snapshot!(wrong("requests[security"), @r"
    `requests[security`: `[security` is not a list of extras
    hint: extras look like `name[first,second]`
    ");
    insta::assert_snapshot!(wrong("requests[a-]"), @r"
    `requests[a-]`: `[a-]` is not a list of extras
    hint: extras look like `name[first,second]`
    ");
    insta::assert_snapshot!(wrong("\"requests==1.0\","), @r#"
    `"requests==1.0",`: quotation marks are not part of a requirement
    hint: write `requests==1.0`
    "#);
    insta::assert_snapshot!(wrong("requests ; python_version < “3.9”"), @r#"
    `requests ; python_version < “3.9”`: `“` is a typographic quotation mark
    hint: write `requests ; python_version < "3.9"`
    "#);
    insta::assert_snapshot!(wrong("–r base.txt"), @r"
    `–r base.txt`: `–` is a typographic dash
    hint: write `-r base.txt`
    ");
    insta::assert_snapshot!(wrong("reque\u{200b}sts"), @r"
    `reque\u{200b}sts`: an invisible character (U+200B) hides in the line
    hint: write `requests`
    ");
    insta::assert_snapshot!(wrong("requests\u{a0}>=1"), @r"
    `requests\u{a0}>=1`: an invisible character (U+00A0) hides in the line
    hint: write `requests >=1`
    ");
    insta::assert_snapshot!(wrong("pip install requests"), @r"
    `pip install requests`: `pip install` is a command, not a requirement
    hint: write only `requests`
    ");
    insta::assert_snapshot!(wrong("$ python3 -m pip install -U requests flask"), @r"
    `$ python3 -m pip install -U requests flask`: `$ python3 -m pip install` is a command, not a requirement
    hint: write only the packages' names, one per line
    ");
    insta::assert_snapshot!(wrong("pip install -r base.txt"), @r"
    `pip install -r base.txt`: `pip install` is a command, not a requirement
    hint: write only `-r base.txt`
    ");
    insta::assert_snapshot!(wrong("- requests"), @r"
    `- requests`: a requirement has no list marker before it
    hint: write `requests`
    ");
    insta::assert_snapshot!(wrong("// requests"), @r"
    `// requests`: `//` does not start a comment
    hint: write `# requests`
    ");
    insta::assert_snapshot!(wrong("import requests"), @r"
    `import requests`: a line of Python code, not a requirement
    hint: write the name of the package that holds the module
    ");
    insta::assert_snapshot!(wrong("requirements/base.txt"), @r"
    `requirements/base.txt`: `requirements/base.txt` is a file of requirements, not a requirement
    hint: write `-r requirements/base.txt`
    ");
    insta::assert_snapshot!(wrong("base.txt"), @r"
    `base.txt`: `base.txt` is a file of requirements, not a requirement
    hint: write `-r base.txt`
    ");
}

#[test]
fn mistakes_in_urls_and_paths() {
    insta::assert_snapshot!(wrong("C:\\wheels\\x.whl"), @r"
    `C:\wheels\x.whl`: `C:\wheels\x.whl` is a Windows path
    hint: use a path relative to the requirements file, with forward slashes
    ");
    insta::assert_snapshot!(wrong(".\\wheels\\x.whl"), @r"
    `.\wheels\x.whl`: `.\wheels\x.whl` is a Windows path
    hint: write `./wheels/x.whl`
    ");
    insta::assert_snapshot!(wrong("./missing"), @r"
    `./missing`: there is no file or folder `./missing`
    hint: looked for `./missing` from the current folder, and `./missing`
    ");
    insta::assert_snapshot!(wrong("x-1.0-py3-none-any.whl"), @r"
    `x-1.0-py3-none-any.whl`: there is no file or folder `x-1.0-py3-none-any.whl`
    hint: looked for `x-1.0-py3-none-any.whl` from the current folder, and `x-1.0-py3-none-any.whl`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "./src"), ("src/a.py", "")]), @r"
    requirements.txt:1: `./src`: the folder `./src` holds neither `pyproject.toml` nor `setup.py`
    hint: name the folder that holds the project's `pyproject.toml`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "./a.egg"), ("a.egg", "")]), @r"
    requirements.txt:1: `./a.egg`: `./a.egg` is neither a wheel nor a source distribution
    hint: wheels end in `.whl`, source distributions in `.tar.gz` or `.zip`
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "-e ./a.whl"), ("a.whl", "")]), @r"
    requirements.txt:1: `-e ./a.whl`: `--editable` takes a project folder or a `git+` URL
    hint: write the requirement without `-e`
    ");
    insta::assert_snapshot!(wrong("git@github.com:owner/name.git"), @r"
    `git@github.com:owner/name.git`: a git repository is named by a `git+` URL
    hint: write `git+ssh://git@github.com/owner/name.git`
    ");
    insta::assert_snapshot!(wrong("x @ git@github.com:owner/name.git"), @r"
    `x @ git@github.com:owner/name.git`: a git repository is named by a `git+` URL
    hint: write `x @ git+ssh://git@github.com/owner/name.git`
    ");
    insta::assert_snapshot!(wrong("git+ssh://git@github.com:owner/name.git@v1"), @r"
    `git+ssh://git@github.com:owner/name.git@v1`: a git repository is named by a `git+` URL
    hint: write `git+ssh://git@github.com/owner/name.git@v1`
    ");
    insta::assert_snapshot!(wrong("https://github.com/owner/name.git"), @r"
    `https://github.com/owner/name.git`: a git repository is named by a `git+` URL
    hint: write `git+https://github.com/owner/name.git`
    ");
    insta::assert_snapshot!(wrong("github.com/owner/name"), @r"
    `github.com/owner/name`: a git repository is named by a `git+` URL
    hint: write `git+https://github.com/owner/name`
    ");
    insta::assert_snapshot!(wrong("git+https://git.example/x@"), @r"
    `git+https://git.example/x@`: no revision follows the `@` of the git URL
    hint: name a branch, tag or commit, or leave the `@` out
    ");
    insta::assert_snapshot!(wrong("hg+https://hg.example/x"), @r"
    `hg+https://hg.example/x`: `hg+https` is not a scheme that can be fetched
    hint: use `https`, `file` or `git+https`
    ");
    insta::assert_snapshot!(wrong("https://user:s3cret@:99999/x.whl"), @"`https://***@:99999/x.whl`: `https://***@:99999/x.whl` is not a URL: empty host");
    insta::assert_snapshot!(wrong("https://pkg.example/x.zip#md5=00"), @r"
    `https://pkg.example/x.zip#md5=00`: `md5` is too weak to pin a file with
    hint: give the file's `sha256`
    ");
    insta::assert_snapshot!(wrong("https://pkg.example/x.zip#sha256=00"), @r"
    `https://pkg.example/x.zip#sha256=00`: not a hash to pin with: `00` is not 64 hexadecimal digits
    hint: pin with `sha256` and the file's 64 hexadecimal digits
    ");
    insta::assert_snapshot!(wrong("https://pkg.example/x.zip#subdirectory=../y"), @r"
    `https://pkg.example/x.zip#subdirectory=../y`: the subdirectory `../y` does not stay inside the source
    hint: name a folder relative to the source's root
    ");
}

#[test]
fn mistakes_in_options() {
    insta::assert_snapshot!(wrong("--extra-idnex-url https://u:p@pkg.example"), @r"
    `--extra-idnex-url https://***@pkg.example`: `--extra-idnex-url` is not an option of requirements files
    hint: did you mean `--extra-index-url`?
    ");
    insta::assert_snapshot!(wrong("torch --index-url https://pkg.example/cpu"), @r"
    `torch --index-url https://pkg.example/cpu`: `--index-url` has no effect beside a requirement
    hint: put `--index-url` on a line of its own; it counts for the whole file
    ");
    insta::assert_snapshot!(wrong("-i pkg.example"), @"`-i pkg.example`: `pkg.example` is not the URL of an index");
    insta::assert_snapshot!(wrong("--hash=sha256:00"), @r"
    `--hash=sha256:00`: `--hash` belongs to a requirement and there is none on this line
    hint: end the requirement's line above with ` \` so that this line continues it
    ");
    insta::assert_snapshot!(wrong("x==1 --hash=md5:00"), @r"
    `x==1 --hash=md5:00`: not a hash to pin with: `md5` is not one of sha256, sha384, sha512
    hint: pin with `sha256` and the file's 64 hexadecimal digits
    ");
    insta::assert_snapshot!(wrong("x==1 --hash=sha256:00"), @r"
    `x==1 --hash=sha256:00`: not a hash to pin with: `00` is not 64 hexadecimal digits
    hint: pin with `sha256` and the file's 64 hexadecimal digits
    ");
    insta::assert_snapshot!(wrong("x==1\t--hash=sha256:00"), @r"
    `x==1\u{9}--hash=sha256:00`: a tab stands before an option
    hint: write `x==1 --hash=sha256:00`
    ");
    insta::assert_snapshot!(wrong("x --global-option=build"), @r"
    `x --global-option=build`: `--global-option` was an option of `setup.py` builds, which are gone
    hint: say it to the build backend with `--config-settings KEY=VALUE`
    ");
    insta::assert_snapshot!(wrong("x --config-settings=verbose"), @"`x --config-settings=verbose`: `verbose` is not a `KEY=VALUE` pair");
    insta::assert_snapshot!(wrong("x==1 --hash=sha256:00 ; os_name=='nt'"), @r"
    `x==1 --hash=sha256:00 ; os_name=='nt'`: `;` stands after an option and would be passed over
    hint: a marker stands before the options
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "-c c.txt"), ("c.txt", "x[a]<2")]), @r"
    c.txt:1: `x[a]<2`: a constraint has no extras
    hint: constraints only limit versions: write `name` and versions
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "-c c.txt"), ("c.txt", "https://pkg.example/x.zip")]), @r"
    c.txt:1: `https://pkg.example/x.zip`: a constraint needs a package name
    hint: constraints only limit versions: write `name` and versions
    ");
    insta::assert_snapshot!(wrong("--no-binary 'a b'"), @"`--no-binary 'a b'`: `a b` is not a list of package names, `:all:` or `:none:`");
}

/// Lines that hold no path: what they parse to must not depend on the disk.
fn valid_line() -> impl Strategy<Value = String> {
    let name = "[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?"
        .prop_filter("an archive's name is a path", |name: &String| {
            !location::is_archive(name) && !name.ends_with(".txt")
        });
    let extras = prop_oneof![Just(String::new()), "\\[[a-z]{1,3}(,[a-z]{1,3}){0,2}\\]"];
    let versions = prop_oneof![
        Just(String::new()),
        "(>=|==|<=|!=|>|<)[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(,(<|!=)[0-9]{1,3}\\.[0-9])?",
        " @ https://pkg\\.example/[a-z]{1,5}-[0-9]\\.zip",
        " @ git\\+https://git\\.example/[a-z]{1,5}(@[a-z0-9]{1,5})?",
    ];
    let marker = prop_oneof![
        Just(String::new()),
        " ; python_version (<|>=|==) '3\\.[0-9]{1,2}'",
        " ; sys_platform == 'linux' and os_name != '[a-z]{1,4}'",
    ];
    (name, extras, versions, marker).prop_map(|(n, e, v, m)| format!("{n}{e}{v}{m}"))
}

proptest! {
    #[test]
    fn a_valid_line_is_rendered_and_read_again_the_same(line in valid_line()) {
        let origin = Origin::new("test", None, "");
        let first = parse_requirement(&line, &origin, None);
        let first = first.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let second = parse_requirement(&first.to_string(), &origin, None);
        let second = second.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_text_breaks_the_reader(
        text in prop_oneof![
            "\\PC{0,60}",
            "[-a-z0-9 =<>~!^@;,.#\\[\\]()'\"\\\\/:+&\\n–“é]{0,60}",
            "(requests|==|1\\.0|;| |@|\\[|\\]|-e |--hash=|git\\+|https://|python_version|'|,|\\.\\./|\\\\\\n){0,14}",
        ]
    ) {
        let folder = folder(&[("requirements.txt", &text)]);
        match read(folder.path()) {
            Ok(manifest) => { manifest.check_hashes().ok(); }
            Err(error) => { let _ = (error.to_string(), error.hint(), error.kind()); }
        }
    }

    #[test]
    fn what_is_suggested_for_a_version_is_right(
        name in "[a-z]{2,6}",
        slip in "(=|=>|=<|~|\\^|~>|==|>=|@| |<>)",
        version in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}",
        end in "(,|\\.\\*| <9|)",
    ) {
        let origin = Origin::new("test", None, "");
        if let Err(ManifestError::Line { mistake, .. }) =
            parse_requirement(&format!("{name}{slip}{version}{end}"), &origin, None)
        {
            let (Mistake::Operator { right, .. }
            | Mistake::ClauseMeant { right, .. }
            | Mistake::TrailingComma { right }
            | Mistake::MissingComma { right }
            | Mistake::BareVersion { right }) = *mistake
            else {
                return Ok(());
            };
            prop_assert!(parse_requirement(&right, &origin, None).is_ok(), "{right}");
        }
    }
}
