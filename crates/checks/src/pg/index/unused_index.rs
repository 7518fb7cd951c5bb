//! Indexes nobody reads.

use std::collections::BTreeSet;

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        index::parts,
        replication::{standby, unseen},
    },
    skip::{Judged, Skip},
    view::DatabaseView,
};

/// Indexes with no scan on any node since statistics began.
pub static CHECK: Check = Check {
    id: "pg-unused-index",
    title: "Unused index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["indexes", "relations", "constraints", "databases"],
    uses: &unseen::READS,
    thresholds: &[&MIN_SIZE, &MIN_AGE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An index of at least `min_size_bytes` that was not scanned once since the database's statistics began,
on this server and on every other node of the cluster that was audited with it. Judged on the primary.
While a node is known and not audited (a connected standby, one whose slot waits, one that is expected),
the index is only noted, with the nodes to look at: it may serve their queries.

## Why it matters
Every insert, every non-HOT update and every vacuum pays for it, it takes memory from useful pages,
and it can prevent heap-only-tuple updates.

## How to fix
Look at a whole business cycle (month end!) first: statistics of every node must be older than
`min_age_days`. Then
`DROP INDEX CONCURRENTLY`; keep the definition, which is the undo.

## When to ignore
Indexes kept for a yearly report, for a failover site with other queries, or created minutes ago.
Unique, primary-key, exclusion, replica-identity and clustering indexes, and those that support a
foreign key, are never reported.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_all_indexes`.
",
    run: Run::Database(run),
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e13),
    why: "below 1 MB an index costs less than the attention it takes",
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_days",
    unit: Unit::Days,
    default: 14.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "two weeks see weekly jobs twice; younger statistics prove nothing and never offer a DROP",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations, constraints) = (db.indexes()?, db.relations()?, db.constraints()?);
    db.stats()?;
    if db.server().server().in_recovery {
        return Err(match standby::primary(&db.server()) {
            Some(_) => Skip::not_applicable("judged on the primary, with the scans of all nodes"),
            None => standby::needs_node("primary"),
        });
    }
    let proof =
        Proof { age_days: parts::youngest_age_days(db), unseen: unseen::nodes(&db.server()) };
    let tables = parts::by_oid(relations);
    let foreign_keys = parts::foreign_keys(constraints);
    let uses = parts::use_on_all_nodes(db, indexes);
    let mut found = Vec::new();
    for index in indexes {
        let name = index.qualified();
        let is_used = uses.get(&index.oid).is_some_and(|of_index| of_index.scans > 0);
        let is_small = (index.size_bytes as f64) < cx.limit_for(&MIN_SIZE, &name);
        let supports = foreign_keys
            .get(&index.table_oid)
            .is_some_and(|keys| keys.iter().any(|key| parts::serves(index, &key.columns)));
        let is_judged = parts::is_judged(index) && !parts::is_protected(index);
        if is_used || is_small || supports || !is_judged {
            continue;
        }
        let writes = tables
            .get(&index.table_oid)
            .map_or(0, |table| table.inserts + table.updates - table.hot_updates);
        found.push(finding(db, cx, index, writes, &proof));
    }
    Ok(found)
}

/// What it rests on that nobody reads an index.
struct Proof {
    /// Of the youngest statistics among the nodes.
    age_days: Option<f64>,
    /// Nodes whose scans are not known.
    unseen: BTreeSet<String>,
}

impl Proof {
    fn is_old_enough(&self, least: f64) -> bool {
        self.age_days.is_some_and(|age| age >= least)
    }

    fn unseen(&self) -> String {
        self.unseen.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    index: &Index,
    writes: i64,
    proof: &Proof,
) -> Finding {
    let name = index.qualified();
    let subject = parts::subject(db, index);
    let is_old = proof.is_old_enough(cx.limit_for(&MIN_AGE, &name));
    let proven = is_old && proof.unseen.is_empty();
    let severity = if proven { Severity::Warning } else { Severity::Info };
    let advice = if proven {
        "Drop it concurrently, unless a rare job (month end, year end) needs it.".to_owned()
    } else if proof.unseen.is_empty() {
        "Wait until statistics cover a whole business cycle before deciding.".to_owned()
    } else {
        format!(
            "Audit {} together with this server before deciding: queries there may need it.",
            proof.unseen()
        )
    };
    let found = cx
        .finding(
            severity,
            subject,
            format!("index {name} on {} was never scanned", index.qualified_table()),
            advice,
        )
        .with(Evidence::new("scans", 0.0, Unit::Count, "pg_stat_all_indexes.idx_scan, all nodes"))
        .with(
            Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size")
                .against(cx.limit_for(&MIN_SIZE, &name)),
        )
        .with(Evidence::new("writes it took part in", writes, Unit::Count, "pg_stat_all_tables"));
    let found = match proof.age_days {
        Some(age) => found.with(
            Evidence::new("statistics age", age, Unit::Days, "pg_stat_database.stats_reset")
                .against(cx.limit_for(&MIN_AGE, &name)),
        ),
        None => found,
    };
    let found = if proof.unseen.is_empty() {
        found
    } else {
        let source = "pg_stat_replication, pg_replication_slots, targets";
        found.with(Evidence::new("nodes not audited", proof.unseen(), Unit::Text, source))
    };
    if !proven {
        return found;
    }
    found
        .fixed_by(parts::drop_fix(index))
        .promising("frees its disk and cache space and makes every write cheaper")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot, TargetData,
        pg::{replication::Replica, schema::Constraint},
    };

    use super::*;
    use crate::testing::{self, ago, app, edit};

    fn unused() -> Index {
        Index {
            oid: 2,
            table_oid: 1,
            schema: "public".into(),
            name: "Orders by note".into(),
            table: "orders".into(),
            method: "btree".into(),
            is_valid: true,
            is_ready: true,
            is_live: true,
            key_columns: vec![3],
            size_bytes: 1_048_576,
            definition: "CREATE INDEX \"Orders by note\" ON public.orders USING btree (note)"
                .into(),
            ..Index::default()
        }
    }

    fn with(index: Index) -> Snapshot {
        testing::database(|db| *edit(&mut db.indexes) = vec![index])
    }

    /// What is found on the first target, whatever the others say.
    fn on_first(snapshot: &Snapshot) -> Vec<Finding> {
        let settings = crate::Settings::default();
        let verdicts = crate::judge::run(&CHECK, snapshot, &snapshot.targets[0], &settings);
        verdicts.unwrap().0.remove(0).1.unwrap()
    }

    #[test]
    fn reports_an_index_without_scans_and_offers_the_drop_with_its_undo() {
        let found = testing::findings(&CHECK, &with(unused()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].key, "pg-unused-index@main/index:app.public.Orders by note");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["DROP INDEX CONCURRENTLY public.\"Orders by note\";"]);
        assert_eq!(
            fix.undo,
            ["CREATE INDEX CONCURRENTLY \"Orders by note\" ON public.orders USING btree (note);"]
        );
    }

    #[test]
    fn size_threshold_has_two_sides() {
        let small = Index { size_bytes: 1_048_575, ..unused() };
        assert!(testing::findings(&CHECK, &with(small)).is_empty());
    }

    #[test]
    fn young_statistics_prove_nothing() {
        let mut snapshot = with(unused());
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
        edit(&mut pg.databases)[0].stats_reset = ago(14 * 86_400 - 1);
        let found = testing::findings(&CHECK, &snapshot);
        assert_eq!(found[0].severity, Severity::Info);
        assert!(found[0].fix.is_none(), "never a DROP on young statistics");
    }

    #[test]
    fn indexes_that_serve_a_rule_are_never_offered() {
        for index in [
            Index { is_unique: true, ..unused() },
            Index { is_primary: true, ..unused() },
            Index { is_exclusion: true, ..unused() },
            Index { is_replica_identity: true, ..unused() },
            Index { is_clustered: true, ..unused() },
            Index { scans: 1, ..unused() },
        ] {
            assert!(testing::findings(&CHECK, &with(index)).is_empty());
        }
        let supporting = testing::database(|db| {
            *edit(&mut db.indexes) = vec![unused()];
            *edit(&mut db.constraints) = vec![Constraint {
                kind: "f".into(),
                table_oid: 1,
                columns: vec![3],
                ..Constraint::default()
            }];
        });
        assert!(testing::findings(&CHECK, &supporting).is_empty());
    }

    #[test]
    fn an_index_used_only_on_a_replica_is_used() {
        let mut snapshot = with(unused());
        let mut standby = testing::healthy_pg();
        standby.server.in_recovery = true;
        *edit(&mut app(&mut standby).indexes) = vec![Index { scans: 9, ..unused() }];
        let data = TargetData::Postgres(Box::new(standby));
        snapshot.targets.push(testing::target("standby", data));
        assert!(on_first(&snapshot).is_empty());
    }

    #[test]
    fn a_node_that_was_not_audited_may_need_it() {
        let mut snapshot = with(unused());
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { panic!() };
        *edit(&mut pg.replicas) = vec![Replica {
            application: "reports".into(),
            state: Some("streaming".into()),
            replay_lag_bytes: Some(0),
            ..Replica::default()
        }];
        let found = testing::findings(&CHECK, &snapshot);
        assert_eq!(found[0].severity, Severity::Info);
        assert!(found[0].fix.is_none());
        assert!(found[0].recommendation.starts_with("Audit reports together"));
    }

    #[test]
    fn the_youngest_statistics_of_all_nodes_count() {
        let mut snapshot = with(unused());
        let mut standby = testing::healthy_pg();
        standby.server.in_recovery = true;
        edit(&mut standby.databases)[0].stats_reset = ago(86_400);
        let data = TargetData::Postgres(Box::new(standby));
        snapshot.targets.push(testing::target("standby", data));
        let found = on_first(&snapshot);
        assert_eq!((found[0].severity, found[0].fix.is_none()), (Severity::Info, true));
    }

    #[test]
    fn a_standby_alone_cannot_tell() {
        let mut snapshot = with(unused());
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { panic!() };
        pg.server.in_recovery = true;
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::NotAsked);
    }

    #[test]
    fn is_skipped_when_indexes_cannot_be_read() {
        let snapshot = testing::database(|db| {
            db.indexes = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::Timeout);
    }
}
