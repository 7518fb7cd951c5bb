//! The console's rows as values. Columns come and go with `PgBouncer`'s releases, so they are read by name.

use std::collections::BTreeMap;

use dbvitals_model::pooler::{Pool, PoolerDatabase};
use tokio_postgres::SimpleQueryRow;

/// Values by column name; NULL is left out.
pub(super) type Row = BTreeMap<String, String>;

/// The console's own database.
const OWN: &str = "pgbouncer";

/// A row as it came over the wire.
pub(super) fn row(row: &SimpleQueryRow) -> Row {
    let columns = row.columns().iter().enumerate();
    columns
        .filter_map(|(place, column)| {
            Some((column.name().to_owned(), row.try_get(place).ok()??.to_owned()))
        })
        .collect()
}

/// A number; 0 where this release has no such column.
pub(super) fn int(row: &Row, name: &str) -> i64 {
    row.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).cloned().unwrap_or_default()
}

/// `SHOW POOLS`.
pub(super) fn pools(rows: &[Row]) -> Vec<Pool> {
    let pools = rows.iter().filter(|row| text(row, "database") != OWN).map(|row| Pool {
        database: text(row, "database"),
        user: text(row, "user"),
        clients_active: int(row, "cl_active"),
        clients_waiting: int(row, "cl_waiting"),
        servers_active: int(row, "sv_active"),
        servers_idle: int(row, "sv_idle"),
        servers_used: int(row, "sv_used"),
        servers_tested: int(row, "sv_tested"),
        servers_login: int(row, "sv_login"),
        longest_wait_ms: int(row, "maxwait") as f64 * 1000.0
            + int(row, "maxwait_us") as f64 / 1000.0,
        mode: row.get("pool_mode").cloned(),
    });
    pools.collect()
}

/// `SHOW DATABASES`.
pub(super) fn databases(rows: &[Row]) -> Vec<PoolerDatabase> {
    let databases = rows.iter().filter(|row| text(row, "name") != OWN).map(|row| PoolerDatabase {
        name: text(row, "name"),
        host: row.get("host").filter(|host| !host.is_empty() && !host.starts_with('/')).cloned(),
        port: row.get("port").and_then(|port| port.parse().ok()),
        pool_size: int(row, "pool_size"),
        // `reserve_pool` until 1.23, `reserve_pool_size` from then on.
        reserve_pool: int(row, "reserve_pool").max(int(row, "reserve_pool_size")),
        max_connections: int(row, "max_connections"),
        current_connections: int(row, "current_connections"),
        is_paused: int(row, "paused") != 0,
        is_disabled: int(row, "disabled") != 0,
    });
    databases.collect()
}

/// `SHOW CONFIG`.
pub(super) fn config(rows: &[Row]) -> BTreeMap<String, String> {
    rows.iter().map(|row| (text(row, "key"), text(row, "value"))).collect()
}

/// `SHOW LISTS`.
pub(super) fn lists(rows: &[Row]) -> BTreeMap<String, i64> {
    rows.iter().map(|row| (text(row, "list"), int(row, "items"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, &str)]) -> Row {
        cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_console_itself_is_no_pool_and_old_releases_have_fewer_columns() {
        let rows = [
            row(&[("database", "pgbouncer"), ("user", "pgbouncer")]),
            row(&[
                ("database", "app"),
                ("cl_waiting", "3"),
                ("maxwait", "2"),
                ("maxwait_us", "500000"),
            ]),
        ];
        let pools = pools(&rows);
        assert_eq!((pools.len(), pools[0].clients_waiting, pools[0].servers()), (1, 3, 0));
        assert!((pools[0].longest_wait_ms - 2500.0).abs() < 1e-9);
    }

    #[test]
    fn a_socket_is_no_host() {
        let of = |host: &str| databases(&[row(&[("name", "app"), ("host", host)])])[0].host.clone();
        assert_eq!(of("/run/postgresql"), None);
        assert_eq!(of("10.0.0.7"), Some("10.0.0.7".into()));
    }
}
