//! Where the time of active sessions went, as tables.

use dbvitals_model::{
    Measure, Unit,
    pg::{
        PgSnapshot,
        series::Series,
        window::{Sampled, SampledEvent, SampledStatement},
    },
    report::Overview,
};

use super::{ROWS, TEXT_CHARS, table};
use crate::words;

/// The tables of a watched window: by event, by statement, and who blocked whom.
pub(super) fn tables(pg: &PgSnapshot) -> Vec<Overview> {
    let Some(window) = pg.window.value() else { return Vec::new() };
    let Some(sampled) = &window.sampled else { return Vec::new() };
    let mut tables: Vec<Overview> =
        [events(sampled), statements(sampled), trees(sampled)].into_iter().flatten().collect();
    for table in &mut tables {
        table.note = Some(note(sampled, window.series.as_ref()));
    }
    tables
}

/// How it was seen, and what looking cost.
fn note(sampled: &Sampled, series: Option<&Series>) -> String {
    let mut parts = vec![
        format!(
            "{:.1} sessions active on average, {} at most",
            sampled.active_mean, sampled.active_max
        ),
        format!(
            "{} looks in {} took the server {} in all, at most {} of one core",
            sampled.looks,
            words::seconds(sampled.seconds),
            words::millis(sampled.server_ms),
            words::fine_percent(sampled.cost_ratio()),
        ),
    ];
    if let Some(series) = series {
        let (looks, cost) = (series.seconds.len() + 1, words::millis(series.server_ms));
        parts.push(format!("{looks} looks at the counters of statements took {cost} more"));
    }
    let wanted = sampled.wanted_per_second * sampled.seconds;
    if (sampled.looks as f64) < wanted * 0.8 {
        let reached = sampled.looks as f64 / sampled.seconds.max(f64::MIN_POSITIVE);
        let wanted = sampled.wanted_per_second;
        parts.push(format!("{reached:.1} looks a second instead of {wanted:.0}, to stay cheap"));
    }
    if sampled.hidden_max > 0 {
        let hidden = sampled.hidden_max;
        parts.push(format!("up to {hidden} sessions are hidden; GRANT pg_monitor shows them"));
    }
    parts.join("; ")
}

fn events(sampled: &Sampled) -> Option<Overview> {
    let total = sampled.active_mean.max(f64::MIN_POSITIVE);
    let row = |event: &SampledEvent| {
        vec![
            Measure::Text(event.class.clone()),
            Measure::Text(if event.class == "CPU" {
                "running, or waiting for a core".to_owned()
            } else {
                event.event.clone()
            }),
            event.sessions_mean.into(),
            (event.sessions_mean / total).into(),
        ]
    };
    let rows = sampled.events.iter().take(ROWS).map(row).collect();
    let columns = [
        ("class", Unit::Text),
        ("event", Unit::Text),
        ("sessions", Unit::Count),
        ("share", Unit::Ratio),
    ];
    table("time-by-event", "Where time goes", &columns, rows)
}

fn statements(sampled: &Sampled) -> Option<Overview> {
    let total = sampled.active_mean.max(f64::MIN_POSITIVE);
    let row = |statement: &SampledStatement| {
        let text = statement.text.as_deref().map_or_else(
            || format!("query id {}", statement.query_id),
            |text| text.split_whitespace().collect::<Vec<_>>().join(" "),
        );
        vec![
            Measure::Text(text.chars().take(TEXT_CHARS).collect()),
            statement.sessions_mean.into(),
            (statement.sessions_mean / total).into(),
            Measure::Text(doing(statement)),
        ]
    };
    let rows = sampled.statements.iter().take(ROWS).map(row).collect();
    let columns = [
        ("statement", Unit::Text),
        ("sessions", Unit::Count),
        ("share", Unit::Ratio),
        ("mostly", Unit::Text),
    ];
    table("time-by-statement", "Where time goes, by statement", &columns, rows)
}

/// What a statement did most: `IO DataFileRead 60 %, CPU 40 %`.
fn doing(statement: &SampledStatement) -> String {
    let total = statement.sessions_mean.max(f64::MIN_POSITIVE);
    let parts = statement.events.iter().map(|event| {
        let share = words::percent(event.sessions_mean / total);
        if event.event.is_empty() {
            format!("{} {share}", event.class)
        } else {
            format!("{} {} {share}", event.class, event.event)
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn trees(sampled: &Sampled) -> Option<Overview> {
    let rows = sampled
        .trees
        .iter()
        .take(ROWS)
        .map(|tree| {
            let who = match (tree.root, &tree.user) {
                (0, _) => "a prepared transaction".to_owned(),
                (root, Some(user)) => format!("{root} ({user})"),
                (root, None) => root.to_string(),
            };
            vec![
                Measure::Text(who),
                Measure::Text(tree.state.clone().unwrap_or_default()),
                tree.victims_max.into(),
                tree.longest_ms.into(),
            ]
        })
        .collect();
    let columns = [
        ("session at the root", Unit::Text),
        ("state", Unit::Text),
        ("sessions blocked", Unit::Count),
        ("longest wait", Unit::Ms),
    ];
    table("blocking-trees", "Who made others wait", &columns, rows)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Section,
        pg::window::{SampledTree, Window},
    };

    use super::*;

    #[test]
    fn tables_say_how_they_were_seen_and_what_that_cost() {
        let event = SampledEvent { class: "CPU".into(), event: String::new(), sessions_mean: 2.0 };
        let sampled = Sampled {
            looks: 100,
            wanted_per_second: 100.0,
            seconds: 10.0,
            server_ms: 80.0,
            active_mean: 4.0,
            active_max: 9,
            hidden_max: 2,
            events: vec![event.clone()],
            statements: vec![SampledStatement {
                query_id: 5,
                sessions_mean: 2.0,
                events: vec![event],
                ..SampledStatement::default()
            }],
            trees: vec![SampledTree { root: 0, ..SampledTree::default() }],
            ..Sampled::default()
        };
        let mut pg = PgSnapshot::default();
        assert_eq!(tables(&pg), []);
        pg.window = Section::collected(Window {
            sampled: Some(sampled),
            series: Some(Series { seconds: vec![1.0; 9], server_ms: 30.0, ..Series::default() }),
            ..Window::default()
        });
        let tables = tables(&pg);
        let ids: Vec<&str> = tables.iter().map(|table| table.id.as_str()).collect();
        assert_eq!(ids, ["time-by-event", "time-by-statement", "blocking-trees"]);
        let note = tables[0].note.as_deref().unwrap();
        assert!(note.starts_with("4.0 sessions active on average, 9 at most; 100 looks in 10 s"));
        assert!(note.contains("at most 0.8 % of one core"), "{note}");
        assert!(note.contains("10.0 looks a second instead of 100"), "{note}");
        assert!(
            note.contains("; 10 looks at the counters of statements took 30 ms more"),
            "{note}"
        );
        assert!(note.contains("up to 2 sessions are hidden"), "{note}");
        assert_eq!(tables[0].rows[0][3], Measure::from(0.5));
        assert_eq!(tables[1].rows[0][0], Measure::from("query id 5"));
        assert_eq!(tables[1].rows[0][3], Measure::from("CPU 100 %"));
    }
}
