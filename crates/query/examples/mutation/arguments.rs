//! How long, and from which seed on: `SECONDS [SEED] …`.

use std::{env, process::ExitCode, time::Duration};

/// Slowest text that is no defect: they are at most a few hundred kilobytes.
const SLOWEST: Duration = Duration::from_secs(2);

/// What stands on the command line.
pub(crate) struct Arguments {
    /// How long to go on.
    pub(crate) limit: Duration,
    /// Where chance begins; never 0.
    pub(crate) seed: u64,
    /// The file or folder to take texts from.
    pub(crate) corpus: Option<String>,
}

impl Arguments {
    /// Reads them; `None` where it is not said how long.
    pub(crate) fn read() -> Option<Self> {
        let mut words = env::args().skip(1);
        let seconds = words.next()?.parse().ok()?;
        let seed: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
        let limit = Duration::from_secs(seconds);
        Some(Self { limit, seed: seed.max(1), corpus: words.next() })
    }
}

/// A text that took too long is a defect.
pub(crate) fn verdict(slowest: Duration) -> ExitCode {
    if slowest > SLOWEST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
