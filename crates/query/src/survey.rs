//! What a whole statement touches and does, gathered in one walk.

use pg_query::{
    NodeEnum,
    protobuf::{RangeVar, SelectStmt, SetOperation},
};

use crate::{
    call,
    statement::TableName,
    tree::{children, of_select, with_clause},
};

/// What was seen on the walk.
#[derive(Debug, Default)]
pub(crate) struct Survey<'n> {
    /// Tables read or written, in the order of the text, with repeats.
    pub(crate) tables: Vec<TableName>,
    /// Some list of tables has two or more that are read together.
    pub(crate) joins: bool,
    /// Why rows are drawn together, if they are.
    pub(crate) draws_together: Option<&'static str>,
    /// Rows are locked (`FOR UPDATE` and the like).
    pub(crate) locks_rows: bool,
    /// The result becomes a table (`SELECT … INTO`).
    pub(crate) makes_table: bool,
    /// A function that waits by design is called.
    pub(crate) waits: bool,
    /// A function is called whose work the text does not show.
    pub(crate) calls_out: bool,
    /// Rows come from a function.
    pub(crate) reads_function: bool,
    /// Statements that write, common table expressions among them.
    pub(crate) writes: Vec<&'n NodeEnum>,
    /// Names of common table expressions in scope.
    scope: Vec<&'n str>,
}

impl<'n> Survey<'n> {
    /// Walks a planned statement.
    pub(crate) fn of(root: &'n NodeEnum) -> Self {
        let mut survey = Self::default();
        survey.visit(root);
        survey
    }

    fn visit(&mut self, node: &'n NodeEnum) {
        let outer = self.scope.len();
        self.enter_with(node);
        match node {
            NodeEnum::SelectStmt(select) => self.select(select),
            NodeEnum::RangeVar(table) => self.table(table),
            NodeEnum::RangeFunction(_) => self.reads_function = true,
            NodeEnum::FuncCall(function) => {
                self.waits |= call::waits(function);
                if function.over.is_some() {
                    self.draw_together("computes over windows of rows");
                } else if call::is_aggregate(function) {
                    self.draw_together("aggregates rows");
                } else {
                    self.calls_out |= !call::is_trifle(function);
                }
            }
            NodeEnum::JsonObjectAgg(_) | NodeEnum::JsonArrayAgg(_) => {
                self.draw_together("aggregates rows");
            }
            _ => self.write(node),
        }
        children(node, &mut |child| self.visit(child));
        self.scope.truncate(outer);
    }

    /// Walks the common table expressions of a statement and brings their names into scope.
    fn enter_with(&mut self, node: &'n NodeEnum) {
        if let Some(with) = with_clause(node) {
            self.expressions(with);
        }
    }

    fn expressions(&mut self, with: &'n pg_query::protobuf::WithClause) {
        let expressions = with.ctes.iter().filter_map(|cte| match &cte.node {
            Some(NodeEnum::CommonTableExpr(cte)) => Some(cte.as_ref()),
            _ => None,
        });
        if with.recursive {
            self.scope.extend(expressions.clone().map(|cte| cte.ctename.as_str()));
        }
        for cte in expressions {
            if let Some(query) = cte.ctequery.as_ref().and_then(|query| query.node.as_ref()) {
                self.visit(query);
            }
            if !with.recursive {
                self.scope.push(&cte.ctename);
            }
        }
    }

    fn select(&mut self, select: &'n SelectStmt) {
        self.locks_rows |= !select.locking_clause.is_empty();
        self.makes_table |= select.into_clause.is_some();
        if !select.group_clause.is_empty() || select.having_clause.is_some() {
            self.draw_together("groups rows");
        } else if !select.distinct_clause.is_empty() {
            self.draw_together("removes repeats");
        }
        let read_together: usize =
            select.from_clause.iter().map(|item| read_by(item.node.as_ref())).sum();
        self.joins |= read_together > 1;
        of_select(select, &mut |child| self.visit(child));
        if select.op != SetOperation::SetopNone as i32 {
            for arm in [&select.larg, &select.rarg].into_iter().flatten() {
                let outer = self.scope.len();
                if let Some(with) = &arm.with_clause {
                    self.expressions(with);
                }
                self.select(arm);
                self.scope.truncate(outer);
            }
        }
    }

    fn table(&mut self, table: &RangeVar) {
        let is_expression =
            table.schemaname.is_empty() && self.scope.contains(&table.relname.as_str());
        if !is_expression {
            self.tables.push(name_of(table));
        }
    }

    fn write(&mut self, node: &'n NodeEnum) {
        let target = match node {
            NodeEnum::InsertStmt(s) => s.relation.as_ref(),
            NodeEnum::UpdateStmt(s) => s.relation.as_ref(),
            NodeEnum::DeleteStmt(s) => s.relation.as_ref(),
            NodeEnum::MergeStmt(s) => s.relation.as_ref(),
            _ => return,
        };
        self.tables.extend(target.map(name_of));
        self.writes.push(node);
    }

    fn draw_together(&mut self, why: &'static str) {
        self.draws_together.get_or_insert(why);
    }
}

/// The table's name as written.
pub(crate) fn name_of(table: &RangeVar) -> TableName {
    let schema = Some(table.schemaname.clone()).filter(|schema| !schema.is_empty());
    TableName { schema, name: table.relname.clone() }
}

/// How many tables an item of a `FROM` list reads; functions and lists of values count for none.
fn read_by(item: Option<&NodeEnum>) -> usize {
    let side = |node: &Option<Box<pg_query::Node>>| {
        read_by(node.as_ref().and_then(|node| node.node.as_ref()))
    };
    match item {
        Some(NodeEnum::RangeVar(_)) => 1,
        Some(NodeEnum::JoinExpr(join)) => side(&join.larg) + side(&join.rarg),
        Some(NodeEnum::RangeTableSample(sample)) => side(&sample.relation),
        Some(NodeEnum::RangeSubselect(sub)) => {
            match sub.subquery.as_ref().and_then(|query| query.node.as_ref()) {
                Some(NodeEnum::SelectStmt(select)) => {
                    usize::from(select.values_lists.is_empty() && !select.from_clause.is_empty())
                }
                _ => 0,
            }
        }
        _ => 0,
    }
}
