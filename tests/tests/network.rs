//! An index that misbehaves: what is outlived, and what is told.
//!
//! The fetch crate proves each fault by itself; here is what the whole program makes of it.

use layerpress_tests::{Fault, LoopbackIndex, On, TestContext, Wheel};

/// The network did not do its part.
const NETWORK: i32 = 3;
/// What came is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn faults_that_pass_cost_only_a_moment() {
    let wheel = Wheel::new("app", "1.0").build();
    let file = wheel.file_name.clone();
    let faults = [
        Fault::Status(503),
        Fault::TooManyRequests { retry_after: 1 },
        Fault::ResetMidBody,
    ];
    for fault in faults {
        for on in [On::page("app"), On::file(&file)] {
            let index = LoopbackIndex::of([wheel.clone()]);
            index.fault_times(on, fault.clone(), 1);
            let context = context(&index);
            let run = context.run(["build", "requirements.txt"]);
            assert_eq!(run.code, Some(0), "{fault:?}: {}", run.stderr);
        }
    }
}

#[test]
fn a_download_that_is_wrong_once_is_fetched_again_and_that_is_said() {
    let wheel = Wheel::new("app", "1.0").build();
    let index = LoopbackIndex::of([wheel.clone()]);
    index.fault_times(On::file(&wheel.file_name), Fault::WrongBytes, 1);
    let run = context(&index).run(["build", "requirements.txt"]);
    run.expect_code(0);
    assert!(run.stderr.contains("fetching it again"), "{}", run.stderr);
}

#[test]
fn a_file_that_cannot_be_had_is_told_and_leaves_nothing() {
    let wheel = Wheel::new("app", "1.0").build();
    let cases = [
        (Fault::Status(401), NETWORK, "user name and password"),
        (Fault::Status(403), NETWORK, "refuses access"),
        (Fault::Status(404), NETWORK, "no such file"),
        (Fault::Status(500), NETWORK, "failed (500)"),
        (
            Fault::TooManyRequests { retry_after: 3_600 },
            NETWORK,
            "answered 429",
        ),
        (Fault::Truncated, INPUT, "sha256:"),
        (Fault::WrongBytes, INPUT, "sha256:"),
        (Fault::LoginPage, INPUT, "hint: a web page came"),
    ];
    for (fault, code, word) in cases {
        let index = LoopbackIndex::of([wheel.clone()]);
        index.fault(On::file(&wheel.file_name), fault.clone());
        let context = context(&index);
        let run = context.run(["build", "requirements.txt"]);
        assert_eq!(run.code, Some(code), "{fault:?}: {}", run.stderr);
        run.says(&[&wheel.file_name, word]);
        let name = format!("`{}`", wheel.file_name);
        assert!(run.stderr.matches(&name).count() <= 2, "{}", run.stderr);
        assert_eq!(context.files(), ["requirements.txt"], "{fault:?}");
    }
}

#[test]
fn an_address_in_a_line_that_leads_nowhere_is_bad_input() {
    let index = LoopbackIndex::start();
    let context = context(&index);
    let missing = index.file_url("app-1.0-py3-none-any.whl");
    context.write("requirements.txt", format!("app @ {missing}\n"));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    run.says(&["requirements.txt:1", "404", "hint: check the address"]);
    context.write("requirements.txt", format!("-r {missing}.txt\n"));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    run.says(&["requirements.txt:1", "404"]);
}

#[test]
fn redirects_lead_neither_in_circles_nor_to_files() {
    let cases = [
        ("/simple/app/", "redirected more than"),
        ("file:///etc/hostname", "neither `https` nor `http`"),
    ];
    for (to, word) in cases {
        let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
        index.fault(On::page("app"), Fault::Redirect(to.to_owned()));
        let context = context(&index);
        let run = context.run(["build", "requirements.txt"]);
        run.expect_code(NETWORK);
        run.says(&["app", word]);
        assert_eq!(context.files(), ["requirements.txt"]);
    }
}

#[test]
fn a_healed_index_is_believed_again() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    index.fault(On::page("app"), Fault::LoginPage);
    let context = context(&index);
    let failed = context.run(["build", "requirements.txt"]);
    failed.says(&["login page"]);
    index.heal();
    context.run(["build", "requirements.txt"]).expect_code(0);
}

/// A folder that asks for `app`.
fn context(index: &LoopbackIndex) -> TestContext {
    let context = TestContext::new().with_index(index);
    context.write("requirements.txt", "app\n");
    context
}

#[test]
fn troubles_that_pass_are_outlived() {
    let wheel = || Wheel::new("app", "1.0").build();
    let name = wheel().file_name;
    for (on, fault) in [
        (On::page("app"), Fault::Status(500)),
        (On::page("app"), Fault::TooManyRequests { retry_after: 1 }),
        (On::page("app"), Fault::ResetMidBody),
        (On::file(&name), Fault::Status(503)),
        (On::file(&name), Fault::ResetMidBody),
        (On::file(&name), Fault::WrongBytes),
        (On::metadata(&name), Fault::Status(500)),
        (On::metadata(&name), Fault::Status(404)),
    ] {
        let index = LoopbackIndex::start();
        index
            .add([wheel()])
            .fault_times(on.clone(), fault.clone(), 1);
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app\n");
        let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
        assert_eq!(run.code, Some(0), "{on:?} {fault:?}: {}", run.stderr);
    }
}
