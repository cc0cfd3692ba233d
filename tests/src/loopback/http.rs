//! The HTTP/1.1 server: a thread per connection, requests read, answers written, faults applied.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::answer::Answer;
use super::fault::{self, Fault};
use super::{Shared, Site};

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The status of the answer; 0 where none was sent.
    pub status: u16,
}

/// Starts the server on a free port of 127.0.0.1.
pub(crate) fn start<S: Site>(shared: Arc<Shared<S>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.world().closed {
                break;
            }
            if let Ok(stream) = stream {
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is its own affair.
                thread::spawn(move || serve(&stream, &shared).ok());
            }
        }
    });
    address
}

/// Answers a connection's requests until one side has had enough.
fn serve<S: Site>(stream: &TcpStream, shared: &Shared<S>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read_request(&mut reader)? {
        let fault;
        let answer;
        {
            let mut world = shared.world();
            if world.closed {
                break;
            }
            fault = fault::take(&mut world.faults, &request.path);
            answer = respond(&world.site, &request, fault.as_ref());
            request.status = if fault == Some(Fault::Hang) {
                0
            } else {
                answer.status
            };
            world.log.push(request.clone());
        }
        if !write_answer(stream, &request, &answer, fault.as_ref(), shared)? {
            break;
        }
    }
    stream.shutdown(Shutdown::Both)
}

/// The answer's head and body, faults of content included.
fn respond(site: &impl Site, request: &Request, fault: Option<&Fault>) -> Answer {
    match fault {
        Some(Fault::Status(status)) => Answer::plain(*status, "a fault on purpose\n"),
        Some(Fault::TooManyRequests { retry_after }) => {
            Answer::plain(429, "slow down\n").with("Retry-After", &retry_after.to_string())
        }
        Some(Fault::Redirect(location)) => Answer::plain(302, "").with("Location", location),
        Some(Fault::LoginPage) => Answer::plain(
            200,
            "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action=\"/login\">\
             <input name=\"password\" type=\"password\"></form></body></html>",
        )
        .with("Content-Type", "text/html; charset=utf-8"),
        Some(Fault::WrongBytes) => {
            let mut answer = site.answer(request);
            answer.body.iter_mut().for_each(|byte| *byte ^= 0x55);
            answer
        }
        Some(Fault::Truncated) => {
            let mut answer = site.answer(request);
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        Some(Fault::Hang | Fault::ResetMidBody | Fault::Slow { .. }) | None => site.answer(request),
    }
}

/// Writes an answer; `false` when the connection is over.
fn write_answer<S: Site>(
    mut stream: &TcpStream,
    request: &Request,
    answer: &Answer,
    fault: Option<&Fault>,
    shared: &Shared<S>,
) -> io::Result<bool> {
    if fault == Some(&Fault::Hang) {
        while !shared.world().closed {
            thread::sleep(Duration::from_millis(50));
        }
        return Ok(false);
    }
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, answer.reason());
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
    stream.write_all(head.as_bytes())?;
    let closes = request.headers.get("connection").map(String::as_str) == Some("close");
    if request.method == "HEAD" || answer.status == 304 {
        return Ok(!closes);
    }
    match fault {
        Some(Fault::ResetMidBody) => {
            stream.write_all(&answer.body[..answer.body.len() / 2])?;
            return Ok(false);
        }
        Some(Fault::Slow { piece, pause }) => {
            for piece in answer.body.chunks(*piece) {
                stream.write_all(piece)?;
                thread::sleep(*pause);
            }
        }
        _ => stream.write_all(&answer.body)?,
    }
    Ok(!closes)
}

/// Reads a request's head, and its body to throw it away; `None` at the connection's end.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: BTreeMap::new(),
        status: 0,
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(Some(request))
}
