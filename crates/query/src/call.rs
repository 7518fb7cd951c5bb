//! Functions known by name.

use pg_query::{NodeEnum, protobuf::FuncCall};

/// Aggregates of PostgreSQL 18, sorted. An application's own aggregates cannot be told from functions by the text.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "max",
    "min",
    "mode",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];

/// Functions whose own work is next to nothing, sorted.
const TRIFLES: &[&str] = &[
    "age",
    "clock_timestamp",
    "concat",
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "currval",
    "date_trunc",
    "format",
    "gen_random_uuid",
    "lastval",
    "length",
    "lower",
    "md5",
    "nextval",
    "now",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared",
    "pg_backend_pid",
    "pg_current_wal_lsn",
    "pg_is_in_recovery",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_postmaster_start_time",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_typeof",
    "random",
    "set_config",
    "statement_timestamp",
    "timezone",
    "to_char",
    "transaction_timestamp",
    "upper",
    "version",
];

/// The call's own name in lower case, without schema, if it is unqualified or PostgreSQL's own.
fn plain_name(call: &FuncCall) -> Option<&str> {
    let mut parts = call.funcname.iter().rev().filter_map(|part| match &part.node {
        Some(NodeEnum::String(text)) => Some(text.sval.as_str()),
        _ => None,
    });
    let name = parts.next()?;
    parts.next().is_none_or(|schema| schema == "pg_catalog").then_some(name)
}

/// Whether it draws rows together.
pub(crate) fn is_aggregate(call: &FuncCall) -> bool {
    call.agg_star
        || call.agg_distinct
        || call.agg_within_group
        || call.agg_filter.is_some()
        || !call.agg_order.is_empty()
        || plain_name(call).is_some_and(|name| AGGREGATES.binary_search(&name).is_ok())
}

/// Whether it has a name of its own among these.
pub(crate) fn is_named(call: &FuncCall, names: &[&str]) -> bool {
    plain_name(call).is_some_and(|name| names.contains(&name))
}

/// Whether it is a window function of PostgreSQL, or any call over a window.
pub(crate) fn is_window(call: &FuncCall) -> bool {
    const WINDOWS: &[&str] =
        &["first_value", "lag", "last_value", "lead", "nth_value", "ntile", "row_number"];
    call.over.is_some() && (is_aggregate(call) || is_named(call, WINDOWS))
}

/// The name as it stands in the text, with its schema.
pub(crate) fn full_name(call: &FuncCall) -> String {
    let parts = call.funcname.iter().filter_map(|part| match &part.node {
        Some(NodeEnum::String(text)) => Some(text.sval.as_str()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Whether it waits because that is what it is for.
pub(crate) fn waits(call: &FuncCall) -> bool {
    plain_name(call).is_some_and(|name| {
        name.starts_with("pg_sleep")
            || matches!(
                name,
                "pg_advisory_lock"
                    | "pg_advisory_lock_shared"
                    | "pg_advisory_xact_lock"
                    | "pg_advisory_xact_lock_shared"
            )
    })
}

/// Whether its own work is next to nothing.
pub(crate) fn is_trifle(call: &FuncCall) -> bool {
    plain_name(call).is_some_and(|name| TRIFLES.binary_search(&name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted() {
        assert!(AGGREGATES.is_sorted() && TRIFLES.is_sorted());
    }
}
