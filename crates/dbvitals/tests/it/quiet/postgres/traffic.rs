//! Clients of the shop: short transactions over connections of their own, as an application makes them.

use dbvitals_testkit::Postgres;

use super::servers::DATABASE;

/// A number of clients at work.
pub(super) struct Traffic;

impl Traffic {
    /// So many clients, each with so many transactions, until all are done.
    pub(super) async fn run(server: &Postgres, clients: u32, transactions: u32) {
        let url = server.url("shop", "a%20long%20and%20winding%20password", DATABASE);
        let mut all = Vec::new();
        for client in 0..clients {
            let connection = server.client_as(&url).await.unwrap();
            all.push(async move {
                for number in 0..transactions {
                    let customer = (client * 997 + number * 31) % 5000 + 1;
                    let order = (client * 3989 + number * 17) % 20_000 + 1;
                    let text = format!(
                        "begin; select name from shop.customers where id = {customer}; \
                         insert into shop.orders (customer, total) values ({customer}, {number}); \
                         update shop.orders set total = total + 1 where id = {order}; \
                         select sum(total) from shop.orders where customer = {customer}; \
                         select p.amount from shop.payments as p where p.order_id = {order}; \
                         select c.email from shop.customers as c where c.email = '{customer}@example.org'; \
                         select id from shop.orders order by placed desc limit 5; \
                         commit"
                    );
                    connection.batch_execute(&text).await.unwrap();
                }
            });
        }
        futures_util::future::join_all(all).await;
        let done = "select count(*) = 0 from pg_stat_activity where usename = 'shop'";
        server.wait_until(DATABASE, done).await.unwrap();
    }
}
