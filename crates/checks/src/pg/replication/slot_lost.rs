//! Replication slots the server has given up.

use dbvitals_model::{FixKind, Severity, Subject};

use super::slot;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
};

/// Slots whose WAL or rows are gone.
pub static CHECK: Check = Check {
    id: "pg-slot-lost",
    title: "Replication slot lost",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["slots"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A slot that the server has invalidated: the WAL it needed is gone (`max_slot_wal_keep_size`), rows it needed
were removed, or it was idle for too long.

## Why it matters
Its consumer cannot go on, ever: a standby behind it stands still, a subscriber misses changes.

## How to fix
Drop the slot; build the standby or synchronise the subscriber anew. Then find out why it fell behind, or
allow it more WAL.

## When to ignore
Never: drop what is not needed.

## References
PostgreSQL documentation: `pg_replication_slots`, `wal_status`, `invalidation_reason`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let slots = pg.slots()?;
    let lost = slots.iter().filter(|slot| slot::is_lost(slot)).map(|slot| {
        let why = match (slot.invalidation_reason.as_deref(), slot.conflicting) {
            (Some(reason), _) => reason,
            (None, Some(true)) => "conflict with replay",
            (None, _) => "WAL removed",
        };
        let mut fix = slot::dropping(slot);
        if slot.kind == "physical" {
            let name = sql::literal(&slot.name);
            fix.statements.push(format!("SELECT pg_create_physical_replication_slot({name}, true);"));
        }
        let advice = format!(
            "Drop the slot and build its consumer anew. Allow more WAL if it only fell behind for a \
             while.{}",
            slot::place(slot)
        );
        let found = cx.finding(
            Severity::Critical,
            Subject::new("slot", &slot.name),
            format!("{} slot {} is lost ({why}): its consumer cannot go on", slot.kind, slot.name),
            advice,
        );
        slot::with_facts(found, slot).fixed_by(fix)
    });
    Ok(lost.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::replication::Slot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(slot: Slot) -> Snapshot {
        testing::pg(|pg| *edit(&mut pg.slots) = vec![slot])
    }

    fn physical() -> Slot {
        Slot { name: "s1".into(), kind: "physical".into(), ..Slot::default() }
    }

    #[test]
    fn every_way_of_being_lost_is_reported() {
        for slot in [
            Slot { wal_status: Some("lost".into()), ..physical() },
            Slot { invalidation_reason: Some("idle_timeout".into()), ..physical() },
            Slot { conflicting: Some(true), kind: "logical".into(), ..physical() },
        ] {
            let found = testing::findings(&CHECK, &with(slot));
            assert_eq!(found[0].severity, Severity::Critical);
        }
        for status in ["reserved", "extended", "unreserved"] {
            let slot = Slot { wal_status: Some(status.into()), ..physical() };
            assert!(testing::findings(&CHECK, &with(slot)).is_empty());
        }
    }

    #[test]
    fn a_standby_gets_a_new_slot() {
        let found = testing::findings(
            &CHECK,
            &with(Slot { wal_status: Some("lost".into()), ..physical() }),
        );
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            [
                "SELECT pg_drop_replication_slot('s1');",
                "SELECT pg_create_physical_replication_slot('s1', true);"
            ]
        );
    }

    #[test]
    fn is_skipped_without_the_section() {
        let lost = testing::pg(|pg| pg.slots = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
