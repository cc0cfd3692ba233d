//! The user's own choices, and what is told of files.

use super::*;

/// Choices as a test has them: `+` keeps and `-` drops.
fn parsed(typed: &[&str]) -> Result<Overrides, OverrideError> {
    let choices = typed.iter().map(|it| Choice {
        keep: it.starts_with('+'),
        pattern: it[1..].to_owned(),
    });
    Overrides::parse(&choices.collect::<Vec<_>>())
}

#[test]
fn the_last_of_the_users_choices_that_means_a_file_decides() {
    let packages = || {
        [
            python(
                "Num.Py",
                &[
                    ("numpy/__init__.py", ""),
                    ("numpy/x.pyi", ""),
                    ("numpy/tests/x.py", ""),
                    ("numpy-1.dist-info/METADATA", ""),
                    ("numpy-1.dist-info/LICENSE", ""),
                ],
            ),
            node("@s/b", &[("index.js", ""), ("index.d.ts", "")]),
        ]
    };
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["+*.d.ts"],
            &["numpy/tests/x.py (tests)", "numpy/x.pyi (type-stubs)"],
        ),
        (&["+rule:type-stubs"], &["numpy/tests/x.py (tests)"]),
        (
            &["+tests", "+*.pyi", "-numpy/tests", "+@s/b:**"],
            &["numpy/tests/x.py (your-drop)"],
        ),
        (&["+num-py:**", "+nodejs/**"], &[]),
        (&["+num_py:numpy/tests", "+**/*.{pyi,d.ts}"], &[]),
        (&["+**", "-!rule:tests"], &[]),
        (
            &["+**", "-rule:licences"],
            &["numpy-1.dist-info/LICENSE (licences)"],
        ),
        (
            &["+**", "-numpy-1.dist-info"],
            &["numpy-1.dist-info/LICENSE (your-drop)"],
        ),
        (&["+**", "-@s/b:index.js"], &["@s/b/index.js (your-drop)"]),
    ];
    for (typed, expected) in cases {
        assert_eq!(gone_with(&packages(), typed), expected, "{typed:?}");
    }
}

#[test]
fn choices_that_cannot_be_read_are_told() {
    let told = |pattern: &str| {
        let pattern = pattern.to_owned();
        let error = Overrides::parse(&[Choice {
            keep: false,
            pattern,
        }])
        .expect_err("a fault");
        format!("{error}; {}", error.hint().unwrap_or_default())
    };
    insta::assert_snapshot!(told("rule:test"), @"`--drop rule:test`: there is no rule `test`; did you mean `rule:tests`?");
    insta::assert_snapshot!(told("a[b"), @"`--drop a[b`: unclosed character class; missing ']'; ");
    insta::assert_snapshot!(told("numpy:"), @"`--drop numpy:`: there is no pattern in it; ");
}

