//! A look as a snapshot holds it.

use super::Look;
use crate::pg::PgSnapshot;

impl Look {
    /// The counters of a snapshot. Of statements a snapshot keeps the leading ones.
    pub fn of(pg: &PgSnapshot) -> Self {
        let relations = pg.by_database.iter().filter_map(|database| {
            Some((database.name.clone(), database.relations.value()?.clone()))
        });
        let statements = pg.statements.value();
        Self {
            started_at: pg.server.started_at,
            databases: pg.databases.value().cloned().unwrap_or_default(),
            statements_since: statements.and_then(|statements| statements.since),
            statements: statements.map(|it| it.leaders.clone()).unwrap_or_default(),
            checkpoints: pg.checkpoints.value().cloned(),
            wal: pg.wal.value().cloned(),
            archiver: pg.archiver.value().cloned(),
            io: pg.io.value().cloned().unwrap_or_default(),
            relations: relations.collect(),
        }
    }
}
