//! Sequences close to the end of their own range or of their column's type.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit,
    pg::{growth::Growth, schema::Sequence},
};

use super::{
    integer_range::{CRITICAL, WARNING, largest, widened},
    ordinary::not_twice,
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    eta::{self, Eta, Needs, Pace},
    skip::{Judged, Skip},
    sql,
    view::DatabaseView,
    words,
};

/// Last value against the smaller of the sequence's maximum and the column's.
pub static CHECK: Check = Check {
    id: "pg-sequence-exhaustion",
    title: "Sequence exhaustion",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["sequences"],
    uses: &["growth"],
    thresholds: &[&WARNING, &CRITICAL, &eta::SOON, &eta::MIN_SECONDS],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
A sequence that has used `warning_ratio` (or `critical_ratio`) of what is left to it: the smaller of its own
maximum and the largest value of the column it feeds. A `bigint` sequence behind an `integer` column ends with
the column. Where it was watched for `min_observed_seconds`, with the date of its end; one within `warning_days` is a
warning whatever is left.

## Why it matters
At the end every insert fails, at once, with `nextval: reached maximum value` or `integer out of range`.

## How to fix
Widen the sequence (`ALTER SEQUENCE … AS bigint`) where the column is wide enough. Otherwise widen the column:
for a large table add a `bigint` column, fill it in batches with a trigger, and swap; a plain
`ALTER COLUMN … TYPE` rewrites the table under an exclusive lock. Foreign keys that refer to it need the same.

## When to ignore
Sequences that cycle on purpose within their column's range are not reported.

## References
PostgreSQL documentation: CREATE SEQUENCE; Numeric Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (sequences, growth) = (db.sequences()?, db.server().growth().ok());
    not_twice(db)?;
    let hidden = sequences.iter().filter(|sequence| !sequence.is_readable).count();
    if hidden > 0 && hidden == sequences.len() {
        let server = db.server().server();
        let role = sql::ident(&server.user);
        let remedy = if server.version.major >= 14 {
            format!("GRANT pg_read_all_data TO {role};")
        } else {
            format!("GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO {role};")
        };
        return Err(Skip::permission("no sequence may be read by this role", remedy));
    }
    Ok(sequences.iter().filter_map(|sequence| judged(db, cx, sequence, growth)).collect())
}

fn judged(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    sequence: &Sequence,
    growth: Option<&Growth>,
) -> Option<Finding> {
    let last = sequence.last_value?;
    let down = sequence.increment < 0;
    let (start, own_end) = if down {
        (sequence.max_value, sequence.min_value)
    } else {
        (sequence.min_value, sequence.max_value)
    };
    let column_end = sequence
        .owner_type
        .as_deref()
        .and_then(largest)
        .map(|largest| if down { -largest - 1 } else { largest });
    let narrow = column_end.is_some_and(|end| if down { end > own_end } else { end < own_end });
    if sequence.cycles && !narrow {
        return None;
    }
    let end = if narrow { column_end? } else { own_end };
    let span = (end as f64 - start as f64).abs();
    let used = (last as f64 - start as f64).abs();
    let name = format!("{}.{}", sequence.schema, sequence.name);
    if span <= 0.0 {
        return None;
    }
    let share = used / span;
    let step = sequence.increment.unsigned_abs().max(1) as f64;
    let left = (span - used).max(0.0) / step;
    let date = growth.and_then(|growth| date(cx, growth, db.name(), sequence, left));
    let soon = date.filter(|date| date.latest_days <= cx.limit_for(&eta::SOON, &name));
    let by_share = cx.above(share, &WARNING, &CRITICAL, &name);
    let severity = by_share.or(soon.map(|_| Severity::Warning))?;
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let feeds = sequence.owner_column.as_ref().zip(sequence.owner_table.as_ref());
    let whose = feeds
        .map_or_else(String::new, |(column, table)| format!(", which feeds {table}.{column},"));
    let end_date =
        soon.map_or_else(String::new, |date| format!("; at this pace it ends {}", date.when()));
    let found = cx
        .finding(
            severity,
            Subject::within("sequence", db.name(), &name),
            format!(
                "sequence {name}{whose} has used {} of its values ({last} of {end}){end_date}",
                words::percent(share)
            ),
            if narrow {
                "Plan the column's change to bigint now; on a large table through a new column and a swap."
            } else {
                "Widen the sequence; check that the columns it feeds are wide enough."
            },
        )
        .with(
            Evidence::new("share used", share, Unit::Ratio, "pg_sequences.last_value")
                .against(cx.limit_for(limit, &name)),
        )
        .with(Evidence::new("last value", last, Unit::Count, "pg_sequences.last_value"))
        .with(Evidence::new("values left", left, Unit::Count, "pg_sequences"));
    let found = match date {
        Some(date) => {
            date.told(found, Unit::Count, db.server().now(), "pg_sequences.last_value twice")
        }
        None => found,
    };
    let found = match &sequence.owner_type {
        Some(kind) => {
            found.with(Evidence::new("column type", kind.clone(), Unit::Text, "pg_attribute"))
        }
        None => found,
    };
    Some(found.fixed_by(fix(sequence, narrow)).promising("inserts do not stop one day"))
}

