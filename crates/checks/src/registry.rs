//! Every check, one line each, sorted by topic and name.

use crate::check::Check;
#[rustfmt::skip]
use crate::{host, pg, redis};

/// The catalogue.
#[rustfmt::skip]
pub static CHECKS: &[&Check] = &[
    &host::cpu::CHECK,
    &host::cpu_governor::CHECK,
    &host::disk_busy::CHECK,
    &host::disk_latency::CHECK,
    &host::disk_space::CHECK,
    &host::inodes::CHECK,
    &host::load::CHECK,
    &host::memory::CHECK,
    &host::network::CHECK,
    &host::oom_risk::CHECK,
    &host::overcommit::CHECK,
    &host::swapping::CHECK,
    &host::transparent_huge_pages::CHECK,
    &pg::cache::backend_writes::CHECK,
    &pg::cache::bgwriter_maxwritten::CHECK,
    &pg::cache::checkpoint_write_slow::CHECK,
    &pg::cache::checkpoints_requested::CHECK,
    &pg::cache::checkpoints_too_frequent::CHECK,
    &pg::cache::full_page_image_heavy::CHECK,
    &pg::cache::low_cache_hit_ratio::CHECK,
    &pg::cache::read_latency::CHECK,
    &pg::cache::slru_low_hit_ratio::CHECK,
    &pg::cache::table_low_hit_ratio::CHECK,
    &pg::cache::wait_event_profile::CHECK,
    &pg::cache::wal_archiver_failing::CHECK,
    &pg::cache::wal_buffers_full::CHECK,
    &pg::cache::wal_directory_large::CHECK,
    &pg::config::autovacuum_cost_limit::CHECK,
    &pg::config::autovacuum_workers::CHECK,
    &pg::config::checkpoint_completion_target::CHECK,
    &pg::config::configuration_file_error::CHECK,
    &pg::config::default_statistics_target::CHECK,
    &pg::config::durability_off::CHECK,
    &pg::config::effective_cache_size::CHECK,
    &pg::config::effective_io_concurrency::CHECK,
    &pg::config::extension_outdated::CHECK,
    &pg::config::huge_pages::CHECK,
    &pg::config::jit_oltp::CHECK,
    &pg::config::logging_blind::CHECK,
    &pg::config::maintenance_work_mem::CHECK,
    &pg::config::max_locks::CHECK,
    &pg::config::max_wal_size::CHECK,
    &pg::config::pending_restart::CHECK,
    &pg::config::planner_method_disabled::CHECK,
    &pg::config::random_page_cost::CHECK,
    &pg::config::shared_buffers_size::CHECK,
    &pg::config::superuser_reserved::CHECK,
    &pg::config::synchronous_commit_off::CHECK,
    &pg::config::track_activities_off::CHECK,
    &pg::config::track_counts_off::CHECK,
    &pg::config::version_end_of_life::CHECK,
    &pg::config::version_minor_behind::CHECK,
    &pg::config::wal_compression::CHECK,
    &pg::config::work_mem::CHECK,
    &pg::index::bloated_index::CHECK,
    &pg::index::btree_on_array_or_jsonb::CHECK,
    &pg::index::duplicate_foreign_key::CHECK,
    &pg::index::duplicate_index::CHECK,
    &pg::index::foreign_key_type_mismatch::CHECK,
    &pg::index::foreign_key_without_index::CHECK,
    &pg::index::index_collation_version_mismatch::CHECK,
    &pg::index::index_mostly_null::CHECK,
    &pg::index::index_on_low_cardinality::CHECK,
    &pg::index::invalid_index::CHECK,
    &pg::index::low_index_hit_ratio::CHECK,
    &pg::index::low_index_usage::CHECK,
    &pg::index::oversized_index::CHECK,
    &pg::index::rarely_used_index::CHECK,
    &pg::index::redundant_index::CHECK,
    &pg::index::sequential_scan_heavy_table::CHECK,
    &pg::index::too_many_indexes::CHECK,
    &pg::index::unused_index::CHECK,
    &pg::locks::blocked_session::CHECK,
    &pg::locks::connection_churn::CHECK,
    &pg::locks::connection_latency::CHECK,
    &pg::locks::connections_near_limit::CHECK,
    &pg::locks::deadlocks::CHECK,
    &pg::locks::idle_in_transaction::CHECK,
    &pg::locks::lock_table_nearly_full::CHECK,
    &pg::locks::lock_wait_average::CHECK,
    &pg::locks::long_transaction::CHECK,
    &pg::locks::max_connections_oversized::CHECK,
    &pg::locks::no_timeouts::CHECK,
    &pg::locks::prepared_transaction_old::CHECK,
    &pg::locks::rollback_ratio::CHECK,
    &pg::locks::sessions_abandoned::CHECK,
    &pg::locks::too_many_idle_connections::CHECK,
    &pg::locks::unencrypted_connections::CHECK,
    &pg::replication::backup_age::CHECK,
    &pg::replication::failover_not_ready::CHECK,
    &pg::replication::logical_subscription_failing::CHECK,
    &pg::replication::no_archiving::CHECK,
    &pg::replication::replica_apply_paused::CHECK,
    &pg::replication::replica_conflicts::CHECK,
    &pg::replication::replica_lag_bytes::CHECK,
    &pg::replication::replica_lag_time::CHECK,
    &pg::replication::replica_missing::CHECK,
    &pg::replication::replica_not_streaming::CHECK,
    &pg::replication::replica_read_imbalance::CHECK,
    &pg::replication::replica_settings_differ::CHECK,
    &pg::replication::single_point_of_failure::CHECK,
    &pg::replication::slot_inactive::CHECK,
    &pg::replication::slot_lost::CHECK,
    &pg::replication::slot_retaining_wal::CHECK,
    &pg::replication::slot_unlimited_retention::CHECK,
    &pg::schema::column_type_char_n::CHECK,
    &pg::schema::column_type_json::CHECK,
    &pg::schema::column_type_money::CHECK,
    &pg::schema::column_type_serial::CHECK,
    &pg::schema::column_type_timestamp_without_time_zone::CHECK,
    &pg::schema::inheritance_legacy::CHECK,
    &pg::schema::jsonb_large::CHECK,
    &pg::schema::mixed_type_column::CHECK,
    &pg::schema::name_needs_quoting::CHECK,
    &pg::schema::not_valid_constraint::CHECK,
    &pg::schema::nullable_unique_key::CHECK,
    &pg::schema::rls_policy_volatile::CHECK,
    &pg::schema::rls_policy_without_index::CHECK,
    &pg::schema::trigger_disabled::CHECK,
    &pg::schema::wide_table::CHECK,
    &pg::security::audit_logging_off::CHECK,
    &pg::security::certificate_expiring::CHECK,
    &pg::security::listen_all_without_ssl::CHECK,
    &pg::security::md5_passwords::CHECK,
    &pg::security::password_expiring::CHECK,
    &pg::security::password_none::CHECK,
    &pg::security::public_schema_create::CHECK,
    &pg::security::rls_disabled_with_policy::CHECK,
    &pg::security::rls_enabled_without_policy::CHECK,
    &pg::security::security_definer_mutable_path::CHECK,
    &pg::security::ssl_off::CHECK,
    &pg::security::superuser_login_many::CHECK,
    &pg::security::table_grant_public::CHECK,
    &pg::security::trust_authentication::CHECK,
    &pg::security::untrusted_language_function::CHECK,
    &pg::statement::dominant_statement::CHECK,
    &pg::statement::erratic_statement::CHECK,
    &pg::statement::frequent_statement::CHECK,
    &pg::statement::io_bound_statement::CHECK,
    &pg::statement::io_timing_off::CHECK,
    &pg::statement::long_running_statement::CHECK,
    &pg::statement::slow_statement::CHECK,
    &pg::statement::statement_jit_overhead::CHECK,
    &pg::statement::statement_low_hit_ratio::CHECK,
    &pg::statement::statement_many_rows::CHECK,
    &pg::statement::statement_planning_heavy::CHECK,
    &pg::statement::statement_temp_spill::CHECK,
    &pg::statement::statement_wal_heavy::CHECK,
    &pg::statement::statements_evicting::CHECK,
    &pg::statement::statements_not_collected::CHECK,
    &pg::statement::statements_text_file_large::CHECK,
    &pg::statement::statements_version_behind::CHECK,
    &pg::statement::temp_files::CHECK,
    &pg::table::analyze_overdue::CHECK,
    &pg::table::anti_wraparound_vacuum_running::CHECK,
    &pg::table::autovacuum_disabled::CHECK,
    &pg::table::autovacuum_ineffective::CHECK,
    &pg::table::autovacuum_saturated::CHECK,
    &pg::table::autovacuum_threshold_too_high::CHECK,
    &pg::table::bloated_table::CHECK,
    &pg::table::checksum_failure::CHECK,
    &pg::table::dead_tuples::CHECK,
    &pg::table::empty_table::CHECK,
    &pg::table::growing_table::CHECK,
    &pg::table::integer_key_overflow::CHECK,
    &pg::table::large_table_not_partitioned::CHECK,
    &pg::table::low_all_visible::CHECK,
    &pg::table::low_hot_update_ratio::CHECK,
    &pg::table::multixact_age::CHECK,
    &pg::table::never_analyzed::CHECK,
    &pg::table::never_vacuumed::CHECK,
    &pg::table::no_statistics::CHECK,
    &pg::table::orphaned_large_objects::CHECK,
    &pg::table::partition_default_not_empty::CHECK,
    &pg::table::partition_detach_pending::CHECK,
    &pg::table::partition_gap::CHECK,
    &pg::table::partition_headroom::CHECK,
    &pg::table::sequence_exhaustion::CHECK,
    &pg::table::stale_reltuples::CHECK,
    &pg::table::table_without_primary_key::CHECK,
    &pg::table::toast_heavy_table::CHECK,
    &pg::table::too_many_partitions::CHECK,
    &pg::table::transaction_id_age::CHECK,
    &pg::table::unlogged_table::CHECK,
    &pg::table::vacuum_overdue::CHECK,
    &pg::table::xmin_horizon_held::CHECK,
    &redis::clients::blocked_clients::CHECK,
    &redis::clients::clients_near_limit::CHECK,
    &redis::clients::connection_churn::CHECK,
    &redis::clients::idle_clients::CHECK,
    &redis::clients::rejected_connections::CHECK,
    &redis::config::config_appendfsync::CHECK,
    &redis::config::config_lazyfree::CHECK,
    &redis::config::config_maxmemory_policy::CHECK,
    &redis::config::config_repl_backlog::CHECK,
    &redis::config::config_save::CHECK,
    &redis::config::config_tcp_backlog::CHECK,
    &redis::config::config_tcp_keepalive::CHECK,
    &redis::config::config_timeout::CHECK,
    &redis::config::version_end_of_life::CHECK,
    &redis::keys::big_key::CHECK,
    &redis::keys::keys_without_ttl::CHECK,
    &redis::keys::long_key_names::CHECK,
    &redis::keys::low_hit_ratio::CHECK,
    &redis::keys::many_small_strings::CHECK,
    &redis::keys::multiple_databases::CHECK,
    &redis::keys::stale_expired_keys::CHECK,
    &redis::keys::ttl_stampede::CHECK,
    &redis::latency::blocking_command::CHECK,
    &redis::latency::command_latency::CHECK,
    &redis::latency::cpu::CHECK,
    &redis::latency::errors::CHECK,
    &redis::latency::fork_slow::CHECK,
    &redis::latency::latency_event::CHECK,
    &redis::latency::latency_monitor_off::CHECK,
    &redis::latency::slow_command::CHECK,
    &redis::latency::slowlog_blind::CHECK,
    &redis::memory::allocator_fragmentation::CHECK,
    &redis::memory::client_buffers::CHECK,
    &redis::memory::eviction_policy_mismatch::CHECK,
    &redis::memory::evictions::CHECK,
    &redis::memory::fragmentation::CHECK,
    &redis::memory::memory_near_limit::CHECK,
    &redis::memory::memory_overhead::CHECK,
    &redis::memory::no_memory_limit::CHECK,
    &redis::memory::peak_memory::CHECK,
    &redis::memory::replica_buffers::CHECK,
    &redis::memory::script_cache::CHECK,
    &redis::memory::swapping::CHECK,
    &redis::persistence::aof_failing::CHECK,
    &redis::persistence::copy_on_write_exceeds_memory::CHECK,
    &redis::persistence::no_persistence::CHECK,
    &redis::persistence::save_failing::CHECK,
    &redis::persistence::snapshot_old::CHECK,
    &redis::replication::backlog_small::CHECK,
    &redis::replication::cluster_unhealthy::CHECK,
    &redis::replication::full_resync::CHECK,
    &redis::replication::replica_lag::CHECK,
    &redis::replication::replica_link_down::CHECK,
    &redis::replication::replica_writable::CHECK,
    &redis::security::acl_denials::CHECK,
    &redis::security::dangerous_commands::CHECK,
    &redis::security::default_user_unrestricted::CHECK,
    &redis::security::no_authentication::CHECK,
    &redis::security::protected_mode_off::CHECK,
    &redis::security::tls_off::CHECK,
];

