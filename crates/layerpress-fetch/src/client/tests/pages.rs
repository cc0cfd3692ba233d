//! Pages: freshness, confirmation, compression, and doing without the network.

use std::fs;
use std::io::Write;

use super::*;

#[tokio::test]
async fn a_page_is_asked_for_again_only_when_it_is_stale() {
    let bed = Bed::new(|request| {
        let tagged = Reply::ok("one")
            .with("ETag", "\"1\"")
            .with("Cache-Control", "max-age=60");
        match request.header("if-none-match") {
            "\"1\"" => Reply::new(304, []).with("Cache-Control", "max-age=30"),
            _ => tagged,
        }
    })
    .await;
    let page = bed.page("simple/a/");
    assert!(bed.client().cached_now(&page).is_none());
    let blob = parsed(&bed.client(), &page).await.expect("is fetched");
    assert_eq!(&blob[..], b"parsed:one");

    bed.pass(59);
    let blob = bed.client().cached_now(&page).expect("is fresh");
    assert_eq!(&blob[..], b"parsed:one");
    assert_eq!(bed.requests(), 1);

    bed.pass(1);
    assert!(bed.client().cached_now(&page).is_none());
    let blob = parsed(&bed.client(), &page).await.expect("is confirmed");
    assert_eq!(&blob[..], b"parsed:one");
    assert_eq!(bed.requests(), 2);

    // The confirmation brought a new lifetime and kept the tag.
    bed.pass(29);
    assert!(bed.client().cached_now(&page).is_some());
    bed.pass(1);
    parsed(&bed.client(), &page).await.expect("is confirmed");
    assert_eq!(bed.server.seen()[2].header("if-none-match"), "\"1\"");
}

#[tokio::test]
async fn without_headers_a_page_lasts_ten_minutes_and_no_clock_makes_it_last_longer() {
    let bed = Bed::new(|_| Reply::ok("x")).await;
    let page = bed.page("simple/a/");
    parsed(&bed.client(), &page).await.expect("is fetched");
    bed.pass(599);
    assert!(bed.client().cached_now(&page).is_some());
    bed.pass(1);
    assert!(bed.client().cached_now(&page).is_none());
    if let Clock::Fixed(millis) = &bed.clock {
        millis.store(1_000, Ordering::Relaxed);
    }
    assert!(bed.client().cached_now(&page).is_none());
}

#[tokio::test]
async fn what_must_not_be_stored_is_not() {
    let bed = Bed::new(|_| Reply::ok("x").with("Cache-Control", "no-store")).await;
    let page = bed.page("simple/a/");
    let blob = parsed(&bed.client(), &page).await.expect("is fetched");
    assert_eq!(&blob[..], b"parsed:x");
    assert!(bed.offline().cached_now(&page).is_none());
}

