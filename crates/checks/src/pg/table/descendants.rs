//! What lies below a partitioned table, over all its levels.

use dbvitals_model::pg::relation::Relation;

use super::ordinary::rows;

/// The partitions with rows of their own below a parent.
pub fn leaves(relations: &[Relation], parent: i64) -> Vec<&Relation> {
    let mut parents = vec![parent];
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(parent) = parents.get(at).copied() {
        for child in relations.iter().filter(|r| r.is_partition && r.parent_oid == Some(parent)) {
            if child.kind != "p" {
                found.push(child);
            } else if !parents.contains(&child.oid) {
                parents.push(child.oid);
            }
        }
        at += 1;
    }
    found
}

/// Rows of all partitions below a parent.
pub fn rows_below(relations: &[Relation], parent: i64) -> f64 {
    leaves(relations, parent).into_iter().map(rows).sum()
}

/// Rows of a table; of a partitioned one, whose own figures older servers leave at zero, those of its partitions.
pub fn rows_of(relations: &[Relation], table: &Relation) -> f64 {
    if table.kind == "p" { rows(table).max(rows_below(relations, table.oid)) } else { rows(table) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_down_all_levels_and_never_in_circles() {
        let child = |oid, parent, kind: &str| Relation {
            oid,
            parent_oid: Some(parent),
            is_partition: true,
            kind: kind.into(),
            live_rows: 10,
            ..Relation::default()
        };
        let all = [
            child(2, 1, "p"),
            child(3, 2, "r"),
            child(4, 1, "r"),
            child(5, 9, "r"),
            child(1, 2, "p"),
        ];
        assert_eq!(leaves(&all, 1).len(), 2);
        assert!((rows_below(&all, 1) - 20.0).abs() < 1e-9);
        assert!((rows_of(&all, &all[4]) - 20.0).abs() < 1e-9);
        assert!((rows_of(&all, &all[1]) - 10.0).abs() < 1e-9);
    }
}