/// The check of that id.
pub fn find(id: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.id == id)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use dbvitals_model::TargetData;

    use super::*;
    use crate::{
        Settings,
        check::Run,
        judge::run_recording,
        testing,
        view::{DATABASE_SECTIONS, PG_SECTIONS, REDIS_SECTIONS, Reads},
    };

    #[test]
    fn ids_are_unique_and_lines_are_sorted() {
        let ids: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        let source = include_str!("registry.rs").lines();
        let lines: Vec<_> = source.filter(|line| line.ends_with("::CHECK,")).collect();
        assert_eq!(lines.len(), CHECKS.len());
        assert!(lines.is_sorted(), "sort the lines of CHECKS");
    }

    #[test]
    fn every_check_is_a_file_and_every_file_is_a_check() {
        let mut files = BTreeSet::new();
        collect_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
        let ids: BTreeSet<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
        assert_eq!(ids, files);
    }

    /// Ids of the files two levels below `pg/` and `redis/`, and one below `host/`.
    fn collect_files(src: &Path, ids: &mut BTreeSet<String>) {
        for engine in ["pg", "redis", "host"] {
            let root = src.join(engine);
            let folders: Vec<_> = if engine == "host" {
                vec![root]
            } else {
                entries(&root).filter(|path| path.is_dir()).collect()
            };
            for folder in folders {
                for file in entries(&folder).filter(|path| is_check(path)) {
                    let stem = file.file_stem().unwrap().to_string_lossy().replace('_', "-");
                    ids.insert(format!("{engine}-{stem}"));
                }
            }
        }
    }

    /// Files without a `CHECK` hold what several checks of a topic share.
    fn is_check(path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "rs")
            && fs::read_to_string(path).unwrap().contains("pub static CHECK: Check")
    }

    fn entries(folder: &Path) -> impl Iterator<Item = std::path::PathBuf> {
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
    }

    #[test]
    fn explanations_have_all_headings_and_name_every_threshold() {
        for check in CHECKS {
            let mut rest = check.explain;
            for heading in
                ["What it detects", "Why it matters", "How to fix", "When to ignore", "References"]
            {
                let at = rest.find(&format!("## {heading}\n"));
                rest =
                    &rest[at.unwrap_or_else(|| panic!("{}: no '{heading}' in order", check.id))..];
            }
            for threshold in check.thresholds {
                let quoted = format!("`{}`", threshold.key);
                assert!(check.explain.contains(&quoted), "{}: explain lacks {quoted}", check.id);
                assert!(threshold.why.len() > 15, "{}: say why {quoted}", check.id);
                let (low, high) = threshold.range;
                assert!((low..=high).contains(&threshold.default), "{}: {quoted}", check.id);
            }
        }
    }

    #[test]
    fn needs_and_uses_are_what_is_read() {
        for check in CHECKS {
            let built = match check.run {
                Run::Postgres(_) | Run::Database(_) => testing::pg(|pg| {
                    testing::edit(&mut pg.window);
                }),
                Run::Redis(_) => testing::redis(|redis| {
                    testing::edit(&mut redis.window);
                }),
                Run::Host(_) => testing::host(|_, _| {}),
            };
            let reads = Reads::default();
            let settings = Settings::default();
            for mut target in built.targets.clone() {
                // The check must apply, whatever its versions and the side of replication it is for.
                for standby in [false, true] {
                    if let TargetData::Postgres(pg) = &mut target.data {
                        pg.server.in_recovery = standby;
                        pg.server.version.major = check.versions.0.max(16).min(check.versions.1);
                    }
                    let _ = run_recording(check, &built, &target, &settings, &reads);
                }
            }
            let declared: BTreeSet<_> = check.needs.iter().chain(check.uses).copied().collect();
            assert_eq!(reads.into_inner(), declared, "{}: read at the top of `run`", check.id);
            for section in declared {
                let known = [PG_SECTIONS, DATABASE_SECTIONS, REDIS_SECTIONS, &["host"]];
                assert!(known.iter().any(|all| all.contains(&section)), "{}: {section}", check.id);
            }
        }
    }

    #[test]
    fn a_snapshot_without_sections_skips_everything_that_needs_one() {
        use dbvitals_model::{
            pg::{DatabaseSnapshot, PgSnapshot},
            redis::RedisSnapshot,
        };
        let mut pg = PgSnapshot::default();
        pg.server.version.major = 16;
        pg.by_database = vec![DatabaseSnapshot { name: "app".into(), ..Default::default() }];
        let mut redis = RedisSnapshot::default();
        redis.server.version.major = 7;
        let snapshot = testing::snapshot(vec![
            testing::target("main", TargetData::Postgres(Box::new(pg))),
            testing::target("cache", TargetData::Redis(Box::new(redis))),
        ]);
        let report = crate::judge(&snapshot, &Settings::default());
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        for checked in &report.coverage.checked {
            let check = find(&checked.check).unwrap();
            assert!(check.needs.is_empty(), "{} judged what it could not see", check.id);
        }
    }

    #[test]
    fn a_server_with_nothing_in_it_has_no_warnings() {
        for built in [testing::pg(|_| {}), testing::redis(|_| {}), testing::host(|_, _| {})] {
            let report = crate::judge(&built, &Settings::default());
            let bad: Vec<_> = report.findings.iter().map(|f| (&f.check, &f.message)).collect();
            assert!(bad.is_empty(), "{bad:?}");
        }
    }
}
