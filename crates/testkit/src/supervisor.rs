//! The parent process of a server, which outlives us just long enough to clean up.

use std::{
    env,
    ffi::OsString,
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{TestkitError, run_as::RunAs};

const SCRIPT: &str = include_str!("supervisor.sh");

/// One `sh` that owns a folder and at most one server at a time.
#[derive(Debug)]
pub(crate) struct Supervisor {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    child: Child,
    verbs: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    server: Option<u32>,
}

impl Supervisor {
    /// Makes the folder, owned by the server's user. `end_signal` (e.g. `QUIT`) ends the server at clean-up;
    /// `command` builds the server's command line from the folder.
    pub(crate) fn open(
        kind: &str,
        run_as: RunAs,
        end_signal: &str,
        command: impl FnOnce(&Path) -> Vec<OsString>,
    ) -> Result<Self, TestkitError> {
        let unique = RandomState::new().build_hasher().finish();
        let folder = env::temp_dir().join(format!("dbvitals-{kind}-{}-{unique:x}", process::id()));
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "supervisor"]).arg(&folder).arg(end_signal);
        shell.args(command(&folder));
        // Its own group: a Ctrl-C meant for the tests must not end the one who cleans up after them.
        shell.process_group(0).current_dir("/");
        shell.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        shell.env("LANG", "C.UTF-8").env("TZ", "UTC").env("HOME", &folder);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        run_as.apply(&mut shell);
        let mut child = shell.spawn().map_err(TestkitError::io("start /bin/sh"))?;
        let (Some(verbs), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(TestkitError::State("the supervisor has no pipes".into()));
        };
        let replies = BufReader::new(replies);
        let inner = Inner { child, verbs: Some(verbs), replies, server: None };
        let opened = Self { folder, inner: Mutex::new(inner) };
        opened.lock().expect_reply(&opened.folder, "mkdir", "ready")?;
        Ok(opened)
    }

    /// The server's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The running server's process id.
    pub(crate) fn server_pid(&self) -> Option<u32> {
        self.lock().server
    }

    /// All the server wrote to its standard output and error.
    pub(crate) fn log_text(&self) -> String {
        fs::read(self.folder.join("log"))
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// Starts the server; answers its process id.
    pub(crate) fn start(&self) -> Result<u32, TestkitError> {
        let mut inner = self.lock();
        if inner.server.is_some() {
            return Err(TestkitError::State("the server runs already".into()));
        }
        let answer = inner.ask(&self.folder, "start", "started ")?;
        let pid = answer.parse().map_err(|_| self.unexpected("start", &answer))?;
        inner.server = Some(pid);
        Ok(pid)
    }

    /// Sends a signal, by name without `SIG`, to the server's first process.
    pub(crate) fn signal(&self, name: &str) -> Result<(), TestkitError> {
        let mut inner = self.running()?;
        inner.ask(&self.folder, &format!("signal {name}"), "signalled").map(|_| ())
    }

    /// Stops the server with a signal and waits for its end.
    pub(crate) fn stop(&self, signal: &str) -> Result<(), TestkitError> {
        let mut inner = self.running()?;
        inner.ask(&self.folder, &format!("stop {signal}"), "stopped ")?;
        inner.server = None;
        Ok(())
    }

    /// Takes note of a server that ended by itself.
    pub(crate) fn reap(&self) -> Result<(), TestkitError> {
        let mut inner = self.running()?;
        inner.ask(&self.folder, "reap", "reaped ")?;
        inner.server = None;
        Ok(())
    }

    /// Kills the server and its children with SIGKILL; answers the children's process ids.
    pub(crate) fn crash(&self) -> Result<Vec<u32>, TestkitError> {
        let mut inner = self.running()?;
        let answer = inner.ask(&self.folder, "crash", "killed")?;
        inner.server = None;
        Ok(answer.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Result<MutexGuard<'_, Inner>, TestkitError> {
        let inner = self.lock();
        match inner.server {
            Some(_) => Ok(inner),
            None => Err(TestkitError::State("the server does not run".into())),
        }
    }

    fn unexpected(&self, asked: &str, answer: &str) -> TestkitError {
        unexpected(&self.folder, asked, answer)
    }
}

impl Inner {
    fn ask(&mut self, folder: &Path, verb: &str, expect: &str) -> Result<String, TestkitError> {
        let Some(verbs) = self.verbs.as_mut() else {
            return Err(unexpected(folder, verb, ""));
        };
        writeln!(verbs, "{verb}").map_err(TestkitError::io(format!("tell supervisor: {verb}")))?;
        self.expect_reply(folder, verb, expect)
    }

    fn expect_reply(
        &mut self,
        folder: &Path,
        asked: &str,
        expect: &str,
    ) -> Result<String, TestkitError> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(TestkitError::io("read from supervisor"))?;
        match line.trim_end().strip_prefix(expect.trim_end()) {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(unexpected(folder, asked, &line)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.verbs.take());
        // Nothing can be done about a supervisor that cannot be waited for.
        let _ = self.child.wait();
    }
}

fn unexpected(folder: &Path, asked: &str, answer: &str) -> TestkitError {
    TestkitError::Supervisor {
        folder: folder.display().to_string(),
        asked: asked.into(),
        answer: answer.into(),
    }
}
