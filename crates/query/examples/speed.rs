//! How many typical statements one core parses, classifies and fingerprints in a second.
#![expect(clippy::print_stdout, reason = "the numbers are what this program is for")]

use std::{hint::black_box, time::Instant};

use dbvitals_query::{Statement, fingerprint};

/// What applications send, by and large: lookups, lists, joins, counts, writes.
const TYPICAL: [&str; 12] = [
    "SELECT id, email, name, created_at FROM users WHERE id = $1 LIMIT $2",
    "select u0_.id, u0_.email, u0_.roles from users u0_ where u0_.email = $1",
    "SELECT \"orders\".* FROM \"orders\" WHERE \"orders\".\"customer_id\" = $1 AND \"orders\".\"state\" IN ($2, $3) \
     ORDER BY \"orders\".\"created_at\" DESC LIMIT $4 OFFSET $5",
    "SELECT o.id, o.total, c.name, sum(l.quantity * l.price) AS amount FROM orders o JOIN customers c ON c.id = \
     o.customer_id LEFT JOIN lines l ON l.order_id = o.id WHERE o.created_at >= $1 AND o.created_at < $2 GROUP BY \
     o.id, o.total, c.name HAVING sum(l.quantity) > $3 ORDER BY amount DESC LIMIT $4",
    "SELECT count(*) FROM events WHERE tenant_id = $1 AND kind = $2",
    "INSERT INTO events (tenant_id, kind, body, created_at) VALUES ($1, $2, $3, now()) RETURNING id",
    "UPDATE accounts SET balance = balance + $1, updated_at = now() WHERE id = $2",
    "DELETE FROM sessions WHERE token = $1",
    "WITH latest AS (SELECT DISTINCT ON (device_id) device_id, at, value FROM readings WHERE at > now() - interval $1 \
     ORDER BY device_id, at DESC) SELECT d.name, l.value FROM devices d JOIN latest l ON l.device_id = d.id",
    "SELECT p.id FROM posts p WHERE EXISTS (SELECT $1 FROM tags t WHERE t.post_id = p.id AND t.name = ANY ($2)) \
     ORDER BY p.published_at DESC NULLS LAST LIMIT $3",
    "COMMIT",
    "UPDATE jobs SET state = $1, taken_at = now() WHERE id = (SELECT id FROM jobs WHERE state = $2 ORDER BY id LIMIT \
     $3 FOR UPDATE SKIP LOCKED) RETURNING *",
];

fn main() {
    const ROUNDS: u32 = 4_000;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for text in TYPICAL {
            let statement = Statement::parse(black_box(text));
            black_box(statement.as_ref().map(Statement::classify).ok());
            black_box(fingerprint(text).ok());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let statements = f64::from(ROUNDS) * TYPICAL.len() as f64;
    println!(
        "parsed, classified and fingerprinted: {:.0} statements per second, {:.1} microseconds each",
        statements / seconds,
        1e6 * seconds / statements
    );
}
