//! What changed between two looks at `INFO`.

use std::collections::BTreeMap;

use super::{CommandStat, Info, Window};

/// Fields of `INFO` that only grow until a restart or a reset. Everything else is a gauge.
const COUNTERS: &[&str] = &[
    "acl_access_denied_auth",
    "acl_access_denied_channel",
    "acl_access_denied_cmd",
    "acl_access_denied_key",
    "aof_delayed_fsync",
    "client_query_buffer_limit_disconnections",
    "client_output_buffer_limit_disconnections",
    "dump_payload_sanitizations",
    "evicted_clients",
    "evicted_keys",
    "evicted_scripts",
    "expire_cycle_cpu_milliseconds",
    "expired_keys",
    "expired_subkeys",
    "expired_time_cap_reached_count",
    "io_threaded_reads_processed",
    "io_threaded_writes_processed",
    "keyspace_hits",
    "keyspace_misses",
    "master_repl_offset",
    "rdb_saves",
    "aof_rewrites",
    "rejected_connections",
    "reply_buffer_expands",
    "reply_buffer_shrinks",
    "sync_full",
    "sync_partial_err",
    "sync_partial_ok",
    "total_active_defrag_time",
    "total_commands_processed",
    "total_connections_received",
    "total_error_replies",
    "total_eviction_exceeded_time",
    "total_forks",
    "total_net_input_bytes",
    "total_net_output_bytes",
    "total_net_repl_input_bytes",
    "total_net_repl_output_bytes",
    "total_reads_processed",
    "total_writes_processed",
    "unexpected_error_replies",
];

impl Window {
    /// The differences between two looks `seconds` apart.
    ///
    /// `None` when the looks cannot be compared: the server restarted (another `run_id`, a smaller uptime), its
    /// statistics were reset in between, or no time passed. A single counter that fell is left out.
    pub fn between(before: &Info, after: &Info, seconds: f64) -> Option<Self> {
        if !(seconds.is_finite() && seconds > 0.0) || is_another_epoch(before, after) {
            return None;
        }
        let counters = COUNTERS
            .iter()
            .filter_map(|name| {
                Some(((*name).to_owned(), grown(before.int(name)?, after.int(name)?)?))
            })
            .collect();
        Some(Self {
            seconds,
            counters,
            commands: commands_between(&before.commands, &after.commands),
            errors: errors_between(&before.errors, &after.errors),
            memory_growth_bytes: before
                .int("used_memory")
                .zip(after.int("used_memory"))
                .and_then(|(first, last)| last.checked_sub(first)),
            cpu_ratio: cpu_seconds_between(before, after).map(|spent| spent / seconds),
        })
    }
}

/// Counters that only a restart or `CONFIG RESETSTAT` sets back, and that both set back together.
const RESET_TOGETHER: &[&str] = &[
    "uptime_in_seconds",
    "total_commands_processed",
    "total_connections_received",
    "total_net_input_bytes",
    "total_net_output_bytes",
    "keyspace_hits",
    "keyspace_misses",
    "expired_keys",
    "evicted_keys",
    "rejected_connections",
    "total_error_replies",
];

/// Whether counters began anew in between: any of those that are set back together fell, a command was called less
/// often than before, or another process answers.
fn is_another_epoch(before: &Info, after: &Info) -> bool {
    let fell =
        |name: &str| matches!((before.int(name), after.int(name)), (Some(b), Some(a)) if a < b);
    let calls: BTreeMap<&str, i64> =
        after.commands.iter().map(|stat| (stat.name.as_str(), stat.calls)).collect();
    let knows_commands = !after.commands.is_empty();
    let forgot = |stat: &CommandStat| {
        calls.get(stat.name.as_str()).map_or(knows_commands, |calls| *calls < stat.calls)
    };
    before.text("run_id") != after.text("run_id")
        || RESET_TOGETHER.iter().any(|name| fell(name))
        || before.commands.iter().any(forgot)
}

/// The growth of a counter; `None` when it fell (or when the numbers are absurd).
fn grown(before: i64, after: i64) -> Option<i64> {
    after.checked_sub(before).filter(|difference| *difference >= 0 && before >= 0)
}

/// CPU seconds of the thread that runs commands where the server tells (6.2+), else of the whole process.
fn cpu_seconds_between(before: &Info, after: &Info) -> Option<f64> {
    let spent = |user: &str, system: &str| {
        let total = |info: &Info| Some(info.number(user)? + info.number(system)?);
        Some(total(after)? - total(before)?)
    };
    spent("used_cpu_user_main_thread", "used_cpu_sys_main_thread")
        .or_else(|| spent("used_cpu_user", "used_cpu_sys"))
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}

