//! One more statement for each row of a list, and the same question again and again.

use tokio_postgres::Client;

use super::logged::{Logged, VERSIONS, evidence, message, words};
use crate::run::text;

const BLOG: &str = "\
create table posts (id int primary key, author int); create table authors (id int primary key, name text); \
insert into posts select g, g % 50 + 1 from generate_series(1, 200) g; \
insert into authors select g, 'a' || g from generate_series(1, 50) g";

const LIST: &str = "select id, author from posts where id > $1 order by id limit 12";

/// A page of posts with their authors: one by one, or all at once.
async fn page(client: &Client, from: i32, at_once: bool) {
    client.batch_execute("begin").await.unwrap();
    let rows = client.query(LIST, &[&from]).await.unwrap();
    let authors: Vec<i32> = rows.iter().map(|row| row.get(1)).collect();
    if at_once {
        let all = "select id, name from authors where id = any ($1)";
        client.query(all, &[&authors]).await.unwrap();
    } else {
        for author in &authors {
            client.query("select name from authors where id = $1", &[author]).await.unwrap();
        }
    }
    client.batch_execute("commit").await.unwrap();
}

#[tokio::test]
async fn a_statement_for_each_row_is_told_until_all_are_asked_at_once() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql(BLOG).await;
        let client = log.session().await;
        for from in 0..4 {
            page(&client, from, false).await;
        }
        let found = log.found("log-n-plus-one").await;
        assert_eq!(text(&found, "/severity"), "warning", "{found:#}");
        assert!(message(&found).starts_with("asked 12 times in a row on average, 4 times over"));
        assert!(words(&found, "statement").contains("from authors where id = ?"), "{found:#}");
        assert!(words(&found, "statement before").contains("from posts"), "{found:#}");
        assert_eq!(evidence(&found, "executions in them"), 48.0);
        for from in 0..4 {
            page(&client, from, true).await;
        }
        log.gone("log-n-plus-one").await;
    }
}

#[tokio::test]
async fn the_same_question_is_told_until_the_answer_is_kept() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql(BLOG).await;
        let client = log.session().await;
        let question = "select name from authors where id = $1";
        for _ in 0..5 {
            for _ in 0..25 {
                client.query(question, &[&7_i32]).await.unwrap();
            }
            client.batch_execute("update posts set author = 8 where id = 8").await.unwrap();
        }
        let found = log.found("log-redundant-statement").await;
        assert!(words(&found, "statement").contains("from authors where id = ?"), "{found:#}");
        assert_eq!(evidence(&found, "redundant executions"), 5.0 * 24.0, "{found:#}");
        for _ in 0..5 {
            client.query(question, &[&7_i32]).await.unwrap();
            client.batch_execute("update posts set author = 8 where id = 8").await.unwrap();
        }
        log.gone("log-redundant-statement").await;
    }
}
