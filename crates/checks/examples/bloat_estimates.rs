//! Prints what the estimators say of every relation of a saved snapshot, one line of JSON each.
//!
//! `cargo run -p dbvitals-checks --example bloat_estimates -- snapshot.json`, for `bench/bloat.py`.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::{env, error::Error, fs};

use dbvitals_checks::pg::bloat::{self, Bloat, Facts};
use dbvitals_model::{Snapshot, TargetData};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: bloat_estimates SNAPSHOT")?;
    let snapshot: Snapshot = serde_json::from_str(&fs::read_to_string(path)?)?;
    for target in &snapshot.targets {
        let TargetData::Postgres(pg) = &target.data else { continue };
        for database in &pg.by_database {
            let server = &pg.server;
            let facts = Facts::of(server.block_size_bytes, database);
            let line = |kind, name, size, estimated, best| {
                let database = &database.name;
                json!({"database": database, "kind": kind, "name": name, "bytes": size,
                    "estimated": value(estimated), "best": value(best)})
            };
            for index in database.indexes.value().into_iter().flatten() {
                let (estimated, best) =
                    (bloat::estimated_index(&facts, index), bloat::of_index(&facts, index));
                println!("{}", line("index", &index.name, index.size_bytes, estimated, best));
            }
            for table in database.relations.value().into_iter().flatten() {
                let (estimated, best) =
                    (bloat::estimated_table(&facts, table), bloat::of_table(&facts, table));
                let size = table.heap_bytes + table.toast_heap_bytes;
                println!("{}", line("table", &table.name, size, estimated, best));
            }
        }
    }
    Ok(())
}

fn value(bloat: Option<Bloat>) -> Value {
    bloat.map_or(Value::Null, |bloat| {
        json!({"ratio": bloat.ratio, "at_least": bloat.at_least, "at_most": bloat.at_most,
            "method": bloat.method.as_str(), "confidence": bloat.confidence.as_str(),
            "rebuilt_bytes": bloat.rebuilt_bytes, "reasons": bloat.reasons})
    })
}
