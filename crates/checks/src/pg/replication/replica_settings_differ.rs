//! A standby that would behave differently as a primary.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use super::{
    parity::{self, Difference},
    standby,
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
};

/// Settings of a standby against its primary's.
pub static CHECK: Check = Check {
    id: "pg-replica-settings-differ",
    title: "Standby's settings differ",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
On a standby whose primary is a target, too: `max_connections` and the other settings that must not be
lower than on the primary, and settings of memory, durability, planning and timeouts that differ.

## Why it matters
A standby with less of the former stops replaying or does not start. With differences in the latter it
behaves differently the moment it takes over, which is the worst moment to find out.

## How to fix
Give the standby the primary's values; keep both in one configuration management.

## When to ignore
Standbys on smaller machines, or tuned for reports, that are never promoted.

## References
PostgreSQL documentation: Hot Standby, Administrator's Overview.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let own = pg.settings()?;
    if !pg.server().in_recovery {
        return Err(Skip::not_applicable("compared on the standby"));
    }
    let primary = standby::primary(pg).ok_or_else(|| standby::needs_node("primary"))?;
    let theirs = primary.settings()?;
    let differences = parity::differences(theirs, own);
    if differences.is_empty() {
        return Ok(Vec::new());
    }
    let stops = parity::too_low(theirs, own).len();
    let names: Vec<_> = differences.iter().map(|difference| difference.name).collect();
    let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let advice = if stops > 0 {
        "Raise what is lower than on the primary first: replay stops without it. Then make the rest \
         equal."
    } else {
        "Give the standby the primary's values, unless it is never to take over."
    };
    let changes: Vec<_> = differences
        .iter()
        .filter_map(|d| Some((d.name, setting_change::present(theirs, d.name)?)))
        .collect();
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("replica", pg.name()),
            format!("settings differ from those of {}: {shown}{more}", primary.name()),
            advice,
        )
        .with(
            Evidence::new("settings that differ", names.len() as f64, Unit::Count, "pg_settings")
                .against(0.0),
        );
    let found = differences.iter().fold(found, |found, Difference { name, primary, standby }| {
        found.with(
            Evidence::new(*name, standby.as_str(), Unit::Text, "pg_settings")
                .against(primary.as_str()),
        )
    });
    Ok(vec![found.fixed_by(setting_change::change(own, FixKind::Review, &changes))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData};

    use super::*;
    use crate::testing::{self, set};

    fn cluster(primary: &[(&str, &str)], standby: &[(&str, &str)]) -> Snapshot {
        let node = |name: &str, in_recovery: bool, values: &[(&str, &str)]| {
            let mut pg = testing::healthy_pg();
            pg.server.in_recovery = in_recovery;
            for (name, value) in values {
                set(&mut pg, name, value, None);
            }
            testing::target(name, TargetData::Postgres(Box::new(pg)))
        };
        testing::snapshot(vec![node("main", false, primary), node("s1", true, standby)])
    }

    fn judged(snapshot: &Snapshot) -> Vec<dbvitals_model::Finding> {
        let settings = crate::Settings::default();
        let verdicts = crate::judge::run(&CHECK, snapshot, &snapshot.targets[1], &settings);
        verdicts.unwrap().0.remove(0).1.unwrap()
    }

    #[test]
    fn differences_are_named_with_the_statements_that_level_them() {
        let found = judged(&cluster(
            &[
                ("max_connections", "200"),
                ("work_mem", "4096"),
                ("shared_preload_libraries", "a, b"),
            ],
            &[("max_connections", "100"), ("work_mem", "4096"), ("shared_preload_libraries", "a")],
        ));
        assert_eq!(found[0].target, "s1");
        assert!(found[0].message.contains("max_connections, shared_preload_libraries"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(
            fix.statements[..2],
            [
                "ALTER SYSTEM SET max_connections = '200';",
                "ALTER SYSTEM SET shared_preload_libraries = 'a', 'b';"
            ]
        );
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET max_connections = '100';");
    }

    #[test]
    fn more_connections_than_the_primary_are_fine() {
        let same = cluster(&[("max_connections", "100")], &[("max_connections", "300")]);
        assert!(judged(&same).is_empty());
    }

    #[test]
    fn is_skipped_on_primaries_alone_and_without_settings() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let alone = testing::pg(|pg| pg.server.in_recovery = true);
        let skip = testing::skipped(&CHECK, &alone);
        assert_eq!(skip.0.remedy.as_deref(), Some("name the primary as a further target"));
        let lost = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
