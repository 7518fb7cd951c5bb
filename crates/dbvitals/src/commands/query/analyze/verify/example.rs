//! Counterexamples, as small as they can quickly be made.

use dbvitals_postgres::scratch::{Compared, Described, Seen};
use dbvitals_query::verify::Round;

use super::Trial;

/// Rows that are left out for a try.
const TRIES: usize = 80;

impl Trial<'_> {
    /// Leaves out rows as long as the results still differ, and tells what is left.
    pub(super) async fn smaller(
        &mut self,
        text: &str,
        round: &Round,
        mut seen: (Seen, Seen),
    ) -> String {
        let mut round = round.clone();
        let mut tries = 0;
        for table in 0..round.rows.len() {
            let mut row = 0;
            while row < round.rows.get(table).map_or(0, Vec::len) && tries < TRIES {
                tries += 1;
                let mut fewer = round.clone();
                if let Some(rows) = fewer.rows.get_mut(table) {
                    rows.remove(row);
                }
                if self.scratch.run(&fewer.statements(&self.tables)).await.is_err() {
                    break;
                }
                match self.compare(text, &fewer.values).await {
                    Ok(Compared::Different(before, after)) => {
                        seen = (before, after);
                        round = fewer;
                    }
                    _ => row += 1,
                }
            }
        }
        format!("with {}, {}", round.in_words(&self.tables), difference(&seen.0, &seen.1))
    }
}

/// In what two results differ.
fn difference(before: &Seen, after: &Seen) -> String {
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(code), _) => {
            return format!(
                "the statement fails (SQLSTATE {code}), and the rewritten one does not"
            );
        }
        (_, Err(code)) => {
            return format!(
                "the rewritten statement fails (SQLSTATE {code}), and the other does not"
            );
        }
    };
    let (lost, gained) = (only(before, after), only(after, before));
    let rows = |count: usize| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
    let first = match (lost.first(), gained.first()) {
        (Some(row), _) => format!("only the statement yields {row}"),
        (None, Some(row)) => format!("only the rewritten one yields {row}"),
        (None, None) => "in another number".to_owned(),
    };
    format!(
        "the statement yields {} and the rewritten one {}: {first}",
        rows(before.len()),
        rows(after.len())
    )
}

/// The rows of one that the other has less often.
fn only<'r>(of: &'r [String], other: &[String]) -> Vec<&'r String> {
    let mut left: Vec<&String> = other.iter().collect();
    let mut only = Vec::new();
    for row in of {
        match left.iter().position(|it| *it == row) {
            Some(at) => drop(left.swap_remove(at)),
            None => only.push(row),
        }
    }
    only
}

/// In what the columns of two results differ.
pub(super) fn of_columns(before: &Described, after: &Described) -> String {
    if before.parameters != after.parameters {
        return format!(
            "the parameters are of the types {}, and of {} when rewritten",
            before.parameters.join(", "),
            after.parameters.join(", ")
        );
    }
    let columns = |of: &Described| {
        let column = |(name, type_name): &(String, String)| format!("{name} {type_name}");
        of.columns.iter().map(column).collect::<Vec<_>>().join(", ")
    };
    format!("the columns are {}, and {} when rewritten", columns(before), columns(after))
}
