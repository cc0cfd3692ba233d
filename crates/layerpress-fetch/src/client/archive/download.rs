//! One download: tries, resuming where the last one broke off, and the final check.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap};

use super::sink::{Closed, Sink};
use super::{Announced, ArchiveRequest};
use crate::client::range::ContentRange;
use crate::client::retry::{Fault, Tries};
use crate::client::send::{Answer, Ask};
use crate::client::{Client, beside_others, set};
use crate::error::FetchError;
use crate::freshness::{Freshness, Keep};
use crate::redact::redacted;
use crate::store::{Finished, StoredArchive};

/// After so many bytes more than ever before, earlier failures no longer count: a line that breaks
/// now and then still gets a large file across.
const PROGRESS: u64 = 1 << 20;

/// How far a file may exceed its announced size, besides being twice as large: indexes err, and its
/// digest has the last word. It keeps an endless answer from filling the disk.
const SLACK: u64 = 1 << 20;

/// What is known about a download between its tries.
#[derive(Default)]
struct State {
    /// How many bytes the sink holds.
    received: u64,
    /// The most bytes it ever held when a try failed.
    furthest: u64,
    /// Whether the server said that it serves parts.
    parts: bool,
    /// What it proves an unchanged file by.
    validator: Option<String>,
    /// It says that this is a web page.
    html: bool,
    freshness: Option<Freshness>,
}

impl Client {
    pub(super) async fn download(
        &self,
        request: &ArchiveRequest,
    ) -> Result<StoredArchive, FetchError> {
        let announced = Announced::new(self, &request.file_name);
        let receive = |anew| Receiving::new(self, request, &announced, anew).run();
        let (mut finished, mut state) = receive(false).await?;
        if finished.mismatch(&request.digests).is_some() {
            self.say_damaged(request, "the download of");
            (finished, state) = receive(true).await?;
        }
        if let Some((expected, found)) = finished.mismatch(&request.digests) {
            return Err(FetchError::Mismatch {
                url: redacted(&request.url),
                expected: expected.clone(),
                found,
                html: state.html,
            });
        }
        beside_others(|| self.accept(request, finished, state.freshness))
    }
}

/// An archive on its way into the store.
struct Receiving<'a> {
    client: &'a Client,
    request: &'a ArchiveRequest,
    announced: &'a Announced<'a>,
    /// Caches on the way are asked to step aside.
    anew: bool,
    sink: Sink,
    state: State,
}

impl<'a> Receiving<'a> {
    fn new(
        client: &'a Client,
        request: &'a ArchiveRequest,
        announced: &'a Announced<'a>,
        anew: bool,
    ) -> Self {
        Self {
            client,
            request,
            announced,
            anew,
            sink: Sink::new(client.store(), request.other_algorithms()),
            state: State::default(),
        }
    }

    /// Gives all bytes of the archive, whatever they are.
    async fn run(mut self) -> Result<(Finished, State), FetchError> {
        let came = self.try_often().await;
        // In any case: when it failed, its unfinished file is gone before anybody hears of it, and
        // when the sink itself gave up, its error is the one that counts.
        let finished = self.sink.finish().await;
        came?;
        Ok((finished?, self.state))
    }

    async fn try_often(&mut self) -> Result<(), FetchError> {
        let mut tries = Tries::new(&self.client.shared.options.retries);
        loop {
            let Err(fault) = self.try_once().await else {
                return Ok(());
            };
            if self.state.received >= self.state.furthest + PROGRESS {
                self.state.furthest = self.state.received;
                tries.progressed();
            }
            tokio::time::sleep(tries.again(fault)?).await;
        }
    }

