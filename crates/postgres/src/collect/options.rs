//! What is asked for, and what is told along the way.

use std::{fmt, time::Duration};

use dbvitals_model::pg::{DatabaseSnapshot, instance::Server, measured::Suspect};

use super::collector::Cost;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Time to connect and log in, per connection.
    pub connect_timeout: Duration,
    /// Time for everything but the window; what is not read by then is unavailable.
    pub budget: Duration,
    /// Time between two looks at the counters; `None` takes one look and gives no rates.
    pub window: Option<Duration>,
    /// Looks at the sessions per second while the window is open; positive.
    pub samples_per_second: f64,
    /// The dearest class of collectors to run.
    pub dearest: Cost,
    /// Whether databases are entered at all.
    pub enters_databases: bool,
    /// Whether what they hold is read; else they are entered only where statements are counted in them.
    pub examines_databases: bool,
    /// Whether every statement is kept, with its text, or only those that lead a ranking.
    pub keeps_all_statements: bool,
    /// Whether the server's machine is read through the server.
    pub machine: MachineReading,
    /// Whether pages of suspects are read, where an extension for that is installed.
    pub measuring: Option<Measuring<'a>>,
    /// Which databases to enter, by name. Templates never are.
    pub wanted: &'a (dyn Fn(&str) -> bool + Sync),
}

/// Reading pages to measure bloat exactly.
#[derive(Clone, Copy)]
pub struct Measuring<'a> {
    /// Bytes of pages that may be read in each database.
    pub budget_bytes: u64,
    /// Time for each relation; the server ends the reading after it.
    pub timeout: Duration,
    /// What is worth reading, the most wanted first, given all that is known of a database.
    pub shortlist: &'a (dyn Fn(&Server, &DatabaseSnapshot) -> Vec<Suspect> + Sync),
}

/// Whether facts of the machine are read through the server, where the role may read its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineReading {
    /// Unless the server seems to run on this machine, whose own files are nearer.
    WhenRemote,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

impl fmt::Debug for Measuring<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measuring")
            .field("budget_bytes", &self.budget_bytes)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Options<'_> {
    /// Instance-wide counters only: enough for a health check in a moment.
    pub fn quick() -> Self {
        Self {
            dearest: Cost::Cheap,
            enters_databases: false,
            examines_databases: false,
            machine: MachineReading::Never,
            ..Self::default()
        }
    }

    /// Every statement that was counted, and what is known of the server as a whole; nothing of its databases.
    pub fn statements() -> Self {
        Self {
            dearest: Cost::Catalog,
            examines_databases: false,
            keeps_all_statements: true,
            machine: MachineReading::Never,
            ..Self::default()
        }
    }
}

impl Default for Options<'_> {
    /// Everything, in every database, within a minute.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            budget: Duration::from_mins(1),
            window: None,
            samples_per_second: 10.0,
            dearest: Cost::Heavy,
            enters_databases: true,
            examines_databases: true,
            keeps_all_statements: false,
            machine: MachineReading::WhenRemote,
            measuring: None,
            wanted: &|_| true,
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("connect_timeout", &self.connect_timeout)
            .field("budget", &self.budget)
            .field("window", &self.window)
            .field("samples_per_second", &self.samples_per_second)
            .field("dearest", &self.dearest)
            .field("enters_databases", &self.enters_databases)
            .field("examines_databases", &self.examines_databases)
            .field("keeps_all_statements", &self.keeps_all_statements)
            .field("machine", &self.machine)
            .field("measures", &self.measuring)
            .finish_non_exhaustive()
    }
}

/// A step of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The server answered.
    Connected,
    /// Instance-wide sections are being read.
    Instance,
    /// Statements are being read.
    Statements,
    /// A database is being read.
    Database {
        /// Its name.
        name: &'a str,
        /// Its place, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// The window is open for so much longer.
    Waiting {
        /// Time left.
        left: Duration,
    },
}
