//! What the checks of indexes share: subjects, comparing definitions, dropping with a way back.

use std::collections::BTreeMap;

use dbvitals_model::{
    Fix, FixKind, Subject,
    pg::{index::Index, relation::Relation, schema::Constraint},
};
use jiff::Timestamp;

use crate::{sql, view::DatabaseView};

/// The index as the subject of a finding.
pub(super) fn subject(db: &DatabaseView<'_>, index: &Index) -> Subject {
    Subject::within("index", db.name(), index.qualified()).of_table(index.qualified_table())
}

/// The table as the subject of a finding.
pub(super) fn table_subject(db: &DatabaseView<'_>, table: &Relation) -> Subject {
    Subject::within("table", db.name(), table.qualified())
}

/// Tables by oid: catalogues can hold tens of thousands of each.
pub(super) fn by_oid(relations: &[Relation]) -> BTreeMap<i64, &Relation> {
    relations.iter().map(|relation| (relation.oid, relation)).collect()
}

/// Indexes by the table they belong to.
pub(super) fn by_table(indexes: &[Index]) -> BTreeMap<i64, Vec<&Index>> {
    let mut map: BTreeMap<i64, Vec<&Index>> = BTreeMap::new();
    for index in indexes {
        map.entry(index.table_oid).or_default().push(index);
    }
    map
}

/// How an index was used on all nodes of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Over all nodes.
    pub(super) scans: i64,
    /// The latest of all nodes; `None` before 16, and where it was never scanned.
    pub(super) last_scan: Option<Timestamp>,
}

/// The use of every index by oid, on this server and the other nodes of its cluster together.
pub(super) fn use_on_all_nodes(db: &DatabaseView<'_>, indexes: &[Index]) -> BTreeMap<i64, Use> {
    let elsewhere = db.siblings().filter_map(|node| node.indexes().ok()).flatten();
    let mut uses: BTreeMap<i64, Use> = BTreeMap::new();
    for index in indexes.iter().chain(elsewhere) {
        let of_index = uses.entry(index.oid).or_default();
        of_index.scans = of_index.scans.saturating_add(index.scans);
        of_index.last_scan = of_index.last_scan.max(index.last_scan);
    }
    uses
}

/// Age in days of the youngest statistics among this server and the other nodes of its cluster: so long has
/// everybody been counting.
pub(super) fn youngest_age_days(db: &DatabaseView<'_>) -> Option<f64> {
    let elsewhere = db.siblings().filter_map(|node| node.statistics_age_days());
    elsewhere.chain(db.statistics_age_days()).min_by(f64::total_cmp)
}

/// Foreign keys by the referring table.
pub(super) fn foreign_keys(constraints: &[Constraint]) -> BTreeMap<i64, Vec<&Constraint>> {
    let mut map: BTreeMap<i64, Vec<&Constraint>> = BTreeMap::new();
    for constraint in constraints.iter().filter(|constraint| constraint.kind == "f") {
        map.entry(constraint.table_oid).or_default().push(constraint);
    }
    map
}

/// Whether an index can answer a look-up by these columns: they are its first keys, in any order, over
/// all rows.
pub(super) fn serves(index: &Index, columns: &[i64]) -> bool {
    let head = index.key_columns.get(..columns.len());
    index.is_valid
        && index.method == "btree"
        && index.predicate.is_none()
        && head.is_some_and(|head| columns.iter().all(|column| head.contains(column)))
}

/// Whether advice about the index makes sense: it serves queries now, is not part of an extension and
/// not one of many copies below a partitioned parent.
pub(super) fn is_judged(index: &Index) -> bool {
    index.is_valid && index.extension.is_none() && index.parent_oid.is_none()
}

/// Whether dropping it could break a rule of the data, replication or a habit of the table.
pub(super) fn is_protected(index: &Index) -> bool {
    index.is_constraint() || index.is_replica_identity || index.is_clustered
}

/// Drops an index without blocking reads or writes; its definition is the way back.
pub(super) fn drop_fix(index: &Index) -> Fix {
    concurrent_fix(index, vec![drop(&index.schema, &index.name)]).undone_by([rebuilding(index)])
}

/// Builds an index of that name by `create`, then drops the old one; nothing is blocked.
pub(super) fn replace_fix(index: &Index, name: &str, create: String) -> Fix {
    concurrent_fix(index, vec![create, drop(&index.schema, &index.name)])
        .undone_by([rebuilding(index), drop(&index.schema, name)])
}

/// The name of an index that replaces another, within what the server keeps.
pub(super) fn successor(index: &Index, ending: &str) -> String {
    let mut stem = index.name.clone();
    while stem.len() + ending.len() > 63 {
        stem.pop();
    }
    stem + ending
}

/// A fix whose statements all run concurrently.
pub(super) fn concurrent_fix(index: &Index, statements: Vec<String>) -> Fix {
    Fix::new(FixKind::Review, statements).locking(
        "ShareUpdateExclusiveLock",
        format!("other DDL and VACUUM on {}, not reads or writes", index.qualified_table()),
    )
}

fn drop(schema: &str, name: &str) -> String {
    format!("DROP INDEX CONCURRENTLY {};", sql::qualified(schema, name))
}

/// The index's definition as a statement that does not block writes.
fn rebuilding(index: &Index) -> String {
    format!("{};", index.definition.replacen("INDEX ", "INDEX CONCURRENTLY ", 1))
}

/// A complete B-tree of a single key that only exists for speed.
pub(super) fn is_plain_single(index: &Index) -> bool {
    index.method == "btree"
        && index.predicate.is_none()
        && index.key_columns.len() == 1
        && is_judged(index)
        && !is_protected(index)
}

/// Whether two indexes sort the same rows by the same keys: method, keys, operator classes,
/// collations, order, expressions, predicate.
pub(super) fn same_keys(a: &Index, b: &Index) -> bool {
    same_rows(a, b)
        && a.key_columns == b.key_columns
        && a.opclasses == b.opclasses
        && a.collations == b.collations
        && a.key_options == b.key_options
        && a.expressions == b.expressions
}

/// Whether the keys of `shorter` are the first keys of `longer`, so that `longer` answers the same
/// look-ups. Expressions are compared only whole, since their list cannot be split.
pub(super) fn is_prefix(shorter: &Index, longer: &Index) -> bool {
    let n = shorter.key_columns.len();
    shorter.method == "btree"
        && same_rows(shorter, longer)
        && n < longer.key_columns.len()
        && shorter.expressions.is_none()
        && longer.key_columns.starts_with(&shorter.key_columns)
        && starts_with(&longer.opclasses, &shorter.opclasses, n)
        && starts_with(&longer.collations, &shorter.collations, n)
        && starts_with(&longer.key_options, &shorter.key_options, n)
}

/// Same table, method and predicate: a full and a partial index never are alike.
fn same_rows(a: &Index, b: &Index) -> bool {
    a.table_oid == b.table_oid && a.method == b.method && a.predicate == b.predicate
}

fn starts_with(longer: &[i64], shorter: &[i64], keys: usize) -> bool {
    let head = |list: &[i64]| list.get(..keys).map(<[i64]>::to_vec);
    head(longer).is_some() && head(longer) == head(shorter)
}
