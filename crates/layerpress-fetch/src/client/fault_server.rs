//! A loopback HTTP/1.1 server that misbehaves on request. One request per connection.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Without the query.
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// How many requests for this path came before it.
    pub(super) earlier: usize,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Where `Range: bytes=N-` begins.
    pub(super) fn range_start(&self) -> Option<usize> {
        let range = self.header("range").strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// What to answer, and how badly.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How many bytes of the body come before the connection is reset.
    cut_at: Option<usize>,
    /// Neither length nor chunks: the body ends where the connection does.
    unannounced: bool,
    /// The body comes in pieces of so many bytes with such waits between.
    pace: Option<(usize, Duration)>,
    /// Nothing is sent before this has a permit.
    gate: Option<Arc<Semaphore>>,
    silent: bool,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            cut_at: None,
            unannounced: false,
            pace: None,
            gate: None,
            silent: false,
        }
    }

    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    /// The connection stays open and nothing ever comes.
    pub(super) fn silence() -> Self {
        Self {
            silent: true,
            ..Self::new(200, [])
        }
    }

    pub(super) fn redirect(to: &str) -> Self {
        Self::new(302, []).with("Location", to)
    }

    /// The rest of `whole` from `start` on, as a 206.
    pub(super) fn part(whole: &[u8], start: usize) -> Self {
        let range = format!("bytes {start}-{}/{}", whole.len() - 1, whole.len());
        Self::new(206, &whole[start..]).with("Content-Range", &range)
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(super) fn cut_at(mut self, bytes: usize) -> Self {
        self.cut_at = Some(bytes);
        self
    }

    pub(super) fn unannounced(mut self) -> Self {
        self.unannounced = true;
        self
    }

    pub(super) fn paced(mut self, piece: usize, wait: Duration) -> Self {
        self.pace = Some((piece, wait));
        self
    }

    /// Waits for a permit, and leaves it there for others.
    pub(super) fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }
}

/// The server; it stops with the test's runtime.
#[derive(Debug)]
pub(super) struct FaultServer {
    base: Url,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl FaultServer {
    pub(super) async fn start(
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> FaultServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = FaultServer {
            base: Url::parse(&format!("http://{address}/")).expect("a URL"),
            seen: Arc::clone(&seen),
        };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            let mut counts = HashMap::<String, usize>::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(mut request) = read_request(&mut stream).await else {
                    continue;
                };
                let count = counts.entry(request.path.clone()).or_default();
                request.earlier = *count;
                *count += 1;
                seen.lock().expect("lives").push(request.clone());
                let reply = answer(&request);
                // The client may hang up at any time.
                tokio::spawn(async move { write_reply(stream, reply).await.ok() });
            }
        });
        server
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.base.join(path).expect("a URL")
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("lives").clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split([' ', '?']).nth(1));
    Ok(Request {
        path: path.unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        earlier: 0,
    })
}

async fn write_reply(mut stream: TcpStream, reply: Reply) -> io::Result<()> {
    if reply.silent {
        tokio::time::sleep(Duration::from_secs(60)).await;
        return Ok(());
    }
    if let Some(gate) = &reply.gate {
        let _passed = gate.acquire().await;
    }
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !reply.unannounced && reply.status != 304 {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    stream.write_all((head + "\r\n").as_bytes()).await?;
    let body = &reply.body[..reply.cut_at.unwrap_or(reply.body.len())];
    let (piece, wait) = reply.pace.unwrap_or((usize::MAX, Duration::ZERO));
    for piece in body.chunks(piece) {
        stream.write_all(piece).await?;
        tokio::time::sleep(wait).await;
    }
    if reply.cut_at.is_some() {
        // Let what was sent arrive, since a reset overtakes it.
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.set_zero_linger()?;
    }
    Ok(())
}