/// When its values are used up, if it was watched while enough of them were drawn.
fn date(
    cx: &Context<'_>,
    growth: &Growth,
    database: &str,
    sequence: &Sequence,
    left: f64,
) -> Option<Eta> {
    let drawn = growth.of_sequence(database, &sequence.schema, &sequence.name)? as f64;
    let pace = Pace { grown: drawn, seconds: growth.seconds, steps: drawn };
    eta::eta(left, pace, Needs::of(cx, 100.0))
}

fn fix(sequence: &Sequence, narrow: bool) -> Fix {
    let name = sql::qualified(&sequence.schema, &sequence.name);
    let bound = if sequence.increment < 0 { "NO MINVALUE" } else { "NO MAXVALUE" };
    let widen = format!("ALTER SEQUENCE {name} AS bigint {bound};");
    let owner = (&sequence.owner_schema, &sequence.owner_table, &sequence.owner_column);
    if let (true, (Some(schema), Some(table), Some(column))) =
        (narrow || is_narrow(sequence), owner)
    {
        let mut fix = widened(schema, table, column);
        if sequence.type_name != "bigint" {
            fix.statements.push(widen);
        }
        return fix;
    }
    Fix::new(FixKind::Review, [widen])
        .locking("ShareRowExclusiveLock", format!("nextval of {name} for a moment"))
        .undone_by([format!(
            "ALTER SEQUENCE {name} AS {} MINVALUE {} MAXVALUE {};",
            sequence.type_name, sequence.min_value, sequence.max_value
        )])
}

