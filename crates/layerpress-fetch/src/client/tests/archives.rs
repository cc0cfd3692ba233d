//! Archives: resuming, digests, sharing, and what is left behind.

use std::fs;

use futures_util::FutureExt;
use tokio::sync::Semaphore;

use super::*;
use crate::store::Area;
use crate::{ErrorKind, StoredArchive};

/// Nothing was put where archives are found, and nothing was left where they are written.
fn assert_store_is_empty(bed: &Bed) {
    let usage = bed.client().store().usage().expect("lists");
    for area in [Area::Archives, Area::Temporary] {
        assert_eq!(usage[&area].files, 0, "{area:?}");
    }
}

fn assert_holds(client: &Client, stored: StoredArchive, bytes: &[u8]) {
    assert!(client.store().archive(stored.digest).expect("is there") == bytes);
    assert_eq!(stored.size, bytes.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_fetched_once_and_reported() {
    let bed = Bed::new(|_| Reply::ok(wheel())).await;
    let request = bed.archive("a.whl", &wheel());
    let client = bed.client();
    let stored = client.archive(&request).await.expect("comes");
    assert!(!stored.cached);
    assert_holds(&client, stored, &wheel());

    let mut events = bed.events();
    let name = "a.whl".to_owned();
    let bytes = Some(300_000);
    assert_eq!(
        events.remove(0),
        Event::DownloadStarted { id: 0, name, bytes }
    );
    assert_eq!(events.pop(), Some(Event::DownloadFinished { id: 0 }));
    let advanced = |event: &Event| match event {
        Event::DownloadAdvanced { id: 0, bytes } => *bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!(events.iter().map(advanced).sum::<u64>(), 300_000);

    let again = bed.offline().archive(&request).await.expect("is there");
    assert_eq!(
        again,
        StoredArchive {
            cached: true,
            ..stored
        }
    );
    assert_eq!(bed.requests(), 1);
    assert_eq!(bed.server.seen()[0].header("accept-encoding"), "identity");
    assert!(bed.events().is_empty());
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let bed = Bed::new(|request| {
        let whole = wheel();
        let tagged = |reply: Reply| reply.with("ETag", "\"1\"");
        match request.range_start() {
            Some(start) if request.earlier < 2 => tagged(Reply::part(&whole, start)).cut_at(50_000),
            Some(start) => tagged(Reply::part(&whole, start)),
            None => tagged(Reply::ok(whole)).cut_at(100_000),
        }
    })
    .await;
    let client = bed.client();
    let stored = client
        .archive(&bed.archive("a.whl", &wheel()))
        .await
        .expect("comes");
    assert_holds(&client, stored, &wheel());
    let asked =
        |request: &Request| format!("{} {}", request.header("range"), request.header("if-range"));
    let seen: Vec<String> = bed.server.seen().iter().map(asked).collect();
    assert_eq!(seen, [" ", "bytes=100000- \"1\"", "bytes=150000- \"1\""]);
    let advanced = |event| match event {
        Event::DownloadAdvanced { bytes, .. } => bytes,
        _ => 0,
    };
    assert_eq!(bed.events().into_iter().map(advanced).sum::<u64>(), 300_000);
}

#[tokio::test]
async fn a_broken_download_starts_over_where_it_cannot_go_on() {
    for (path, expected) in [
        // Parts are served, and a digest will tell: the rest is asked for.
        ("ignored", "bytes=100000-"),
        ("other-part", "bytes=100000-"),
        ("refused", "bytes=100000-"),
        // Nothing says that parts are served.
        ("silent", ""),
    ] {
        let bed = Bed::new(|request| {
            let whole = wheel();
            let parts = |reply: Reply| match request.path.as_str() {
                "/silent" => reply,
                _ => reply.with("Accept-Ranges", "bytes"),
            };
            match (request.range_start(), request.path.as_str()) {
                (Some(_), "/other-part") => Reply::part(&whole, 7),
                (Some(_), "/refused") => Reply::new(416, []),
                _ if request.earlier == 0 => parts(Reply::ok(whole)).cut_at(100_000),
                _ => parts(Reply::ok(whole)),
            }
        })
        .await;
        let client = bed.client();
        let stored = client
            .archive(&bed.archive(path, &wheel()))
            .await
            .expect(path);
        assert_holds(&client, stored, &wheel());
        assert_eq!(bed.server.seen()[1].header("range"), expected, "{path}");
    }
}

#[tokio::test]
async fn halves_of_two_files_are_never_joined() {
    let bed = Bed::new(|request| match request.earlier {
        0 => Reply::ok(wheel())
            .with("Accept-Ranges", "bytes")
            .cut_at(100_000),
        _ => match request.range_start() {
            Some(start) => Reply::part(&vec![1; 300_000], start),
            None => Reply::ok(vec![1; 300_000]),
        },
    })
    .await;
    // Neither digest nor tag: the whole file is asked for again.
    let request = ArchiveRequest {
        digests: Vec::new(),
        ..bed.archive("a.whl", b"")
    };
    let client = bed.client();
    let stored = client.archive(&request).await.expect("comes");
    assert_holds(&client, stored, &vec![1; 300_000]);
}

#[tokio::test]
async fn a_line_that_always_breaks_is_given_up() {
    let bed = Bed::new(|_| Reply::ok(wheel()).cut_at(10)).await;
    let error = bed.client().archive(&bed.archive("a.whl", &wheel())).await;
    let text = bed.shown(&error.expect_err("never comes"));
    let (text, hint) = text.split_once('\n').expect("has a hint");
    let start = text.split_once(" bytes: ").expect("says how much came").0;
    insta::assert_snapshot!(format!("{start}\n{hint}"), @r"
    `http://server/a.whl`: the answer broke off after 10
    hint: try again; what was fetched already stays in the cache
    ");
    assert_eq!(bed.requests(), 3);
    assert_store_is_empty(&bed);
}

#[tokio::test]
async fn a_line_that_breaks_now_and_then_gets_a_large_file_across() {
    let large: Vec<u8> = (0..9u32 << 20).map(|n| (n % 251) as u8).collect();
    let served = large.clone();
    let bed = Bed::new(move |request| {
        let start = request.range_start().unwrap_or(0);
        let reply = match start {
            0 => Reply::ok(&served[..]),
            _ => Reply::part(&served, start),
        };
        reply
            .with("ETag", "\"1\"")
            .cut_at((served.len() - start).min(2 << 20))
    })
    .await;
    let client = bed.client();
    let stored = client
        .archive(&bed.archive("a.whl", &large))
        .await
        .expect("comes");
    assert_holds(&client, stored, &large);
    assert_eq!(bed.requests(), 5);
}

#[tokio::test]
async fn an_answer_without_length_that_ends_early_is_noticed() {
    let bed = Bed::new(|request| match request.earlier {
        0 => Reply::ok(&wheel()[..1000]).unannounced(),
        _ => Reply::ok(wheel()),
    })
    .await;
    let request = ArchiveRequest {
        size: Some(300_000),
        ..bed.archive("a.whl", &wheel())
    };
    let client = bed.client();
    let stored = client.archive(&request).await.expect("comes");
    assert_holds(&client, stored, &wheel());
    assert_eq!(bed.warnings(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_digest_is_fetched_once_more_and_then_refused() {
    let bed = Bed::new(|request| match (request.path.as_str(), request.earlier) {
        ("/once.whl", 1..) => Reply::ok("right"),
        ("/login.whl", _) => Reply::ok("<html>").with("Content-Type", "text/html; charset=utf-8"),
        _ => Reply::ok("wrong"),
    })
    .await;
    let client = bed.client();
    let stored = client
        .archive(&bed.archive("once.whl", b"right"))
        .await
        .expect("comes");
    assert_holds(&client, stored, b"right");
    assert_eq!(bed.server.seen()[1].header("cache-control"), "no-cache");
    client.store().forget_archive(stored.digest);

    let mut errors = Vec::new();
    for path in ["always.whl?token=hush", "login.whl"] {
        let error = client
            .archive(&bed.archive(path, b"right"))
            .await
            .expect_err("is wrong");
        assert_eq!(error.kind(), ErrorKind::Input);
        errors.push(bed.shown(&error));
    }
    assert_eq!(bed.requests(), 6);
    assert_store_is_empty(&bed);
    errors.extend(bed.warnings());
    insta::assert_snapshot!(errors.join("\n"), @r"
    `http://server/always.whl?...`: expected `sha256:27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9`, found `sha256:8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225`
    hint: the file was replaced since its digest was recorded, or something on the way changes downloads
    `http://server/login.whl`: expected `sha256:27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9`, found `sha256:b7d082ee12e91b756ea22e8513b8594eebcf5d39fab813da3cb55794dc888ad7`
    hint: a web page came instead of the file: is there a login page in between?
    the download of `once.whl` is damaged; fetching it again
    the download of `always.whl?token=hush` is damaged; fetching it again
    the download of `login.whl` is damaged; fetching it again
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_requests_share_one_download_and_its_failure() {
    let [good_gate, bad_gate] = [0, 0].map(|open| Arc::new(Semaphore::new(open)));
    let gates = [good_gate.clone(), bad_gate.clone()];
    let bed = Bed::new(move |request| {
        let is_bad = request.path.ends_with("bad.whl");
        Reply::ok(wheel()).behind(&gates[usize::from(is_bad)])
    })
    .await;
    let client = bed.client();
    let good = bed.archive("good.whl", &wheel());
    let mut early = Box::pin(client.archive(&good));
    assert!((&mut early).now_or_never().is_none());
    let mut others = futures_util::future::join_all((0..5).map(|_| client.archive(&good)));
    assert!((&mut others).now_or_never().is_none());
    // One of them goes away early: the others still get theirs.
    drop(early);
    good_gate.add_permits(1);
    let all = others.await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let bad = bed.archive("bad.whl", b"another");
    let mut all = futures_util::future::join_all((0..5).map(|_| client.archive(&bad)));
    assert!((&mut all).now_or_never().is_none());
    bad_gate.add_permits(1);
    let all = all.await;
    assert!(all.iter().all(Result::is_err));
    // The wrong one was fetched twice, for all of them together.
    assert_eq!(bed.requests(), 1 + 2);
}

#[tokio::test]
async fn other_digests_find_the_archive_too() {
    let bed = Bed::new(|_| Reply::ok("bytes")).await;
    let request = ArchiveRequest {
        digests: vec![sha512(b"bytes")],
        ..bed.archive("a.whl", b"")
    };
    let stored = bed.client().archive(&request).await.expect("comes");
    let again = bed.offline().archive(&request).await.expect("is there");
    assert_eq!(
        again,
        StoredArchive {
            cached: true,
            ..stored
        }
    );

    // In the store by its SHA-256, but the other promise does not hold.
    let mut both = bed.archive("a.whl", b"bytes");
    both.digests.push(sha512(b"other"));
    let error = bed.offline().archive(&both).await.expect_err("is refused");
    assert!(matches!(error, FetchError::Mismatch { .. }), "{error}");
    both.digests[1] = sha512(b"bytes");
    bed.offline().archive(&both).await.expect("both hold");
}

#[tokio::test]
async fn without_digests_the_url_is_remembered_while_fresh() {
    let bed = Bed::new(|request| Reply::ok(request.earlier.to_string())).await;
    let mut request = bed.archive("a.whl", b"");
    request.digests.clear();
    for (seconds, requests) in [(0, 1), (599, 1), (1, 2)] {
        bed.pass(seconds);
        bed.client().archive(&request).await.expect("comes");
        assert_eq!(bed.requests(), requests, "after {seconds} more seconds");
    }
    bed.pass(1_000_000);
    let stored = bed.offline().archive(&request).await.expect("is there");
    assert_holds(&bed.client(), stored, b"1");
}

#[tokio::test]
async fn offline_names_the_file_that_is_missing() {
    let bed = Bed::new(|_| Reply::silence()).await;
    let error = bed.offline().archive(&bed.archive("six.whl", b"x")).await;
    insta::assert_snapshot!(bed.shown(&error.expect_err("is not there")), @r"
    `http://server/six.whl`: `six.whl` is not in the cache, and the network is switched off
    hint: run once without `--offline`, or fill the cache with `layerpress fetch`
    ");
    assert_eq!(bed.requests(), 0);
}

#[tokio::test]
async fn a_damaged_copy_in_the_store_is_fetched_again() {
    let bed = Bed::new(|_| Reply::ok("bytes")).await;
    let client = bed.client();
    let request = ArchiveRequest {
        size: Some(5),
        ..bed.archive("a.whl", b"bytes")
    };
    let stored = client.archive(&request).await.expect("comes");
    fs::write(client.store().archive_path(stored.digest), b"byte").expect("writes");
    let again = client.archive(&request).await.expect("comes again");
    assert_holds(&client, again, b"bytes");
    insta::assert_snapshot!(bed.warnings().join("\n"), @"the cached copy of `a.whl` is damaged; fetching it again");

    // An index that is wrong about the size is no reason to fetch again.
    let lying = ArchiveRequest {
        size: Some(6),
        ..request
    };
    assert!(client.archive(&lying).await.expect("is there").cached);
}

#[tokio::test]
async fn archives_are_bounded() {
    let bed = Bed::new(|_| Reply::ok(wheel())).await;
    let client = bed.client_with(ClientOptions {
        max_archive_bytes: 1000,
        ..bed.options()
    });
    let error = client.archive(&bed.archive("a.whl", &wheel())).await;
    insta::assert_snapshot!(bed.shown(&error.expect_err("is too large")), @"`http://server/a.whl`: larger than 1000 bytes");
    assert_store_is_empty(&bed);
}

#[tokio::test]
async fn an_answer_far_longer_than_announced_is_not_taken_to_its_end() {
    let endless = vec![0; 3 << 20];
    let bed = Bed::new(move |_| Reply::ok(endless.clone())).await;
    let request = ArchiveRequest {
        size: Some(1000),
        ..bed.archive("a.whl", b"short")
    };
    let error = bed.client().archive(&request).await;
    insta::assert_snapshot!(bed.shown(&error.expect_err("is too large")), @"`http://server/a.whl`: larger than 1050576 bytes");
    assert_store_is_empty(&bed);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_costs_the_next_run_only() {
    let bed = Bed::new(|_| Reply::ok(wheel())).await;
    fs::write(bed.root().join("tmp"), b"in the way").expect("writes");
    let client = bed.client();
    let stored = client
        .archive(&bed.archive("a.whl", &wheel()))
        .await
        .expect("comes");
    assert_holds(&client, stored, &wheel());
    assert_eq!(bed.warnings().len(), 1);
    assert!(bed.client().store().archive(stored.digest).is_none());
}

#[tokio::test]
async fn local_archives_are_read_and_verified() {
    let bed = Bed::new(|_| Reply::silence()).await;
    let path = bed.root().join("a.whl");
    fs::write(&path, b"local").expect("writes");
    let request = ArchiveRequest {
        url: Url::from_file_path(&path).expect("a path"),
        ..bed.archive("a.whl", b"local")
    };
    let client = bed.offline();
    let stored = client.archive(&request).await.expect("is read");
    assert_holds(&client, stored, b"local");

    let loose = ArchiveRequest {
        digests: Vec::new(),
        ..request.clone()
    };
    assert!(!client.archive(&loose).await.expect("is read").cached);
    assert!(client.archive(&loose).await.expect("is there").cached);
    fs::write(&path, b"changed").expect("writes");
    let changed = client.archive(&loose).await.expect("is read");
    assert_holds(&client, changed, b"changed");

    client.store().forget_archive(stored.digest);
    let error = client.archive(&request).await.expect_err("is another");
    let text = bed.shown(&error);
    assert!(
        text.starts_with("`file://<cache>/a.whl`: expected `sha256:"),
        "{text}"
    );
}
