//! The statements that lead a ranking, and why.

use dbvitals_model::{
    Sheet, Snapshot, TargetSnapshot, Unit,
    pg::{
        PgSnapshot,
        statement::{Statement, Status},
    },
};
use dbvitals_query::Class;

use super::{
    begin,
    entry::{Entry, Findings, Maker},
    ranking::Rank,
    rollup,
};
use crate::{
    check::{Run, Topic},
    context::Context,
    judge,
    pg::statement::{
        class,
        load::{io_ms, mean_ms},
        slow_statement,
    },
    registry::CHECKS,
    settings::{Pattern, Settings},
    view::seconds_between,
    words,
};

/// Where the counters come from.
const SAVED: &str = "pg_stat_statements";

/// The ranking unless told otherwise.
pub const DEFAULT: Rank = Rank::Total;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The sheet's id: `query-top`.
    pub id: &'static str,
    /// By what.
    pub by: Rank,
    /// How many.
    pub limit: usize,
    /// Only those whose mean time is above the limit: `Some(None)` takes that of the settings.
    pub slow: Option<Option<f64>>,
    /// Only those of these databases.
    pub database: Option<Pattern>,
    /// Only those of these users.
    pub user: Option<Pattern>,
    /// Only those of this class.
    pub class: Option<Class>,
    /// The window begins with a saved snapshot, which holds leaders alone.
    pub is_since: bool,
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Top {
    /// For reading.
    pub sheet: Sheet,
    /// Each statement with all that is known of it.
    pub statements: Vec<Entry>,
}

/// What is counted, over what time.
struct Counted<'a> {
    all: &'a [Statement],
    total_ms: f64,
    calls: i64,
    seconds: Option<f64>,
    is_window: bool,
}

/// The ranking of one target of a snapshot; `None` where it is no PostgreSQL server.
pub fn top(
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    settings: &Settings,
    ask: &Ask,
) -> Option<Top> {
    let dbvitals_model::TargetData::Postgres(pg) = &target.data else { return None };
    let mut sheet = begin(ask.id, &target.name, &pg.server);
    let Some(counted) = counted(&mut sheet, pg, ask) else {
        return Some(Top { sheet, statements: Vec::new() });
    };
    let findings = judged(snapshot, settings);
    let maker = Maker {
        findings: Findings::of(&target.name, &findings),
        settings,
        target: &target.name,
        all_ms: counted.total_ms,
    };
    let slow_ms = ask.slow.map(|over| {
        let cx = Context::new(&slow_statement::CHECK, settings, &target.name);
        over.unwrap_or_else(|| cx.limit(&slow_statement::MEAN))
    });
    let chosen: Vec<&Statement> = counted
        .all
        .iter()
        .filter(|statement| statement.calls > 0)
        .filter(|statement| is_asked_for(ask, statement))
        .filter(|statement| slow_ms.is_none_or(|limit| mean_ms(statement) > limit))
        .collect();
    facts(&mut sheet, pg, &counted, ask, slow_ms);
    let by = ranked_by(&mut sheet, ask.by, &chosen, pg.statements_status.value());
    let order = by.order(chosen.iter().copied());
    let leaders = order.iter().take(ask.limit).zip(1..);
    let statements: Vec<Entry> =
        leaders.map(|((value, statement), rank)| maker.entry(rank, *value, statement)).collect();
    super::tables::tables(&mut sheet, by, &statements);
    rollup::tables(&mut sheet, &chosen, counted.total_ms);
    notes(&mut sheet, pg, &counted, ask, order.len(), statements.len());
    Some(Top { sheet, statements })
}

/// The counters that were asked for; where there are none, the sheet says so.
fn counted<'a>(sheet: &mut Sheet, pg: &'a PgSnapshot, ask: &Ask) -> Option<Counted<'a>> {
    let statements = match pg.statements.get() {
        Ok(statements) => statements,
        Err(why) => {
            sheet.misses("statements", why);
            return None;
        }
    };
    if let dbvitals_model::Section::Collected(collected) = &pg.statements {
        for gap in &collected.gaps {
            sheet.misses("some statements", gap);
        }
    }
    let window = pg.window.value().filter(|window| window.seconds > 0.0);
    if let Some(window) = window {
        return Some(Counted {
            all: &window.statements,
            total_ms: window.total_exec_time_ms,
            calls: window.total_calls,
            seconds: Some(window.seconds),
            is_window: true,
        });
    }
    if ask.is_since {
        sheet.note("The earlier snapshot does not fit (another server, a restart, a reset): these are all counters.");
    }
    let now = pg.server.now;
    Some(Counted {
        all: &statements.leaders,
        total_ms: statements.total_exec_time_ms,
        calls: statements.total_calls,
        seconds: statements.since.map(|since| seconds_between(since, now)),
        is_window: false,
    })
}

