//! A server on the loopback address that gives what a test put there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use url::Url;

use crate::index::registry::lock;

/// What the server gives under one path.
#[derive(Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) ranges: bool,
}

/// A server that answers from a table, 404 for all else, and writes down what it was asked.
pub(super) struct Server {
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(answers: Vec<(&str, Answer)>) -> Self {
        let answers: BTreeMap<String, Answer> = answers
            .into_iter()
            .map(|(path, answer)| (path.to_owned(), answer))
            .collect();
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, log) = (Arc::new(answers), Arc::clone(&asked));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &answers, &log));
            }
        });
        let url = Url::parse(&format!("http://{address}/")).expect("valid");
        Self { url, asked }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.url.join(path).expect("valid")
    }

    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.asked))
    }
}

fn serve(
    stream: TcpStream,
    answers: &BTreeMap<String, Answer>,
    log: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|n| *n > 0)?;
        let path = request.split(' ').nth(1)?.to_owned();
        let mut range = None;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("range: bytes=") {
                range = Some(value.to_owned());
            }
        }
        let said = range.as_ref().map(|range| format!(" {range}"));
        lock(log).push(format!("{path}{}", said.unwrap_or_default()));
        let missing = Answer {
            status: 404,
            ..Answer::default()
        };
        let answer = answers.get(&path).unwrap_or(&missing);
        let size = answer.body.len();
        let mut head = String::new();
        let body = match range.filter(|_| answer.ranges) {
            Some(range) => {
                let (from, to) = range.split_once('-')?;
                let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
                    (Ok(from), to) => (from, to.map_or(size, |to| (to + 1).min(size))),
                    (Err(_), last) => (size.saturating_sub(last.ok()?), size),
                };
                write!(
                    head,
                    "HTTP/1.1 206 OK\r\nContent-Range: bytes {from}-{}/{size}\r\n",
                    to - 1
                )
                .ok()?;
                &answer.body[from..to]
            }
            None => {
                write!(head, "HTTP/1.1 {} OK\r\n", answer.status).ok()?;
                &answer.body[..]
            }
        };
        if !answer.content_type.is_empty() {
            write!(head, "Content-Type: {}\r\n", answer.content_type).ok()?;
        }
        write!(head, "Content-Length: {}\r\n\r\n", body.len()).ok()?;
        let stream = reader.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
    }
}

pub(super) fn page(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status: 200,
        content_type: "text/html",
        body: body.into(),
        ranges: false,
    }
}

pub(super) fn bytes(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        content_type: "application/octet-stream",
        ..page(body)
    }
}
