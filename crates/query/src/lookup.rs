//! Reads of one table by a key.

use pg_query::{
    NodeEnum,
    protobuf::{SelectStmt, SetOperation},
};

use crate::{
    condition::{conjuncts, equality, holds_subquery},
    statement::TableName,
    survey::{Survey, name_of},
};

/// A read of one table whose rows are picked by columns that each equal one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The table.
    pub table: TableName,
    /// The columns compared, sorted, each once. Further conditions may narrow the rows.
    pub columns: Vec<String>,
}

/// The lookup a statement is, if it is no more than that.
pub(crate) fn of(node: &NodeEnum) -> Option<Lookup> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    let table = only_table(select)?;
    let survey = Survey::of(node);
    if survey.draws_together.is_some() || survey.locks_rows || survey.makes_table {
        return None;
    }
    let mut columns = Vec::new();
    for part in conjuncts(select.where_clause.as_deref()) {
        if holds_subquery(part) {
            return None;
        }
        if let NodeEnum::AExpr(e) = part
            && let Some(found) = equality(e)
        {
            if !found.is_single {
                // `= ANY` already asks for many at once.
                return None;
            }
            columns.push(column_name(found.column)?.to_owned());
        }
    }
    columns.sort();
    columns.dedup();
    (!columns.is_empty()).then_some(Lookup { table, columns })
}

/// The one table a `SELECT` without arms, expressions and subqueries reads.
fn only_table(select: &SelectStmt) -> Option<TableName> {
    let is_plain = select.op == SetOperation::SetopNone as i32 && select.with_clause.is_none();
    match select.from_clause.as_slice() {
        [only] if is_plain && !select.target_list.iter().any(holds_any) => match &only.node {
            Some(NodeEnum::RangeVar(table)) => Some(name_of(table)),
            _ => None,
        },
        _ => None,
    }
}

fn holds_any(node: &pg_query::Node) -> bool {
    node.node.as_ref().is_some_and(holds_subquery)
}

/// The name of a column without its table; `None` for an expression.
pub(crate) fn column_name(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::ColumnRef(column) => match column.fields.last()?.node.as_ref()? {
            NodeEnum::String(name) => Some(&name.sval),
            _ => None,
        },
        NodeEnum::TypeCast(cast) => column_name(cast.arg.as_ref()?.node.as_ref()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Statement;

    fn lookup(text: &str) -> Option<String> {
        let found = Statement::parse(text).unwrap().lookup()?;
        Some(format!("{}({})", found.table.name, found.columns.join(", ")))
    }

    #[test]
    fn keys_are_columns_that_equal_one_value() {
        for (text, wanted) in [
            ("select * from orders where id = $1", "orders(id)"),
            ("select o.* from public.orders o where $1 = o.id limit $2", "orders(id)"),
            (
                "select * from lines where order_id = $1 and deleted_at is null order by n",
                "lines(order_id)",
            ),
            ("select a from t where tenant = $1 and code = $2 and at > $3", "t(code, tenant)"),
            ("prepare p as select * from t where id = $1", "t(id)"),
            ("select * from t where id = 5", "t(id)"),
        ] {
            assert_eq!(lookup(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_does_more_is_no_lookup() {
        for text in [
            "select * from t where id = any($1)",
            "select * from t where id in ($1, $2)",
            "select * from t where id > $1",
            "select * from t where a = b",
            "select * from t",
            "select count(*) from t where id = $1",
            "select * from t join u using (id) where t.id = $1",
            "select * from t where id = (select max(id) from t)",
            "select *, (select 1 from u) from t where id = $1",
            "select * from t where id = $1 or id = $2",
            "select * from t where id = $1 for update",
            "update t set a = $1 where id = $2",
            "select * from t where lower(name) = $1",
        ] {
            assert_eq!(lookup(text), None, "{text}");
        }
    }
}
