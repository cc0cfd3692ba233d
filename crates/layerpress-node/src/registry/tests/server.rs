//! A registry on the loopback address that gives what a test put there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;

/// What the server gives under one path.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    etag: Option<&'static str>,
    token: Option<&'static str>,
}

/// A 200 with this body.
pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status: 200,
        body: body.into(),
        ..Answer::default()
    }
}

/// A status without a body.
pub(crate) fn status(status: u16) -> Answer {
    Answer {
        status,
        ..Answer::default()
    }
}

impl Answer {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Answers 304 to who has this tag already.
    pub(crate) fn etag(mut self, tag: &'static str) -> Self {
        self.etag = Some(tag);
        self.header("ETag", tag)
    }

    /// Answers 401 to who does not send this `Authorization`.
    pub(crate) fn only_with(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    pub(crate) fn gzipped(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body).expect("in memory");
        self.body = encoder.finish().expect("in memory");
        self.header("Content-Encoding", "gzip")
    }
}

/// A server that answers from a table, 404 for all else, and writes down what it was asked.
pub(crate) struct Server {
    pub(crate) url: Url,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let server = Self {
            url: Url::parse(&format!("http://{address}/")).expect("valid"),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let (answers, asked) = (Arc::clone(&server.answers), Arc::clone(&server.asked));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &answers, &asked));
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.url.join(path).expect("valid")
    }

    pub(crate) fn put(&self, path: &str, answer: Answer) {
        self.answers
            .lock()
            .expect("whole")
            .insert(path.to_owned(), answer);
    }

    /// Puts a packument of versions, each with more fields of its manifest, the last one `latest`.
    pub(crate) fn package(&self, name: &str, versions: &[(&str, &str)]) {
        let path = format!("/{}", name.replace('/', "%2f"));
        self.put(&path, ok(self.packument(name, versions)));
    }

    pub(crate) fn packument(&self, name: &str, versions: &[(&str, &str)]) -> String {
        let base = name.rsplit('/').next().unwrap_or_default();
        let version = |(version, fields): &(&str, &str)| {
            let comma = if fields.is_empty() { "" } else { ", " };
            let tarball = self.url(&format!("{name}/-/{base}-{version}.tgz"));
            format!(
                r#""{version}": {{"name": "{name}", "version": "{version}", "dist": {{"tarball": "{tarball}"}}{comma}{fields}}}"#
            )
        };
        let all: Vec<String> = versions.iter().map(version).collect();
        let latest = versions.last().map_or("", |(version, _)| version);
        let all = all.join(", ");
        format!(
            r#"{{"name": "{name}", "dist-tags": {{"latest": "{latest}"}}, "versions": {{{all}}}}}"#
        )
    }

    /// What was asked since the last time, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().expect("whole"));
        asked.sort();
        asked
    }
}

fn serve(
    stream: TcpStream,
    answers: &Mutex<BTreeMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = String::new();
        reader
            .read_line(&mut request)
            .ok()
            .filter(|count| *count > 0)?;
        let path = request.split(' ').nth(1)?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut said = path.clone();
        if headers
            .get("accept")
            .is_some_and(|accept| !accept.contains("install-v1"))
        {
            said.push_str(" full");
        }
        if headers.contains_key("if-none-match") {
            said.push_str(" again");
        }
        if let Some(token) = headers.get("authorization") {
            said.push_str(&format!(" with {token}"));
        }
        asked.lock().expect("whole").push(said);
        let answer = answers.lock().expect("whole").get(&path).cloned();
        let mut answer = answer.unwrap_or_else(|| status(404));
        if answer.token.is_some_and(|token| {
            headers
                .get("authorization")
                .is_none_or(|sent| sent != token)
        }) {
            answer = status(401);
        } else if answer
            .etag
            .is_some_and(|tag| headers.get("if-none-match").is_some_and(|sent| sent == tag))
        {
            answer.status = 304;
            answer.body.clear();
        }
        let mut head = format!(
            "HTTP/1.1 {} OK\r\nContent-Length: {}\r\n",
            answer.status,
            answer.body.len()
        );
        for (name, value) in &answer.headers {
            write!(head, "{name}: {value}\r\n").ok()?;
        }
        head.push_str("\r\n");
        let stream = reader.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&answer.body).ok()?;
    }
}
