//! What the sections say of a furnished database, on every version, read as a member of `pg_monitor` alone.

use dbvitals_model::{
    Reason, Section,
    pg::{DatabaseSnapshot, PgSnapshot, relation::Relation},
};
use dbvitals_postgres::collect::Options;
use dbvitals_testkit::{PgVersion, Postgres, Validity, shared};

use super::{collected, database, furnished, nests_and_policies, snapshot};

const TABLE: &str = "Ta'ble\ntwo";
const LONG: &str = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123";

#[tokio::test]
async fn a_furnished_server_is_read_whole() {
    for version in PgVersion::ALL {
        let primary = furnished(version).await;
        let standby = primary.standby_named("mirror").await.unwrap();
        primary.wait_for_replay(&standby).await.unwrap();

        let seen = collected(&primary.monitor_url("postgres"), &Options::default()).await;
        assert_eq!(seen.problems, Vec::<String>::new());
        assert_eq!(seen.offered, [format!("127.0.0.1:{} mirror", primary.port())]);
        assert!(seen.cost.iter().any(|cost| cost.collector == "relations@app" && cost.rows > 0));
        let here = database(&seen.snapshot, "app");
        instance(&seen.snapshot, version);
        refusals(&seen.snapshot);
        indexes(here, &primary).await;
        relations(here);
        parts(here);
        security(here);

        let there = snapshot(&standby.monitor_url("app")).await;
        assert!(there.recovery.value().unwrap().replayed_bytes > Some(0));
        assert!(there.recovery.value().unwrap().receiver_status.is_some());
        let mirrored = database(&there, "app");
        assert_eq!(names(mirrored), names(here));
        assert_eq!(
            mirrored.policies.value().unwrap(),
            here.policies.value().unwrap(),
            "the standby's catalogue is the primary's"
        );
    }
}

fn names(database: &DatabaseSnapshot) -> Vec<String> {
    let mut names: Vec<String> =
        database.relations.value().unwrap().iter().map(Relation::qualified).collect();
    names.sort();
    names
}

fn instance(snapshot: &PgSnapshot, version: PgVersion) {
    let major = version.major();
    assert!(snapshot.settings.value().unwrap().text("max_connections").is_some());
    assert!(snapshot.databases.value().unwrap().iter().any(|row| row.name == "app"));
    let prepared = &snapshot.prepared_transactions.value().unwrap()[0];
    assert_eq!((prepared.gid.as_str(), prepared.database.as_str()), ("stu'ck", "app"));
    let replica = &snapshot.replicas.value().unwrap()[0];
    assert_eq!((replica.application.as_str(), replica.is_logical), ("mirror", false));
    assert!(replica.slot_name.is_some());
    assert_eq!(snapshot.slots.value().unwrap().len(), 1);
    let feed = &snapshot.subscriptions.value().unwrap()[0];
    assert_eq!(
        (feed.name.as_str(), feed.database.as_deref(), feed.enabled),
        ("feed", Some("app"), Some(false))
    );
    let role =
        snapshot.roles.value().unwrap().iter().find(|role| role.name == "odd \"role").unwrap();
    assert_eq!(
        (role.valid_until, role.settings.as_slice()),
        (None, &["work_mem=8MB".to_owned()][..])
    );
    assert!(snapshot.wal_directory.value().unwrap().files > 0);
    assert!(snapshot.temp_files.value().is_some() && snapshot.archiver.value().is_some());
    assert!(snapshot.checkpoints.value().is_some() && snapshot.slru.value().is_some());
    assert_eq!(snapshot.wal.value().is_some(), major >= 14);
    assert_eq!(snapshot.io.value().is_some(), major >= 16);
    if major < 16 {
        assert_eq!(reason(&snapshot.io), Some(Reason::Version));
    }
    let sessions = snapshot.activity.value().unwrap();
    assert!(sessions.iter().all(|session| session.application != "dbvitals"));
    assert!(sessions.iter().any(|session| session.backend_type == "walsender"));
    let status = snapshot.statements_status.value().unwrap();
    assert_eq!(status.installed_in.as_deref(), Some("app"), "found although we log in elsewhere");
    assert!(!snapshot.statements.value().unwrap().leaders.is_empty());
    assert_eq!(reason(&snapshot.recovery), Some(Reason::NotApplicable));
    assert_eq!(reason(&snapshot.window), Some(Reason::NotAsked));
}

fn reason<T>(section: &Section<T>) -> Option<Reason> {
    section.get().err().map(|why| why.reason)
}