#[tokio::test]
async fn refreshing_asks_once_per_run() {
    let bed = Bed::new(|request| match request.header("if-none-match") {
        "" => Reply::ok("x").with("ETag", "\"1\""),
        _ => Reply::new(304, []),
    })
    .await;
    let page = bed.page("simple/a/");
    parsed(&bed.client(), &page).await.expect("is fetched");
    bed.pass(5);
    let options = || ClientOptions {
        refresh: true,
        ..bed.options()
    };
    let client = bed.client_with(options());
    assert!(client.cached_now(&page).is_none());
    parsed(&client, &page).await.expect("is confirmed");
    assert!(client.cached_now(&page).is_some());
    let seen = bed.server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_confirmation_has_no_body_to_decode() {
    let bed = Bed::new(|request| match request.header("if-none-match") {
        "" => Reply::ok("x").with("ETag", "\"1\""),
        _ => Reply::new(304, []).with("Content-Encoding", "gzip"),
    })
    .await;
    let page = bed.page("simple/a/");
    parsed(&bed.client(), &page).await.expect("is fetched");
    bed.pass(1_000_000);
    let blob = parsed(&bed.client(), &page).await.expect("is confirmed");
    assert_eq!(&blob[..], b"parsed:x");
    assert_eq!(bed.requests(), 2);
}

#[tokio::test]
async fn offline_takes_any_age_and_names_what_is_missing() {
    let bed = Bed::new(|_| Reply::ok("x").with("Cache-Control", "max-age=1")).await;
    let page = bed.page("simple/a/?token=hush");
    parsed(&bed.client(), &page).await.expect("is fetched");
    bed.pass(1_000_000);
    let offline = bed.offline();
    assert!(offline.cached_now(&page).is_some());
    parsed(&offline, &page).await.expect("is in the store");
    let error = parsed(&offline, &bed.page("simple/b/?token=hush"))
        .await
        .expect_err("is not in the store");
    assert_eq!(error.kind(), crate::ErrorKind::Offline);
    insta::assert_snapshot!(bed.shown(&error), @r"
    `http://server/simple/b/?...`: this page is not in the cache, and the network is switched off
    hint: run once without `--offline`, or fill the cache with `layerpress fetch`
    ");
    assert_eq!(bed.requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_pages_are_inflated_within_bounds() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("compresses");
        encoder.finish().expect("compresses")
    };
    let page = "page ".repeat(100_000);
    let (good, bomb) = (gzip(page.as_bytes()), gzip(&vec![0; 3 << 20]));
    let bed = Bed::new(move |request| {
        let body = match (request.path.as_str(), request.earlier) {
            ("/cut", 0) => &good[..good.len() - 9],
            ("/bomb", _) => &bomb,
            _ => &good,
        };
        Reply::ok(body).with("Content-Encoding", "gzip")
    })
    .await;
    for path in ["good", "cut"] {
        let blob = parsed(&bed.client(), &bed.page(path))
            .await
            .expect("is fetched");
        assert_eq!(blob.len(), 7 + page.len());
    }
    assert_eq!(bed.requests(), 3);
    assert_eq!(bed.server.seen()[0].header("accept-encoding"), "gzip");
    let small = PageRequest {
        max_bytes: 1 << 20,
        ..bed.page("bomb")
    };
    let error = parsed(&bed.client(), &small)
        .await
        .expect_err("is too large");
    insta::assert_snapshot!(bed.shown(&error), @"`http://server/bomb`: larger than 1048576 bytes");
}

#[tokio::test]
async fn a_missing_page_is_remembered_if_that_is_an_answer() {
    let bed = Bed::new(|_| Reply::new(404, "not here")).await;
    let page = bed.page("simple/a/");
    let error = parsed(&bed.client(), &page).await.expect_err("is missing");
    assert_eq!(error.status(), Some(404));
    let lenient = PageRequest {
        may_be_missing: true,
        ..page.clone()
    };
    let blob = parsed(&bed.client(), &lenient).await.expect("is an answer");
    assert!(blob.is_missing() && blob.is_empty());
    assert!(
        bed.client()
            .cached_now(&lenient)
            .is_some_and(|blob| blob.is_missing())
    );
    assert!(bed.client().cached_now(&page).is_none());
    assert_eq!(bed.requests(), 2);
}

#[tokio::test]
async fn a_damaged_entry_is_fetched_again_as_if_it_were_not_there() {
    let bed = Bed::new(|_| Reply::ok("x").with("ETag", "\"1\"")).await;
    let page = bed.page("simple/a/");
    parsed(&bed.client(), &page).await.expect("is fetched");
    let store = bed.client().store().clone();
    let index = store.root().join("index");
    let folder = fs::read_dir(index)
        .expect("lists")
        .next()
        .expect("one")
        .expect("one");
    let file = fs::read_dir(folder.path())
        .expect("lists")
        .next()
        .expect("one")
        .expect("one");
    fs::write(file.path(), b"damage").expect("writes");
    let blob = parsed(&bed.client(), &page).await.expect("is fetched");
    assert_eq!(&blob[..], b"parsed:x");
    assert_eq!(bed.server.seen()[1].header("if-none-match"), "");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_said_once() {
    let bed = Bed::new(|_| Reply::ok("x")).await;
    fs::write(bed.root().join("tmp"), b"in the way").expect("writes");
    let client = bed.client();
    for path in ["a", "b"] {
        let blob = parsed(&client, &bed.page(path)).await.expect("is fetched");
        assert_eq!(&blob[..], b"parsed:x");
    }
    client.settle();
    let warnings = bed.warnings().join("\n");
    let warnings = warnings.replace(&bed.root().display().to_string(), "<cache>");
    insta::assert_snapshot!(warnings, @"<cache>/tmp: the cache cannot be written: not a directory; what is new is fetched and unpacked again next time");
}

#[tokio::test]
async fn what_the_parser_refuses_is_not_kept() {
    let bed = Bed::new(|_| Reply::ok("x")).await;
    let page = bed.page("simple/a/");
    let refused = bed.client().cached(&page, |_| Err("not json")).await;
    assert_eq!(refused.expect_err("is refused").to_string(), "not json");
    assert!(bed.offline().cached_now(&page).is_none());
}

#[tokio::test]
async fn another_form_or_accept_header_is_another_entry() {
    let bed = Bed::new(|_| Reply::ok("x")).await;
    let page = bed.page("simple/a/");
    parsed(&bed.client(), &page).await.expect("is fetched");
    for other in [
        PageRequest {
            form: "test-2",
            ..page.clone()
        },
        PageRequest {
            accept: "text/html",
            ..page.clone()
        },
    ] {
        assert!(bed.client().cached_now(&other).is_none());
    }
    let mut with_login = page.clone();
    with_login.url.set_username("me").expect("has a host");
    assert!(bed.client().cached_now(&with_login).is_some());
}

#[tokio::test]
async fn local_pages_are_read_anew_when_they_change() {
    let bed = Bed::new(|_| Reply::silence()).await;
    let path = bed.root().join("index.html");
    let page = PageRequest::new(
        Url::from_file_path(&path).expect("a path"),
        "text/html",
        "test-1",
    );
    let error = parsed(&bed.offline(), &page)
        .await
        .expect_err("is not there");
    insta::assert_snapshot!(bed.shown(&error), @"<cache>/index.html: cannot be read: No such file or directory (os error 2)");
    for text in ["one", "other"] {
        fs::write(&path, text).expect("writes");
        assert!(bed.client().cached_now(&page).is_none());
        let blob = parsed(&bed.offline(), &page).await.expect("is read");
        assert_eq!(&blob[..], format!("parsed:{text}").as_bytes());
        assert!(bed.client().cached_now(&page).is_some());
    }
    let folder = PageRequest {
        url: Url::from_file_path(bed.root()).expect("a path"),
        ..page
    };
    let error = parsed(&bed.client(), &folder)
        .await
        .expect_err("is a folder");
    insta::assert_snapshot!(bed.shown(&error), @"<cache>: not a regular file");
}
