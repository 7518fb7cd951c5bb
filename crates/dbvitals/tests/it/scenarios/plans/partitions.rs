//! Partitions that are read for nothing.

use super::{
    super::harness::each,
    desk::{BOTH_ENDS, Desk},
};

/// Twelve months with a thousand rows each.
const MONTHS: &str = "
    create table events (id int, at timestamp not null) partition by range (at);
    do $$ begin for m in 1..12 loop
        execute format('create table events_2025_%s partition of events for values from (%L) to (%L)', lpad(m::text, 2, '0'),
            make_date(2025, m, 1), make_date(2025, m, 1) + interval '1 month');
    end loop; end $$;
    insert into events select n, timestamp '2025-01-01' + n * interval '40 minutes' from generate_series(1, 12000) n;
    create index on events (id);
    analyze events";

#[tokio::test]
async fn a_function_of_the_key_reads_every_partition() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-partitions-not-pruned", version).await;
        desk.sql(MONTHS).await;
        let month =
            "select count(*) from events e where date_trunc('month', at) = timestamp '2025-03-01'";
        let found = desk.found(month);
        assert!(
            found.message.contains("reads 12 partitions of e and finds nothing in 11"),
            "{}",
            found.message
        );
        desk.gone("select count(*) from events e where at >= '2025-03-01' and at < '2025-04-01'");
        // Found in half of them, and pruned while it runs: nothing to mend.
        desk.gone("select count(*) from events where id % 2 = 0");
        desk.set("plan_cache_mode", "force_generic_plan").await;
        let desk = desk.with(&["--param", "2025-03-02"]);
        desk.gone("select count(*) from events where at = $1::timestamp");
    }
}

/// Tables numbered by hand look like partitions, and are none.
#[tokio::test]
async fn a_union_of_numbered_tables_is_no_partitioned_table() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-partitions-not-pruned", version).await;
        let table = |n| {
            format!("create table log_{n} as select {n} as k, n from generate_series(1, 1000) n;")
        };
        desk.sql(&each(12, table)).await;
        desk.sql("analyze").await;
        let branch = |n: usize| format!("select * from log_{n} where k = 7 union all ");
        let all = each(12, branch);
        desk.gone(all.trim_end_matches(" union all "));
        let same = "select * from log_1 where k = 7 union all ".repeat(12);
        desk.gone(same.trim_end_matches(" union all "));
    }
}
