//! Classes of statements.

use std::borrow::Cow;

use pg_query::{NodeEnum, protobuf::SelectStmt};

use crate::{condition::picks, survey::Survey};

/// Rows in one `INSERT … VALUES` from which on it is bulk work: a page of a batch, no longer one thing a user did.
pub const BULK_ROWS: usize = 10;

/// What a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads at most one table, row by row.
    SimpleRead,
    /// Reads two or more tables.
    Join,
    /// Draws rows together: groups, aggregates, distinct values, windows.
    Aggregate,
    /// Writes, or locks, rows picked by value.
    Write,
    /// Writes many rows at once.
    Bulk,
    /// Planned by nobody: definitions, settings, transactions, maintenance; also what waits by design.
    Utility,
    /// Not to be told from the text.
    Unknown,
}

impl Class {
    /// All classes, as they are listed.
    pub const ALL: [Self; 7] = [
        Self::SimpleRead,
        Self::Join,
        Self::Aggregate,
        Self::Write,
        Self::Bulk,
        Self::Utility,
        Self::Unknown,
    ];

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SimpleRead => "simple read",
            Self::Join => "join",
            Self::Aggregate => "aggregate",
            Self::Write => "write",
            Self::Bulk => "bulk",
            Self::Utility => "utility",
            Self::Unknown => "unknown",
        }
    }
}

/// A class and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The class.
    pub class: Class,
    /// What in the text says so, as a fragment: `reads one table`.
    pub reason: Cow<'static, str>,
}

impl Classified {
    /// A text whose class cannot be told.
    pub fn unknown(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Class::Unknown, reason)
    }

    fn new(class: Class, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { class, reason: reason.into() }
    }
}

/// The class of a parsed statement.
pub(crate) fn classify(root: &NodeEnum) -> Classified {
    match root {
        NodeEnum::SelectStmt(_)
        | NodeEnum::InsertStmt(_)
        | NodeEnum::UpdateStmt(_)
        | NodeEnum::DeleteStmt(_)
        | NodeEnum::MergeStmt(_) => planned(root),
        // The counters of a prepared statement go by the text that prepared it.
        NodeEnum::PrepareStmt(prepare) => {
            match prepare.query.as_ref().and_then(|q| q.node.as_ref()) {
                Some(inner) => classify(inner),
                None => Classified::unknown("prepares nothing"),
            }
        }
        NodeEnum::CopyStmt(copy) if copy.is_from => Classified::new(Class::Bulk, "copies rows in"),
        NodeEnum::CreateTableAsStmt(_) => Classified::new(Class::Bulk, "fills a new table"),
        NodeEnum::CallStmt(_) | NodeEnum::DoStmt(_) => {
            Classified::unknown("what it does is inside a procedure")
        }
        NodeEnum::ExecuteStmt(_) => Classified::unknown("runs a statement prepared elsewhere"),
        _ => Classified::new(Class::Utility, "is not planned"),
    }
}

fn planned(root: &NodeEnum) -> Classified {
    let survey = Survey::of(root);
    if survey.waits {
        return Classified::new(Class::Utility, "waits by design");
    }
    if survey.makes_table {
        return Classified::new(Class::Bulk, "fills a new table");
    }
    if !survey.writes.is_empty() {
        let bulk = survey.writes.iter().find_map(|write| why_bulk(write));
        return match bulk {
            Some(why) => Classified::new(Class::Bulk, why),
            None => Classified::new(Class::Write, "writes rows picked by value"),
        };
    }
    if survey.locks_rows {
        return Classified::new(Class::Write, "locks the rows it reads");
    }
    if let Some(why) = survey.draws_together {
        return Classified::new(Class::Aggregate, why);
    }
    let tables = survey.tables.len();
    if tables > 1 || survey.joins {
        return Classified::new(Class::Join, "reads two or more tables");
    }
    if tables == 0 && survey.calls_out {
        return Classified::unknown("its work is inside a function");
    }
    let why = if tables == 0 { "reads no table" } else { "reads one table" };
    Classified::new(Class::SimpleRead, why)
}

