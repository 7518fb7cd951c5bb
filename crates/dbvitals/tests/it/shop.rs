//! A small application: pages that list orders and ask for each one's customer, beside lists and lookups that have
//! nothing in common but the load.

use std::time::Duration;

use dbvitals_testkit::Postgres;
use tokio_postgres::{Client, Statement};

/// Its tables, and the extension that counts.
pub(crate) const TABLES: &str = "\
create extension pg_stat_statements; \
create table customers (id int primary key, name text); \
create table orders (id int primary key, customer_id int not null references customers); \
create table suppliers (id int primary key, name text); \
create table products (id int primary key, supplier_id int not null references suppliers); \
insert into customers select g, 'c' from generate_series(1, 1000) g; \
insert into suppliers select g, 's' from generate_series(1, 1000) g; \
insert into orders select g, g % 1000 + 1 from generate_series(1, 5000) g; \
insert into products select g, g % 1000 + 1 from generate_series(1, 5000) g; \
analyze";

/// Numbers that look like chance and are the same each time.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// How a page asks for the customers of its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Customers {
    /// One by one.
    EachRow,
    /// All of a page at once.
    Together,
}

/// The application's one connection, and the chance in what it does.
#[derive(Debug)]
pub(crate) struct Shop {
    client: Client,
    orders: Statement,
    customer: Statement,
    customers: Statement,
    products: Statement,
    supplier: Statement,
    state: u64,
}

impl Shop {
    /// Opens the shop in a database that has its tables.
    pub(crate) async fn open(server: &Postgres, database: &str) -> Self {
        let client = server.client(database).await.unwrap();
        let orders = client.prepare("select id, customer_id from orders limit $1").await.unwrap();
        let customer = client.prepare("select name from customers where id = $1").await.unwrap();
        let customers = "select name from customers where id = any($1)";
        let customers = client.prepare(customers).await.unwrap();
        let products =
            client.prepare("select id, supplier_id from products limit $1").await.unwrap();
        let supplier = client.prepare("select name from suppliers where id = $1").await.unwrap();
        Self { client, orders, customer, customers, products, supplier, state: 7 }
    }

    /// A gust of pages, then a pause.
    pub(crate) async fn gust(&mut self, customers: Customers) {
        for _ in 0..=next(&mut self.state) % 8 {
            let length = i64::try_from(5 + next(&mut self.state) % 30).unwrap();
            let orders = self.client.query(&self.orders, &[&length]).await.unwrap();
            let ids: Vec<i32> = orders.iter().map(|row| row.get(1)).collect();
            match customers {
                Customers::EachRow => {
                    for id in &ids {
                        self.client.query(&self.customer, &[id]).await.unwrap();
                    }
                }
                Customers::Together => {
                    self.client.query(&self.customers, &[&ids]).await.unwrap();
                }
            }
        }
        // Products are listed under the same load; suppliers are asked for by somebody else, about as often.
        for _ in 0..=next(&mut self.state) % 8 {
            let length = i64::try_from(5 + next(&mut self.state) % 30).unwrap();
            self.client.query(&self.products, &[&length]).await.unwrap();
        }
        for _ in 0..next(&mut self.state) % 150 {
            self.client.query(&self.supplier, &[&1_i32]).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(next(&mut self.state) % 250)).await;
    }
}