/// Commands that were called, rejected or failed in between. A command not seen before started from zero.
fn commands_between(before: &[CommandStat], after: &[CommandStat]) -> Vec<CommandStat> {
    let earlier: BTreeMap<&str, &CommandStat> =
        before.iter().map(|stat| (stat.name.as_str(), stat)).collect();
    let zero = CommandStat::default();
    after
        .iter()
        .filter_map(|stat| {
            let first = earlier.get(stat.name.as_str()).copied().unwrap_or(&zero);
            let calls = grown(first.calls, stat.calls)?;
            let total_us = grown(first.total_us, stat.total_us)?;
            let rejected = grown(first.rejected, stat.rejected)?;
            let failed = grown(first.failed, stat.failed)?;
            let us_per_call = if calls > 0 { total_us as f64 / calls as f64 } else { 0.0 };
            (calls > 0 || rejected > 0 || failed > 0).then(|| CommandStat {
                name: stat.name.clone(),
                calls,
                total_us,
                us_per_call,
                rejected,
                failed,
            })
        })
        .collect()
}

/// Error prefixes that were answered in between.
fn errors_between(
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
) -> BTreeMap<String, i64> {
    after
        .iter()
        .filter_map(|(name, last)| {
            let count = grown(before.get(name).copied().unwrap_or(0), *last)?;
            (count > 0).then(|| (name.clone(), count))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info(fields: &[(&str, &str)]) -> Info {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Info { fields: fields.collect(), ..Info::default() }
    }

    #[test]
    fn counts_what_grew_and_ignores_gauges() {
        let before = info(&[("run_id", "a"), ("keyspace_hits", "10"), ("connected_clients", "5")]);
        let after = info(&[("run_id", "a"), ("keyspace_hits", "25"), ("connected_clients", "9")]);
        let window = Window::between(&before, &after, 10.0).unwrap();
        assert_eq!(window.counters, BTreeMap::from([("keyspace_hits".to_owned(), 15)]));
    }

    #[test]
    fn a_restart_or_a_reset_gives_no_window() {
        let before = info(&[("run_id", "a"), ("total_commands_processed", "100")]);
        let restarted = info(&[("run_id", "b"), ("total_commands_processed", "200")]);
        let reset = info(&[("run_id", "a"), ("total_commands_processed", "3")]);
        assert_eq!(Window::between(&before, &restarted, 1.0), None);
        assert_eq!(Window::between(&before, &reset, 1.0), None);
        assert_eq!(Window::between(&before, &before, 0.0), None);
        assert!(Window::between(&before, &before, 1.0).is_some());
    }

    #[test]
    fn a_command_first_seen_in_the_window_counts_from_zero() {
        let stat = |calls, total_us| CommandStat {
            name: "get".to_owned(),
            calls,
            total_us,
            ..CommandStat::default()
        };
        let after = Info { commands: vec![stat(4, 20)], ..Info::default() };
        let window = Window::between(&Info::default(), &after, 2.0).unwrap();
        assert_eq!(window.commands[0].calls, 4);
        assert!((window.commands[0].us_per_call - 5.0).abs() < 1e-9);
    }

    #[test]
    fn the_command_thread_is_preferred_to_the_process() {
        let look = |main: &str, all: &str| {
            info(&[
                ("used_cpu_user", all),
                ("used_cpu_sys", "0"),
                ("used_cpu_user_main_thread", main),
                ("used_cpu_sys_main_thread", "0"),
            ])
        };
        let window = Window::between(&look("1", "1"), &look("2", "9"), 2.0).unwrap();
        assert_eq!(window.cpu_ratio, Some(0.5));
    }

    fn any_info() -> impl Strategy<Value = Info> {
        let number = prop_oneof![Just(i64::MAX), Just(i64::MIN), -5_i64..1000];
        let stat = (0_u8..3, number.clone(), number.clone(), number.clone());
        (prop::collection::vec(stat, 0..4), prop::collection::vec(number, 4)).prop_map(
            |(stats, numbers)| {
                let names = ["keyspace_hits", "evicted_keys", "used_cpu_user", "used_cpu_sys"];
                let fields = names.iter().zip(&numbers);
                Info {
                    fields: fields.map(|(n, v)| ((*n).to_owned(), v.to_string())).collect(),
                    errors: BTreeMap::from([("ERR".to_owned(), numbers[0])]),
                    commands: stats
                        .into_iter()
                        .map(|(name, calls, total_us, failed)| CommandStat {
                            name: name.to_string(),
                            calls,
                            total_us,
                            failed,
                            ..CommandStat::default()
                        })
                        .collect(),
                    ..Info::default()
                }
            },
        )
    }

    proptest! {
        #[test]
        fn nothing_is_ever_negative(before in any_info(), after in any_info(), seconds in -1.0..9.0_f64) {
            if let Some(window) = Window::between(&before, &after, seconds) {
                prop_assert!(window.counters.values().all(|count| *count >= 0));
                prop_assert!(window.errors.values().all(|count| *count > 0));
                prop_assert!(window.cpu_ratio.is_none_or(|ratio| ratio >= 0.0));
                for stat in &window.commands {
                    prop_assert!(stat.calls >= 0 && stat.total_us >= 0 && stat.failed >= 0);
                }
            }
        }
    }
}
