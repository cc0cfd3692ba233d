//! What holds for every request: tries, timeouts, redirects, credentials, parts of files.

use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::{ErrorKind, RangeSpec};

async fn fetched(client: &Client, url: &Url) -> Result<Bytes, FetchError> {
    client.bytes(url, 1 << 20).await
}

#[tokio::test]
async fn a_failing_server_is_asked_three_times() {
    let bed = Bed::new(|request| match (request.path.as_str(), request.earlier) {
        ("/once", 0) => Reply::new(429, []).with("Retry-After", "0"),
        ("/twice", 0) => Reply::new(500, []),
        ("/twice", 1) => Reply::ok("half").cut_at(2),
        ("/always", _) => Reply::new(503, []),
        ("/later", _) => Reply::new(429, []).with("Retry-After", "3600"),
        ("/never", _) => Reply::new(403, []),
        _ => Reply::ok("x"),
    })
    .await;
    let client = bed.client();
    for path in ["once", "twice"] {
        fetched(&client, &bed.server.url(path))
            .await
            .expect("comes in the end");
    }
    assert_eq!(bed.requests(), 2 + 3);
    let mut errors = Vec::new();
    for path in ["always?token=hush", "later", "never"] {
        let before = bed.requests();
        let error = fetched(&client, &bed.server.url(path))
            .await
            .expect_err("fails");
        assert_eq!(error.kind(), ErrorKind::Network);
        errors.push(format!(
            "{} tries: {}",
            bed.requests() - before,
            bed.shown(&error)
        ));
    }
    insta::assert_snapshot!(errors.join("\n"), @r"
    3 tries: `http://server/always?...`: the server failed (503)
    hint: try again later; what was fetched already stays in the cache
    1 tries: `http://server/later`: the server answered 429 and asks to wait 3600 s; no more than 60 s are waited
    hint: try again later; what was fetched already stays in the cache
    1 tries: `http://server/never`: the server refuses access (403)
    hint: give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`
    ");
}

#[tokio::test]
async fn silence_ends_soon() {
    let bed = Bed::new(|_| Reply::silence()).await;
    let began = Instant::now();
    let error = fetched(&bed.impatient(), &bed.server.url("a"))
        .await
        .expect_err("fails");
    assert!(began.elapsed() < 10 * PATIENCE, "{:?}", began.elapsed());
    assert_eq!(bed.requests(), 2);
    insta::assert_snapshot!(bed.shown(&error), @r"
    `http://server/a`: no answer within 0.3 s
    hint: try again; what was fetched already stays in the cache
    ");
}

#[test]
fn the_defaults_give_up_on_silence_within_25_seconds() {
    let options = ClientOptions::default();
    let tries = options.retries.silent_tries;
    let waits = options.retries.backoff * (tries - 1);
    assert!(options.timeouts.answer * tries + waits <= Duration::from_secs(25));
    assert!(options.timeouts.connect <= options.timeouts.answer);
}

#[tokio::test]
async fn standing_still_and_creeping_are_dead_but_slow_is_not() {
    let bed = Bed::new(|request| match request.path.as_str() {
        "/still" => Reply::ok(vec![0; 100]).paced(99, Duration::from_secs(60)),
        "/creep" => Reply::ok(vec![0; 100]).paced(1, PATIENCE / 3),
        _ => Reply::ok(vec![0; 4_000]).paced(500, PATIENCE / 3),
    })
    .await;
    let client = bed.impatient();
    let mut errors = Vec::new();
    for path in ["still", "creep"] {
        let error = fetched(&client, &bed.server.url(path))
            .await
            .expect_err("fails");
        let text = bed.shown(&error);
        errors.push(text.replace(|letter: char| letter.is_ascii_digit(), "#"));
    }
    assert_eq!(bed.requests(), 4);
    insta::assert_snapshot!(errors.join("\n"), @r"
    `http://server/still`: the answer stopped coming after ## bytes
    hint: try again; what was fetched already stays in the cache
    `http://server/creep`: the answer stopped coming after # bytes
    hint: try again; what was fetched already stays in the cache
    ");
    let slow = fetched(&client, &bed.server.url("slow"))
        .await
        .expect("is slow only");
    assert_eq!(slow.len(), 4_000);
}

#[tokio::test]
async fn silence_is_forgiven_while_others_keep_a_slow_line_busy() {
    let bed = Bed::new(|request| match request.path.as_str() {
        "/busy" => Reply::ok(vec![0; 60_000]).paced(2_000, PATIENCE / 6),
        _ => Reply::ok("xy").paced(1, 3 * PATIENCE),
    })
    .await;
    let client = bed.impatient();
    let (busy, starved) = (bed.server.url("busy"), bed.server.url("starved"));
    let (busy, starved) = tokio::join!(fetched(&client, &busy), fetched(&client, &starved));
    busy.expect("comes");
    starved.expect("comes in the end");
    assert_eq!(bed.requests(), 2);
}

#[tokio::test]
async fn nobody_at_the_door() {
    let bed = Bed::new(|_| Reply::silence()).await;
    // Bound and dropped: nothing listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = free.local_addr().expect("has one").to_string();
    drop(free);
    let url = Url::parse(&format!("http://me:hush@{address}/a")).expect("a URL");
    let error = fetched(&bed.client(), &url).await.expect_err("fails");
    let text = bed.shown(&error).replace(&address, "nobody");
    insta::assert_snapshot!(text, @r"
    `http://nobody/a`: cannot connect: tcp connect error: Connection refused (os error 111)
    hint: check the address, the network and `HTTPS_PROXY`
    ");
}

#[tokio::test]
async fn other_schemes_and_endless_redirects_are_refused() {
    let bed = Bed::new(|request| Reply::redirect(&format!("{}x", request.path))).await;
    let client = bed.client();
    let error = fetched(&client, &bed.server.url("a"))
        .await
        .expect_err("never ends");
    assert_eq!(bed.requests(), 11);
    let ftp = Url::parse("ftp://h.example/a").expect("a URL");
    let other = fetched(&client, &ftp).await.expect_err("is refused");
    insta::assert_snapshot!([bed.shown(&error), bed.shown(&other)].join("\n"), @r"
    `http://server/a`: redirected more than 10 times
    hint: the server sends requests in a circle: check the address, and whether a login is asked for on the way
    `ftp://h.example/a`: `ftp` is not one of `https`, `http`, `file`
    ");
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let other = Bed::new(|_| Reply::ok("x")).await;
    let away = other.server.url("away");
    let lure = away.as_str().replace("http://", "http://me:hush@");
    let bed = Bed::new(move |request| match request.path.as_str() {
        "/away" => Reply::redirect(away.as_str()),
        "/lure" => Reply::redirect(&lure),
        "/here" => Reply::redirect("/there"),
        _ => Reply::ok("x"),
    })
    .await;
    let login = |mut url: Url| {
        url.set_username("me").expect("has a host");
        url.set_password(Some("hush")).expect("has a host");
        url
    };
    let client = bed.client();
    // By the request's own URL: for that request and that origin only.
    fetched(&client, &login(bed.server.url("away")))
        .await
        .expect("comes");
    fetched(&client, &login(bed.server.url("plain")))
        .await
        .expect("comes");
    fetched(&client, &bed.server.url("plain"))
        .await
        .expect("comes");
    // Bound to the origin.
    client.credentials().add_url(&login(bed.server.url("/")));
    for path in ["away", "lure", "here"] {
        fetched(&client, &bed.server.url(path))
            .await
            .expect("comes");
    }
    let sent = |bed: &Bed| -> Vec<String> {
        let seen = bed.server.seen();
        let line =
            |request: &Request| format!("{} {}", request.path, request.header("authorization"));
        seen.iter().map(line).collect()
    };
    let basic = "Basic bWU6aHVzaA==";
    let expected = [
        format!("/away {basic}"),
        format!("/plain {basic}"),
        "/plain ".to_owned(),
        format!("/away {basic}"),
        format!("/lure {basic}"),
        format!("/here {basic}"),
        format!("/there {basic}"),
    ];
    assert_eq!(sent(&bed), expected);
    assert_eq!(sent(&other), ["/away "; 3]);
    assert!(!format!("{client:?}").contains("hush"));
}

#[tokio::test]
async fn a_page_teaches_the_credentials_of_its_origin() {
    let bed = Bed::new(|_| Reply::ok("x")).await;
    let client = bed.client();
    let mut page = bed.page("simple/a/");
    page.url.set_username("token").expect("has a host");
    parsed(&client, &page).await.expect("comes");
    fetched(&client, &bed.server.url("files/a.whl"))
        .await
        .expect("comes");
    for request in bed.server.seen() {
        assert_eq!(request.header("authorization"), "Basic dG9rZW46");
        assert_eq!(
            request.header("user-agent"),
            concat!("layerpress/", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[tokio::test]
async fn parts_of_files() {
    let bed = Bed::new(
        |request| match (request.path.as_str(), request.header("range")) {
            ("/parts", "bytes=-4") => Reply::new(206, "6789").with("Content-Range", "bytes 6-9/10"),
            ("/parts", "bytes=2-4") => Reply::new(206, "234").with("Content-Range", "bytes 2-4/10"),
            ("/parts", "bytes=8-12") => Reply::new(206, "89").with("Content-Range", "bytes 8-9/10"),
            ("/lies", _) => Reply::new(206, "012").with("Content-Range", "bytes 0-2/10"),
            ("/short", _) => Reply::new(206, "67").with("Content-Range", "bytes 6-9/10"),
            ("/beyond", _) => Reply::new(416, []).with("Content-Range", "bytes */10"),
            _ => Reply::ok("0123456789"),
        },
    )
    .await;
    let client = bed.client();
    let part = |start, length| RangeSpec::Part { start, length };
    for (spec, expected, start) in [
        (RangeSpec::Last(4), "6789", 6),
        (part(2, 3), "234", 2),
        (part(8, 5), "89", 8),
    ] {
        let got = client
            .range(&bed.server.url("parts"), spec)
            .await
            .expect("comes");
        assert_eq!(
            (&got.bytes[..], got.start, got.total),
            (expected.as_bytes(), start, 10)
        );
    }
    for path in ["whole", "lies", "beyond"] {
        let error = client
            .range(&bed.server.url(path), RangeSpec::Last(4))
            .await;
        let error = error.expect_err("is no part");
        assert!(
            matches!(error, FetchError::RangeUnsupported { .. }),
            "{path}: {error}"
        );
    }
    let error = client
        .range(&bed.server.url("short"), RangeSpec::Last(4))
        .await;
    insta::assert_snapshot!(bed.shown(&error.expect_err("is short")), @r"
    `http://server/short`: the answer broke off after 2 bytes: 4 bytes were announced
    hint: try again; what was fetched already stays in the cache
    ");

    let path = bed.root().join("file");
    std::fs::write(&path, "0123456789").expect("writes");
    let url = Url::from_file_path(path).expect("a path");
    let got = client
        .range(&url, RangeSpec::Last(4))
        .await
        .expect("is read");
    assert_eq!(
        (&got.bytes[..], got.start, got.total),
        (&b"6789"[..], 6, 10)
    );
    let got = client.range(&url, part(20, 4)).await.expect("is read");
    assert!(got.bytes.is_empty());
}

#[tokio::test]
async fn documents_are_bounded() {
    let bed = Bed::new(|_| Reply::ok(vec![0; 1000]).unannounced()).await;
    let client = bed.client();
    assert_eq!(
        client
            .bytes(&bed.server.url("a"), 1000)
            .await
            .expect("fits")
            .len(),
        1000
    );
    let error = client
        .bytes(&bed.server.url("a"), 999)
        .await
        .expect_err("is too large");
    assert_eq!(error.kind(), ErrorKind::Input);
    assert_eq!(bed.requests(), 2);
}

#[tokio::test]
async fn no_more_requests_at_once_than_allowed() {
    use std::sync::atomic::AtomicUsize;
    let bed = Bed::new(|_| Reply::ok("xy").paced(1, PATIENCE / 5)).await;
    let client = bed.client_with(ClientOptions {
        page_concurrency: 2,
        ..bed.options()
    });
    let most = AtomicUsize::new(0);
    let urls: Vec<Url> = (0..6).map(|n| bed.server.url(&n.to_string())).collect();
    let all = futures_util::future::join_all(urls.iter().map(|url| fetched(&client, url)));
    let watch = async {
        loop {
            let free = client.shared.page_permits.available_permits();
            most.fetch_max(2 - free, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        all = all => assert!(all.iter().all(Result::is_ok)),
        () = watch => {}
    }
    assert_eq!(most.into_inner(), 2);
}
