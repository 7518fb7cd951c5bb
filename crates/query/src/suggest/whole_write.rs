//! `UPDATE` and `DELETE` of every row.

use super::{Said, look::Look, query::Kind};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        let (range, verb) = match query.kind {
            Kind::Update(s) if s.where_clause.is_none() && s.from_clause.is_empty() => {
                (&s.relation, "UPDATE")
            }
            Kind::Delete(s) if s.where_clause.is_none() && s.using_clause.is_empty() => {
                (&s.relation, "DELETE")
            }
            _ => continue,
        };
        let (Some(range), Some((relation, _))) = (range, query.only_table()) else { continue };
        let all = format!("all of {}", look.sized(relation));
        let (why, instead) = if verb == "UPDATE" {
            (
                format!(
                    "It writes {all} anew in one transaction: the old rows stay until it ends and VACUUM has passed, every row \
                     is locked, and each index is written unless the change can stay on its page."
                ),
                "Add the WHERE that was meant. If all are meant, leave out the rows that are right already (WHERE x IS \
                 DISTINCT FROM …) and go in batches of some thousand by key; WHERE true says that it is on purpose.",
            )
        } else {
            (
                format!(
                    "It deletes {all}, row by row, in one transaction; they stay on disk, and in the way of every scan, until \
                     VACUUM has passed."
                ),
                "Add the WHERE that was meant. If the table is to be emptied, TRUNCATE does it at once; it locks out reads, \
                 passes over ON DELETE triggers, and refuses a table that others refer to. WHERE true says that it is on \
                 purpose.",
            )
        };
        said.push(Said {
            at: range.location,
            why,
            instead: instead.to_owned(),
            changes: "Only the rows that were meant are written.".to_owned(),
            ..Said::default()
        });
    }
}