/// Why a statement that writes is bulk work; `None` where it is not.
fn why_bulk(write: &NodeEnum) -> Option<Cow<'static, str>> {
    match write {
        NodeEnum::InsertStmt(insert) => match insert.select_stmt.as_ref()?.node.as_ref()? {
            NodeEnum::SelectStmt(source) => why_many(source),
            _ => None,
        },
        NodeEnum::UpdateStmt(s) if s.where_clause.is_none() && s.from_clause.is_empty() => {
            Some("updates every row".into())
        }
        NodeEnum::DeleteStmt(s) if s.where_clause.is_none() && s.using_clause.is_empty() => {
            Some("deletes every row".into())
        }
        NodeEnum::UpdateStmt(s) => unpicked(s.where_clause.as_deref()),
        NodeEnum::DeleteStmt(s) => unpicked(s.where_clause.as_deref()),
        NodeEnum::MergeStmt(s) => match s.source_relation.as_ref()?.node.as_ref()? {
            NodeEnum::RangeVar(_) => Some("merges a table".into()),
            NodeEnum::RangeSubselect(sub) => match sub.subquery.as_ref()?.node.as_ref()? {
                NodeEnum::SelectStmt(source) => why_many(source),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn unpicked(condition: Option<&pg_query::Node>) -> Option<Cow<'static, str>> {
    (!picks(condition)).then(|| "no value picks the rows it writes".into())
}

/// Why the rows a write takes from a `SELECT` or a list of values are many.
fn why_many(source: &SelectStmt) -> Option<Cow<'static, str>> {
    let listed = source.values_lists.len();
    if listed >= BULK_ROWS {
        return Some(format!("writes {listed} rows at once").into());
    }
    let reads = !source.from_clause.is_empty() || source.larg.is_some();
    (listed == 0 && reads).then(|| "writes what a query reads".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify;

    fn all(class: Class, texts: &[&str]) {
        for text in texts {
            let found = classify(text);
            assert_eq!(found.class, class, "{text}: {}", found.reason);
            assert!(!found.reason.is_empty());
        }
    }

    #[test]
    fn reads_of_one_table_are_simple() {
        all(
            Class::SimpleRead,
            &[
                "select 1",
                "select $1::int",
                "SELECT now()",
                "select nextval($1)",
                "select * from t where id = $1",
                "select lower(name), coalesce(a, b) from only s.t where x like $1 order by 1 limit 5",
                "with one as (select * from t where id = $1) select * from one",
                "select * from t, unnest($1::int[]) as wanted (id) where t.id = wanted.id",
                "select e from t cross join lateral jsonb_array_elements(t.doc) as e where t.id = $1",
                "table t",
                "values ($1), ($2)",
                "prepare get as select * from t where id = $1",
            ],
        );
    }

    #[test]
    fn reads_of_several_tables_are_joins() {
        all(
            Class::Join,
            &[
                "select * from a, b where a.id = b.id",
                "select * from a join b using (id) where a.id = $1",
                "select * from a where exists (select from b where b.id = a.id)",
                "select * from a where id in (select id from b)",
                "select * from a union all select * from b",
                "with recursive down as (select * from n where id = $1 union all select n.* from n \
                 join down on n.parent = down.id) select * from down",
                "select a.*, (select name from b where b.id = a.b_id) from a limit 10",
                "with x as (select * from t) select * from x as one join x as two using (id)",
            ],
        );
    }

    #[test]
    fn whatever_draws_rows_together_is_an_aggregate() {
        all(
            Class::Aggregate,
            &[
                "select count(*) from t",
                "select a, sum(b) from t join u using (id) group by a",
                "select distinct a from t",
                "select distinct on (a) a, b from t order by a, b",
                "select row_number() over (order by a) from t",
                "select my_agg(x order by y) from t",
                "select percentile_cont(0.5) within group (order by x) from t",
                "select a from t group by rollup (a)",
                "select json_arrayagg(x) from t",
                "select * from (select max(at) from t) as newest",
            ],
        );
    }

    #[test]
    fn writes_of_rows_picked_by_value_are_writes() {
        all(
            Class::Write,
            &[
                "insert into t default values",
                "insert into t (a, b) values ($1, $2) returning id",
                "insert into t values ($1) on conflict (id) do update set n = t.n + 1",
                "insert into t select $1, $2",
                "update t set a = $1 where id = $2",
                "update t set a = u.a from u where u.id = t.id and t.id = $1",
                "update t set a = 1 where (x, y) = ($1, $2)",
                "delete from t where id = any($1)",
                "delete from t where id in ($1, $2, $3) and at < $4",
                "delete from t where a = $1 or b = $2",
                "update jobs set state = 'taken' where id = (select id from jobs where state = $1 \
                 limit 1 for update skip locked) returning *",
                "delete from t where id in (select id from t where at < $1 limit 1000)",
                "update t set a = 1 where current of cursor",
                "select * from t where id = $1 for update",
                "with gone as (delete from t where id = $1 returning *) select * from gone",
                "merge into t using (values ($1, $2)) as s (id, n) on t.id = s.id \
                 when matched then update set n = s.n when not matched then insert values (s.id, s.n)",
            ],
        );
    }

    #[test]
    fn writes_of_many_rows_are_bulk() {
        let rows = ["($1, $2)"; BULK_ROWS].join(", ");
        all(
            Class::Bulk,
            &[
                &format!("insert into t values {rows}"),
                "insert into t select * from u",
                "insert into t select * from unnest($1::int[])",
                "copy t from stdin",
                "create table x as select * from t",
                "select * into x from t",
                "update t set a = 1",
                "delete from t",
                "delete from t where at < $1",
                "update t set a = u.a from u where u.id = t.id",
                "delete from t where id in (select id from gone)",
                "update t set a = 1 where a is null",
                "delete from t where id <> $1",
                "with old as (delete from t where at < $1 returning *) insert into archive select * from old",
                "merge into t using staged as s on t.id = s.id when matched then delete",
            ],
        );
        let few = ["($1, $2)"; BULK_ROWS - 1].join(", ");
        all(Class::Write, &[&format!("insert into t values {few}")]);
    }

    #[test]
    fn what_is_not_planned_is_utility() {
        all(
            Class::Utility,
            &[
                "BEGIN",
                "COMMIT",
                "SAVEPOINT $1",
                "SET search_path = $1",
                "vacuum (analyze) t",
                "create index concurrently on t (a)",
                "copy t to stdout",
                "explain analyze select * from t",
                "fetch 100 from c",
                "drop function f(int), g(text)",
                "alter table t rename to u",
                "select pg_sleep($1)",
                "select pg_advisory_xact_lock($1)",
                "ALTER ROLE x PASSWORD ?",
                "refresh materialized view m",
            ],
        );
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        all(
            Class::Unknown,
            &[
                "",
                "select * from t where",
                "select a, b from t where a in ($1, $2, $3",
                "select 1; select 2",
                "call nightly($1)",
                "do 'begin end'",
                "execute get(1)",
                "select process_queue($1)",
                "select * from orders_of($1)",
                "this is no statement",
            ],
        );
    }
}
