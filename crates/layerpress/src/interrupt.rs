//! Ctrl-C and SIGTERM: nothing half-written stays behind, and the exit code says who ended it.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::exit;

/// Waits for an interruption on a thread of its own; `clean_up` runs before the program ends with
/// [`exit::INTERRUPTED`].
///
/// Where signals cannot be waited for, the system's own way of ending a program stays in place.
pub(crate) fn install(clean_up: impl Fn() + Send + 'static) {
    let waiting = thread::Builder::new().name("interrupt".to_owned());
    let spawned = waiting.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        if let Ok(runtime) = runtime
            && let Some(code) = runtime.block_on(interrupted())
        {
            CAME.store(true, Ordering::SeqCst);
            clean_up();
            process::exit(i32::from(code));
        }
    });
    // A program that could not be given this thread still works, and ends at once when told to.
    drop(spawned);
}

/// Whether the program is being ended.
static CAME: AtomicBool = AtomicBool::new(false);

/// Leaves the end of the program to the interruption, if one came: what fails after that only fails
/// because of it.
pub(crate) fn yield_to() {
    while CAME.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// The exit code that the signal which came asks for; `None` if none can come.
#[cfg(unix)]
async fn interrupted() -> Option<u8> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut hang_up = signal(SignalKind::hangup()).ok()?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.ok().map(|()| exit::INTERRUPTED),
        _ = terminate.recv() => Some(exit::TERMINATED),
        _ = hang_up.recv() => Some(exit::HUNG_UP),
    }
}

/// The exit code that the interruption asks for; `None` if none can come.
#[cfg(not(unix))]
async fn interrupted() -> Option<u8> {
    tokio::signal::ctrl_c()
        .await
        .ok()
        .map(|()| exit::INTERRUPTED)
}
