//! [`Sink`]: the thread on which an arriving archive is hashed and written.

use bytes::Bytes;
use layerpress_tree::Algorithm;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::StoreError;
use crate::store::{ArchiveWriter, Finished, Store};

/// How many pieces may wait for the disk; a piece is 16 KiB as a rule.
const WAITING: usize = 32;

/// Where an archive's pieces go. Dropping it unfinished leaves nothing behind.
#[derive(Debug)]
pub(super) struct Sink {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<Finished, StoreError>>,
}

#[derive(Debug)]
enum Piece {
    Next(Bytes),
    Restart,
}

/// The thread has ended early; [`Sink::finish`] tells why.
#[derive(Debug)]
pub(super) struct Closed;

impl Sink {
    pub(super) fn new(store: &Store, also: Vec<Algorithm>) -> Self {
        let (pieces, mut arriving) = mpsc::channel(WAITING);
        let store = store.clone();
        let thread = tokio::task::spawn_blocking(move || {
            let mut writer = ArchiveWriter::new(&store, &also)?;
            while let Some(piece) = arriving.blocking_recv() {
                match piece {
                    Piece::Next(bytes) => writer.write(&bytes)?,
                    Piece::Restart => writer.restart()?,
                }
            }
            Ok(writer.finish())
        });
        Self { pieces, thread }
    }

    pub(super) async fn take(&self, bytes: Bytes) -> Result<(), Closed> {
        self.send(Piece::Next(bytes)).await
    }

    /// Forgets everything taken so far.
    pub(super) async fn restart(&self) -> Result<(), Closed> {
        self.send(Piece::Restart).await
    }

    /// All pieces have come.
    pub(super) async fn finish(self) -> Result<Finished, StoreError> {
        drop(self.pieces);
        match self.thread.await {
            Ok(finished) => finished,
            // The runtime is shutting down and nobody waits for the result any more.
            Err(error) if error.is_cancelled() => Err(StoreError::Input {
                source: std::sync::Arc::new(std::io::ErrorKind::Interrupted.into()),
            }),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn send(&self, piece: Piece) -> Result<(), Closed> {
        self.pieces.send(piece).await.map_err(|_| Closed)
    }
}
