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
      there is no version of a >=99; the newest version is 2
    "#);
}

#[test]
fn a_contradiction_in_one_file() {
    let universe = Universe::of("a 1\n a 2");
    assert_snapshot!(universe.choose(&["a==1", "a==2"]), @r#"
    the requirements cannot be met together for python3.12 x86_64:
      requirements.txt:1 asks for `a==1`
      requirements.txt:2 asks for `a==2`
    hint: without the bound in `a==1` (requirements.txt:1), a 2 would do
    without the bound in `a==2` (requirements.txt:2), a 1 would do
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
    hint: psycopg2 has wheels for win32, win_amd64 (cp313); `psycopg2-binary` ships wheels; no version of psycopg2 can be used on python3.12 x86_64
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
      constraints.txt:1 asks for `b<2`
      a 1 needs b>=2
    hint: without the bound in `b<2` (constraints.txt:1), b 2 would do
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
    hint: without the bound in `b<2` (requirements.txt:2), b 2 would do
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
      boto3 1.59 needs botocore==1.59
      boto3 1.58 needs botocore==1.58
      boto3 1.57 needs botocore==1.57
      … and 56 more like these
      all versions of botocore need urllib3<2
    hint: without the bound in `urllib3>=2` (requirements.txt:2), urllib3 1.26 would do
    "#);
}
