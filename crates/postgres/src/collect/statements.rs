//! `pg_stat_statements`: counters without texts, then the texts of the leaders alone.
//!
//! The view's own texts are read from a file into a temporary one, all of them, whatever is asked. So counters
//! come from the function that leaves texts out, and texts are fetched once, for the entries shown.

mod leaders;
mod locate;
mod texts;

use std::time::{Duration, Instant};

use dbvitals_model::{
    Collected, Reason, Section, Unavailable,
    pg::statement::{Statement, Statements},
    snapshot::CollectorCost,
};
use jiff::Timestamp;
use serde::Deserialize;

pub use self::leaders::leaders;
pub(super) use self::locate::{Installed, locate};
use super::{
    collector::{CATALOG, CHEAP, Cost},
    costs, obstacle,
    reader::{Reader, quoted},
    run::{Run, is_home},
};
use crate::{Answer, Query, Session, Table};

/// Counters by the extension's minor version: 1.8 came with 13, 1.9 with 14, 1.10 with 15, 1.11 with 17.
pub const LADDER: &[(u32, &str)] = &[
    (8, include_str!("statements/8.sql")),
    (9, include_str!("statements/9.sql")),
    (10, include_str!("statements/10.sql")),
    (11, include_str!("statements/11.sql")),
];
/// The few counters that are asked again and again, likewise.
pub const COUNTS: &[(u32, &str)] =
    &[(8, include_str!("statements/counts_8.sql")), (9, include_str!("statements/counts_9.sql"))];
/// State of the extension in the database we are connected to.
pub const STATUS: &str = include_str!("statements/status.sql");
/// Evictions and reset time (1.9).
pub const INFO: &str = include_str!("statements/info.sql");
/// Size of the file of texts; superusers only.
pub const TEXT_FILE: &str = include_str!("statements/text_file.sql");
/// Texts by query id.
pub const TEXTS: &str = include_str!("statements/texts.sql");

/// Most entries that are read.
const ENTRIES: usize = 20_000;
/// Entries kept of each ranking.
const TOP: usize = 20;
/// Entries of each ranking whose texts are fetched: some will turn out to be our own.
pub(super) const CANDIDATES: usize = 60;

/// All entries at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    pub(super) since: Option<Timestamp>,
    pub(super) rows: Vec<Statement>,
    /// Ids whose texts are wanted whatever their counters say.
    pub(super) also: Vec<i64>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    deallocations: Option<i64>,
    #[serde(default)]
    stats_reset: Option<Timestamp>,
}

#[derive(Deserialize)]
struct TextFile {
    #[serde(default)]
    text_file_bytes: Option<i64>,
}

/// Reads counters, chooses the leaders (also those of the window, given the entries before it) and fetches
/// their texts. Answers all entries but our own, leaders with their texts.
pub(super) async fn read(run: &mut Run<'_>, before: Option<&Entries>) -> Vec<Statement> {
    if run.options.dearest < Cost::Catalog {
        return Vec::new();
    }
    let installed = match &run.place {
        Ok(installed) => installed.clone(),
        Err(why) => {
            run.snapshot.statements = Section::Unavailable(why.clone());
            return Vec::new();
        }
    };
    let read = if is_home(run, &installed) {
        let (session, reader) = (&mut run.session, &run.reader);
        let keeps_all = run.options.keeps_all_statements;
        over(session, reader, &installed, before, keeps_all, run.deadline, &mut run.cost).await
    } else {
        apart(run, &installed, before).await
    };
    match read {
        Ok(read) => file(run, read),
        Err(why) => {
            run.snapshot.statements = Section::Unavailable(why);
            Vec::new()
        }
    }
}

async fn apart(
    run: &mut Run<'_>,
    installed: &Installed,
    before: Option<&Entries>,
) -> Result<Read, Unavailable> {
    let mut session = run.enter(&installed.database).await?;
    let (reader, keeps_all) = (&run.reader, run.options.keeps_all_statements);
    let read =
        over(&mut session, reader, installed, before, keeps_all, run.deadline, &mut run.cost).await;
    session.close().await;
    read
}

/// What was read, before it is cut down to the leaders.
struct Read {
    entries: Entries,
    info: Option<Info>,
    text_file_bytes: Option<i64>,
    /// Entries read, our own among them.
    count: usize,
    gaps: Vec<Unavailable>,
}

async fn over(
    session: &mut Session,
    reader: &Reader,
    installed: &Installed,
    before: Option<&Entries>,
    keeps_all: bool,
    deadline: Instant,
    cost: &mut Vec<CollectorCost>,
) -> Result<Read, Unavailable> {
    let (mut entries, info) = look(session, reader, installed, deadline, cost).await?;
    let count = entries.rows.len();
    let mut gaps = Vec::new();
    if count >= ENTRIES {
        let detail = format!("only the {ENTRIES} entries with the most time were read");
        gaps.push(obstacle::plain(Reason::Timeout, detail));
    }
    let mut wanted =
        if keeps_all { entries.rows.clone() } else { leaders(&entries.rows, CANDIDATES) };
    if let Some(before) = before.filter(|_| !keeps_all) {
        wanted.extend(leaders(&texts::grown(before, &entries), CANDIDATES));
        let also = before.also.iter();
        wanted.extend(also.map(|id| Statement { query_id: *id, ..Statement::default() }));
    }
    let ids = texts::ids(&wanted);
    let sql = installed.place_in(TEXTS).replace("{query_ids}", &ids);
    let answer = ask(session, "statements_texts", sql, CATALOG, deadline, None, cost).await;
    match rows(&answer, reader, Some(&installed.schema)) {
        Ok(table) => texts::give(&mut entries.rows, table)?,
        Err(why) => gaps.push(why),
    }
    if let Some(gap) = texts::hidden(&entries.rows, reader) {
        gaps.push(gap);
    }
    let mut text_file_bytes = None;
    if reader.is_any_of(&[]) {
        let sql = TEXT_FILE.to_owned();
        let answer = ask(session, "statements_text_file", sql, CHEAP, deadline, None, cost).await;
        let row = answer.result.ok().and_then(|table| table.one::<TextFile>().ok());
        text_file_bytes = row.and_then(|row| row.text_file_bytes);
    }
    Ok(Read { entries, info, text_file_bytes, count, gaps })
}

