//! Indexes that a plan shows could help: candidates, to be proved by planning with them.

use dbvitals_model::{Fix, plan::Node};

use super::seen::CANDIDATE;
use crate::sql;

/// The table of a node as a statement names it.
pub(super) fn table_of(node: &Node) -> Option<String> {
    let relation = node.relation.as_ref()?;
    Some(match &node.schema {
        Some(schema) => sql::qualified(schema, relation),
        None => sql::ident(relation),
    })
}

/// `CREATE INDEX CONCURRENTLY` of a node's table over these columns.
pub(super) fn create_index(node: &Node, columns: &[String]) -> Option<Fix> {
    if columns.is_empty() {
        return None;
    }
    let keys: Vec<String> = columns.iter().map(|column| sql::ident(column)).collect();
    create_index_on(node, &columns.join("_"), &keys.join(", "))
}

/// The same over any expressions, which the name of the index is made of.
pub(super) fn create_index_on(node: &Node, hint: &str, keys: &str) -> Option<Fix> {
    let table = table_of(node)?;
    let relation = node.relation.as_ref()?;
    let mut name = format!("{relation}_{hint}_idx");
    if name.len() > 60 {
        name = name.chars().take(56).collect::<String>() + "_idx";
    }
    let dropped = match &node.schema {
        Some(schema) => sql::qualified(schema, &name),
        None => sql::ident(&name),
    };
    let create = format!("CREATE INDEX CONCURRENTLY {} ON {table} ({keys});", sql::ident(&name));
    Some(
        Fix::new(CANDIDATE, [create])
            .locking(
                "ShareUpdateExclusiveLock",
                format!("other DDL and VACUUM on {table} while it is built"),
            )
            .undone_by([format!("DROP INDEX CONCURRENTLY {dropped};")]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_a_name_and_a_way_back() {
        let mut node = Node::new("Seq Scan");
        node.relation = Some("Orders".to_owned());
        node.schema = Some("app".to_owned());
        let fix = create_index(&node, &["status".to_owned()]).unwrap();
        assert_eq!(
            fix.statements,
            ["CREATE INDEX CONCURRENTLY \"Orders_status_idx\" ON app.\"Orders\" (status);"]
        );
        assert_eq!(fix.undo, ["DROP INDEX CONCURRENTLY app.\"Orders_status_idx\";"]);
        assert!(create_index(&node, &[]).is_none());
    }
}
