//! What may happen to a PostgreSQL server between two looks.

use proptest::prelude::*;

pub(super) const STATEMENTS: usize = 3;
pub(super) const TABLES: usize = 2;

/// What may happen.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Commit(i64),
    /// A statement ran so often, each time so long.
    Run(usize, i64, f64),
    Scan(usize, i64),
    /// Transaction ids were taken.
    Burn(i64),
    Draw(i64),
    SetSequenceBack,
    Freeze(usize),
    FreezeEverything,
    /// `pg_stat_reset()`, which leaves its time.
    ResetDatabase,
    /// `pg_stat_reset_single_table_counters()`, which leaves none.
    ResetTable(usize),
    ResetStatements,
    Evict(usize),
    /// A crash of a backend: the postmaster goes on, statistics are gone without a word.
    Crash,
    /// A clean restart, which keeps statistics.
    Restart,
    /// A standby with statistics of its own takes over under the same name.
    FailOver,
    /// The database was dropped and made again.
    Recreate,
    /// A counter went beyond what a number can hold.
    Wrap,
}

impl Event {
    /// Whether anything counted may be missing after it.
    pub(super) fn disturbs(&self) -> bool {
        !matches!(
            self,
            Self::Commit(_) | Self::Run(..) | Self::Scan(..) | Self::Burn(_) | Self::Draw(_)
        )
    }
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..500_i64).prop_map(Event::Commit),
        5 => (0..STATEMENTS, 1..60_i64, 0.01..90.0_f64).prop_map(|(s, n, ms)| Event::Run(s, n, ms)),
        4 => (0..TABLES, 1..90_i64).prop_map(|(table, times)| Event::Scan(table, times)),
        3 => (1..9_000_i64).prop_map(Event::Burn),
        3 => (1..900_i64).prop_map(Event::Draw),
        1 => Just(Event::SetSequenceBack),
        1 => (0..TABLES).prop_map(Event::Freeze),
        1 => Just(Event::FreezeEverything),
        1 => Just(Event::ResetDatabase),
        1 => (0..TABLES).prop_map(Event::ResetTable),
        1 => Just(Event::ResetStatements),
        2 => (0..STATEMENTS).prop_map(Event::Evict),
        1 => Just(Event::Crash),
        1 => Just(Event::Restart),
        1 => Just(Event::FailOver),
        1 => Just(Event::Recreate),
        1 => Just(Event::Wrap),
    ]
}
