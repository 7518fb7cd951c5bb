//! Sizes that do not fit the machine, which is the true one, and the sizes of their findings, which do.

use dbvitals_model::{Severity, Snapshot};
use dbvitals_testkit::{PgVersion, Postgres};

use super::{
    cluster,
    facts::{self, this_machine},
    harness::Trial,
};

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

/// Check, setting, and a value that is wrong on any machine: empty databases are larger than 16 MB, and terabytes
/// of memory for the areas of all sessions or workers are nowhere.
const WRONG: [(&str, &str, &str); 4] = [
    ("pg-shared-buffers-size", "shared_buffers", "16MB"),
    ("pg-effective-cache-size", "effective_cache_size", "16MB"),
    ("pg-work-mem", "work_mem", "200GB"),
    ("pg-maintenance-work-mem", "maintenance_work_mem", "2000GB"),
];

#[tokio::test]
async fn all_sizes_of_one_report_fit_the_machine_together() {
    for version in BOTH_ENDS {
        let wrong = WRONG.iter().fold(Postgres::builder(version), |builder, (_, name, value)| {
            builder.setting(name, value)
        });
        let mut trial = Trial::of(WRONG[0].0, wrong.start().unwrap()).await;
        let mut found = Vec::new();
        for (check, setting, _) in WRONG {
            trial = trial.then(check);
            let finding = trial.found_where(this_machine).await;
            assert_eq!(finding.subject.name, setting, "{version} {check}");
            found.push(finding);
        }
        for finding in &found {
            trial.apply(finding).await;
        }
        trial.server.restart().unwrap();
        for (check, ..) in WRONG {
            trial = trial.then(check);
            trial.gone_where(this_machine).await;
        }
        for finding in &found {
            for statement in &finding.fix.as_ref().unwrap().undo {
                trial.sql(statement).await;
            }
        }
        trial.server.restart().unwrap();
        for (check, ..) in WRONG {
            trial = trial.then(check);
            trial.found_where(this_machine).await;
        }
    }
}

#[tokio::test]
async fn maintenance_of_much_data_gets_its_memory() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).setting("maintenance_work_mem", "1MB").start();
        let trial = Trial::of("pg-maintenance-work-mem", server.unwrap()).await;
        trial.gone_where(this_machine).await;
        let trial = trial.limit("min_data_bytes", 0.0);
        let found = trial.found_where(this_machine).await;
        assert_eq!(found.severity, Severity::Info);
        trial.mend(&found).await;
        trial.gone_where(this_machine).await;
    }
}

/// Huge pages are the machine's to give: whether the kernel gave them (17 and later tell) or has any is replaced.
#[tokio::test]
async fn a_large_cache_gets_huge_pages() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).setting("huge_pages", "off").start().unwrap();
        let trial = Trial::of("pg-huge-pages", server).await;
        trial.gone_where(this_machine).await;
        let trial = trial.limit("min_size_bytes", 1_048_576.0);
        let found = trial.found_where(this_machine).await;
        assert!(found.message.contains("huge_pages is off"), "{}", found.message);
        // What it advises: keep `try`, and have pages.
        cluster::set(&trial.server, &[("huge_pages", "try")]).await;
        trial.server.restart().unwrap();
        let found = trial.found_where(|snapshot| kernel(snapshot, 0, "off")).await;
        assert!(found.message.contains("the kernel"), "{}", found.message);
        trial.gone_where(|snapshot| kernel(snapshot, 4096, "on")).await;
    }
}

fn kernel(snapshot: &mut Snapshot, pages: i64, status: &str) {
    facts::set(snapshot, "huge_pages_status", status);
    facts::with_huge_pages(snapshot, pages);
}
