//! Snapshots of one busy statement, for the tests of this topic.

use dbvitals_model::{
    Section, Snapshot,
    pg::{
        statement::{Statement, Statements},
        window::Window,
    },
};

use crate::testing::{self, ago};

/// A thousand calls of 10 ms each: with [`with`], 1 % of one session's time.
pub(crate) fn statement() -> Statement {
    Statement {
        query_id: 42,
        user: Some("web".into()),
        database: Some("app".into()),
        is_top_level: true,
        text: Some("select * from orders where customer = $1".into()),
        calls: 1000,
        rows: 1000,
        total_exec_time_ms: 10_000.0,
        mean_exec_time_ms: 10.0,
        ..Statement::default()
    }
}

/// A server whose statements were counted for 1,000 seconds: these, and a hundred times as much of
/// others.
pub(crate) fn with(leaders: Vec<Statement>) -> Snapshot {
    testing::pg(|pg| {
        testing::set(pg, "track_io_timing", "on", None);
        testing::set(pg, "work_mem", "4096", Some("kB"));
        testing::edit(&mut pg.statements_status).track_planning = Some(true);
        pg.statements = Section::collected(Statements {
            entries: 1000,
            total_calls: 101_000,
            total_exec_time_ms: 1_010_000.0,
            total_wal_bytes: 1 << 40,
            since: ago(1000),
            leaders,
        });
        pg.window = Section::default();
    })
}

/// The same server with these statements over a window of that length.
pub(crate) fn in_window(seconds: f64, statements: Vec<Statement>) -> Snapshot {
    let mut snapshot = with(Vec::new());
    if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
        pg.window = Section::collected(Window { seconds, statements, ..Window::default() });
    }
    snapshot
}

/// The server without statistics of statements.
pub(crate) fn without_statements() -> Snapshot {
    testing::pg(|pg| {
        pg.statements = Section::unavailable(
            dbvitals_model::Reason::Extension,
            "pg_stat_statements is missing",
        );
    })
}
