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

/// How a try ended that did not fail on the network.
enum End {
    Whole,
    SinkClosed,
}

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
        let (mut finished, mut state) = self.receive(request, &announced, false).await?;
        if finished.mismatch(&request.digests).is_some() {
            self.say_damaged(request, "the download of");
            (finished, state) = self.receive(request, &announced, true).await?;
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

    /// All bytes of the archive, whatever they are; `anew` asks caches on the way to step aside.
    async fn receive(
        &self,
        request: &ArchiveRequest,
        announced: &Announced<'_>,
        anew: bool,
    ) -> Result<(Finished, State), FetchError> {
        let sink = Sink::new(self.store(), request.other_algorithms());
        let mut state = State::default();
        let mut tries = Tries::new(&self.shared.options.retries);
        loop {
            let fault = match self
                .try_once(request, announced, anew, &sink, &mut state)
                .await
            {
                Ok(End::Whole) => return Ok((sink.finish().await?, state)),
                Ok(End::SinkClosed) => {
                    // It ended early, so this is its error.
                    return Ok((sink.finish().await?, state));
                }
                Err(fault) => fault,
            };
            if state.received >= state.furthest + PROGRESS {
                state.furthest = state.received;
                tries.progressed();
            }
            tokio::time::sleep(tries.again(fault)?).await;
        }
    }

    async fn try_once(
        &self,
        request: &ArchiveRequest,
        announced: &Announced<'_>,
        anew: bool,
        sink: &Sink,
        state: &mut State,
    ) -> Result<End, Fault> {
        let resuming = state.may_resume(request);
        let ask = Ask {
            url: request.url.clone(),
            headers: state.headers(resuming, anew),
        };
        let mut answer = self.send(&ask).await?;
        match state.meets(&answer, resuming) {
            Part::Rest => {}
            Part::Whole => {
                announced.begin(request.size.or(answer.body.announced()));
                if state.restart(&answer, sink, self).await.is_err() {
                    return Ok(End::SinkClosed);
                }
            }
            Part::Useless => {
                state.forget_parts();
                return Err(broken(
                    &answer,
                    state,
                    "another part came than was asked for",
                ));
            }
            Part::Refused => {
                return Err(Fault::Lasting(FetchError::Status {
                    url: answer.body.shown().to_owned(),
                    status: answer.status.as_u16(),
                }));
            }
        }
        let limit = self.shared.options.max_archive_bytes;
        while let Some(piece) = answer.body.next().await? {
            let count = piece.len() as u64;
            state.received += count;
            if state.received > limit {
                return Err(Fault::Lasting(FetchError::TooLarge {
                    url: answer.body.shown().to_owned(),
                    limit,
                }));
            }
            if sink.take(piece).await.is_err() {
                return Ok(End::SinkClosed);
            }
            announced.reached(state.received);
        }
        // Without an announced length an answer cut short looks like a whole one.
        let unannounced = answer.body.announced().is_none();
        if unannounced && request.size.is_some_and(|size| state.received < size) {
            return Err(broken(&answer, state, "it is shorter than the index says"));
        }
        Ok(End::Whole)
    }
}

fn broken(answer: &Answer<'_>, state: &State, cause: &str) -> Fault {
    Fault::passing(FetchError::Interrupted {
        url: answer.body.shown().to_owned(),
        received: state.received,
        cause: cause.to_owned(),
    })
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

    /// The file comes from its beginning.
    async fn restart(
        &mut self,
        answer: &Answer<'_>,
        sink: &Sink,
        client: &Client,
    ) -> Result<(), Closed> {
        if self.received > 0 {
            self.received = 0;
            sink.restart().await?;
        }
        let text = |name| answer.headers.get(name)?.to_str().ok();
        let now = client.shared.options.clock.now_millis();
        let (freshness, keep) = Freshness::of(&answer.headers, now);
        self.validator = freshness.strong_validator().map(str::to_owned);
        self.parts = text(header::ACCEPT_RANGES).is_some_and(|unit| unit.trim() == "bytes");
        self.html = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
        self.freshness = (keep == Keep::Yes).then_some(freshness);
        Ok(())
    }

    fn forget_parts(&mut self) {
        self.validator = None;
        self.parts = false;
    }
}
