//! [`Session`]: what all stages of one command share — the client, the runtime, the reporter.

use std::sync::Arc;
use std::time::Duration;

use layerpress_fetch::{Client, ClientOptions, Credentials, Event, Reporter, Stage, Store};
use layerpress_target::Target;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::error::CompileError;
use crate::request::Sources;

/// How long the end of a command waits for threads that are still at work: time to finish a file, but
/// not for a look-up of a host that nobody needs any more.
const PATIENCE: Duration = Duration::from_millis(200);

/// What all stages of one command share.
#[derive(Debug)]
pub(crate) struct Session {
    /// Fetches what the store does not hold.
    pub client: Client,
    /// There until the value is dropped.
    runtime: Option<Runtime>,
    trusted_hosts: Vec<String>,
}

impl Session {
    /// Opens the store and makes ready to fetch; nothing is asked yet.
    ///
    /// # Errors
    /// A store that cannot be opened, or a system without threads.
    pub(crate) fn open(
        sources: &Sources,
        trusted_hosts: Vec<String>,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Self, CompileError> {
        let store = Store::open(&sources.cache_dir)?;
        store.keep_in_use();
        let options = ClientOptions {
            offline: sources.offline,
            refresh: sources.refresh,
            credentials: credentials(sources, &*reporter),
            extra_certificates: sources.certificates.clone(),
            trusted_hosts: trusted_hosts.clone(),
            proxy: sources.proxy.clone(),
            no_proxy: sources.no_proxy.clone(),
            turns: sources.jobs.get(),
            ..ClientOptions::default()
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(sources.jobs.get())
            .thread_name("network")
            .enable_all()
            .build()
            .map_err(|source| CompileError::Runtime { source })?;
        Ok(Self {
            client: Client::new(options, store, reporter),
            runtime: Some(runtime),
            trusted_hosts,
        })
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        self.client.store()
    }

    /// The hosts whose certificates are not checked.
    pub(crate) fn trusted_hosts(&self) -> &[String] {
        &self.trusted_hosts
    }

    /// Where events go.
    pub(crate) fn reporter(&self) -> &dyn Reporter {
        self.client.reporter()
    }

    /// Says that a stage begins for `target`; that it has ended is said when the value is dropped.
    pub(crate) fn stage(&self, stage: Stage, target: Target) -> Running<'_> {
        let subject = target.to_string();
        self.reporter()
            .report(Event::StageStarted { stage, subject });
        Running {
            reporter: self.reporter(),
            stage,
        }
    }

    /// Warns of each of `messages`.
    pub(crate) fn warn_all(&self, messages: impl IntoIterator<Item = String>) {
        for message in messages {
            self.reporter().warn(message);
        }
    }

    /// Warns that what the store held of an archive is damaged, and was forgotten.
    pub(crate) fn say_damaged(&self, archive: &str) {
        let instead = if self.client.offline() {
            ""
        } else {
            "; fetching it again"
        };
        self.reporter().warn(format!(
            "the cached copy of `{archive}` is damaged{instead}"
        ));
    }

    /// Warns, once, if something could not be kept in the store.
    pub(crate) fn say_unkept(&self) {
        self.client.settle();
        if let Some(error) = self.store().unkept() {
            self.client.say_unkept(error);
        }
    }

    /// Runs the part of a stage that waits for the network.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref();
        runtime
            .expect("it is taken out by `drop` alone")
            .block_on(work)
    }

    /// Lets the client know the logins that URLs of indexes and archives carry.
    pub(crate) fn learn_logins<'a>(&self, urls: impl IntoIterator<Item = &'a Url>) {
        for url in urls {
            self.client.credentials().add_url(url);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.client.settle();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

/// A stage under way.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    reporter: &'a dyn Reporter,
    stage: Stage,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.reporter
            .report(Event::StageFinished { stage: self.stage });
    }
}

fn credentials(sources: &Sources, reporter: &dyn Reporter) -> Credentials {
    let mut credentials = Credentials::new();
    let refused = match &sources.netrc {
        None => None,
        Some(Ok(text)) => credentials.add_netrc(text).err().map(|it| it.to_string()),
        Some(Err(fault)) => Some(fault.clone()),
    };
    if let Some(fault) = refused {
        reporter.report(Event::Warning {
            message: format!("netrc: {fault}"),
            hint: Some("passwords in it are not used".into()),
        });
    }
    if sources.keyring {
        credentials.use_keyring("keyring");
    }
    for login in &sources.logins {
        credentials.add(&login.url, &login.user, login.password.as_deref());
    }
    credentials
}
