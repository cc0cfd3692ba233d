//! One test for each rule by which versions are chosen.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use pep440_rs::Version;
use pep508_rs::PackageName;

use super::universe::{Universe, With, environment, request, wanted};
use crate::resolve::{Budget, FaultKind, Prereleases, ResolveError, Strategy, Warning, resolve};

#[test]
fn the_highest_versions_that_fit_together_are_chosen() {
    let universe = Universe::of(
        "a 1: c<2
         a 2: c>=2
         b 1: c<2
         c 1
         c 2",
    );
    assert_eq!(universe.choose(&["a"]), "a==2 c==2");
    assert_eq!(universe.choose(&["a", "b"]), "a==1 b==1 c==1");
    assert_eq!(universe.choose(&[]), "");
}

#[test]
fn cold_and_warm_runs_choose_alike() {
    let universe = Universe::of(
        "a 1: c<2
         a 2: c>=2
         b 1: c<2 | d
         c 1
         c 2
         d 1",
    );
    let cold = universe.clone().cold();
    assert_eq!(cold.choose(&["a", "b"]), universe.choose(&["a", "b"]));
    assert!(cold.asked() > 0);
    assert_eq!(universe.asked(), 0, "a warm run never leaves its thread");
}

#[test]
fn a_local_variant_satisfies_a_pin_and_is_preferred() {
    let universe = Universe::of(
        "torch 2.0
         torch 2.0+cpu
         vision 1: torch==2.0",
    );
    assert_eq!(universe.choose(&["vision"]), "torch==2.0+cpu vision==1");
    assert_eq!(universe.choose(&["torch<=2.0"]), "torch==2.0+cpu");
    assert_eq!(
        universe.choose(&["torch==2.0+cpu", "vision"]),
        "torch==2.0+cpu vision==1"
    );
}

#[test]
fn prereleases_are_taken_only_where_nothing_else_fits() {
    let universe = Universe::of(
        "a 1.0
         a 2.0rc1
         b 0.2.0a1
         c 1: b<0.2.0",
    );
    assert_eq!(universe.choose(&["a"]), "a==1.0");
    assert_eq!(universe.choose(&["a>=1.5"]), "a==2.0rc1");
    assert_eq!(universe.choose(&["a>=1.0rc1"]), "a==1.0");
    assert_eq!(universe.choose(&["b"]), "b==0.2.0a1");
    assert!(universe.choose(&["c"]).contains("cannot be met"));
    let mut all = request(&["a"]);
    all.prereleases = Prereleases::Allow;
    assert_eq!(universe.answer(all), "a==2.0rc1");
}

#[test]
fn yanked_releases_need_a_pin_of_the_users() {
    let universe = Universe::of(
        "a 1
         b 1: a==2",
    )
    .with("a 2", &[With::Yanked("leaks memory")]);
    assert_eq!(universe.choose(&["a"]), "a==1");
    assert_eq!(universe.choose(&["a==2"]), "a==2");
    assert!(universe.choose(&["b"]).contains("leaks memory"));
    assert_eq!(universe.choose(&["b", "a==2"]), "a==2 b==1");
    let warnings = universe.run(request(&["a==2"])).unwrap().warnings;
    assert_eq!(
        warnings,
        [Warning::Yanked {
            name: PackageName::from_str("a").unwrap(),
            version: Version::from_str("2").unwrap(),
            reason: "leaks memory".to_owned(),
        }]
    );
    assert_eq!(warnings[0].to_string(), "a 2 was yanked: leaks memory");
}

#[test]
fn releases_for_other_pythons_are_passed_over() {
    let universe = Universe::of("a 1")
        .with("a 2", &[With::Python(">=3.13")])
        .with("b 1", &[With::Python(">=3.8,<3.11")]);
    assert_eq!(universe.choose(&["a"]), "a==1");
    assert_eq!(universe.choose(&["b"]), "b==1", "upper bounds do not count");
    let mut newer = request(&["a"]);
    newer.environment = environment("3.13.2");
    assert_eq!(universe.answer(newer), "a==2");
}

#[test]
fn releases_without_a_wheel_for_the_target_are_passed_over() {
    let universe = Universe::of("a 1").with("a 2", &[With::NoWheel(&["win_amd64"])]);
    assert_eq!(universe.choose(&["a"]), "a==1");
}

#[test]
fn markers_are_those_of_the_target() {
    let universe = Universe::of(
        "a 1: b; sys_platform == 'win32' | c; python_version >= '3.12' | d; python_full_version < '3.12.5'
         b 1
         c 1
         d 1",
    );
    assert_eq!(universe.choose(&["a"]), "a==1 c==1");
    assert_eq!(
        universe.choose(&["b; platform_machine == 'aarch64'", "c"]),
        "c==1"
    );
}

