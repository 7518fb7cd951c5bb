//! What stands around a statement: the relations it touches, and those its foreign keys do, out of all that was
//! collected.

use dbvitals_model::{
    Section,
    pg::{DatabaseSnapshot, schema::Constraint, statement::Statements},
    plan::Plan,
    section::Collected,
    statement::Calls,
};
use dbvitals_query::TableName;

/// Relations by schema and name, and the constraints whose triggers ran.
pub(super) struct Touched {
    planned: Vec<(String, String)>,
    named: Vec<TableName>,
    checked: Vec<String>,
}

impl Touched {
    /// Those that plans read and those that the text names.
    pub(super) fn new<'p>(plans: impl Iterator<Item = &'p Plan>, named: Vec<TableName>) -> Self {
        let (mut planned, mut checked) = (Vec::new(), Vec::new());
        for plan in plans {
            let nodes = plan.nodes.iter();
            planned.extend(
                nodes.filter_map(|node| Some((node.schema.clone()?, node.relation.clone()?))),
            );
            checked.extend(plan.triggers.iter().filter_map(|trigger| trigger.constraint.clone()));
        }
        Self { planned, named, checked }
    }

    /// With the tables on the other side of foreign keys: a deleted row is looked for in the tables that refer to it.
    fn with_referring(mut self, constraints: &Section<Vec<Constraint>>) -> Self {
        let all = constraints.value().into_iter().flatten();
        let asked = all.filter(|it| it.kind == "f" && self.checked.contains(&it.name));
        let tables: Vec<_> = asked.map(|it| (it.schema.clone(), it.table.clone())).collect();
        self.planned.extend(tables);
        self
    }

    fn has(&self, schema: &str, name: &str) -> bool {
        self.planned.iter().any(|(s, n)| s == schema && n == name)
            || self.named.iter().any(|table| table.may_be(schema, name))
    }
}

/// The database with these relations only.
pub(super) fn narrowed(database: &DatabaseSnapshot, touched: Touched) -> DatabaseSnapshot {
    let touched = touched.with_referring(&database.constraints);
    let relations = kept(&database.relations, |r| touched.has(&r.schema, &r.name));
    let oids: Vec<i64> = relations.value().into_iter().flatten().map(|r| r.oid).collect();
    DatabaseSnapshot {
        name: database.name.clone(),
        relations,
        indexes: kept(&database.indexes, |i| touched.has(&i.schema, &i.table)),
        columns: kept(&database.columns, |c| touched.has(&c.schema, &c.table)),
        constraints: kept(&database.constraints, |c| touched.has(&c.schema, &c.table)),
        extended_statistics: kept(&database.extended_statistics, |s| oids.contains(&s.table_oid)),
        policies: kept(&database.policies, |p| touched.has(&p.schema, &p.table)),
        extensions: database.extensions.clone(),
        ..DatabaseSnapshot::default()
    }
}

fn kept<T: Clone>(section: &Section<Vec<T>>, keep: impl Fn(&T) -> bool) -> Section<Vec<T>> {
    match section {
        Section::Collected(all) => Section::Collected(Collected {
            value: all.value.iter().filter(|item| keep(item)).cloned().collect(),
            gaps: all.gaps.clone(),
        }),
        Section::Unavailable(why) => Section::Unavailable(why.clone()),
    }
}

/// What the server counted of a statement, over the entries whose texts were read.
pub(super) fn calls(
    statements: &Section<Statements>,
    database: &str,
    key: Option<&str>,
) -> Section<Calls> {
    let all = match statements {
        Section::Collected(all) => &all.value,
        Section::Unavailable(why) => return Section::Unavailable(why.clone()),
    };
    let same = |text: &Option<String>| {
        let text = text.as_deref();
        key.is_some()
            && text.and_then(|text| dbvitals_query::group_key(text).ok()).as_deref() == key
    };
    let mut calls = Calls::default();
    for entry in &all.leaders {
        if entry.database.as_deref() == Some(database) && same(&entry.text) {
            calls.calls += entry.calls;
            calls.total_ms += entry.total_exec_time_ms;
            calls.rows += entry.rows;
            calls.max_ms = Some(calls.max_ms.unwrap_or_default().max(entry.max_exec_time_ms));
        }
    }
    if calls.calls == 0 {
        return Section::unavailable(
            dbvitals_model::Reason::NotApplicable,
            "it is not among the statements that lead any ranking",
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "calls are far below 2^52")]
    let count = calls.calls as f64;
    calls.mean_ms = calls.total_ms / count;
    calls.share_of_time =
        (all.total_exec_time_ms > 0.0).then(|| calls.total_ms / all.total_exec_time_ms);
    Section::collected(calls)
}
