//! Facts about a remote server's machine, through a server that may read files.
//!
//! Files are asked one query each, so that one the server may not open costs no other.

use std::{collections::BTreeMap, time::Duration};

use dbvitals_host::{Raw, Source, WANTED_FILES, between};
use dbvitals_model::{Reason, Section, host::Host, snapshot::CollectorCost};
use serde::Deserialize;

use super::{collector::CHEAP, options::MachineReading, run::Run};
use crate::{Answer, Query};

/// Whether our role may read files of the server.
const ALLOWED: &str = include_str!("host/allowed.sql");

/// Longest part of a file that is read: `/proc/self/mounts` of a crowded machine has this much.
const LONGEST_BYTES: u32 = 262_144;

#[derive(Deserialize)]
struct Allowed {
    #[serde(default)]
    allowed: bool,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    body: Option<String>,
}

/// The first look at the machine, and whether there can be one.
pub(super) struct Machine {
    before: Raw,
}

impl Machine {
    /// Looks, where the server is remote and our role may read its files.
    pub(super) async fn begin(run: &mut Run<'_>) -> Option<Self> {
        let wanted = match run.options.machine {
            MachineReading::WhenRemote => !run.snapshot.server.is_local,
            MachineReading::Always => true,
            MachineReading::Never => false,
        };
        if !wanted {
            return None;
        }
        let asked = ask(run, vec![query("host", ALLOWED.to_owned(), CHEAP)]).await;
        let answer = asked.into_iter().next()?;
        let allowed = answer.result.ok()?.one::<Allowed>().ok()?.allowed;
        if !allowed {
            return None;
        }
        let before = look(run).await?;
        Some(Self { before })
    }

    /// Looks again and tells the facts.
    pub(super) async fn end(self, run: &mut Run<'_>) -> Host {
        let after = look(run).await;
        let filesystems = Section::unavailable(
            Reason::NotApplicable,
            "free space cannot be read over SQL; run dbvitals on the server itself",
        );
        between(Source::Sql, &self.before, after.as_ref(), filesystems)
    }
}

/// Reads the wanted files; `None` where not one could be read.
async fn look(run: &mut Run<'_>) -> Option<Raw> {
    let queries = WANTED_FILES.iter().map(|path| {
        let sql = format!(
            "/* dbvitals:host */ select pg_catalog.pg_read_file('{path}', 0, {LONGEST_BYTES}, true) as body"
        );
        query("host", sql, CHEAP)
    });
    let answers = ask(run, queries.collect()).await;
    let mut files = BTreeMap::new();
    for (path, answer) in WANTED_FILES.iter().zip(answers) {
        let body = answer.result.ok().and_then(|table| table.one::<File>().ok()?.body);
        if let Some(body) = body {
            files.insert((*path).to_owned(), body.into_bytes());
        }
    }
    (!files.is_empty()).then(|| Raw::from_files(files))
}

/// Asks all at once; the cost is booked as one.
async fn ask(run: &mut Run<'_>, queries: Vec<Query>) -> Vec<Answer> {
    let answers = run.session.batch_until(&queries, Some(run.deadline)).await;
    run.cost.push(CollectorCost {
        target: String::new(),
        collector: "host".to_owned(),
        elapsed_ms: answers.iter().map(|answer| answer.elapsed_ms).sum(),
        rows: answers.iter().map(|answer| answer.rows).sum(),
        bytes: answers.iter().map(|answer| answer.bytes).sum(),
    });
    answers
}

fn query(name: &'static str, sql: String, timeout: Duration) -> Query {
    Query { name, sql, timeout }
}