#[test]
fn a_file_is_explained() {
    let packages = [
        python(
            "a",
            &[
                ("a/__init__.py", "open('x.md'); x = 'README.md'"),
                ("a/README.md", ""),
                ("a/CHANGES.md", ""),
                ("a-1.dist-info/METADATA", ""),
                ("a/tests/x.py", ""),
            ],
        ),
        python("b", &[("b.py", "import a.tests")]),
    ];
    let parts = parts(&packages);
    let told = |path: &str| {
        let explained = explain(&parts, Profile::Safe, &Overrides::default(), path);
        let line = |it: Explanation| format!("{} {:?}: {}", it.is_kept, it.rule, it.reason);
        explained
            .into_iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("; ")
    };
    insta::assert_snapshot!(told("a/README.md"), @r#"true Some("docs"): `a/__init__.py` names it"#);
    insta::assert_snapshot!(told("python/a/CHANGES.md"), @r#"false Some("docs"): they are for people, and no code opens them by name"#);
    insta::assert_snapshot!(told("a/tests/x.py"), @r#"true Some("tests"): `b.py` names `a.tests`"#);
    insta::assert_snapshot!(told("a-1.dist-info/METADATA"), @"true None: its package is found by it");
    insta::assert_snapshot!(told("a/__init__.py"), @"true None: no rule is for such files");
    assert_eq!(told("a/none.py"), "");
}

#[test]
fn a_pass_goes_by_its_name_as_a_rule_does() {
    let passes = |profile, typed: &[&str]| {
        let overrides = parsed(typed).map_err(|error| {
            let hint = error.hint().unwrap_or_default();
            format!("{error} ({hint})")
        })?;
        let passes = overrides.passes(profile, Ecosystem::Python, "numpy");
        let names: Vec<&str> = passes.iter().map(|it| it.name).collect();
        Ok(names.join(" "))
    };
    let ok = |names: &str| Ok::<String, String>(names.to_owned());
    assert_eq!(passes(Profile::Safe, &[]), ok("elf-strip botocore-docs"));
    assert_eq!(
        passes(Profile::Safe, &["+rule:elf-strip", "-rule:json-minify"]),
        ok("botocore-docs json-minify")
    );
    assert_eq!(
        passes(Profile::None, &["-rule:elf-strip", "-!rule:elf-strip"]),
        ok("")
    );
    let wrong = |typed| passes(Profile::Safe, &[typed]).expect_err("no choice");
    insta::assert_snapshot!(wrong("+rule:elf-stripp"), @"`--keep rule:elf-stripp`: there is no rule `elf-stripp` (did you mean `rule:elf-strip`?)");
}

#[test]
fn a_pass_is_chosen_for_one_package_too_and_the_last_choice_counts() {
    let passes = |package: &str, typed: &[&str]| {
        let overrides = parsed(typed).expect("choices");
        let passes = overrides.passes(Profile::Safe, Ecosystem::Python, package);
        let names: Vec<&str> = passes.iter().map(|it| it.name).collect();
        names.join(" ")
    };
    let cases: [(&[&str], &str, &str); 6] = [
        (
            &["+Num.Py:rule:elf-strip"],
            "botocore-docs",
            "elf-strip botocore-docs",
        ),
        (
            &["-num-py:rule:json-minify"],
            "elf-strip botocore-docs json-minify",
            "elf-strip botocore-docs",
        ),
        (
            &["+rule:elf-strip", "-num-py:rule:elf-strip"],
            "elf-strip botocore-docs",
            "botocore-docs",
        ),
        (
            &["-num-py:rule:elf-strip", "+rule:elf-strip"],
            "botocore-docs",
            "botocore-docs",
        ),
        (
            &["+rule:elf-strip", "+!num-py:rule:elf-strip"],
            "elf-strip botocore-docs",
            "botocore-docs",
        ),
        (
            &["+@num/py:rule:elf-strip"],
            "elf-strip botocore-docs",
            "elf-strip botocore-docs",
        ),
    ];
    for (typed, of_it, of_another) in cases {
        assert_eq!(passes("num-py", typed), of_it, "{typed:?}");
        assert_eq!(passes("scipy", typed), of_another, "{typed:?}");
    }
}

#[test]
fn a_choice_of_a_pass_that_no_file_is_for_matches_nothing() {
    let packages = [
        python("numpy", &[("numpy/__init__.py", ""), ("numpy/x.so", "")]),
        python("six", &[("six.py", ""), ("six-1.dist-info/LICENSE", "")]),
    ];
    let parts = parts(&packages);
    let typed = [
        "+numpy:rule:elf-strip",
        "+six:rule:elf-strip",
        "-six:rule:python-source",
        "-scipy:rule:python-source",
        "+rule:js-whitespace",
        "+rule:python-source",
    ];
    let overrides = parsed(&typed).expect("choices");
    let decision = decide(&parts, Profile::Safe, &overrides);
    assert_eq!(
        decision.matched,
        [true, false, true, false, false, true],
        "{typed:?}"
    );
    let told = |path: &str| {
        let explained = explain(&parts, Profile::Safe, &overrides, path);
        let choices = explained.into_iter().flat_map(|it| it.choices);
        choices.collect::<Vec<_>>().join("; ")
    };
    insta::assert_snapshot!(told("numpy/x.so"), @"`elf-strip` leaves it as it is: `--keep numpy:rule:elf-strip` says so");
    insta::assert_snapshot!(told("six.py"), @"`python-source` leaves it as it is: `--keep rule:python-source` says so");
}

#[test]
fn of_services_that_are_not_named_goes_the_data_and_nothing_else() {
    let boto = || {
        [
            python(
                "botocore",
                &[
                    ("botocore/session.py", ""),
                    ("botocore/data/endpoints.json", "{}"),
                    ("botocore/data/s3/2006-03-01/service-2.json.gz", ""),
                    ("botocore/data/s3/2006-03-01/examples-1.json", ""),
                    ("botocore/data/sts/2011-06-15/service-2.json.gz", ""),
                    ("botocore/data/ec2/2016-11-15/service-2.json.gz", ""),
                    ("botocore/data/ec2/2016-11-15/examples-1.json", ""),
                ],
            ),
            python(
                "boto3",
                &[
                    ("boto3/data/s3/2006-03-01/resources-1.json", ""),
                    ("boto3/data/ec2/2016-11-15/resources-1.json", ""),
                ],
            ),
        ]
    };
    let others = [
        "botocore/data/ec2/2016-11-15/examples-1.json (aws-services)",
        "botocore/data/ec2/2016-11-15/service-2.json.gz (aws-services)",
        "boto3/data/ec2/2016-11-15/resources-1.json (aws-services)",
    ];
    assert_eq!(gone_but(Profile::None, &boto(), &[], &["s3"]), others);
    let example = ["botocore/data/s3/2006-03-01/examples-1.json (botocore-examples)"];
    let mut all = [&others[..2], &example, &others[2..]].concat();
    assert_eq!(gone_but(Profile::Safe, &boto(), &[], &["s3"]), all);
    let keep = "+botocore:botocore/data/ec2/**";
    all.drain(..2);
    assert_eq!(gone_but(Profile::Safe, &boto(), &[keep], &["s3"]), all);
    // Without its metadata it is the team's own.
    let [mut botocore, _] = boto();
    botocore.name = "";
    botocore.place = String::new();
    assert_eq!(
        gone_but(Profile::Safe, &[botocore], &[], &["s3"]),
        others[..2]
    );
}

#[test]
fn a_package_that_is_not_there_is_told_with_what_may_be_meant() {
    let overrides = parsed(&["+nunpy:docs", "-elsewhere:**", "+Num_Py:docs", "+docs"]);
    let overrides = overrides.expect("patterns");
    let packages = ["", "num-py", "requests"];
    let hint = |index| overrides.hint(index, packages.into_iter());
    let told = (0..4).map(|index| hint(index).unwrap_or_else(|| "-".to_owned()));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    there is no package `nunpy`; did you mean `num-py`?
    there is no package `elsewhere`
    -
    -
    ");
}
