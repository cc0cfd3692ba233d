//! What users read when nothing fits.

use insta::assert_snapshot;

use super::universe::{Universe, With, request, wanted};

#[test]
fn a_conflict_starts_from_the_users_own_lines() {
    let universe = Universe::of(
        "flask 0.12.4: werkzeug>=0.7,<1
         flask 0.12.5: werkzeug>=0.7,<1
         flask 3.1: werkzeug>=3.1
         werkzeug 0.16
         werkzeug 1.0
         werkzeug 3.1",
    );
    assert_snapshot!(universe.choose(&["flask<1", "requests", "werkzeug>=3"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `flask<1`
      requirements.txt:3 asks for `werkzeug>=3`
      flask 0.12.4 and 0.12.5 need werkzeug>=0.7,<1
    "#);
}

#[test]
fn a_chain_is_told_from_the_user_to_the_end() {
    let universe = Universe::of(
        "a 1: b>=2
         b 2: c==5
         c 5: d<1
         c 4
         d 1
         e 1: d>=1",
    );
    assert_snapshot!(universe.choose(&["a", "e"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `a`
      requirements.txt:2 asks for `e`
      a 1 needs b>=2
      e 1 needs d>=1
      b 2 needs c==5
      c 5 needs d<1
    "#);
}

#[test]
fn a_version_that_does_not_exist() {
    let universe = Universe::of("a 1\n a 2");
    assert_snapshot!(universe.choose(&["a>=99"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a>=99`
      there is no version of a>=99; the newest version is 2
    "#);
}

#[test]
fn a_version_older_than_all() {
    let universe = Universe::of("a 2\n a 4");
    assert_snapshot!(universe.choose(&["a<2"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a<2`
      there is no version of a<2; the oldest version is 2
    "#);
}

#[test]
fn two_extras_of_one_line() {
    let universe = Universe::of(
        "a 1: b==1; extra == 'x' | b==2; extra == 'y'
         b 1
         b 2",
    );
    assert_snapshot!(universe.choose(&["a[x,y]"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a[x,y]`
      a[y] 1 needs b==2
      a[x] 1 needs b==1
    "#);
}

#[test]
fn a_contradiction_in_one_file() {
    let universe = Universe::of("a 1\n a 2");
    assert_snapshot!(universe.choose(&["a==1", "a==2"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `a==1`
      requirements.txt:2 asks for `a==2`
    hint: a 2 would do instead of `a==1` (requirements.txt:1)
    a 1 would do instead of `a==2` (requirements.txt:2)
    "#);
    assert_snapshot!(universe.choose(&["a>2,<1"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a>2,<1`, which no version can meet
    "#);
}

#[test]
fn a_name_that_does_not_exist() {
    let universe = Universe::of(
        "requests 2
         scikit-learn 1
         pyyaml 6
         python-slugify 8",
    );
    assert_snapshot!(universe.choose(&["reqeusts"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `reqeusts`
      there is no package `reqeusts` on the index
    hint: did you mean `requests`?
    "#);
    assert_snapshot!(universe.choose(&["sklearn"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `sklearn`
      there is no package `sklearn` on the index
    hint: did you mean `scikit-learn`?
    "#);
    assert_snapshot!(universe.choose(&["yaml"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `yaml`
      there is no package `yaml` on the index
    hint: did you mean `pyyaml`?
    "#);
    assert_snapshot!(universe.choose(&["slugify"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `slugify`
      there is no package `slugify` on the index
    hint: did you mean `python-slugify`?
    "#);
    assert_snapshot!(universe.choose(&["requests", "no-such-thing-at-all"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:2 asks for `no-such-thing-at-all`
      there is no package `no-such-thing-at-all` on the index
    "#);
}

#[test]
fn another_python() {
    let universe = Universe::of("a 1.4.2")
        .with("a 2.0", &[With::Python(">=3.13")])
        .with("a 2.1", &[With::Python(">=3.14")]);
    assert_snapshot!(universe.choose(&["a>=2"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a>=2`
      a 2.1 needs Python >=3.14
      a 2.0 needs Python >=3.13
    hint: the newest version of a for python3.12 x86_64 is 1.4.2
    "#);
}

#[test]
fn no_wheel_for_the_target() {
    let universe = Universe::default()
        .with("psycopg2 2.9.9", &[With::NoWheel(&["win32", "win_amd64"])])
        .with("psycopg2 2.9.10", &[With::NoWheel(&["win32", "win_amd64"])]);
    assert_snapshot!(universe.choose(&["psycopg2"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `psycopg2`
      all versions of psycopg2 have no wheel for the target
    hint: psycopg2 2.9.10 has wheels for Windows only; `psycopg2-binary` ships wheels; no version of psycopg2 can be used on python3.12 x86_64
    "#);
}

#[test]
fn building_switched_off() {
    let universe = Universe::default().with("docopt 0.6.2", &[With::NoBuild]);
    assert_snapshot!(universe.choose(&["docopt"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `docopt`
      docopt 0.6.2 has no wheel, and building it is switched off
    hint: allow docopt to be built: it only comes as source
    "#);
}

#[test]
fn yanked_with_its_reason() {
    let universe = Universe::of("a 1").with("a 2", &[With::Yanked("broken build")]);
    assert_snapshot!(universe.choose(&["a>=2"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `a>=2`
      a 2 was yanked (`broken build`)
    hint: to have it all the same, pin it: `a==2`
    "#);
}

#[test]
fn a_constraint_is_named_as_the_users() {
    let universe = Universe::of(
        "a 1: b>=2
         b 1
         b 2",
    );
    let mut bounded = request(&["a"]);
    bounded.constraints = wanted("constraints.txt", &["b<2"]);
    assert_snapshot!(universe.answer(bounded), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `a`
      constraints.txt:1 allows only `b<2`
      a 1 needs b>=2
    hint: b 2 would do instead of `b<2` (constraints.txt:1)
    "#);
}

#[test]
fn an_extra_is_named() {
    let universe = Universe::of(
        "a 1: b>=2; extra == 'x'
         b 1
         b 2",
    );
    assert_snapshot!(universe.choose(&["a[x]", "b<2"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `a[x]`
      requirements.txt:2 asks for `b<2`
      a[x] 1 needs b>=2
    hint: b 2 would do instead of `b<2` (requirements.txt:2)
    "#);
}

#[test]
fn many_versions_are_told_in_ranges() {
    let mut lines = String::new();
    for version in 1..60 {
        lines.push_str(&format!("boto3 1.{version}: botocore==1.{version}\n"));
        lines.push_str(&format!("botocore 1.{version}: urllib3<2\n"));
    }
    lines.push_str("urllib3 1.26\nurllib3 2.0\n");
    let universe = Universe::of(&lines);
    assert_snapshot!(universe.choose(&["boto3", "urllib3>=2"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `boto3`
      requirements.txt:2 asks for `urllib3>=2`
      all versions of boto3 need botocore>=1.1,<=1.59
      all versions of botocore need urllib3<2
    hint: urllib3 1.26 would do instead of `urllib3>=2` (requirements.txt:2)
    "#);
}

#[test]
fn versions_that_differ_in_what_they_need_are_told_together() {
    let universe = Universe::of(
        "pandas 2.0: numpy>=1.20
         pandas 2.1: numpy>=1.22,<2
         pandas 2.2: numpy>=1.26
         numpy 1.19
         numpy 1.26
         numpy 2.0",
    )
    .with("pandas 2.1.1: numpy>=1.22", &[With::Yanked("it crashes")]);
    assert_snapshot!(universe.choose(&["numpy<1.20", "pandas>=2"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `numpy<1.20`
      requirements.txt:2 asks for `pandas>=2`
      pandas 2.0 to 2.2 need numpy>=1.20
    hint: numpy 2.0 would do instead of `numpy<1.20` (requirements.txt:1)
    "#);
}

#[test]
fn only_holes_that_matter_are_told() {
    let universe = Universe::of(
        "web 1: model>=1,<3,!=1.1,!=1.2,!=2.1
         model 1.1
         model 1.2
         model 2.1
         model 2.2
         model 3",
    );
    assert_snapshot!(universe.choose(&["web", "model==2.1"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `web`
      requirements.txt:2 asks for `model==2.1`
      web 1 needs model>=1,<3,!=2.1
    hint: model 2.2 would do instead of `model==2.1` (requirements.txt:2)
    "#);
    assert_snapshot!(universe.choose(&["web", "model>=3"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `web`
      requirements.txt:2 asks for `model>=3`
      web 1 needs model>=1,<3
    hint: model 2.2 would do instead of `model>=3` (requirements.txt:2)
    "#);
}

#[test]
fn each_version_needing_one_of_its_own() {
    let mut lines = String::new();
    for version in 1..20 {
        lines.push_str(&format!("model 2.{version}: core==0.{version}\n"));
        lines.push_str(&format!("core 0.{version}\n"));
    }
    lines.push_str("core 0.7.1\n");
    let universe = Universe::of(&lines);
    assert_snapshot!(universe.choose(&["model", "core==0.7.1"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `model`
      requirements.txt:2 asks for `core==0.7.1`
      all versions of model need core>=0.1,<=0.7 or >=0.8,<=0.19
    hint: core 0.19 would do instead of `core==0.7.1` (requirements.txt:2)
    "#);
}

#[test]
fn a_local_wheel_that_contradicts_itself_or_another() {
    let universe = Universe::of(
        "a 1
         a 2",
    )
    .with_fixed("./demo.whl", "demo 1.0: a<2 | a>=2")
    .with_fixed("./other.whl", "other 1.0: demo==2");
    assert_snapshot!(universe.choose(&["./demo.whl"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `./demo.whl`, which is demo 1.0
      demo 1.0 needs a<2
      demo 1.0 needs a>=2
    "#);
    assert_snapshot!(universe.choose(&["./other.whl", "./demo.whl"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `./other.whl`, which is other 1.0
      other 1.0 needs demo==2
      demo is 1.0, from `./demo.whl` (requirements.txt:2)
    "#);
}

#[test]
fn a_step_back_by_an_age_is_no_remedy() {
    let universe = Universe::of(
        "web 0.100: model<2
         web 0.1
         model 2
         other 1: model>=2",
    );
    assert_snapshot!(universe.choose(&["web==0.100", "other"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `web==0.100`
      requirements.txt:2 asks for `other`
      web 0.100 needs model<2
      other 1 needs model>=2
    "#);
}

#[test]
fn python_and_its_standard_library_are_no_packages() {
    let universe = Universe::of("setuptools 80").with("enum 1", &[With::NoWheel(&["win32"])]);
    assert_snapshot!(universe.choose(&["python>=3.8"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `python>=3.8`
      there is no package `python` on the index
    hint: Python comes with the runtime, here python3.12 x86_64: leave the line out, and choose another with `--runtime`
    "#);
    assert_snapshot!(universe.choose(&["sqlite3"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `sqlite3`
      there is no package `sqlite3` on the index
    hint: `sqlite3` is part of Python's standard library: leave the line out
    "#);
    assert_snapshot!(universe.choose(&["distutils"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `distutils`
      there is no package `distutils` on the index
    hint: `distutils` was part of the standard library up to Python 3.11; the package `setuptools` has it now
    "#);
    assert_snapshot!(universe.choose(&["annotationlib"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `annotationlib`
      there is no package `annotationlib` on the index
    hint: `annotationlib` is part of the standard library from Python 3.14 on
    "#);
    assert_snapshot!(universe.choose(&["enum"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `enum`
      enum 1 has no wheel for the target
    hint: `enum` is part of Python's standard library: leave the line out
    "#);
}

#[test]
fn what_another_index_has_is_told() {
    let universe = Universe::of("demo 1").with_elsewhere("demo 2");
    assert_snapshot!(universe.choose(&["demo>=2"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `demo>=2`
      there is no version of demo>=2; the newest version is 1
    hint: `https://second.example/simple` has demo 2, but is not asked for it: `https://first.example/simple` goes first and has a package of that name; `--index-strategy unsafe-best-match` asks both
    "#);
    assert_snapshot!(universe.choose(&["other"]), @r#"
    a requirement cannot be met for python3.12 x86_64:
      requirements.txt:1 asks for `other`
      there is no package `other` on `https://first.example/simple` or `https://second.example/simple`
    "#);
}