/// The findings of the checks of statements.
fn judged(snapshot: &Snapshot, settings: &Settings) -> Vec<dbvitals_model::Finding> {
    let is_of_statements = |check: &&&crate::check::Check| {
        check.topic == Topic::Statements && matches!(check.run, Run::Postgres(_))
    };
    let ids = CHECKS.iter().filter(is_of_statements).map(|check| check.id);
    let only = ids.filter_map(|id| Pattern::new(id).ok()).collect();
    judge(snapshot, &Settings { only, ..settings.clone() }).findings
}

fn is_asked_for(ask: &Ask, statement: &Statement) -> bool {
    let fits = |pattern: &Option<Pattern>, name: &Option<String>| {
        pattern.as_ref().is_none_or(|it| name.as_deref().is_some_and(|name| it.matches(name)))
    };
    fits(&ask.database, &statement.database)
        && fits(&ask.user, &statement.user)
        && ask.class.is_none_or(|wanted| class::of(statement).class == wanted)
}

fn facts(
    sheet: &mut Sheet,
    pg: &PgSnapshot,
    counted: &Counted<'_>,
    ask: &Ask,
    slow_ms: Option<f64>,
) {
    match (counted.seconds, counted.is_window) {
        (Some(seconds), true) if ask.is_since => {
            sheet.fact("window", seconds, Unit::Seconds, "two snapshots");
        }
        (Some(seconds), true) => sheet.fact("window", seconds, Unit::Seconds, "two looks"),
        (Some(seconds), false) => {
            sheet.fact(
                "counted for",
                seconds,
                Unit::Seconds,
                "pg_stat_statements_info.stats_reset",
            );
        }
        (None, _) => {
            let started = pg.server.started_at;
            let since = started.map_or("unknown".to_owned(), |at| format!("{at:.0} at the latest"));
            sheet.fact("counted since", since, Unit::Text, "start of the server, or a later reset");
        }
    }
    let length = i64::try_from(counted.all.len()).unwrap_or(i64::MAX);
    sheet.fact("statements", length, Unit::Count, SAVED);
    sheet.fact("calls", counted.calls, Unit::Count, SAVED);
    sheet.fact("execution time", counted.total_ms, Unit::Ms, SAVED);
    if let Some(seconds) = counted.seconds.filter(|seconds| *seconds > 0.0) {
        let busy = counted.total_ms / 1000.0 / seconds;
        sheet.fact("sessions kept busy", busy, Unit::Factor, "execution time over time");
        if counted.is_window {
            let rate = counted.calls as f64 / seconds;
            sheet.fact("calls per second", rate, Unit::PerSecond, SAVED);
        }
    }
    if let Some(limit) = slow_ms {
        sheet.fact("slow is a mean above", limit, Unit::Ms, "--over, or pg-slow-statement");
    }
}

/// The ranking that can be made, where what was asked for is not counted.
fn ranked_by(sheet: &mut Sheet, by: Rank, all: &[&Statement], status: Option<&Status>) -> Rank {
    match by {
        Rank::Io if all.iter().all(|statement| io_ms(statement) <= 0.0) => {
            sheet.note(
                "Reads and writes are not timed (track_io_timing is off): ranked by blocks read.",
            );
            Rank::Reads
        }
        Rank::Planning if status.is_some_and(|it| it.track_planning == Some(false)) => {
            sheet.note(
                "Planning is not counted: `ALTER SYSTEM SET pg_stat_statements.track_planning = on;` \
                 then `SELECT pg_reload_conf();` (it costs some contention at many short statements).",
            );
            by
        }
        by => by,
    }
}

fn notes(
    sheet: &mut Sheet,
    pg: &PgSnapshot,
    counted: &Counted<'_>,
    ask: &Ask,
    ranked: usize,
    shown: usize,
) {
    if ranked == 0 {
        sheet.note("No statement that was counted fits.");
    } else if shown < ranked {
        sheet
            .note(format!("{shown} of {} shown; --limit shows more.", words::count(ranked as f64)));
    }
    if ranked > 0 {
        let covered = if counted.is_window { "in the window" } else { "since counting began" };
        sheet.note(format!(
            "Shares are of the execution time of all statements that are counted, {covered}."
        ));
    }
    if ask.is_since && counted.is_window {
        sheet.note("A saved snapshot may hold only leading statements: others are not compared.");
    }
    if counted.is_window && ask.by == Rank::Max {
        sheet.note("The longest call of a window is known only where it broke a record.");
    }
    if let Some(status) = pg.statements_status.value() {
        evicted(sheet, status);
    }
    let hidden = counted.all.iter().filter(|it| it.text.is_none()).count();
    if hidden > 0 {
        sheet.note(format!(
            "{} entries have no text: their class is unknown. {}",
            words::count(hidden as f64),
            "GRANT pg_read_all_stats lets a role see the texts of others."
        ));
    }
}

/// Statements that were thrown out are not in any of the tables.
fn evicted(sheet: &mut Sheet, status: &Status) {
    let room = status.max_entries.map_or_else(String::new, |max| format!(" (now {max})"));
    match status.deallocations {
        Some(times) if times > 0 => sheet.note(format!(
            "Entries were thrown out {} times, and their counters with them: raise pg_stat_statements.max{room}.",
            words::count(times as f64)
        )),
        _ => {}
    }
}
