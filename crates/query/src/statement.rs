//! A parsed statement.

use pg_query::{
    Node, NodeEnum,
    protobuf::{ParseResult, RawStmt},
};

use crate::{
    class::{self, Classified},
    lookup::{self, Lookup},
    page,
    survey::Survey,
    tree::held,
};

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing but white space and comments.
    #[error("the text is empty")]
    Empty,
    /// More than one statement.
    #[error("the text holds several statements")]
    Several,
    /// Not a statement of PostgreSQL 18, or only the beginning of one.
    #[error("PostgreSQL's grammar refuses the text: {0}")]
    Syntax(String),
    /// A valid statement that is nested deeper than we follow.
    #[error("the statement is nested too deeply")]
    TooDeep,
}

impl From<pg_query::Error> for Refused {
    fn from(error: pg_query::Error) -> Self {
        match error {
            pg_query::Error::Parse(message) => Self::Syntax(message),
            pg_query::Error::Decode(_) => Self::TooDeep,
            other => Self::Syntax(other.to_string()),
        }
    }
}

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// `None`: found by `search_path`.
    pub schema: Option<String>,
    /// Its name, unquoted.
    pub name: String,
}

impl TableName {
    /// Whether this may be the table of that schema and name.
    pub fn may_be(&self, schema: &str, name: &str) -> bool {
        self.name == name && self.schema.as_deref().is_none_or(|named| named == schema)
    }
}

/// One statement, parsed.
#[derive(Debug)]
pub struct Statement {
    root: NodeEnum,
}

impl Statement {
    /// Parses a text of one statement. Parameters (`$1`) may stand wherever `pg_stat_statements` puts them, and `?`
    /// wherever a literal was hidden.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        match parse(text) {
            Err(Refused::Syntax(message)) => {
                let read = stand_ins(text).into_iter().find_map(|text| parse(&text).ok());
                read.ok_or(Refused::Syntax(message))
            }
            read => read,
        }
    }

    /// What it is and why.
    pub fn classify(&self) -> Classified {
        class::classify(&self.root)
    }

    /// Whether `EXPLAIN` takes it; what it does not take has no plan.
    pub fn is_explainable(&self) -> bool {
        matches!(
            self.root,
            NodeEnum::SelectStmt(_)
                | NodeEnum::InsertStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::MergeStmt(_)
                | NodeEnum::ExecuteStmt(_)
                | NodeEnum::DeclareCursorStmt(_)
                | NodeEnum::CreateTableAsStmt(_)
        )
    }

    /// The query that an `EXPLAIN`, a `PREPARE`, a `COPY (…) TO` or a `CREATE VIEW` is about, in the words of the parser.
    /// What the server plans with what stands around it (`DECLARE`, `CREATE TABLE AS`) is left whole.
    pub fn inside(&self) -> Option<String> {
        if self.is_explainable() {
            return None;
        }
        let query = held(&self.root)?;
        let raw = RawStmt { stmt: Some(Box::new(query.clone())), stmt_location: 0, stmt_len: 0 };
        let tree = ParseResult { version: 0, stmts: vec![raw] };
        pg_query::deparse(&tree, pg_query::DeparseOptions::default()).ok()
    }

    /// The key it looks up rows of one table by, if that is all it does.
    pub fn lookup(&self) -> Option<Lookup> {
        lookup::of(self.planned()?)
    }

    /// Whether it reads one page of a longer result, from a place on: such statements follow each other by themselves.
    pub fn is_page(&self) -> bool {
        page::is_page(self.root())
    }

    /// The tables it reads or writes, each once, sorted; names of common table expressions are none.
    pub fn tables(&self) -> Vec<TableName> {
        let mut tables = Survey::of(&self.root).tables;
        tables.sort();
        tables.dedup();
        tables
    }

    /// The tree of what is planned: the statement itself, or what stands in `PREPARE`, `EXPLAIN` and the like.
    pub(crate) fn root(&self) -> &NodeEnum {
        self.planned().unwrap_or(&self.root)
    }

    /// The statement itself, out of the `PREPARE` around it.
    fn planned(&self) -> Option<&NodeEnum> {
        match &self.root {
            NodeEnum::PrepareStmt(prepare) => prepare.query.as_ref()?.node.as_ref(),
            root => Some(root),
        }
    }
}

