//! What policies call and keep from use, nested views, and whose temporary tables are whose.

use std::process::Command;

use dbvitals_model::pg::DatabaseSnapshot;
use dbvitals_testkit::{PgVersion, Postgres};

use super::{database, snapshot};

/// What the furnished database holds of them.
pub(super) fn look(database: &DatabaseSnapshot) {
    let called = database.policy_functions.value().unwrap();
    assert_eq!(called.len(), 1, "built-in ones leave no trace: {called:?}");
    let who = &called[0];
    assert_eq!((who.table.as_str(), who.policy.as_str()), ("fen'ced", "fence"));
    assert_eq!((who.function.as_str(), who.volatility.as_str()), ("who", "s"));
    assert_eq!((who.language.as_str(), who.calls), ("plpgsql", None));
    let indexes = database.guarded_indexes.value().unwrap();
    let leaks = |name: &str| {
        let index = indexes.iter().find(|index| index.name == name).unwrap();
        (index.method.as_str(), index.first_column.as_deref(), index.is_leakproof)
    };
    assert_eq!(leaks("by_words"), ("gin", Some("words"), Some(false)));
    assert_eq!(leaks("by_owner"), ("btree", Some("owner"), Some(true)));
    assert_eq!(leaks("by_lower"), ("btree", None, None));
    assert_eq!(leaks("fen'ced_pkey"), ("btree", Some("id"), Some(false)), "numbers tell");
    assert_eq!(indexes.len(), 4, "only of tables with policies in force");
    let views = database.nested_views.value().unwrap();
    let depths: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.depth)).collect();
    assert_eq!(depths, [("floor 3", 3), ("floor 2", 2), ("floor 1", 1)]);
    assert_eq!(views[0].reads, ["public.floor 1", "public.floor 2"]);
    assert_eq!(database.temporary_tables.value().unwrap().len(), 0);
}

#[tokio::test]
async fn the_session_of_a_temporary_table_lives_or_does_not() {
    for version in PgVersion::ALL {
        let server = Postgres::builder(version).setting("autovacuum", "off").start().unwrap();
        server.create_database("app").await.unwrap();
        let living = server.client("app").await.unwrap();
        living.batch_execute("create temporary table scratch (id int)").await.unwrap();
        let seen = snapshot(&server.monitor_url("app")).await;
        let tables = database(&seen, "app").temporary_tables.value().unwrap();
        assert_eq!(tables[0].name, "scratch");
        // Before 16 nobody tells, as long as somebody is connected.
        let told = (version.major() >= 16).then_some(true);
        assert_eq!(tables[0].owner_lives, told, "{version:?}");

        // On disk before the server is killed.
        server.sql("postgres", "checkpoint").await.unwrap();
        // A session that sees its server die tidies up: it must go first, unseen.
        let pid: i32 = living.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        server.freeze().unwrap();
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        server.kill().unwrap();
        server.start().unwrap();
        let seen = snapshot(&server.monitor_url("app")).await;
        let tables = database(&seen, "app").temporary_tables.value().unwrap();
        assert_eq!((tables.len(), tables[0].owner_lives), (1, Some(false)), "{version:?}");
    }
}
