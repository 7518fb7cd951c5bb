//! Statements that read on from where another of their kind ended.

use pg_query::{
    NodeEnum,
    protobuf::{AExprKind, SelectStmt, SortByDir, a_const},
};

use crate::{condition::conjuncts, lookup::column_name};

/// Whether a statement reads one page of a longer result: with `OFFSET`, or with a range on what it is sorted by. One
/// row alone is no page.
pub(crate) fn is_page(node: &NodeEnum) -> bool {
    let NodeEnum::SelectStmt(select) = node else { return false };
    let Some(limit) = select.limit_count.as_ref().and_then(|limit| limit.node.as_ref()) else {
        return false;
    };
    !is_one(limit) && (select.limit_offset.is_some() || goes_on(select))
}

fn is_one(limit: &NodeEnum) -> bool {
    let NodeEnum::AConst(value) = limit else { return false };
    matches!(&value.val, Some(a_const::Val::Ival(number)) if number.ival == 1)
}

/// Whether rows behind a place of the order are wanted: `id > $1 … ORDER BY id`.
fn goes_on(select: &SelectStmt) -> bool {
    let Some(NodeEnum::SortBy(sort)) = select.sort_clause.first().and_then(|s| s.node.as_ref())
    else {
        return false;
    };
    let falls = sort.sortby_dir == SortByDir::SortbyDesc as i32;
    let Some(sorted) = sort.node.as_ref().and_then(|node| column_name(node.node.as_ref()?)) else {
        return false;
    };
    conjuncts(select.where_clause.as_deref()).into_iter().any(|part| {
        let NodeEnum::AExpr(e) = part else { return false };
        let compared = e.lexpr.as_ref().and_then(|left| first_column(left.node.as_ref()?));
        let sign = e.name.last().and_then(|name| name.node.as_ref());
        let Some(NodeEnum::String(sign)) = sign else { return false };
        let is_behind = if falls { sign.sval.starts_with('<') } else { sign.sval.starts_with('>') };
        e.kind == AExprKind::AexprOp as i32 && compared == Some(sorted) && is_behind
    })
}

/// The column of one side, or the first of a row of them: `(day, id) > ($1, $2)`.
fn first_column(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::RowExpr(row) => column_name(row.args.first()?.node.as_ref()?),
        other => column_name(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::Statement;

    #[test]
    fn pages_are_told_from_lookups() {
        for (text, is_page) in [
            ("select * from t where id > $1 order by id limit 100", true),
            ("select * from t where a = 1 and id < 7 order by id desc limit 50", true),
            ("select * from t where (day, id) > ($1, $2) order by day, id limit 50", true),
            ("select * from t order by id limit 100 offset 200", true),
            ("select * from t where a = $1 limit 1 offset 0", false),
            ("select * from t where a = $1 and day > $2 order by day desc limit 3", false),
            ("select * from t where id > $1 order by id", false),
            ("select * from t where id = $1", false),
            ("update t set a = 1", false),
        ] {
            assert_eq!(Statement::parse(text).unwrap().is_page(), is_page, "{text}");
        }
    }
}