/// The text with something the grammar takes in the places where servers and we put signs it does not: some of them
/// take a string only, some a number, some a name (`SAVEPOINT $1`).
fn stand_ins(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if text.contains('?') {
        texts.extend(["'?'", "0"].map(|sign| text.replace('?', sign)));
    }
    let planned = ["select", "insert", "update", "delete", "merge", "with", "values", "table"];
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if text.contains("$1") && !planned.contains(&first.as_str()) {
        texts.extend(["x", "'x'"].map(|sign| text.replace("$1", sign)));
    }
    texts
}

fn parse(text: &str) -> Result<Statement, Refused> {
    let mut statements = pg_query::parse(text, 0)?.protobuf.stmts.into_iter();
    let first = statements.next().ok_or(Refused::Empty)?;
    if statements.next().is_some() {
        return Err(Refused::Several);
    }
    let node = first.stmt.map(|node| *node);
    match node {
        Some(Node { node: Some(root) }) => Ok(Statement { root }),
        _ => Err(Refused::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(text: &str) -> String {
        let names = Statement::parse(text).unwrap().tables();
        let names = names.iter().map(|table| match &table.schema {
            Some(schema) => format!("{schema}.{}", table.name),
            None => table.name.clone(),
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tables_are_named_once_and_common_table_expressions_are_none() {
        assert_eq!(
            tables("select * from a join s.b using (id) join a as again using (id)"),
            "a s.b"
        );
        assert_eq!(tables("with a as (select * from a) select * from a"), "a");
        assert_eq!(
            tables("with recursive t as (select 1 union select n from t) select * from t"),
            ""
        );
        assert_eq!(tables("insert into x select * from y where id in (select id from z)"), "x y z");
        assert_eq!(
            tables("select array(select id from q), case when exists (select from r) then 1 end"),
            "q r"
        );
        for around in ["explain", "prepare p as", "create table x as", "create view v as"] {
            assert_eq!(tables(&format!("{around} select * from y")), "y", "{around}");
        }
        assert_eq!(tables("copy (select * from y) to stdout"), "y");
    }

    #[test]
    fn texts_that_are_not_one_statement_are_refused() {
        assert_eq!(Statement::parse("  -- nothing").unwrap_err(), Refused::Empty);
        assert_eq!(Statement::parse("select 1; select 2").unwrap_err(), Refused::Several);
        assert!(matches!(Statement::parse("select * from a where"), Err(Refused::Syntax(_))));
        assert!(Statement::parse("select\0 1").is_err());
    }

    #[test]
    fn what_stands_inside_is_taken_out() {
        for (text, inside) in [
            ("explain (analyze) select 1", Some("SELECT 1")),
            ("prepare p as select $1", Some("SELECT $1")),
            ("copy (select 2) to stdout", Some("SELECT 2")),
            ("create view v as select 3", Some("SELECT 3")),
            ("copy t to stdout", None),
            ("declare c cursor for select 1", None),
            ("create table t as select 1", None),
            ("select 1", None),
        ] {
            assert_eq!(Statement::parse(text).unwrap().inside().as_deref(), inside, "{text}");
        }
    }

    #[test]
    fn what_has_no_plan_is_known() {
        let takes = |text: &str| Statement::parse(text).unwrap().is_explainable();
        assert!(takes("values (1)") && takes("create table t as select 1") && takes("execute p"));
        assert!(!takes("vacuum t") && !takes("create index on t (a)") && !takes("begin"));
    }

    #[test]
    fn what_is_nested_too_deeply_is_said_to_be() {
        let deep = format!("select {}1{}", "(1 + ".repeat(400), ")".repeat(400));
        assert_eq!(Statement::parse(&deep).unwrap_err(), Refused::TooDeep);
    }

    #[test]
    fn hidden_literals_and_parameters_stand_anywhere() {
        for text in [
            "ALTER ROLE x PASSWORD ?",
            "SET statement_timeout = ?",
            "ALTER TABLE t ALTER c SET STATISTICS ?",
            "ROLLBACK TO SAVEPOINT $1",
            "PREPARE TRANSACTION $1",
            "CLOSE $1",
            "select interval $1, date $2, x::varchar(20) from t limit $4 offset $5",
            "select * from t where at > now() - interval $1 and id in ($2 /*, ... */)",
        ] {
            assert!(Statement::parse(text).is_ok(), "{text}: {:?}", Statement::parse(text).err());
        }
    }
}
