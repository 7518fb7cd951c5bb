//! Arguments of `dbvitals query top` and `dbvitals query slow`.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, ValueEnum};
use dbvitals_checks::pg::look::ranking::Rank;
use dbvitals_checks::pg::statement::class::Class;

use crate::args::{sheet::Common, targets::duration};

/// Arguments of a ranking.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) choice: Choice,

    /// What to rank by
    #[arg(long, value_enum, default_value = "total")]
    pub(crate) by: By,
}

/// Arguments of a list of slow statements.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct SlowArgs {
    #[command(flatten)]
    pub(crate) choice: Choice,

    /// Mean time above which a statement is slow [default: the limit of pg-slow-statement, 100ms]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) over: Option<Duration>,

    /// What to rank by
    #[arg(long, value_enum, default_value = "mean")]
    pub(crate) by: By,
}

/// Which statements, counted over what time.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Choice {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Statements to show
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,

    /// Look twice, this far apart, and rank by what happened in between [default: by all that was counted]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) interval: Option<Duration>,

    /// Rank by what happened since an earlier snapshot (see `audit --save-snapshot`)
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "interval")]
    pub(crate) since: Option<PathBuf>,

    /// Only statements of this database, by name with wildcards
    #[arg(long, short, value_name = "PATTERN")]
    pub(crate) database: Option<String>,

    /// Only statements of this user, by name with wildcards
    #[arg(long, short, value_name = "PATTERN")]
    pub(crate) user: Option<String>,

    /// Only statements of this class
    #[arg(long, value_enum)]
    pub(crate) class: Option<ClassName>,
}

/// What to rank by, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Execution time of all calls
    Total,
    /// Execution time of a call
    Mean,
    /// The longest call
    Max,
    /// Calls
    Calls,
    /// Rows answered or touched
    Rows,
    /// Time spent waiting for reads and writes (blocks read, where that is not timed)
    Io,
    /// Standard deviation of a call's time
    Spread,
    /// Blocks of temporary files
    Temp,
    /// WAL written
    Wal,
    /// Share of blocks found in the cache, the lowest first
    Hit,
    /// Time spent planning
    Planning,
}

impl By {
    /// The ranking it names.
    pub(crate) fn rank(self) -> Rank {
        match self {
            Self::Total => Rank::Total,
            Self::Mean => Rank::Mean,
            Self::Max => Rank::Max,
            Self::Calls => Rank::Calls,
            Self::Rows => Rank::Rows,
            Self::Io => Rank::Io,
            Self::Spread => Rank::Spread,
            Self::Temp => Rank::Temp,
            Self::Wal => Rank::Wal,
            Self::Hit => Rank::Hit,
            Self::Planning => Rank::Planning,
        }
    }
}

/// A class of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum ClassName {
    /// Reads of at most one table
    SimpleRead,
    /// Reads of two or more tables
    Join,
    /// Grouping, aggregates, DISTINCT, windows
    Aggregate,
    /// Writes of rows picked by value
    Write,
    /// Writes of many rows
    Bulk,
    /// What is not planned
    Utility,
    /// What cannot be told from the text
    Unknown,
}

impl ClassName {
    /// The class it names.
    pub(crate) fn class(self) -> Class {
        match self {
            Self::SimpleRead => Class::SimpleRead,
            Self::Join => Class::Join,
            Self::Aggregate => Class::Aggregate,
            Self::Write => Class::Write,
            Self::Bulk => Class::Bulk,
            Self::Utility => Class::Utility,
            Self::Unknown => Class::Unknown,
        }
    }
}
