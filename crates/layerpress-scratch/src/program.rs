//! [`Program`]: a program started by this one that must not outlive it.

use std::io;

use crate::list::{LIST, Listing, Thing};

/// A started program, in a process group of its own with all that it starts itself.
#[derive(Debug)]
pub struct Program {
    listing: Listing,
    group: u32,
}

impl Program {
    /// Starts a program; `start` must make it the leader of a new process group, and `id` tell its
    /// process.
    ///
    /// From then on [`remove_all`](crate::remove_all) ends it, until the value is dropped.
    ///
    /// # Errors
    /// Those of `start`, or [`io::ErrorKind::Interrupted`] after
    /// [`remove_all`](crate::remove_all).
    pub fn start<T>(
        start: impl FnOnce() -> io::Result<T>,
        id: impl FnOnce(&T) -> Option<u32>,
    ) -> io::Result<(T, Self)> {
        let mut group = 0;
        let (started, listing) = LIST.begin(start, |started| {
            group = id(started).unwrap_or_default();
            Thing::Group(group)
        })?;
        Ok((started, Self { listing, group }))
    }

    /// Ends it, and all that it started.
    pub fn end(self) {
        end(self.group);
        drop(self.listing);
    }
}

/// Ends a process group at once; 0, which no program has, is none.
#[cfg(unix)]
pub(crate) fn end(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(group).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Where there are no process groups, programs end by themselves.
#[cfg(not(unix))]
pub(crate) fn end(_: u32) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::Command;

    #[test]
    fn a_program_ends_with_its_group() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & wait"]).process_group(0);
        let start = || shell.spawn();
        let (mut child, program) = Program::start(start, |child| Some(child.id())).expect("starts");
        program.end();
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(9));
    }
}
