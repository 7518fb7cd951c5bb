//! Free ports, and waiting until a server is ready, ended, or late.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use crate::{TestkitError, supervisor::Supervisor};

/// How long any awaited condition may take, seconds; generous, since a full machine is slow, not broken.
pub(crate) const DEADLINE_SECONDS: u64 = 60;

/// How often an awaited condition is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Ports tried before giving up when each is taken between our look and the server's.
const PORTS_TRIED: u32 = 5;

/// A loopback port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, TestkitError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(TestkitError::io("find a free port"))
}

/// Configures and starts the server on a free port, again with another one if it was taken meanwhile.
/// `ready` sees the server's process id. Answers the port.
pub(crate) fn launch(
    supervisor: &Supervisor,
    what: &str,
    configure: &dyn Fn(u16) -> Result<(), TestkitError>,
    ready: &dyn Fn(u32) -> bool,
) -> Result<u16, TestkitError> {
    let mut tried = 0;
    loop {
        let port = free_port()?;
        configure(port)?;
        tried += 1;
        match start_and_wait(supervisor, what, ready) {
            Ok(()) => return Ok(port),
            Err(TestkitError::Ended { log, .. })
                if tried < PORTS_TRIED && log.contains("Address already in use") => {}
            Err(error) => return Err(error),
        }
    }
}

/// Starts the server and waits until it is ready; an early end is noted and reported with its log.
pub(crate) fn start_and_wait(
    supervisor: &Supervisor,
    what: &str,
    ready: &dyn Fn(u32) -> bool,
) -> Result<(), TestkitError> {
    let written = supervisor.log_text().len();
    let pid = supervisor.start()?;
    let new_log = || supervisor.log_text().split_off(written);
    wait_until(&format!("{what} accepting connections"), &new_log, || {
        if ready(pid) {
            return Ok(true);
        }
        if has_ended(pid) {
            supervisor.reap()?;
            return Err(TestkitError::Ended { what: what.into(), log: new_log() });
        }
        Ok(false)
    })
}

/// Looks at a condition until it is true, fails, or the deadline passes; `seen` is told in the last case.
pub(crate) fn wait_until(
    what: &str,
    seen: &dyn Fn() -> String,
    mut condition: impl FnMut() -> Result<bool, TestkitError>,
) -> Result<(), TestkitError> {
    let begun = Instant::now();
    while !condition()? {
        if begun.elapsed() > Duration::from_secs(DEADLINE_SECONDS) {
            return Err(late(what, seen()));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// The error of a condition that did not come true in time.
pub(crate) fn late(what: &str, seen: String) -> TestkitError {
    TestkitError::Deadline { what: what.into(), seconds: DEADLINE_SECONDS, seen }
}

/// Whether a process is gone, or dead and only waiting for its parent to notice.
pub(crate) fn has_ended(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    let state = stat.rsplit(')').next().map(str::trim_start);
    state.is_none_or(|state| state.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, path::Path};

    use super::*;
    use crate::run_as::RunAs;

    /// A server that finds its first `taken` ports taken, and is ready once it has written `up`.
    fn picky(taken: u32) -> (Supervisor, Vec<u16>, Result<u16, TestkitError>) {
        let script = format!(
            "cd \"$0\"; echo try >>tries; if [ $(wc -l <tries) -le {taken} ]; then \
             echo 'bind: Address already in use'; exit 1; fi; : >up; exec sleep 1000"
        );
        let command = |folder: &Path| {
            vec!["/bin/sh".into(), "-c".into(), script.into(), folder.as_os_str().to_owned()]
        };
        let run_as = RunAs::current().unwrap();
        let supervisor = Supervisor::open("picky", run_as, "KILL", command).unwrap();
        let ports = RefCell::new(Vec::new());
        let note = |port| {
            ports.borrow_mut().push(port);
            Ok(())
        };
        let up = supervisor.folder().join("up");
        let launched = launch(&supervisor, "picky", &note, &|_| up.exists());
        (supervisor, ports.into_inner(), launched)
    }

    #[test]
    fn a_taken_port_is_answered_with_another_one() {
        let (supervisor, ports, launched) = picky(2);
        assert_eq!(ports.len(), 3);
        assert_eq!(launched.unwrap(), ports[2]);
        assert!(supervisor.server_pid().is_some());
    }

    #[test]
    fn a_server_that_finds_every_port_taken_is_given_up() {
        let (_supervisor, ports, launched) = picky(99);
        assert_eq!(ports.len(), 5);
        assert!(matches!(launched, Err(TestkitError::Ended { .. })));
    }
}
