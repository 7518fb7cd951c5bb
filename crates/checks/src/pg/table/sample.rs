//! A table and the server's default settings, for the tests of this topic.

use dbvitals_model::{
    Snapshot,
    pg::{DatabaseSnapshot, PgSnapshot, relation::Relation},
};

use crate::testing::{self, ago, app, edit, set};

/// `app.orders`: a million rows in 800 MB, well kept, vacuumed and analyzed two hours ago.
pub(crate) fn orders() -> Relation {
    Relation {
        oid: 1,
        schema: "app".into(),
        name: "orders".into(),
        kind: "r".into(),
        persistence: "p".into(),
        row_estimate: 1_000_000.0,
        live_rows: 1_000_000,
        pages: 100_000,
        all_visible_pages: 100_000,
        heap_bytes: 819_200_000,
        frozen_xid_age: Some(1_000_000),
        multixact_age: Some(0),
        index_scans: Some(0),
        inserts: 1_000_000,
        last_autovacuum: ago(7200),
        last_autoanalyze: ago(7200),
        autovacuums: 1,
        autoanalyzes: 1,
        has_primary_key: true,
        replica_identity: "d".into(),
        columns: 3,
        has_statistics: Some(true),
        ..Relation::default()
    }
}

/// The settings of autovacuum as shipped with 16.
pub(crate) fn autovacuum(pg: &mut PgSnapshot) {
    for (name, value) in [
        ("autovacuum", "on"),
        ("track_counts", "on"),
        ("autovacuum_vacuum_threshold", "50"),
        ("autovacuum_vacuum_scale_factor", "0.2"),
        ("autovacuum_vacuum_insert_threshold", "1000"),
        ("autovacuum_vacuum_insert_scale_factor", "0.2"),
        ("autovacuum_analyze_threshold", "50"),
        ("autovacuum_analyze_scale_factor", "0.1"),
        ("autovacuum_max_workers", "3"),
        ("autovacuum_freeze_max_age", "200000000"),
        ("vacuum_failsafe_age", "1600000000"),
    ] {
        set(pg, name, value, None);
    }
}

/// A server with these settings whose database `app` holds these tables.
pub(crate) fn with(tables: Vec<Relation>) -> Snapshot {
    with_more(tables, |_| {})
}

/// The same, edited further.
pub(crate) fn with_more(tables: Vec<Relation>, more: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
    testing::pg(|pg| {
        autovacuum(pg);
        let stats = &mut edit(&mut pg.databases)[0];
        stats.commits = 60 * 86_400; // one a second since the reset
        *edit(&mut app(pg).relations) = tables;
        more(pg);
    })
}

/// The same, with the database edited further.
pub(crate) fn within(tables: Vec<Relation>, more: impl FnOnce(&mut DatabaseSnapshot)) -> Snapshot {
    with_more(tables, |pg| more(app(pg)))
}
