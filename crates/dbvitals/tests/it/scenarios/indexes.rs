//! Indexes and keys as they should not be, and what mends them.

use dbvitals_model::Severity;

use super::tables::{case::Case, server};

/// A condition that the finding's own statements mend.
struct Mended {
    check: &'static str,
    limits: &'static [(&'static str, f64)],
    condition: &'static str,
    severity: Severity,
}

const MENDED: [Mended; 7] = [
    Mended {
        check: "pg-duplicate-index",
        limits: &[],
        condition: "create table t (id int primary key, \"Name\" text); \
            create index a on t (\"Name\"); create index b on t (\"Name\")",
        severity: Severity::Warning,
    },
    Mended {
        check: "pg-redundant-index",
        limits: &[],
        condition: "create table t (a int, b int); create index short on t (a); create index longer on t (a, b)",
        severity: Severity::Warning,
    },
    Mended {
        check: "pg-duplicate-foreign-key",
        limits: &[],
        condition: "create table p (id int primary key); create table t (p_id int references p); \
            alter table t add constraint \"again\" foreign key (p_id) references p",
        severity: Severity::Warning,
    },
    Mended {
        check: "pg-foreign-key-without-index",
        limits: &[("min_listed_count", 100.0), ("min_rows_count", 1000.0)],
        condition: "create table p (id int primary key); create table t (p_id int references p); \
            insert into p values (1), (2); insert into t select 1 from generate_series(1, 2000); \
            analyze t; delete from p where id = 2",
        severity: Severity::Warning,
    },
    Mended {
        check: "pg-index-mostly-null",
        limits: &[("min_size_bytes", 0.0)],
        condition: "create table t (a int); \
            insert into t select case when g % 10 = 0 then g end from generate_series(1, 5000) g; \
            create index rare on t (a); analyze t",
        severity: Severity::Info,
    },
    Mended {
        check: "pg-btree-on-array-or-jsonb",
        limits: &[],
        condition: "create table t (tags int[]); create index tags_idx on t (tags)",
        severity: Severity::Warning,
    },
    Mended {
        check: "pg-foreign-key-without-index",
        limits: &[("min_listed_count", 100.0)],
        condition: "create table p (id int primary key); create table t (p_id int references p); \
            insert into p values (1); insert into t select 1 from generate_series(1, 2000); analyze t",
        severity: Severity::Info,
    },
];

#[tokio::test]
async fn what_a_finding_writes_mends_it() {
    for trial in MENDED {
        let case = with(Case::fresh(server(), trial.check).await, trial.limits);
        case.gone().await;
        case.sql(trial.condition).await;
        // Counters reach the views when the session that made them has ended.
        if trial.condition.contains("delete from p") {
            case.until("select n_tup_del > 0 from pg_stat_user_tables where relname = 'p'").await;
        }
        case.found_and_mended(trial.severity).await;
    }
}

/// A condition, and what a person does about it.
struct ByHand {
    check: &'static str,
    limits: &'static [(&'static str, f64)],
    condition: &'static str,
    severity: Severity,
    remedy: &'static str,
}

const BY_HAND: [ByHand; 5] = [
    ByHand {
        check: "pg-foreign-key-type-mismatch",
        limits: &[],
        condition: "create table p (id bigint primary key); create table t (p_id int references p)",
        severity: Severity::Warning,
        remedy: "alter table t alter column p_id type bigint",
    },
    ByHand {
        check: "pg-index-on-low-cardinality",
        limits: &[("min_size_bytes", 0.0)],
        condition: "create table t (state text); \
            insert into t select case when g % 50 = 0 then 'open' else 'done' end from generate_series(1, 5000) g; \
            create index state_idx on t (state); analyze t",
        severity: Severity::Info,
        remedy: "create index open_idx on t (state) where state = 'open'; drop index state_idx",
    },
    ByHand {
        check: "pg-oversized-index",
        limits: &[("min_size_bytes", 0.0)],
        condition: "create table t (a int); insert into t select generate_series(1, 20000); \
            create index airy on t (a) with (fillfactor = 10)",
        severity: Severity::Info,
        remedy: "alter index airy reset (fillfactor); reindex index airy",
    },
    ByHand {
        check: "pg-too-many-indexes",
        limits: &[("min_size_bytes", 0.0), ("max_indexes_count", 3.0), ("max_size_factor", 1e6)],
        condition: "create table t (a int, b int, c int, d int); insert into t values (1, 2, 3, 4); \
            create index on t (a); create index on t (b); create index on t (c); create index on t (d)",
        severity: Severity::Warning,
        remedy: "drop index t_d_idx",
    },
    ByHand {
        check: "pg-jsonb-large",
        limits: &[],
        condition: "create table t (id int, body jsonb); \
            insert into t select g, jsonb_build_object('v', (select string_agg(md5(g::text || i::text), '') \
                from generate_series(1, 150) i)) from generate_series(1, 200) g; \
            analyze t",
        severity: Severity::Info,
        remedy: "create table v as select id, body ->> 'v' as v from t; alter table t drop column body",
    },
];

#[tokio::test]
async fn what_a_person_does_mends_it() {
    for trial in BY_HAND {
        let case = with(Case::fresh(server(), trial.check).await, trial.limits);
        case.gone().await;
        case.sql(trial.condition).await;
        let found = case.only().await;
        assert_eq!(found.severity, trial.severity, "{found:?}");
        case.sql(trial.remedy).await;
        case.gone().await;
    }
}

fn with<'a>(case: Case<'a>, limits: &[(&'static str, f64)]) -> Case<'a> {
    limits.iter().fold(case, |case, (key, value)| case.with(key, *value))
}

#[tokio::test]
async fn a_unique_index_that_failed_is_rebuilt_when_its_duplicates_are_gone() {
    let case = Case::fresh(server(), "pg-invalid-index").await;
    case.sql("create table t (a int); insert into t values (1), (1)").await;
    let failed = case.pg.sql(&case.database, "create unique index concurrently one on t (a)").await;
    assert!(failed.is_err());
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Critical);
    case.sql("delete from t where ctid = '(0,2)'").await;
    case.mend(&found).await;
    case.gone().await;
}

#[tokio::test]
async fn a_table_read_from_end_to_end_gets_an_index() {
    for check in ["pg-sequential-scan-heavy-table", "pg-low-index-usage"] {
        let case = Case::fresh(server(), check).await.with("min_rows_count", 1000.0);
        case.sql(
            "create table t (a int); insert into t select generate_series(1, 20000); analyze t",
        )
        .await;
        case.gone().await;
        case.sql(
            "do $$ begin for i in 1 .. 25 loop perform count(*) from t where a = i; end loop; end $$",
        )
        .await;
        case.until("select seq_scan >= 25 from pg_stat_user_tables where relname = 't'").await;
        let found = case.only().await;
        assert_eq!(found.severity, Severity::Warning);
        // From here on as if the counters began with the index.
        case.sql(
            "create index on t (a); select pg_stat_reset_single_table_counters('t'::regclass)",
        )
        .await;
        case.sql(
            "do $$ begin for i in 1 .. 400 loop perform count(*) from t where a between i and i + 99; end loop; end $$",
        )
        .await;
        case.until("select idx_scan >= 400 from pg_stat_user_tables where relname = 't'").await;
        case.gone().await;
    }
}