/// What `pg_monitor` may not read says what would open it.
fn refusals(snapshot: &PgSnapshot) {
    let remedy = |section: Option<&dbvitals_model::Unavailable>| {
        let why = section.unwrap();
        assert_eq!(why.reason, Reason::Permission);
        why.remedy.clone().unwrap()
    };
    let hba = remedy(snapshot.hba.get().err());
    assert_eq!(hba, "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO \"monitor\";");
    let errors = remedy(snapshot.file_errors.get().err());
    assert!(errors.contains("pg_show_all_file_settings() TO \"monitor\""));
    assert!(remedy(snapshot.passwords.get().err()).contains("superuser"));
}

async fn indexes(database: &DatabaseSnapshot, server: &Postgres) {
    let truth = server
        .rows(
            "app",
            "select indexrelid::text, pg_get_indexdef(indexrelid), \
             coalesce(pg_get_expr(indpred, indrelid), ''), pg_relation_size(indexrelid)::text \
             from pg_index join pg_class c on c.oid = indrelid \
             join pg_namespace n on n.oid = relnamespace where nspname !~ '^pg_'",
        )
        .await
        .unwrap();
    let indexes = database.indexes.value().unwrap();
    assert_eq!(indexes.len(), truth.len());
    for row in truth {
        let text = |place: usize| row[place].clone().unwrap();
        let index = indexes.iter().find(|index| index.oid.to_string() == text(0)).unwrap();
        assert_eq!(index.definition, text(1));
        assert_eq!(index.predicate.clone().unwrap_or_default(), text(2));
        assert_eq!(index.size_bytes.to_string(), text(3));
        assert_eq!(index.key_columns.len(), index.key_names.len());
    }
    let covering = indexes.iter().find(|index| index.name == "unique covering").unwrap();
    assert_eq!(covering.qualified_table(), format!("we\"ird 😀.{TABLE}"));
    assert_eq!(
        (covering.key_columns.as_slice(), covering.included_names.as_slice()),
        (&[1, 7][..], &["note".to_owned()][..])
    );
    let sorted =
        indexes.iter().find(|index| index.key_names == ["at", "id"] && !index.is_unique).unwrap();
    assert_eq!(sorted.key_options, [3, 0], "descending, nulls first");
    let expression = indexes.iter().find(|index| index.expressions.is_some()).unwrap();
    assert_eq!(
        (expression.key_columns.as_slice(), expression.expressions.as_deref()),
        (&[0, 1][..], Some("lower(note)"))
    );
    let part = indexes.iter().find(|index| index.table == "parted_2024").unwrap();
    assert!(part.parent_oid.is_some());
}

fn relations(database: &DatabaseSnapshot) {
    let relations = database.relations.value().unwrap();
    let named = |name: &str| relations.iter().find(|row| row.name == name).unwrap();
    let table = named(TABLE);
    assert_eq!((table.schema.as_str(), table.has_primary_key), ("we\"ird 😀", true));
    assert!(table.index_bytes > 0 && table.toast_bytes > 0 && !table.sizes_estimated);
    let long = named(LONG);
    assert!((long.row_estimate - 1000.0).abs() < 0.5);
    assert!(long.heap_bytes >= 8192 * 4 && long.inserts == 1000 && long.last_analyze.is_some());
    assert_eq!(long.has_statistics, None, "pg_monitor alone cannot tell");
    assert_eq!(named("fleeting").persistence, "u");
    assert!(named("watched").is_published && !named("counting").is_published);
    let guarded = named("guarded");
    assert_eq!((guarded.row_security, guarded.policies), (true, 2));
    assert_eq!((named("parted").kind.as_str(), named("parted_rest").is_partition), ("p", true));
    assert!(
        relations
            .iter()
            .all(|row| row.schema != "pg_catalog" && row.schema != "information_schema")
    );
    assert!(relations.iter().all(|row| row.name != "undecided"), "not committed");
    let columns = database.columns.value().unwrap();
    let of_table: Vec<&str> = columns
        .iter()
        .filter(|column| column.table == TABLE && !column.is_dropped)
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(of_table, ["id", "Spalte mit Leerzeichen", "kind", "note", "tags", "doc", "at"]);
    assert!(columns.iter().any(|column| column.table == TABLE && column.is_dropped));
    let Section::Collected(columns) = &database.columns else { unreachable!() };
    assert_eq!(columns.gaps.len(), 1, "statistics are hidden from pg_monitor: {:?}", columns.gaps);
}

