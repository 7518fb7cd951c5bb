//! Where the extension is installed, and what it takes to have it.

use std::time::Instant;

use dbvitals_model::{
    Reason, Section, Unavailable, pg::statement::Status, snapshot::CollectorCost,
};

use super::{COUNTS, LADDER, STATUS, ask, rows};
use crate::{
    Session,
    collect::{
        collector::CHEAP,
        obstacle,
        reader::{Reader, quoted},
        run::Run,
    },
};

/// Most databases in which the extension is looked for.
const LOOKED_IN: usize = 50;

/// Where the extension is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Installed {
    pub(in super::super) database: String,
    pub(super) schema: String,
    /// 10 for 1.10.
    pub(super) minor: u32,
}

impl Installed {
    fn of(status: &Status) -> Option<Self> {
        let version = status.extension_version.as_deref()?;
        let minor = version.strip_prefix("1.")?.parse().ok()?;
        let (database, schema) = (status.installed_in.clone()?, status.schema.clone()?);
        Some(Self { database, schema, minor })
    }

    /// The text of the counters; `None` for an extension older than any server we know.
    pub(super) fn counters(&self) -> Option<String> {
        self.text_of(LADDER)
    }

    /// The text of the few counters that are asked again and again, likewise.
    pub(in super::super) fn counts(&self) -> Option<String> {
        self.text_of(COUNTS)
    }

    fn text_of(&self, ladder: &[(u32, &str)]) -> Option<String> {
        let text = ladder.iter().rev().find(|(least, _)| *least <= self.minor)?.1;
        Some(self.place_in(text))
    }

    pub(super) fn place_in(&self, text: &str) -> String {
        text.replace("{schema}", &quoted(&self.schema))
    }
}

/// Finds the extension: in the database we are connected to, else in the others.
pub(in super::super) async fn locate(run: &mut Run<'_>) {
    let deadline = run.deadline;
    let status = status(&mut run.session, &run.reader, deadline, None, &mut run.cost).await;
    let mut status = match status {
        Ok(status) => status,
        Err(why) => {
            run.place = Err(why.clone());
            run.snapshot.statements_status = Section::Unavailable(why);
            return;
        }
    };
    if status.is_preloaded && status.installed_in.is_none() && run.options.enters_databases {
        status = elsewhere(run).await.unwrap_or(status);
    }
    run.place = place(&status);
    run.snapshot.statements_status = Section::collected(status);
}

async fn elsewhere(run: &mut Run<'_>) -> Option<Status> {
    let home = run.snapshot.server.database.clone();
    let others: Vec<String> = run
        .databases
        .examined
        .iter()
        .filter(|name| **name != home)
        .take(LOOKED_IN)
        .cloned()
        .collect();
    for name in others {
        let Ok(mut session) = run.enter(&name).await else { continue };
        let deadline = run.deadline;
        let found = status(&mut session, &run.reader, deadline, Some(&name), &mut run.cost).await;
        session.close().await;
        if let Ok(found) = found
            && found.installed_in.is_some()
        {
            return Some(found);
        }
    }
    None
}

async fn status(
    session: &mut Session,
    reader: &Reader,
    deadline: Instant,
    database: Option<&str>,
    cost: &mut Vec<CollectorCost>,
) -> Result<Status, Unavailable> {
    let sql = STATUS.to_owned();
    let answer = ask(session, "statements_status", sql, CHEAP, deadline, database, cost).await;
    rows(&answer, reader, None)
        .and_then(|table| table.one().map_err(|error| obstacle::of_shape(&error)))
}

fn place(status: &Status) -> Result<Installed, Unavailable> {
    if !status.is_preloaded {
        return Err(Unavailable::with_remedy(
            Reason::Extension,
            "pg_stat_statements is not preloaded",
            "add pg_stat_statements to shared_preload_libraries, restart the server, then run \
             CREATE EXTENSION pg_stat_statements;",
        ));
    }
    let Some(installed) = Installed::of(status) else {
        return Err(Unavailable::with_remedy(
            Reason::Extension,
            "pg_stat_statements is preloaded but installed in no database we looked in",
            "CREATE EXTENSION pg_stat_statements;",
        ));
    };
    if installed.counters().is_none() {
        let version = status.extension_version.as_deref().unwrap_or("?");
        return Err(Unavailable::with_remedy(
            Reason::Version,
            format!("pg_stat_statements {version} is older than 1.8"),
            "ALTER EXTENSION pg_stat_statements UPDATE;",
        ));
    }
    Ok(installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: &str) -> Status {
        Status {
            is_preloaded: true,
            installed_in: Some("app".into()),
            extension_version: Some(version.into()),
            schema: Some("o\"dd".into()),
            ..Status::default()
        }
    }

    #[test]
    fn the_text_follows_the_extension_not_the_server() {
        let text = |version: &str| place(&status(version)).unwrap().counters().unwrap();
        assert!(text("1.8").contains("s.blk_read_time"));
        assert!(text("1.9").contains("s.toplevel"));
        assert!(
            text("1.10").contains("s.jit_functions") && !text("1.10").contains("s.stats_since")
        );
        assert!(text("1.12").contains("s.stats_since"));
        assert!(place(&status("1.8")).unwrap().counts().unwrap().contains("true::bool"));
        assert!(place(&status("1.12")).unwrap().counts().unwrap().contains("s.toplevel"));
        assert!(text("1.12").contains("from \"o\"\"dd\".pg_stat_statements(false)"));
    }

    #[test]
    fn each_lack_has_its_remedy() {
        let why = place(&Status::default()).unwrap_err();
        assert!(why.remedy.unwrap().contains("shared_preload_libraries"));
        let why = place(&Status { is_preloaded: true, ..Status::default() }).unwrap_err();
        assert_eq!(why.remedy.unwrap(), "CREATE EXTENSION pg_stat_statements;");
        let why = place(&status("1.7")).unwrap_err();
        assert_eq!(why.remedy.unwrap(), "ALTER EXTENSION pg_stat_statements UPDATE;");
    }
}
