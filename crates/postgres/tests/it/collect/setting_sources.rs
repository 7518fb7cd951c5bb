//! Where the value of a setting comes from is told as new sessions have it, whatever we set for ourselves.

use dbvitals_testkit::{PgVersion, Postgres};

use super::snapshot;

/// Settings that our own transaction changes, each with something that changes it for others, and the source.
const CHANGES: [(&str, &str, &str); 6] = [
    ("jit", "select 1", "default"),
    ("jit", "alter role monitor in database postgres set jit = off", "default"),
    ("jit", "alter system set jit = off", "configuration file"),
    ("jit", "alter role monitor set jit = on", "database user"),
    ("work_mem", "alter database app set \"Work_Mem\" = '7MB'", "database user"),
    ("lock_timeout", "alter role monitor in database app set lock_timeout = 7", "database user"),
];

#[tokio::test]
async fn what_we_set_for_ourselves_hides_no_source() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        server.create_database("app").await.unwrap();
        for (name, change, source) in CHANGES {
            server.sql("postgres", change).await.unwrap();
            server.restart().unwrap();
            let seen = snapshot(&server.monitor_url("app")).await;
            let setting = seen.settings.value().unwrap().get(name).unwrap();
            assert_eq!(setting.source, source, "{version}: {change}");
        }
    }
}