fn parts(database: &DatabaseSnapshot) {
    let constraints = database.constraints.value().unwrap();
    let reference = constraints.iter().find(|row| row.name == "f k").unwrap();
    assert_eq!(
        (reference.kind.as_str(), reference.on_delete.as_str(), reference.is_validated),
        ("f", "c", false)
    );
    assert_eq!(reference.column_names, ["parent"]);
    assert_eq!(
        (reference.referenced_names.as_slice(), reference.referenced_types.as_slice()),
        (&["id".to_owned()][..], &["bigint".to_owned()][..])
    );
    assert!(reference.definition.starts_with("FOREIGN KEY (parent) REFERENCES"));
    assert!(constraints.iter().any(|row| row.name == "positive" && row.kind == "c"));
    let sequences = database.sequences.value().unwrap();
    let counted = sequences.iter().find(|row| row.name == "counted").unwrap();
    assert_eq!(
        (counted.type_name.as_str(), counted.max_value, counted.cycles),
        ("smallint", 100, true)
    );
    assert_eq!(
        (counted.owner_table.as_deref(), counted.owner_is_key, counted.is_readable),
        (Some("counting"), true, false)
    );
    let identity = sequences.iter().find(|row| row.owner_table.as_deref() == Some(TABLE)).unwrap();
    assert_eq!(
        (identity.owner_column.as_deref(), identity.owner_type.as_deref()),
        (Some("id"), Some("int8"))
    );
    let partitions = database.partitions.value().unwrap();
    let rest = partitions.iter().find(|row| row.name == "parted_rest").unwrap();
    assert_eq!(
        (rest.is_default, rest.bound.as_str(), rest.strategy.as_str(), rest.key.as_str()),
        (true, "DEFAULT", "RANGE", "RANGE (at)")
    );
    let extensions = database.extensions.value().unwrap();
    assert!(extensions.iter().any(|row| row.name == "citext" && row.schema == "we\"ird 😀"));
    let large = database.large_objects.value().unwrap();
    assert_eq!((large.count, large.referring_columns), (1, 1));
    assert_eq!(database.collation_mismatches.value().unwrap().len(), 0);
}

fn security(database: &DatabaseSnapshot) {
    let policies = database.policies.value().unwrap();
    let own = policies.iter().find(|row| row.name == "own_rows").unwrap();
    assert_eq!(
        (own.columns.as_slice(), own.column_names.as_slice()),
        (&[2][..], &["owner".to_owned()][..])
    );
    assert_eq!(own.volatile_functions, ["clock_timestamp", "random"]);
    assert_eq!(
        (own.command.as_str(), own.is_permissive, own.roles.as_slice()),
        ("SELECT", true, &["monitor".to_owned()][..])
    );
    let changes = policies.iter().find(|row| row.name == "changes").unwrap();
    assert_eq!(
        (changes.check_expression.as_deref(), changes.roles.as_slice()),
        (Some("(id > 0)"), &["public".to_owned()][..])
    );
    nests_and_policies::look(database);
    let functions = database.functions.value().unwrap();
    let named = |name: &str| functions.iter().find(|row| row.name == name).unwrap();
    assert!(named("opened").public_execute && !named("opened").has_fixed_search_path);
    assert!(!named("closed").public_execute && named("closed").has_fixed_search_path);
    let grants = database.public_grants.value().unwrap();
    let on = |kind: &str, name: &str| {
        grants
            .iter()
            .find(|row| row.kind == kind && row.name == name)
            .map(|row| row.privileges.clone())
    };
    assert_eq!(on("table", "public.watched").unwrap(), ["INSERT", "SELECT"]);
    assert!(on("schema", "public").unwrap().contains(&"CREATE".to_owned()));
    assert_eq!(on("table", "public.pg_stat_statements"), None, "an extension's own grant");
    let triggers = database.disabled_triggers.value().unwrap();
    assert_eq!((triggers[0].table.as_str(), triggers[0].name.as_str()), ("watched", "off"));
}

#[tokio::test]
async fn a_superuser_reads_what_others_may_not() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = furnished(version).await;
        let seen = snapshot(&server.superuser_url("app")).await;
        assert!(
            seen.hba.value().unwrap().len() >= 4 && seen.file_errors.value().unwrap().is_empty()
        );
        let files = seen.config_files.value().unwrap();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| file.modified_at.is_some()), "{files:?}");
        let passwords = seen.passwords.value().unwrap();
        let odd = passwords.iter().find(|row| row.role == "odd \"role").unwrap();
        assert_eq!(odd.kind, "md5");
        let monitor = passwords.iter().find(|row| row.role == "monitor").unwrap();
        assert_eq!(monitor.kind, "scram-sha-256");
        assert!(seen.statements_status.value().unwrap().text_file_bytes > Some(0));
        let here = database(&seen, "app");
        let sequences = here.sequences.value().unwrap();
        assert_eq!(sequences.iter().find(|row| row.name == "counted").unwrap().last_value, Some(1));
        let Section::Collected(columns) = &here.columns else { panic!("columns") };
        assert_eq!(columns.gaps, []);
        let id = columns.value.iter().find(|row| row.table == LONG && row.name == "id").unwrap();
        assert_eq!((id.histogram_max, id.n_distinct), (Some(1000), Some(-1.0)));
        let relations = here.relations.value().unwrap();
        assert_eq!(
            relations.iter().find(|row| row.name == LONG).unwrap().has_statistics,
            Some(true)
        );
        assert_eq!(
            relations.iter().find(|row| row.name == "watched").unwrap().has_statistics,
            Some(false)
        );
    }
}