#[test]
fn one_package_has_one_version_whatever_the_markers() {
    let universe = Universe::of(
        "a 1: c<2; python_version >= '3.8'
         b 1: c; sys_platform == 'linux'
         c 1
         c 2",
    );
    assert_eq!(universe.choose(&["b", "a"]), "a==1 b==1 c==1");
}

#[test]
fn extras_bring_their_dependencies() {
    let universe = Universe::of(
        "a 1: b; extra == 'x' | c; extra == 'y' and python_version >= '3' | d
         b 1
         c 1
         d 1",
    );
    assert_eq!(universe.choose(&["a"]), "a==1 d==1");
    assert_eq!(universe.choose(&["a[x]"]), "a==1 b==1 d==1");
    assert_eq!(universe.choose(&["a[x,y]"]), "a==1 b==1 c==1 d==1");
    let resolution = universe.run(request(&["a[x,nope]"])).unwrap();
    let a = &resolution.packages[0];
    let extras: Vec<String> = a.extras.iter().map(ToString::to_string).collect();
    assert_eq!(extras, ["nope", "x"]);
    let needs: Vec<String> = a.dependencies.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["b", "d"]);
    assert_eq!(a.requested_by, [0]);
    assert_eq!(
        resolution.warnings[0].to_string(),
        "a 1 has no extra `nope`"
    );
}

#[test]
fn extras_may_refer_to_extras_of_the_same_package() {
    let universe = Universe::of(
        "a 1: a[x,y]; extra == 'all' | b; extra == 'x' | a[z]; extra == 'y' | c; extra == 'z'
         a 2: a[x]; extra == 'all' | b>=9; extra == 'x'
         b 1
         c 1",
    );
    assert_eq!(universe.choose(&["a[all]"]), "a==1 b==1 c==1");
    assert_eq!(universe.choose(&["a"]), "a==2");
}

#[test]
fn an_extra_that_refers_to_itself_ends() {
    let universe = Universe::of("a 1: a[x]; extra == 'x' | b; extra == 'x'\n b 1");
    assert_eq!(universe.choose(&["a[x]"]), "a==1 b==1");
}

#[test]
fn constraints_bound_without_installing() {
    let universe = Universe::of(
        "a 1
         a 2
         b 1: a
         c 1",
    );
    let mut bounded = request(&["b"]);
    bounded.constraints = wanted("constraints.txt", &["a<2", "c==1", "zzz==4"]);
    assert_eq!(universe.answer(bounded), "a==1 b==1");
}

#[test]
fn overrides_stand_instead_of_what_anybody_asks() {
    let universe = Universe::of(
        "a 1
         a 2
         b 1: a<2",
    );
    let mut overridden = request(&["b"]);
    overridden.overrides = wanted("overrides.txt", &["a==2"]);
    assert_eq!(universe.answer(overridden), "a==2 b==1");
}

#[test]
fn an_override_decides_when_its_package_is_needed() {
    let universe = Universe::of(
        "a 1
         a 2
         b 1: a<2 ; sys_platform == 'win32'
         c 1: a ; sys_platform == 'win32' and extra == 'x'
         d 1: a",
    );
    let with = |lines: &[&str], overrides: &[&str]| {
        let mut overridden = request(lines);
        overridden.overrides = wanted("overrides.txt", overrides);
        universe.answer(overridden)
    };
    assert_eq!(with(&["b"], &["a"]), "a==2 b==1");
    assert_eq!(
        with(&["b", "a<2 ; os_name == 'nt'"], &["a==1"]),
        "a==1 b==1"
    );
    // The extra must still be asked for.
    assert_eq!(with(&["c"], &["a==1"]), "c==1");
    assert_eq!(with(&["c[x]"], &["a==1"]), "a==1 c==1");
    // The way to do without a package.
    assert_eq!(with(&["d"], &["a ; sys_platform == 'never'"]), "d==1");
}

#[test]
fn the_lowest_strategies_take_the_lowest() {
    let universe = Universe::of(
        "a 1: b
         a 2: b
         b 1
         b 2",
    );
    let mut lowest = request(&["a>=1"]);
    lowest.strategy = Strategy::Lowest;
    assert_eq!(universe.answer(lowest), "a==1 b==1");
    let mut direct = request(&["a>=1"]);
    direct.strategy = Strategy::LowestDirect;
    assert_eq!(universe.answer(direct), "a==1 b==2");
}

#[test]
fn with_wheels_preferred_an_older_wheel_beats_a_newer_source() {
    let universe = Universe::of(
        "a 1
         a 2
         b 1",
    )
    .with("a 3", &[With::SourceOnly])
    .with("b 2", &[With::SourceOnly]);
    let preferring = |lines: &[&str]| {
        let mut preferring = request(lines);
        preferring.prefer_binary = true;
        universe.answer(preferring)
    };
    assert_eq!(universe.choose(&["a", "b"]), "a==3 b==2");
    assert_eq!(preferring(&["a", "b"]), "a==2 b==1");
    // Where only a source will do, it does.
    assert_eq!(preferring(&["a>2", "b>1"]), "a==3 b==2");
}

