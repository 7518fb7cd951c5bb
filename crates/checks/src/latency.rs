//! The table of latency by statement class.

use dbvitals_model::{Measure, Snapshot, TargetSnapshot, Unit, pg::statement::Statement};
use dbvitals_query::Class;

use crate::{
    check::Threshold,
    pg::statement::{
        class,
        load::{self, Load, mean_ms},
        statement_over_class_target::CHECK,
    },
    settings::Settings,
    view::{PgView, Reads},
    words,
};

/// Columns of the table.
pub const COLUMNS: [(&str, Unit); 7] = [
    ("class", Unit::Text),
    ("target", Unit::Ms),
    ("statements", Unit::Count),
    ("calls", Unit::Count),
    ("mean", Unit::Ms),
    ("worst mean", Unit::Ms),
    ("over target", Unit::Ratio),
];

/// What stands where a class has no target.
const NONE: &str = "–";

/// The title and the rows: one for each class that has statements. `None` where statements cannot be read.
pub fn by_class(
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    settings: &Settings,
) -> Option<(String, Vec<Vec<Measure>>)> {
    let reads = Reads::default();
    let pg = PgView::of(snapshot, target, &reads)?;
    let load = Load::of(&pg, pg.statements().ok()?, pg.window().ok()).ok()?;
    let classified: Vec<(Class, &Statement)> =
        load.by(|s| s.total_exec_time_ms).map(|s| (class::of(s).class, s)).collect();
    let rows = Class::ALL.into_iter().filter_map(|class| {
        let statements = classified.iter().filter(|(of, _)| *of == class).map(|(_, s)| *s);
        row(class, &statements.collect::<Vec<_>>(), &|limit, name| {
            settings.value(&CHECK, limit, &target.name, Some(name))
        })
    });
    let rows: Vec<_> = rows.collect();
    let listed: f64 = classified.iter().map(|(_, s)| s.total_exec_time_ms).sum();
    let over = load.seconds().map_or_else(String::new, |seconds| {
        let covered = words::seconds(seconds);
        if load.is_window() { format!("{covered} watched, ") } else { format!("last {covered}, ") }
    });
    let share = words::percent(load.time_ratio(listed));
    let title = format!("Latency by statement class ({over}{share} of all execution time)");
    (!rows.is_empty()).then_some((title, rows))
}

/// One class, with the limits of its statements by their names.
fn row(
    class: Class,
    statements: &[&Statement],
    limit: &dyn Fn(&Threshold, &str) -> f64,
) -> Option<Vec<Measure>> {
    if statements.is_empty() {
        return None;
    }
    let calls: f64 = statements.iter().map(|s| s.calls as f64).sum();
    let time: f64 = statements.iter().map(|s| s.total_exec_time_ms).sum();
    let worst = statements.iter().map(|s| mean_ms(s)).fold(0.0, f64::max);
    let (target, over) = match class::target(class) {
        Some(target) => {
            let is_over = |s: &&&Statement| mean_ms(s) > limit(target, &load::name(s));
            let over: f64 = statements.iter().filter(is_over).map(|s| s.calls as f64).sum();
            (Measure::from(limit(target, "")), Measure::from(over / calls.max(1.0)))
        }
        None => (Measure::from(NONE), Measure::from(NONE)),
    };
    Some(vec![
        class.as_str().into(),
        target,
        (statements.len() as f64).into(),
        calls.into(),
        (time / calls.max(1.0)).into(),
        worst.into(),
        over,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::statement::sample::{in_window, statement, with, without_statements};

    fn timed(query_id: i64, text: &str, calls: i64, mean: f64) -> Statement {
        let total_exec_time_ms = mean * calls as f64;
        Statement { query_id, text: Some(text.into()), calls, total_exec_time_ms, ..statement() }
    }

    fn table(snapshot: &Snapshot) -> Option<(String, Vec<Vec<Measure>>)> {
        by_class(snapshot, &snapshot.targets[0], &Settings::default())
    }

    #[test]
    fn classes_have_their_calls_their_mean_and_the_share_over_the_target() {
        let snapshot = with(vec![
            timed(1, "select * from t where id = $1", 900, 1.0),
            timed(2, "select * from t where name = $1", 100, 41.0),
            timed(3, "select count(*) from t", 10, 500.0),
            timed(4, "cut off (", 5, 1.0),
        ]);
        let (title, rows) = table(&snapshot).unwrap();
        assert!(title.starts_with("Latency by statement class (last 17 min, "), "{title}");
        let wanted: Vec<Measure> = vec![
            "simple read".into(),
            10.0.into(),
            2.0.into(),
            1000.0.into(),
            5.0.into(),
            41.0.into(),
            0.1.into(),
        ];
        assert_eq!(rows[0], wanted);
        assert_eq!((rows[1][0].clone(), rows[1][1].clone()), ("aggregate".into(), NONE.into()));
        assert_eq!((rows.len(), rows[2][0].clone()), (3, "unknown".into()));
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
    }

    #[test]
    fn a_window_is_said_to_be_one() {
        let (title, _) = table(&in_window(90.0, vec![timed(1, "select 1", 9, 1.0)])).unwrap();
        assert!(title.contains("90 s watched"), "{title}");
    }

    #[test]
    fn without_statements_there_is_no_table() {
        assert_eq!(table(&without_statements()), None);
        assert_eq!(table(&with(Vec::new())), None);
    }
}
