//! What each query cost.

use dbvitals_model::snapshot::CollectorCost;

use crate::Answer;

/// Books the cost of an answer under the collector's name and, within a database, `@` its name.
pub(super) fn book(
    costs: &mut Vec<CollectorCost>,
    name: &str,
    database: Option<&str>,
    answer: &Answer,
) {
    let collector = match database {
        Some(database) => format!("{name}@{database}"),
        None => name.to_owned(),
    };
    costs.push(CollectorCost {
        target: String::new(),
        collector,
        elapsed_ms: answer.elapsed_ms,
        rows: answer.rows,
        bytes: answer.bytes,
    });
}

/// Adds an answer to what others like it cost.
pub(super) fn add(cost: &mut CollectorCost, answer: &Answer) {
    cost.elapsed_ms += answer.elapsed_ms;
    cost.rows += answer.rows;
    cost.bytes += answer.bytes;
}
