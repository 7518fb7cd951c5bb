//! Every text on every server: it runs, and answers the fields of its struct in types that are read.

use std::collections::BTreeSet;

use dbvitals_postgres::collect::{
    COLLECTORS, Collector, Need, Role,
    statements::{COUNTS, INFO, LADDER, STATUS, TEXT_FILE, TEXTS},
};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio_postgres::{Client, Column};

use super::furnished;

const READ: [&str; 7] = ["int8", "float8", "text", "bool", "timestamptz", "_text", "_int8"];

#[tokio::test]
async fn every_text_runs_everywhere_and_answers_the_fields_of_its_struct() {
    for version in PgVersion::ALL {
        let primary = furnished(version).await;
        let standby = primary.standby().await.unwrap();
        primary.wait_for_replay(&standby).await.unwrap();
        for (server, is_standby) in [(&primary, false), (&standby, true)] {
            for url in [server.monitor_url("app"), server.superuser_url("app")] {
                let client = server.client_as(&url).await.unwrap();
                let trial =
                    Trial { server, client, is_standby, is_superuser: url.contains("postgres:") };
                trial.collectors().await;
                trial.statements().await;
            }
        }
    }
}

struct Trial<'a> {
    server: &'a Postgres,
    client: Client,
    is_standby: bool,
    is_superuser: bool,
}

impl Trial<'_> {
    fn major(&self) -> u32 {
        self.server.version().major()
    }

    async fn collectors(&self) {
        for collector in COLLECTORS {
            let Some(text) = collector.text(self.major()) else {
                assert!(self.major() < collector.oldest(), "{}", collector.name);
                continue;
            };
            if collector.role == Role::Standby && !self.is_standby {
                continue;
            }
            self.run(collector, text).await;
            if let Some(text) = collector.fallback(self.major()) {
                self.run(collector, &text).await;
            }
        }
    }

    async fn run(&self, collector: &Collector, text: &str) {
        let columns: BTreeSet<&str> = (collector.columns)().into_iter().collect();
        let answer = self.answer(text, &columns).await;
        let needs_grant = collector.needs.iter().any(|need| matches!(need, Need::Grant(_)));
        if let Err(state) = answer {
            let refused = state == "42501" && needs_grant && !self.is_superuser;
            assert!(refused, "{} on {}: {state}", collector.name, self.server.version());
        }
    }

    async fn statements(&self) {
        let minor = match self.major() {
            13 => 8,
            14 => 9,
            15 | 16 => 10,
            _ => 11,
        };
        let counters = LADDER.iter().find(|(least, _)| *least == minor).unwrap().1;
        let place =
            |text: &str| text.replace("{schema}", "\"public\"").replace("{query_ids}", "{1,2}");
        let statement = fields::<dbvitals_model::pg::statement::Statement>();
        self.answer(&place(counters), &statement).await.unwrap();
        let counts = COUNTS.iter().rev().find(|(least, _)| *least <= minor).unwrap().1;
        let count = ["query_id", "user", "database", "is_top_level", "calls", "rows", "spent_ms"];
        self.answer(&place(counts), &count.into()).await.unwrap();
        let status = fields::<dbvitals_model::pg::statement::Status>();
        self.answer(STATUS, &status).await.unwrap();
        let texts = ["query_id", "user", "database", "text"].into();
        self.answer(&place(TEXTS), &texts).await.unwrap();
        if minor >= 9 {
            self.answer(&place(INFO), &["deallocations", "stats_reset"].into()).await.unwrap();
        }
        if self.is_superuser {
            self.answer(TEXT_FILE, &["text_file_bytes"].into()).await.unwrap();
        }
    }

    /// Runs a text as a batch would; the error is the server's code.
    async fn answer(&self, text: &str, wanted: &BTreeSet<&str>) -> Result<(), String> {
        let begin = "begin read only; set local search_path = pg_catalog";
        self.client.batch_execute(begin).await.unwrap();
        let outcome = match self.client.prepare(text).await {
            Ok(statement) => {
                let columns = statement.columns();
                let names: BTreeSet<&str> = columns.iter().map(Column::name).collect();
                assert_eq!(&names, wanted, "{text}");
                assert_eq!(names.len(), columns.len(), "a name twice in {text}");
                for column in columns {
                    let kind = column.type_().name();
                    assert!(READ.contains(&kind), "{} is {kind} in {text}", column.name());
                }
                self.client.query(&statement, &[]).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        self.client.batch_execute("rollback").await.unwrap();
        outcome.map_err(|error| match error.code() {
            Some(code) if code.code() == "42501" => "42501".to_owned(),
            _ => format!("{error:?} in {text}"),
        })
    }
}

/// The fields of a struct whose every field is written.
fn fields<T: serde::Serialize + Default>() -> BTreeSet<&'static str> {
    let value = serde_json::to_value(T::default()).unwrap();
    let names = value.as_object().unwrap().keys().map(|name| &*name.clone().leak());
    names.collect()
}

#[test]
fn texts_keep_the_rules() {
    let mut names = BTreeSet::new();
    for collector in COLLECTORS {
        let name = collector.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(collector.texts.is_sorted_by_key(|(least, _)| *least), "{name}");
        for (least, text) in collector.texts {
            let tag = format!("/* dbvitals:{name} */\n");
            assert!(text.starts_with(&tag), "{name} {least} begins with its tag");
            let bound = format!("\nlimit {}\n", collector.limit);
            assert!(text.ends_with(&bound), "{name} {least} ends with its limit");
            for line in text.lines() {
                unqualified(line, &format!("{name} {least}"));
            }
        }
    }
}

/// Fails on a relation that is read without its schema.
fn unqualified(line: &str, place: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2) {
        if matches!(pair[0], "from" | "join") && pair[1].starts_with("pg_") {
            assert!(pair[1].starts_with("pg_catalog."), "{place}: {line}");
        }
    }
    for (at, _) in line.match_indices("pg_") {
        let before = &line[..at];
        let is_call = line[at..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .is_some_and(|end| line[at + end..].starts_with('('));
        let is_qualified = before.ends_with("pg_catalog.") || before.ends_with('\'');
        assert!(!is_call || is_qualified, "{place}: {line}");
    }
}