/// The column it feeds is no wider than the sequence's own type.
fn is_narrow(sequence: &Sequence) -> bool {
    sequence.owner_type.as_deref().and_then(largest).is_some_and(|end| end < i64::MAX)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::growth::SequenceGrowth};

    use super::*;
    use crate::testing::{self, edit, findings, skipped};

    fn serial(last: i64) -> Sequence {
        Sequence {
            schema: "app".into(),
            name: "orders_id_seq".into(),
            type_name: "integer".into(),
            min_value: 1,
            max_value: i64::from(i32::MAX),
            increment: 1,
            last_value: Some(last),
            is_readable: true,
            owner_schema: Some("app".into()),
            owner_table: Some("orders".into()),
            owner_column: Some("id".into()),
            owner_type: Some("int4".into()),
            ..Sequence::default()
        }
    }

    fn judge(sequence: Sequence) -> Vec<Finding> {
        findings(&CHECK, &testing::database(|db| *edit(&mut db.sequences) = vec![sequence]))
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |last| judge(serial(last)).first().map(|found| found.severity);
        assert_eq!(severity(1_503_238_553), None);
        assert_eq!(severity(1_503_238_554), Some(Severity::Warning));
        assert_eq!(severity(1_825_361_099), Some(Severity::Warning));
        assert_eq!(severity(1_825_361_102), Some(Severity::Critical));
    }

    /// A sequence that drew so many values in so many days.
    fn drawing(last: i64, values: i64, days: f64) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            *edit(&mut testing::app(pg).sequences) = vec![serial(last)];
            let growth = edit(&mut pg.growth);
            growth.seconds = days * 86_400.0;
            growth.sequences = vec![SequenceGrowth {
                database: "app".into(),
                schema: "app".into(),
                name: "orders_id_seq".into(),
                values,
            }];
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn a_near_end_is_told_whatever_is_left() {
        // 1.147 billion are left; 70 million a day are 16 days.
        let found = drawing(1_000_000_000, 490_000_000, 7.0);
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].message.ends_with("at this pace it ends in 14 to 20 days"), "{found:?}");
        assert!(drawing(1_000_000_000, 49_000_000, 7.0).is_empty(), "160 days");
        assert!(drawing(1_000_000_000, 49_000_000, 0.01).is_empty(), "a quarter of an hour");
        assert!(drawing(1_000_000_000, -1, 7.0).is_empty());
        let late = drawing(1_900_000_000, 49_000_000, 7.0);
        assert_eq!(late[0].severity, Severity::Critical);
        assert!(late[0].evidence.iter().any(|e| e.label == "days left at this pace"));
    }

    #[test]
    fn a_wide_sequence_ends_with_its_column() {
        let wide =
            Sequence { type_name: "bigint".into(), max_value: i64::MAX, ..serial(2_000_000_000) };
        let found = judge(wide);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE app.orders ALTER COLUMN id TYPE bigint;"]
        );
        assert_eq!(found[0].fix.as_ref().unwrap().kind, FixKind::Manual);
    }

    #[test]
    fn a_narrow_sequence_of_a_wide_column_is_widened() {
        let narrow = Sequence { owner_type: Some("int8".into()), ..serial(2_000_000_000) };
        let found = judge(narrow);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["ALTER SEQUENCE app.orders_id_seq AS bigint NO MAXVALUE;"]);
        assert_eq!(
            fix.undo,
            ["ALTER SEQUENCE app.orders_id_seq AS integer MINVALUE 1 MAXVALUE 2147483647;"]
        );
    }

    #[test]
    fn a_serial_needs_both() {
        let found = judge(serial(2_000_000_000));
        assert_eq!(found[0].fix.as_ref().unwrap().statements.len(), 2);
    }

    #[test]
    fn it_runs_down_as_well_as_up() {
        let down = Sequence {
            increment: -1,
            min_value: i64::from(i32::MIN),
            max_value: -1,
            ..serial(-2_000_000_000)
        };
        assert_eq!(judge(down)[0].severity, Severity::Critical);
        let free = Sequence { max_value: i64::MAX, owner_type: None, ..serial(2_000_000_000) };
        assert!(judge(free).is_empty());
    }

    #[test]
    fn unused_and_cycling_sequences_are_silent() {
        assert!(judge(Sequence { last_value: None, ..serial(0) }).is_empty());
        assert!(judge(Sequence { cycles: true, ..serial(2_147_483_647) }).is_empty());
        let through = Sequence {
            cycles: true,
            max_value: i64::MAX,
            type_name: "bigint".into(),
            ..serial(2_147_483_000)
        };
        assert_eq!(judge(through).len(), 1, "cycling beyond the column's type does not help");
        assert!(judge(Sequence { min_value: 5, max_value: 5, ..serial(5) }).is_empty());
    }

    #[test]
    fn is_skipped_when_no_sequence_may_be_read() {
        let hidden = Sequence { is_readable: false, last_value: None, ..serial(0) };
        let snapshot = testing::database(|db| *edit(&mut db.sequences) = vec![hidden]);
        let skip = skipped(&CHECK, &snapshot).0;
        assert_eq!(skip.reason, Reason::Permission);
        assert_eq!(skip.remedy.as_deref(), Some("GRANT pg_read_all_data TO monitor;"));
        let blind = testing::database(|db| {
            db.sequences = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Timeout);
    }
}
