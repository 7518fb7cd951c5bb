//! Leading figures for tables and charts; not judged.

mod log;
mod row_security;
mod sampled;

use dbvitals_model::{
    Measure, Snapshot, TargetData, Unit,
    pg::{PgSnapshot, relation::Relation, statement::Statement},
    redis::RedisSnapshot,
    report::{Overview, OverviewColumn},
};

use crate::{latency, settings::Settings};

/// Rows in one overview: what fits on a screen.
const ROWS: usize = 10;

/// Characters of a statement's text that fit in a row.
const TEXT_CHARS: usize = 120;

/// Leading figures of every target.
pub fn overview(snapshot: &Snapshot, settings: &Settings) -> Vec<Overview> {
    let mut tables = Vec::new();
    for target in &snapshot.targets {
        let before = tables.len();
        match &target.data {
            TargetData::Postgres(pg) => {
                tables.extend(row_security::tables(pg));
                tables.extend(sampled::tables(pg));
                let latency =
                    latency::by_class(snapshot, target, settings).and_then(|(title, rows)| {
                        table("latency-by-class", &title, &latency::COLUMNS, rows)
                    });
                let all = [databases(pg), statements(pg), latency, relations(pg)];
                tables.extend(all.into_iter().flatten());
            }
            TargetData::Redis(redis) => {
                tables.extend([patterns(redis), commands(redis)].into_iter().flatten());
            }
            TargetData::Log(seen) => tables.extend(log::tables(seen)),
            _ => {}
        }
        for table in &mut tables[before..] {
            table.target.clone_from(&target.name);
        }
    }
    tables
}

/// A table without its target, or nothing where it would be empty.
fn table(
    id: &str,
    title: &str,
    columns: &[(&str, Unit)],
    rows: Vec<Vec<Measure>>,
) -> Option<Overview> {
    let column =
        |(label, unit): &(&str, Unit)| OverviewColumn { label: (*label).to_owned(), unit: *unit };
    (!rows.is_empty()).then(|| Overview {
        id: id.to_owned(),
        target: String::new(),
        title: title.to_owned(),
        note: None,
        columns: columns.iter().map(column).collect(),
        rows,
    })
}

fn databases(pg: &PgSnapshot) -> Option<Overview> {
    let mut all: Vec<_> = pg.databases.value()?.iter().filter(|d| !d.is_template).collect();
    all.sort_by_key(|d| std::cmp::Reverse(d.size_bytes));
    let rows = all
        .into_iter()
        .take(ROWS)
        .map(|d| {
            let size = d.size_bytes.map_or(Measure::from("unknown"), Measure::from);
            vec![d.name.as_str().into(), size, d.backends.into(), (d.commits + d.rollbacks).into()]
        })
        .collect();
    let columns = [
        ("database", Unit::Text),
        ("size", Unit::Bytes),
        ("connections", Unit::Count),
        ("transactions", Unit::Count),
    ];
    table("databases", "Databases by size", &columns, rows)
}

fn statements(pg: &PgSnapshot) -> Option<Overview> {
    let seen = pg.statements.value()?;
    let mut leaders: Vec<&Statement> = seen.leaders.iter().collect();
    leaders.sort_by(|a, b| b.total_exec_time_ms.total_cmp(&a.total_exec_time_ms));
    let total = seen.total_exec_time_ms.max(f64::MIN_POSITIVE);
    let row = |s: &Statement| {
        let text = s.text.as_deref().unwrap_or("<text not readable>");
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        vec![
            Measure::Text(line.chars().take(TEXT_CHARS).collect()),
            s.total_exec_time_ms.into(),
            (s.total_exec_time_ms / total).into(),
            s.calls.into(),
            s.mean_exec_time_ms.into(),
        ]
    };
    let rows = leaders.into_iter().take(ROWS).map(row).collect();
    let columns = [
        ("statement", Unit::Text),
        ("total time", Unit::Ms),
        ("share", Unit::Ratio),
        ("calls", Unit::Count),
        ("mean time", Unit::Ms),
    ];
    table("top-statements", "Statements by total time", &columns, rows)
}

fn relations(pg: &PgSnapshot) -> Option<Overview> {
    let mut all: Vec<(&str, &Relation)> = pg
        .by_database
        .iter()
        .filter_map(|db| Some((db.name.as_str(), db.relations.value()?)))
        .flat_map(|(name, relations)| relations.iter().map(move |relation| (name, relation)))
        .collect();
    all.sort_by_key(|(_, relation)| std::cmp::Reverse(relation.total_bytes()));
    let row = |(database, relation): (&str, &Relation)| {
        vec![
            Measure::Text(format!("{database}: {}", relation.qualified())),
            relation.total_bytes().into(),
            relation.heap_bytes.into(),
            relation.index_bytes.into(),
            relation.toast_bytes.into(),
            relation.live_rows.into(),
            relation.dead_rows.into(),
        ]
    };
    let rows = all.into_iter().take(ROWS).map(row).collect();
    let columns = [
        ("table", Unit::Text),
        ("total", Unit::Bytes),
        ("heap", Unit::Bytes),
        ("indexes", Unit::Bytes),
        ("toast", Unit::Bytes),
        ("live rows", Unit::Count),
        ("dead rows", Unit::Count),
    ];
    table("largest-tables", "Largest tables", &columns, rows)
}

fn patterns(redis: &RedisSnapshot) -> Option<Overview> {
    let sample = redis.key_sample.value()?;
    let mut all: Vec<_> = sample.patterns.iter().collect();
    all.sort_by_key(|pattern| std::cmp::Reverse(pattern.memory_bytes));
    let total = all.iter().map(|p| p.memory_bytes).sum::<i64>().max(1) as f64;
    let rows = all
        .into_iter()
        .take(ROWS)
        .map(|p| {
            let share = p.memory_bytes as f64 / total;
            let without = p.without_ttl as f64 / p.keys.max(1) as f64;
            vec![p.pattern.as_str().into(), share.into(), p.keys.into(), without.into()]
        })
        .collect();
    let columns = [
        ("pattern", Unit::Text),
        ("share of sampled memory", Unit::Ratio),
        ("keys sampled", Unit::Count),
        ("without TTL", Unit::Ratio),
    ];
    table("key-patterns", "Key patterns (sampled)", &columns, rows)
}

fn commands(redis: &RedisSnapshot) -> Option<Overview> {
    let mut all: Vec<_> = redis.info.value()?.commands.iter().collect();
    all.sort_by_key(|command| std::cmp::Reverse(command.total_us));
    let total = all.iter().map(|c| c.total_us).sum::<i64>().max(1) as f64;
    let rows = all
        .into_iter()
        .take(ROWS)
        .map(|c| {
            let share = c.total_us as f64 / total;
            let mean_ms = c.us_per_call / 1000.0;
            vec![c.name.as_str().into(), c.calls.into(), share.into(), mean_ms.into()]
        })
        .collect();
    let columns = [
        ("command", Unit::Text),
        ("calls", Unit::Count),
        ("share of time", Unit::Ratio),
        ("mean time", Unit::Ms),
    ];
    table("commands", "Commands by time", &columns, rows)
}