#[tokio::test]
async fn an_empty_server_is_no_trouble() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let seen = collected(&server.monitor_url("postgres"), &Options::default()).await;
    assert_eq!(seen.problems, Vec::<String>::new());
    let why = seen.snapshot.statements.get().unwrap_err();
    assert_eq!(why.reason, Reason::Extension);
    assert!(why.remedy.as_ref().unwrap().contains("shared_preload_libraries"));
    assert_eq!(seen.snapshot.by_database.len(), 1);
    let only = database(&seen.snapshot, "postgres");
    assert_eq!(only.relations.value().unwrap().len(), 0);
    assert_eq!(only.indexes.value().unwrap().len(), 0);
}

#[tokio::test]
async fn a_role_without_any_grant_learns_what_it_lacks() {
    let server = Postgres::builder(PgVersion::V17).preload("pg_stat_statements").start().unwrap();
    server
        .sql(
            "postgres",
            "create extension pg_stat_statements; create role nobody login password 'nobody'",
        )
        .await
        .unwrap();
    server.create_database("closed").await.unwrap();
    server.sql("postgres", "revoke connect on database closed from public").await.unwrap();
    let seen = snapshot(&server.url("nobody", "nobody", "postgres")).await;
    let grant = Some("GRANT pg_monitor TO \"nobody\";");
    let Section::Collected(activity) = &seen.activity else { panic!("activity") };
    assert_eq!(activity.gaps[0].remedy.as_deref(), grant);
    assert_eq!(seen.wal_directory.get().unwrap_err().remedy.as_deref(), grant);
    let Section::Collected(statements) = &seen.statements else { panic!("statements") };
    assert_eq!(statements.gaps[0].remedy.as_deref(), grant);
    let why = database(&seen, "closed").relations.get().unwrap_err().clone();
    assert_eq!(
        (why.reason, why.remedy.as_deref()),
        (Reason::Permission, Some("GRANT CONNECT ON DATABASE \"closed\" TO \"nobody\""))
    );
}

#[tokio::test]
async fn only_wanted_databases_are_entered() {
    let server = shared(PgVersion::V15).unwrap();
    let (one, two) =
        (server.fresh_database("yes").await.unwrap(), server.fresh_database("no").await.unwrap());
    let wanted = |name: &str| name == one;
    let options = Options { wanted: &wanted, ..Options::default() };
    let seen = collected(&server.monitor_url("postgres"), &options).await.snapshot;
    let names: Vec<&str> = seen.by_database.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, [one.as_str()]);
    assert!(seen.databases.value().unwrap().iter().any(|row| row.name == two), "still counted");
    let quick = collected(&server.monitor_url("postgres"), &Options::quick()).await.snapshot;
    assert!(quick.by_database.is_empty() && quick.databases.value().is_some());
    assert_eq!(reason(&quick.statements), Some(Reason::NotAsked));
}

#[tokio::test]
async fn the_certificate_is_read_in_every_mode() {
    let server = Postgres::builder(PgVersion::V16)
        .tls_for(&["localhost", "127.0.0.1"], Validity::Expired)
        .start()
        .unwrap();
    let url = server.monitor_url("postgres");
    let seen = collected(&format!("{url}?sslmode=require"), &Options::quick()).await.snapshot;
    let certificate = seen.certificate.value().unwrap();
    assert_eq!(certificate.not_after, "2002-01-01T00:00:00Z".parse().ok());
    assert_eq!(certificate.subject.as_deref(), Some("localhost"));
    let seen = collected(&format!("{url}?sslmode=disable"), &Options::quick()).await.snapshot;
    assert_eq!(reason(&seen.certificate), Some(Reason::NotApplicable));
}

#[tokio::test]
async fn a_collation_that_changed_names_its_indexes() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        let change = "create table t (name text collate \"de-x-icu\", other text); \
                      create index sorted on t (name); create index elsewhere on t (other); \
                      update pg_collation set collversion = '0.1' where collname = 'de-x-icu'";
        server.sql("postgres", change).await.unwrap();
        let seen = snapshot(&server.monitor_url("postgres")).await;
        let mismatches = database(&seen, "postgres").collation_mismatches.value().unwrap();
        assert_eq!(mismatches.len(), 1);
        let row = &mismatches[0];
        assert_eq!((row.collation.as_str(), row.recorded_version.as_str()), ("de-x-icu", "0.1"));
        assert_eq!(
            (row.indexes.as_slice(), row.index_count),
            (&["public.sorted".to_owned()][..], 1)
        );
    }
}
