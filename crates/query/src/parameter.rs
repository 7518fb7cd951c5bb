//! The parameters of a statement, and what each stands for.

use std::collections::BTreeMap;

use pg_query::{Node, NodeEnum};

use crate::{
    role::{Columns, Operand, Role},
    statement::{Statement, TableName},
    tree::{children, of_select, with_clause},
};

/// What a parameter stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// It is compared to this column by this operator (`=`, `<`, `= any`, `like` …).
    Compared {
        /// The table of the column.
        table: TableName,
        /// The column.
        column: String,
        /// The operator.
        operator: String,
    },
    /// The number of rows wanted.
    Limit,
    /// The number of rows passed over.
    Offset,
    /// A value that is stored: no plan depends on it.
    Stored,
    /// Anything else.
    Other,
}

impl Statement {
    /// The parameters by number, and what each stands for. One that stands in several places is told by the most
    /// telling of them.
    pub fn parameters(&self, columns: &dyn Columns) -> BTreeMap<i32, Parameter> {
        let mut found = BTreeMap::new();
        visit(self.root(), &Parameter::Other, &mut found);
        for relation in self.relations(columns) {
            for used in &relation.uses {
                let (Some((operator, number)), [column]) =
                    (compared(&used.role), used.columns.as_slice())
                else {
                    continue;
                };
                if used.expression.is_none() {
                    let table = relation.table.clone();
                    let column = column.clone();
                    found.insert(number, Parameter::Compared { table, column, operator });
                }
            }
        }
        found
    }
}

fn compared(role: &Role) -> Option<(String, i32)> {
    let (operator, operand) = match role {
        Role::Equal(operand) => ("=", operand),
        Role::In(operand, Some(_)) => ("in", operand),
        Role::In(operand, None) => ("= any", operand),
        Role::Range(operator, operand) => (*operator, operand),
        Role::Like(_, operand) => ("like", operand),
        Role::Operator(operator, operand) => (operator.as_str(), operand),
        _ => return None,
    };
    match operand {
        Operand::Parameter(number) => Some((operator.to_owned(), *number)),
        _ => None,
    }
}

/// Notes the parameters below a node; `place` is what a bare parameter stands for here.
fn visit(node: &NodeEnum, place: &Parameter, found: &mut BTreeMap<i32, Parameter>) {
    let ctes = with_clause(node).into_iter().flat_map(|with| &with.ctes);
    for cte in ctes {
        if let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_ref() {
            inside(cte.ctequery.as_deref(), &Parameter::Other, found);
        }
    }
    match node {
        NodeEnum::ParamRef(parameter) => {
            let seen = found.entry(parameter.number).or_insert_with(|| place.clone());
            if *seen == Parameter::Stored {
                *seen = place.clone();
            }
        }
        NodeEnum::TypeCast(cast) => inside(cast.arg.as_deref(), place, found),
        NodeEnum::SelectStmt(select) => {
            of_select(select, &mut |child| visit(child, &Parameter::Other, found));
            for arm in [&select.larg, &select.rarg].into_iter().flatten() {
                visit(&NodeEnum::SelectStmt(arm.clone()), &Parameter::Other, found);
            }
            let limits = [
                (&select.limit_count, Parameter::Limit),
                (&select.limit_offset, Parameter::Offset),
            ];
            for (limit, place) in limits {
                overwrite(limit.as_deref(), &place, found);
            }
        }
        NodeEnum::InsertStmt(insert) => {
            if let Some(NodeEnum::SelectStmt(select)) =
                insert.select_stmt.as_ref().and_then(|query| query.node.as_ref())
                && !select.values_lists.is_empty()
            {
                let values = select.values_lists.iter().filter_map(|list| list.node.as_ref());
                values
                    .for_each(|list| children(list, &mut |v| visit(v, &Parameter::Stored, found)));
            } else {
                inside(insert.select_stmt.as_deref(), &Parameter::Other, found);
            }
        }
        NodeEnum::UpdateStmt(update) => {
            for target in update.target_list.iter().filter_map(|target| target.node.as_ref()) {
                children(target, &mut |value| visit(value, &Parameter::Stored, found));
            }
            let rest = update.from_clause.iter().chain(update.where_clause.as_deref());
            rest.for_each(|node| inside(Some(node), &Parameter::Other, found));
        }
        _ => children(node, &mut |child| visit(child, &Parameter::Other, found)),
    }
}

fn inside(node: Option<&Node>, place: &Parameter, found: &mut BTreeMap<i32, Parameter>) {
    if let Some(node) = node.and_then(|node| node.node.as_ref()) {
        visit(node, place, found);
    }
}

fn overwrite(node: Option<&Node>, place: &Parameter, found: &mut BTreeMap<i32, Parameter>) {
    let mut own = BTreeMap::new();
    inside(node, place, &mut own);
    found.extend(own);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let found = Statement::parse(text).unwrap().parameters(&());
        let one = |(number, what): (&i32, &Parameter)| match what {
            Parameter::Compared { table, column, operator } => {
                format!("{number}:{}.{column} {operator}", table.name)
            }
            other => format!("{number}:{other:?}"),
        };
        found.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_parameter_is_told_by_what_it_is_compared_to() {
        for (text, wanted) in [
            (
                "select * from t where a = $1 and b between $2 and $3 limit $4 offset $5",
                "1:t.a = 2:t.b >= 3:t.b <= 4:Limit 5:Offset",
            ),
            ("select * from t where id = any($1::int[]) or c like $2", "1:t.id = any 2:t.c like"),
            ("insert into t values ($1, $2)", "1:Stored 2:Stored"),
            ("update t set a = $1, b = lower($2) where id = $3", "1:Stored 2:Other 3:t.id ="),
            ("select $1::int + 1", "1:Other"),
            ("select * from (select * from u where x > $1 limit $2) s", "1:u.x > 2:Limit"),
            ("with c as (select * from u where x = $1) select * from c", "1:u.x ="),
        ] {
            assert_eq!(told(text), wanted, "{text}");
        }
    }
}
