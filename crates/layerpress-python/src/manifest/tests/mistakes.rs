//! What is wrong with a requirements file, and the text that says so.

use super::*;

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
    insta::assert_snapshot!(refused(&[("requirements.txt", "x\0")]), @r"
    requirements.txt: this is a binary file, not a requirements file
    hint: name a requirements file: one requirement per line
    ");
    insta::assert_snapshot!(refused(&[("requirements.txt", "PK\u{3}\u{4}\u{14}\0")]), @r"
    requirements.txt: this is an archive, not a requirements file
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
    insta::assert_snapshot!(wrong("requests==1.0#pinned"), @r"
    `requests==1.0#pinned`: a comment needs white space before its `#`
    hint: write `requests==1.0  # pinned`
    ");
    insta::assert_snapshot!(wrong("${UNSET}==1"), @r"
    `${UNSET}==1`: the variable `UNSET` is not set
    hint: set it, or write what `${UNSET}` stands for
    ");
    insta::assert_snapshot!(wrong("-e requests"), @r"
    `-e requests`: `--editable` takes a project folder or a `git+` URL
    hint: write the requirement without `-e`
    ");
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
    hint: relative paths are taken from the current folder, then from `[FOLDER]`
    ");
    insta::assert_snapshot!(wrong("x-1.0-py3-none-any.whl"), @r"
    `x-1.0-py3-none-any.whl`: there is no file or folder `x-1.0-py3-none-any.whl`
    hint: relative paths are taken from the current folder, then from `[FOLDER]`
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
    insta::assert_snapshot!(wrong("ü/é[é]"), @r"
    `ü/é[é]`: `[é]` is not a list of extras
    hint: extras look like `name[first,second]`
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