#[test]
fn earlier_versions_are_kept_where_they_still_fit() {
    let universe = Universe::of(
        "a 1: b>=2
         a 2: b
         b 1
         b 2
         b 3a1",
    );
    let mut kept = request(&["a"]);
    let version = |name: &str, version: &str| {
        (
            PackageName::from_str(name).unwrap(),
            Version::from_str(version).unwrap(),
        )
    };
    kept.preferences = vec![version("a", "1"), version("b", "1")];
    assert_eq!(universe.answer(kept.clone()), "a==1 b==2");
    kept.preferences = vec![version("b", "3a1"), version("gone", "1")];
    assert_eq!(universe.answer(kept), "a==2 b==3a1");
}

#[test]
fn a_file_named_outright_is_the_one_candidate() {
    let universe = Universe::of(
        "a 1
         b 1: a
         c 1: a<3",
    )
    .with_fixed("./a.whl", "a 5: b")
    .with_fixed("https://files.example/a.whl", "a 6");
    assert_eq!(universe.choose(&["./a.whl", "b"]), "a==5 b==1");
    assert_eq!(
        universe.choose(&["b", "a @ https://files.example/a.whl"]),
        "a==6 b==1"
    );
    assert!(universe.choose(&["./a.whl", "c"]).contains("cannot be met"));
    let both = ["./a.whl", "a @ https://files.example/a.whl"];
    let error = universe.run(request(&both)).unwrap_err();
    assert!(matches!(error, ResolveError::ConflictingSources { .. }));
    let wrong = ["b @ https://files.example/a.whl"];
    let error = universe.run(request(&wrong)).unwrap_err();
    assert_eq!(error.fault(), Some(FaultKind::Input));
    let error = universe.run(request(&["./gone.whl"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "requirements.txt:1 `./gone.whl`: no such file"
    );
}

#[test]
fn urls_are_followed_only_from_what_the_user_named() {
    let universe = Universe::of(
        "a 1: x @ https://files.example/x.whl
         a 0",
    )
    .with_fixed("https://files.example/x.whl", "x 1")
    .with_fixed("./mine", "mine 1: x @ https://files.example/x.whl");
    assert_eq!(universe.choose(&["a"]), "a==0");
    assert_eq!(universe.choose(&["./mine"]), "mine==1 x==1");
    assert_eq!(
        universe.choose(&["a", "x @ https://files.example/x.whl"]),
        "a==1 x==1"
    );
}

#[test]
fn a_release_that_contradicts_itself_is_passed_over() {
    let universe = Universe::of(
        "a 2: b>3,<2
         a 1
         b 1",
    );
    assert_eq!(universe.choose(&["a"]), "a==1");
}

#[test]
fn with_hashes_required_everything_needs_one() {
    let universe = Universe::of("a 1: b\n b 1");
    let mut hashed = request(&["a"]);
    hashed.require_hashes = true;
    assert!(universe.answer(hashed).contains("has no hash"));
}

#[test]
fn a_set_that_is_too_hard_ends_within_its_budget() {
    // Every pair of neighbours excludes each other unless their numbers are equal, and the last
    // admits none: the solver has to refute them all.
    let mut lines = String::new();
    for package in 0..12 {
        for version in 0..12 {
            lines.push_str(&format!(
                "p{package} {version}: p{}=={}.*\n",
                package + 1,
                version % 11 + 1
            ));
        }
    }
    let universe = Universe::of(&lines);
    let mut hard = request(&["p0", "p5", "p9"]);
    hard.budget = Budget {
        decisions: 20,
        thinking: Duration::from_secs(60),
    };
    let error = universe.run(hard).unwrap_err();
    assert!(
        matches!(&error, ResolveError::Budget { decisions: 20, busiest } if !busiest.is_empty()),
        "{error}"
    );
}

#[test]
fn a_failing_index_ends_the_run() {
    let universe = Universe::of("a 1").cold();
    let error = universe.run(request(&["a", "broken"])).unwrap_err();
    assert_eq!(error.to_string(), "broken: index.example answered 503");
    assert_eq!(error.fault(), Some(FaultKind::Network));
    assert_eq!(error.hint().as_deref(), Some("try again"));
}

#[test]
fn nothing_is_left_running_when_nobody_waits_any_more() {
    let universe = Arc::new(Universe::of("a 1: silent").cold());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let asked = runtime.block_on(async {
        let attempt = resolve(request(&["a"]), Arc::clone(&universe));
        tokio::time::timeout(Duration::from_millis(50), attempt).await
    });
    assert!(asked.is_err(), "it waits for `silent`");
    drop(runtime);
    assert_eq!(Arc::strong_count(&universe), 1);
}
