//! Streaming standbys, made with the server's own backup functions.

use std::{
    path::{Component, Path},
    sync::atomic::Ordering,
};

use crate::{
    TestkitError,
    copy_tree::copy_tree,
    postgres::{Postgres, PostgresBuilder, queries::query_rows},
};

/// Folders whose contents a base backup leaves out.
const EMPTIED: [&str; 8] = [
    "pg_wal",
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
];

/// Files a base backup leaves out.
const LEFT_OUT: [&str; 4] = ["postmaster.pid", "postmaster.opts", "backup_label", "standby.signal"];

impl Postgres {
    /// A streaming standby of this server, named `s1`, `s2`...
    pub async fn standby(&self) -> Result<Postgres, TestkitError> {
        let name = format!("s{}", self.counter.fetch_add(1, Ordering::Relaxed));
        self.standby_named(&name).await
    }

    /// A streaming standby with this application name and replication slot; waits until it streams.
    /// It has this server's settings. Tablespaces are not supported.
    pub async fn standby_named(&self, name: &str) -> Result<Postgres, TestkitError> {
        self.standby_with(name, |builder| builder).await
    }

    /// Like [`Self::standby_named`], with changed settings, e.g. `recovery_min_apply_delay`.
    pub async fn standby_with(
        &self,
        name: &str,
        change: impl FnOnce(PostgresBuilder) -> PostgresBuilder,
    ) -> Result<Postgres, TestkitError> {
        let origin = format!(
            "host=127.0.0.1 port={} user=postgres password=postgres application_name={name}",
            self.port()
        );
        let builder = self
            .builder
            .clone()
            .setting("primary_conninfo", &origin)
            .setting("primary_slot_name", name);
        let builder = change(builder);
        let supervisor = builder.supervisor(self.run_as)?;
        let data = supervisor.folder().join("data");
        self.back_up_to(&data, name).await?;
        self.run_as.write(&data.join("standby.signal"), "", 0o600)?;
        let standby = builder.start_prepared(supervisor, self.run_as)?;
        let streams = format!(
            "select count(*) = 1 from pg_stat_replication \
             where application_name = '{name}' and state = 'streaming'"
        );
        self.wait_until("postgres", &streams).await?;
        Ok(standby)
    }

    /// Waits until the standby has replayed all this server has written so far.
    pub async fn wait_for_replay(&self, standby: &Postgres) -> Result<(), TestkitError> {
        let written = self.scalar("postgres", "select pg_current_wal_lsn()").await?;
        let replayed = format!("select pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
        standby.wait_until("postgres", &replayed).await
    }

    /// Makes this standby a primary; waits until it is one.
    pub async fn promote(&self) -> Result<(), TestkitError> {
        self.sql("postgres", "select pg_promote(true, 60)").await?;
        self.wait_until("postgres", "select not pg_is_in_recovery()").await
    }

    /// Copies the data folder between the start and the end of a backup. The slot, made first, keeps the WAL
    /// the copy needs.
    async fn back_up_to(&self, target: &Path, slot: &str) -> Result<(), TestkitError> {
        let slot_query = format!("select pg_create_physical_replication_slot('{slot}', true)");
        self.sql("postgres", &slot_query).await?;
        let (start, stop) = if self.version().major() >= 15 {
            ("select pg_backup_start('testkit', true)", "pg_backup_stop(false)")
        } else {
            ("select pg_start_backup('testkit', true, false)", "pg_stop_backup(false, false)")
        };
        // A backup ends with the connection that began it.
        let client = self.client("postgres").await?;
        query_rows(&client, start).await?;
        copy_tree(&self.data_dir(), target, self.run_as, &|below| {
            let top = below.components().next().map(Component::as_os_str);
            let emptied = EMPTIED.iter().any(|folder| top == Some(folder.as_ref()));
            let left_out = LEFT_OUT.iter().any(|file| below == Path::new(file));
            !left_out && (!emptied || below.components().count() == 1)
        })?;
        self.run_as.create_dir(&target.join("pg_wal/archive_status"))?;
        let stop = format!("select labelfile from {stop}");
        let label = query_rows(&client, &stop).await?;
        let label = label.into_iter().flatten().flatten().next();
        let label = label.ok_or(TestkitError::NoRow(stop))?;
        self.run_as.write(&target.join("backup_label"), &label, 0o600)
    }
}
