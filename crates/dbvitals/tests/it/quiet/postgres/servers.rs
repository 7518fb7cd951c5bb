//! Servers as careful people, hobbyists and analysts keep them, and what they hold.

use dbvitals_testkit::{PgVersion, Postgres, PostgresBuilder};

/// The database the application uses.
pub(super) const DATABASE: &str = "shop";

/// As it comes, but that it survives a crash: the defaults of the package.
pub(super) fn untouched(version: PgVersion) -> PostgresBuilder {
    Postgres::builder(version).setting("fsync", "on")
}

/// Settings any careful administrator has made, on a machine with four gigabytes and flash disks.
pub(super) fn well_kept(version: PgVersion) -> PostgresBuilder {
    let kept = [
        ("shared_buffers", "1GB"),
        ("effective_cache_size", "3GB"),
        ("maintenance_work_mem", "256MB"),
        ("work_mem", "16MB"),
        ("max_connections", "60"),
        ("random_page_cost", "1.1"),
        ("effective_io_concurrency", "200"),
        ("max_wal_size", "4GB"),
        ("wal_compression", "on"),
        ("track_io_timing", "on"),
        ("log_min_duration_statement", "1s"),
        ("log_lock_waits", "on"),
        ("log_checkpoints", "on"),
        ("log_autovacuum_min_duration", "10s"),
        ("log_temp_files", "10MB"),
        ("log_connections", "on"),
        ("log_statement", "ddl"),
        ("log_disconnections", "on"),
        ("idle_in_transaction_session_timeout", "60s"),
        ("statement_timeout", "60s"),
        ("lock_timeout", "10s"),
        ("max_slot_wal_keep_size", "8GB"),
        ("password_encryption", "scram-sha-256"),
        ("checkpoint_completion_target", "0.9"),
    ];
    let builder = untouched(version).preload("pg_stat_statements").tls().archive();
    let builder = builder.initdb("--data-checksums");
    kept.iter().fold(builder, |builder, (name, value)| builder.setting(name, value))
}

/// A well-kept server for few, large queries.
pub(super) fn warehouse(version: PgVersion) -> PostgresBuilder {
    well_kept(version)
        .setting("work_mem", "64MB")
        .setting("max_connections", "20")
        .setting("statement_timeout", "30min")
        .setting("max_wal_size", "16GB")
}

/// Runs statements one by one as the superuser.
async fn each(server: &Postgres, statements: &[&str]) {
    for statement in statements {
        server.sql(DATABASE, statement).await.unwrap();
    }
}

/// A database with its owner, who is no superuser, and nothing open to everybody.
async fn database(server: &Postgres) {
    // In the template, too, from which databases are made; newer versions come like this.
    for name in ["template1", "postgres"] {
        server.sql(name, "revoke create on schema public from public").await.unwrap();
    }
    server.create_database(DATABASE).await.unwrap();
    let strict = [
        "create role shop login password 'a long and winding password'",
        "alter database shop owner to shop",
        "revoke create on schema public from public",
        "create schema shop authorization shop",
        "alter role shop set search_path = shop",
        "create extension if not exists pg_stat_statements",
    ];
    each(server, &strict).await;
}

/// Customers, orders and payments: keys everywhere, an index behind each reference, analysed.
pub(super) async fn shop(server: &Postgres) {
    database(server).await;
    let make = [
        "set role shop; create table shop.customers (id bigint generated always as identity \
         primary key, email text not null unique, name text not null, joined timestamptz not null \
         default now())",
        "set role shop; create table shop.orders (id bigint generated always as identity primary \
         key, customer bigint not null references shop.customers, total numeric(12, 2) not null, \
         placed timestamptz not null default now()) with (fillfactor = 90)",
        "set role shop; create index on shop.orders (customer)",
        "set role shop; create index on shop.orders (placed)",
        "set role shop; create table shop.payments (id bigint generated always as identity primary \
         key, order_id bigint not null references shop.orders, amount numeric(12, 2) not null)",
        "set role shop; create index on shop.payments (order_id)",
        "insert into shop.customers (email, name) select n || '@example.org', 'customer ' || n \
         from generate_series(1, 5000) as n",
        "insert into shop.orders (customer, total, placed) select n % 5000 + 1, n, \
         now() - n * interval '1 minute' from generate_series(1, 20000) as n",
        "insert into shop.payments (order_id, amount) select n, n from generate_series(1, 20000) as n",
        "vacuum analyze",
    ];
    each(server, &make).await;
}

/// Three small tables in the database of a person who has other things to do.
pub(super) async fn hobby(server: &Postgres) {
    server.create_database(DATABASE).await.unwrap();
    let make = [
        "create table books (id serial primary key, title text, author text, read boolean)",
        "create table notes (id serial primary key, book int references books, body text)",
        "create table tags (name text primary key)",
        "insert into books (title, author) select 'title ' || n, 'author ' || n from generate_series(1, 40) n",
        "insert into notes (book, body) select n, repeat('x', 200) from generate_series(1, 40) n",
        "insert into tags values ('poems'), ('trains')",
        "select * from books join notes on notes.book = books.id",
        "update books set read = true where id < 10",
    ];
    each(server, &make).await;
}

/// A year of sales by month, loaded in bulk and read from end to end.
pub(super) async fn facts(server: &Postgres) {
    database(server).await;
    each(
        server,
        &["set role shop; create table shop.sales (day date not null, store int not null, item int \
           not null, amount numeric(12, 2) not null, primary key (day, store, item)) partition by \
           range (day)"],
    )
    .await;
    for month in 0..12 {
        let from = format!("(date '2026-01-01' + interval '{month} months')::date");
        let bounds = format!("select {from}::text, ({from} + interval '1 month')::date::text");
        let row = server.rows(DATABASE, &bounds).await.unwrap().remove(0);
        let (from, to) = (row[0].clone().unwrap(), row[1].clone().unwrap());
        let make = format!(
            "set role shop; create table shop.sales_{month} partition of shop.sales for values from \
             ('{from}') to ('{to}')"
        );
        let load = format!(
            "insert into shop.sales select date '{from}' + n % 28, n / 28 % 50, n / 1400, n \
             from generate_series(0, 19999) as n"
        );
        each(server, &[&make, &load]).await;
    }
    let rest = [
        "set role shop; create table shop.sales_2027 partition of shop.sales for values from \
         ('2027-01-01') to ('2028-01-01')",
        "set role shop; create table shop.stores (id int primary key, name text not null)",
        "insert into shop.stores select n, 'store ' || n from generate_series(0, 49) as n",
        "vacuum analyze",
        "select store, sum(amount) from shop.sales group by store",
        "select date_trunc('month', day), sum(amount) from shop.sales group by 1",
        "select s.name, sum(amount) from shop.sales join shop.stores as s on s.id = store group by 1",
        "select item, sum(amount) from shop.sales where day >= '2026-06-01' group by item",
    ];
    each(server, &rest).await;
}