    /// Ends well when all bytes are in the sink, or when the sink takes no more.
    async fn try_once(&mut self) -> Result<(), Fault> {
        let resuming = self.state.may_resume(self.request);
        let ask = Ask {
            url: self.request.url.clone(),
            headers: self.state.headers(resuming, self.anew),
        };
        let answer = self.client.send(&ask, &self.client.shared.permits).await?;
        match self.state.meets(&answer, resuming) {
            Part::Rest => {}
            Part::Whole => {
                self.announced
                    .begin(self.request.size.or(answer.body.announced()));
                if self.restart(&answer).await.is_err() {
                    return Ok(());
                }
            }
            Part::Useless => {
                self.state.forget_parts();
                return Err(self.broken(&answer, "another part came than was asked for"));
            }
            Part::Refused => {
                return Err(Fault::Lasting(FetchError::Status {
                    url: answer.body.shown().to_owned(),
                    status: answer.status.as_u16(),
                }));
            }
        }
        self.take(answer).await
    }

    async fn take(&mut self, mut answer: Answer<'_>) -> Result<(), Fault> {
        let most = self.client.shared.options.max_archive_bytes;
        let limit = self.request.size.map_or(most, |size| {
            most.min(size.saturating_mul(2).saturating_add(SLACK))
        });
        while let Some(piece) = answer.body.next().await? {
            self.state.received += piece.len() as u64;
            if self.state.received > limit {
                return Err(Fault::Lasting(FetchError::TooLarge {
                    url: answer.body.shown().to_owned(),
                    limit,
                }));
            }
            if self.sink.take(piece).await.is_err() {
                return Ok(());
            }
            self.announced.reached(self.state.received);
        }
        // Without an announced length an answer cut short looks like a whole one.
        let unannounced = answer.body.announced().is_none();
        let expected = self.request.size.unwrap_or(0);
        if unannounced && self.state.received < expected {
            return Err(self.broken(&answer, "it is shorter than the index says"));
        }
        Ok(())
    }

    /// The file comes from its beginning.
    async fn restart(&mut self, answer: &Answer<'_>) -> Result<(), Closed> {
        if self.state.received > 0 {
            self.state.received = 0;
            self.sink.restart().await?;
        }
        let now = self.client.shared.options.clock.now_millis();
        self.state.learn(&answer.headers, now);
        Ok(())
    }

    fn broken(&self, answer: &Answer<'_>, cause: &str) -> Fault {
        Fault::passing(FetchError::Interrupted {
            url: answer.body.shown().to_owned(),
            received: self.state.received,
            cause: cause.to_owned(),
        })
    }
}

/// What an answer holds of the file.
enum Part {
    Whole,
    Rest,
    Useless,
    Refused,
}

impl State {
    /// Whether the rest alone can be asked for. Without anything that proves the file unchanged,
    /// only if a digest tells in the end whether the halves belong together.
    fn may_resume(&self, request: &ArchiveRequest) -> bool {
        self.received > 0
            && (self.validator.is_some() || (self.parts && !request.digests.is_empty()))
    }

    fn headers(&self, resuming: bool, anew: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, header::ACCEPT_ENCODING, "identity");
        if anew {
            set(&mut headers, header::CACHE_CONTROL, "no-cache");
        }
        if resuming {
            set(
                &mut headers,
                header::RANGE,
                &format!("bytes={}-", self.received),
            );
            if let Some(validator) = &self.validator {
                set(&mut headers, header::IF_RANGE, validator);
            }
        }
        headers
    }

    fn meets(&self, answer: &Answer<'_>, resuming: bool) -> Part {
        match answer.status {
            StatusCode::OK => Part::Whole,
            StatusCode::PARTIAL_CONTENT if resuming => {
                let part = ContentRange::of(&answer.headers);
                let rest = part
                    .is_some_and(|part| part.first == self.received && part.last + 1 == part.total);
                if rest { Part::Rest } else { Part::Useless }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if resuming => Part::Useless,
            _ => Part::Refused,
        }
    }

    fn learn(&mut self, headers: &HeaderMap, now: u64) {
        let text = |name| headers.get(name)?.to_str().ok();
        let (freshness, keep) = Freshness::of(headers, now);
        self.validator = freshness.strong_validator().map(str::to_owned);
        self.parts = text(header::ACCEPT_RANGES).is_some_and(|unit| unit.trim() == "bytes");
        self.html = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
        self.freshness = (keep == Keep::Yes).then_some(freshness);
    }

    fn forget_parts(&mut self) {
        self.validator = None;
        self.parts = false;
    }
}