/// All counters, and since when they run.
async fn look(
    session: &mut Session,
    reader: &Reader,
    installed: &Installed,
    deadline: Instant,
    cost: &mut Vec<CollectorCost>,
) -> Result<(Entries, Option<Info>), Unavailable> {
    let sql = installed.counters().unwrap_or_default();
    let mut queries = vec![Query { name: "statements", sql, timeout: CATALOG }];
    if installed.minor >= 9 {
        let sql = installed.place_in(INFO);
        queries.push(Query { name: "statements_info", sql, timeout: CATALOG });
    }
    let answers = session.batch_until(&queries, Some(deadline)).await;
    for (query, answer) in queries.iter().zip(&answers) {
        costs::book(cost, query.name, None, answer);
    }
    let mut answers = answers.into_iter();
    let counters = answers.next().ok_or_else(obstacle::no_time_left)?;
    let table = rows(&counters, reader, Some(&installed.schema))?;
    let info: Option<Info> = answers.next().and_then(|answer| answer.result.ok()?.one().ok());
    let since = info.as_ref().and_then(|info| info.stats_reset);
    let rows = table.decode().map_err(|error| obstacle::of_shape(&error))?;
    Ok((Entries { since, rows, also: Vec::new() }, info))
}

/// The first look of a window; empty when nothing can be read.
pub(super) async fn look_before(run: &mut Run<'_>) -> Entries {
    let Ok(installed) = run.place.clone() else { return Entries::default() };
    let looked = if is_home(run, &installed) {
        look(&mut run.session, &run.reader, &installed, run.deadline, &mut run.cost).await
    } else {
        match run.enter(&installed.database).await {
            Ok(mut session) => {
                let looked =
                    look(&mut session, &run.reader, &installed, run.deadline, &mut run.cost).await;
                session.close().await;
                looked
            }
            Err(why) => Err(why),
        }
    };
    looked.map(|(entries, _)| entries).unwrap_or_default()
}

fn file(run: &mut Run<'_>, read: Read) -> Vec<Statement> {
    let Read { entries: Entries { since, rows, .. }, info, text_file_bytes, count, gaps } = read;
    if let Section::Collected(Collected { value: status, .. }) = &mut run.snapshot.statements_status
    {
        status.entries = i64::try_from(count).ok();
        status.text_file_bytes = text_file_bytes;
        status.stats_reset = since;
        status.deallocations = info.and_then(|info| info.deallocations);
    }
    let value = Statements {
        entries: i64::try_from(count).unwrap_or(i64::MAX),
        total_calls: rows.iter().map(|row| row.calls).sum(),
        total_exec_time_ms: rows.iter().map(|row| row.total_exec_time_ms).sum(),
        total_wal_bytes: rows.iter().map(|row| row.wal_bytes).sum(),
        since,
        leaders: if run.options.keeps_all_statements { rows.clone() } else { leaders(&rows, TOP) },
    };
    run.snapshot.statements = Section::Collected(Collected { value, gaps });
    rows
}

async fn ask(
    session: &mut Session,
    name: &'static str,
    sql: String,
    timeout: Duration,
    deadline: Instant,
    database: Option<&str>,
    cost: &mut Vec<CollectorCost>,
) -> Answer {
    let begun = Instant::now();
    let answer = session.batch_until(&[Query { name, sql, timeout }], Some(deadline)).await.pop();
    let answer = answer.unwrap_or_else(|| Answer {
        result: Err(session.lost_error()),
        elapsed_ms: begun.elapsed().as_secs_f64() * 1000.0,
        rows: 0,
        bytes: 0,
        ended_at: None,
    });
    costs::book(cost, name, database, &answer);
    answer
}

fn rows<'a>(
    answer: &'a Answer,
    reader: &Reader,
    schema: Option<&str>,
) -> Result<&'a Table, Unavailable> {
    answer.result.as_ref().map_err(|error| {
        let detail = error.to_string();
        if error.is_permission() {
            // The extension's own objects are everybody's; its schema may not be.
            let schema = schema.unwrap_or("pg_catalog");
            let template = format!("GRANT USAGE ON SCHEMA {} TO {{role}};", quoted(schema));
            let remedy = reader.remedy(&template);
            return Unavailable::with_remedy(Reason::Permission, detail, remedy);
        }
        if error.is_out_of_time() {
            return obstacle::no_time_left();
        }
        let reason = if error.is_timeout() { Reason::Timeout } else { Reason::Failed };
        obstacle::plain(reason, detail)
    })
}
