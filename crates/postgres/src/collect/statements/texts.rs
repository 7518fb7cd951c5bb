//! Texts of the leaders, and which entries are our own.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::{
    Reason, Unavailable,
    pg::{
        statement::Statement,
        window::{Look, between},
    },
};
use serde::Deserialize;

use super::Entries;
use crate::{
    Table,
    collect::{
        mask::{keeps_literals, mask},
        obstacle,
        reader::Reader,
    },
};

/// What the server shows instead of other roles' texts.
const HIDDEN: &str = "<insufficient privilege>";

#[derive(Default, Deserialize)]
#[serde(default)]
struct TextRow {
    query_id: i64,
    user: Option<String>,
    database: Option<String>,
    text: Option<String>,
}

/// What the entries did since they were first looked at.
pub(super) fn grown(before: &Entries, after: &Entries) -> Vec<Statement> {
    let look = |entries: &Entries| Look {
        statements_since: entries.since,
        statements: entries.rows.clone(),
        ..Look::default()
    };
    between(&look(before), &look(after), 1.0).statements
}

/// The ids as an array's text.
pub(super) fn ids(rows: &[Statement]) -> String {
    let ids: BTreeSet<i64> = rows.iter().map(|row| row.query_id).collect();
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Gives each entry its text and drops those that are our own.
pub(super) fn give(rows: &mut Vec<Statement>, table: &Table) -> Result<(), Unavailable> {
    let texts: Vec<TextRow> = table.decode().map_err(|error| obstacle::of_shape(&error))?;
    let mut exact = BTreeMap::new();
    let mut by_id = BTreeMap::new();
    for row in texts {
        let Some(text) = row.text.filter(|text| text != HIDDEN) else { continue };
        by_id.entry(row.query_id).or_insert_with(|| text.clone());
        exact.insert((row.query_id, row.user, row.database), text);
    }
    rows.retain_mut(|row| {
        let key = (row.query_id, row.user.clone(), row.database.clone());
        let text = exact.get(&key).or_else(|| by_id.get(&row.query_id));
        if text.is_some_and(|text| is_ours(text)) {
            return false;
        }
        row.text = text.map(|text| if keeps_literals(text) { mask(text) } else { text.clone() });
        true
    });
    Ok(())
}

/// Whether this tool sent it: all it sends is tagged, save for its savepoints, whose name newer servers hide.
fn is_ours(text: &str) -> bool {
    let savepoints = [
        "SAVEPOINT dbvitals",
        "ROLLBACK TO SAVEPOINT dbvitals",
        "SAVEPOINT $1",
        "ROLLBACK TO SAVEPOINT $1",
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    ];
    text.contains("/* dbvitals */") || savepoints.contains(&text)
}

/// The obstacle to other roles' statements.
pub(super) fn hidden(rows: &[Statement], reader: &Reader) -> Option<Unavailable> {
    if reader.is_any_of(&["pg_read_all_stats", "pg_monitor"])
        || rows.iter().all(|row| row.query_id != 0)
    {
        return None;
    }
    let remedy = reader.remedy("GRANT pg_monitor TO {role};");
    Some(Unavailable::with_remedy(Reason::Permission, "other roles' statements are hidden", remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;

    fn table(rows: &[(i64, &str, &str)]) -> Table {
        Table {
            columns: ["query_id", "user", "database", "text"].map(Into::into).to_vec(),
            rows: rows
                .iter()
                .map(|(id, database, text)| {
                    vec![Cell::Int(*id), cell("app"), cell(database), cell(text)]
                })
                .collect(),
            bytes: 0,
        }
    }

    fn cell(text: &str) -> Cell {
        Cell::Text(text.into())
    }

    fn entry(query_id: i64, database: &str) -> Statement {
        Statement {
            query_id,
            user: Some("app".into()),
            database: Some(database.into()),
            ..Statement::default()
        }
    }

    #[test]
    fn texts_go_to_their_entries_and_our_own_entries_go() {
        let mut rows =
            vec![entry(1, "a"), entry(1, "b"), entry(2, "a"), entry(3, "a"), entry(4, "a")];
        let texts = table(&[
            (1, "a", "select $1 from a"),
            (2, "a", "select /* dbvitals */ $1"),
            (3, "a", "ALTER ROLE x PASSWORD 'hunter2'"),
            (4, "a", "ROLLBACK TO SAVEPOINT dbvitals"),
        ]);
        give(&mut rows, &texts).unwrap();
        let texts: Vec<_> = rows.iter().map(|row| (row.query_id, row.text.as_deref())).collect();
        let wanted = [
            (1, Some("select $1 from a")),
            (1, Some("select $1 from a")),
            (3, Some("ALTER ROLE x PASSWORD ?")),
        ];
        assert_eq!(texts, wanted);
    }

    #[test]
    fn hidden_texts_are_none() {
        let mut rows = vec![entry(1, "a")];
        give(&mut rows, &table(&[(1, "a", HIDDEN)])).unwrap();
        assert_eq!(rows[0].text, None);
    }

    #[test]
    fn ids_are_an_array() {
        assert_eq!(ids(&[entry(-5, "a"), entry(7, "a"), entry(-5, "b")]), "{-5,7}");
        assert_eq!(ids(&[]), "{}");
    }
}
