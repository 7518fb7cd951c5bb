//! What policies cost, as tables: reads by table and role, the policies, statements, indexes out of reach, what was not seen.

use dbvitals_model::{
    Measure, Section, Unavailable, Unit,
    pg::{
        DatabaseSnapshot, PgSnapshot,
        row_security::{GuardedIndex, GuardedStatement, PolicyCosts, PolicyRead},
        security::Policy,
    },
    plan::Plan,
    report::Overview,
};
use dbvitals_query::{Often, condition_calls, policy_text};

use super::table;
use crate::{
    pg::schema::guarded::{MS_PER_COST, joined, price, served_by},
    words,
};

/// Characters of a condition in a row.
const CONDITION: usize = 160;

/// The tables of every database whose policies were looked into.
pub(super) fn tables(pg: &PgSnapshot) -> Vec<Overview> {
    pg.by_database.iter().flat_map(of_database).collect()
}

fn of_database(db: &DatabaseSnapshot) -> Vec<Overview> {
    let Section::Collected(seen) = &db.policy_costs else { return Vec::new() };
    let costs = &seen.value;
    let mut all = vec![reads(db, costs)];
    all.extend(policies(db));
    all.extend(statements(costs));
    all.extend(indexes(db));
    all.extend(unseen(costs, &seen.gaps));
    all
}

fn reads(db: &DatabaseSnapshot, costs: &PolicyCosts) -> Overview {
    let columns = [
        ("read", Unit::Text),
        ("rows asked", Unit::Count),
        ("cost without", Unit::Count),
        ("cost with", Unit::Count),
        ("per row", Unit::Ms),
        ("per million", Unit::Ms),
        ("per read", Unit::Ms),
        ("known by", Unit::Text),
    ];
    let rows: Vec<Vec<Measure>> = costs.reads.iter().map(read).collect();
    let title = match rows.len() {
        0 => format!("No table of {} has policies that bind a role that was looked at", db.name),
        _ => format!("What the policies of {} add to a read of a table", db.name),
    };
    let mut all = table("rls-reads", &title, &columns, vec![Vec::new()]).unwrap_or_default();
    all.rows = rows;
    all.note = (!costs.reads.is_empty()).then(|| note(costs));
    all
}

/// How the numbers came about and how good they are.
fn note(costs: &PolicyCosts) -> String {
    let measured = costs.reads.iter().any(|read| read.measured.value().is_some());
    let target = "Target: a policy adds at most 10 ms to a read.";
    if measured {
        format!(
            "{target} Each read was executed twice with policies and twice without, and rolled back, just-in-time compilation off; the \
             faster one counts, and differences of a few percent are noise. \"sampled\" is reckoned from whole blocks chosen at random."
        )
    } else {
        format!(
            "{target} Nothing was executed: milliseconds are the planner's cost at {MS_PER_COST} ms a unit, an order of magnitude; \
             \"guess\" is a filter with a subquery, where that may be off a hundredfold. --analyze measures."
        )
    }
}

fn read(read: &PolicyRead) -> Vec<Measure> {
    let cost = |plan: &Section<Plan>| match plan.value().and_then(Plan::cost) {
        Some(cost) => Measure::from(cost),
        None => Measure::from("–"),
    };
    let index = read.guarded.value().and_then(served_by);
    let others = match read.others.len() {
        0 => String::new(),
        more => format!(" (and {more} alike: {})", words::shorten(&read.others.join(", "), 60)),
    };
    let index = index.map_or_else(String::new, |index| format!("; by index {index}"));
    let what = format!("{} by {}{others}: {}{index}", read.qualified(), read.role, joined(read));
    let mut row = vec![Measure::Text(what)];
    if let Some(price) = price(read) {
        row.extend([
            price.rows.into(),
            cost(&read.open),
            cost(&read.guarded),
            price.per_row_ms.into(),
            (price.per_row_ms * 1e6).into(),
            price.per_read_ms.into(),
            price.grade.as_str().into(),
        ]);
    } else {
        let none = || Measure::from("–");
        row.extend([none(), cost(&read.open), cost(&read.guarded), none(), none(), none(), none()]);
    }
    row
}

fn policies(db: &DatabaseSnapshot) -> Option<Overview> {
    let columns = [
        ("policy", Unit::Text),
        ("for", Unit::Text),
        ("to", Unit::Text),
        ("asks", Unit::Text),
        ("condition", Unit::Text),
    ];
    let row = |policy: &Policy| {
        let kind = if policy.is_permissive { "" } else { " (restrictive)" };
        let using = policy.using_expression.as_deref();
        let check = policy.check_expression.as_deref();
        let condition = match (using, check) {
            (Some(using), Some(check)) => format!("{using} WITH CHECK {check}"),
            (Some(using), None) => using.to_owned(),
            (None, Some(check)) => format!("WITH CHECK {check}"),
            (None, None) => "not readable: the table is locked".to_owned(),
        };
        vec![
            Measure::Text(format!("{}.{}: {}{kind}", policy.schema, policy.table, policy.name)),
            policy.command.as_str().into(),
            policy.roles.join(", ").into(),
            Measure::Text(asks(using.or(check).unwrap_or_default(), &policy.table)),
            Measure::Text(words::shorten(&condition, CONDITION)),
        ]
    };
    let rows = db.policies.value()?.iter().map(row).collect();
    table("rls-policies", "The policies, by command", &columns, rows)
}

/// What a condition asks, and how often: `f for each row, g once`.
fn asks(condition: &str, table: &str) -> String {
    let calls = condition_calls(condition).unwrap_or_default();
    let mut all: Vec<String> = calls
        .iter()
        .map(|call| {
            let often = match call.often {
                Often::PerRow | Often::PerRowAlike => "each row",
                Often::Once => "once",
                Often::InSubquery => "in a subquery",
            };
            format!("{} {often}", call.name)
        })
        .collect();
    let subqueries = policy_text(condition, table).map(|text| text.subqueries).unwrap_or_default();
    all.extend(subqueries.iter().map(|query| {
        let often = if query.depends_on_row { "each row" } else { "once" };
        format!("{} {often}", query.tables.join(" and "))
    }));
    all.dedup();
    if all.is_empty() { "columns only".to_owned() } else { all.join(", ") }
}

fn statements(costs: &PolicyCosts) -> Option<Overview> {
    let columns = [
        ("statement", Unit::Text),
        ("by", Unit::Text),
        ("cost without", Unit::Count),
        ("cost with", Unit::Count),
        ("searches without", Unit::Text),
        ("searches with", Unit::Text),
    ];
    let cost = |plan: &Section<Plan>| match plan.get() {
        Ok(plan) => Measure::from(plan.cost().unwrap_or_default()),
        Err(why) => Measure::Text(why.detail.clone()),
    };
    let row = |statement: &GuardedStatement| {
        vec![
            Measure::Text(words::shorten(&statement.text, CONDITION)),
            statement.role.as_str().into(),
            cost(&statement.open),
            cost(&statement.guarded),
            Measure::Text(searched(&statement.open)),
            Measure::Text(searched(&statement.guarded)),
        ]
    };
    let rows = costs.statements.iter().map(row).collect();
    table("rls-statements", "Statements, without policies and with them", &columns, rows)
}

fn searched(plan: &Section<Plan>) -> String {
    let nodes = plan.value().map_or(&[][..], |plan| plan.nodes.as_slice());
    let mut names: Vec<&str> = nodes.iter().filter_map(|node| node.index.as_deref()).collect();
    names.dedup();
    if names.is_empty() { "no index".to_owned() } else { names.join(", ") }
}

/// Indexes that conditions of statements cannot use below a policy.
fn indexes(db: &DatabaseSnapshot) -> Option<Overview> {
    let columns = [
        ("index", Unit::Text),
        ("on", Unit::Text),
        ("operators, none leakproof", Unit::Text),
        ("scans", Unit::Count),
    ];
    let row = |index: &GuardedIndex| {
        vec![
            Measure::Text(format!("{}.{}", index.schema, index.name)),
            Measure::Text(format!(
                "{} ({})",
                index.table,
                index.first_column.as_deref().unwrap_or("an expression")
            )),
            index.operators.join(" ").into(),
            index.scans.into(),
        ]
    };
    let shut = |index: &&GuardedIndex| index.is_leakproof == Some(false);
    let rows = db.guarded_indexes.value()?.iter().filter(shut).map(row).collect();
    let title = "Indexes that roles bound by policies cannot search by a condition of their own";
    table("rls-indexes", title, &columns, rows)
}

fn unseen(costs: &PolicyCosts, gaps: &[Unavailable]) -> Option<Overview> {
    let columns = [("not seen", Unit::Text), ("opened by", Unit::Text)];
    let unset = costs.unset.iter().map(|setting| {
        let what = format!(
            "policy {} of {}.{} asks for {}, which has no value here: plans and times are those of an empty setting",
            setting.policy, setting.schema, setting.table, setting.name
        );
        vec![Measure::Text(what), Measure::Text(format!("--set {}=VALUE", setting.name))]
    });
    let mut rows: Vec<Vec<Measure>> = unset.collect();
    rows.extend(
        gaps.iter().map(|gap| {
            vec![gap.detail.as_str().into(), gap.remedy.as_deref().unwrap_or("–").into()]
        }),
    );
    table("rls-unseen", "What these numbers do not tell", &columns, rows)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Reason;

    use super::*;
    use crate::pg::schema::guarded::sample::{measured, read as sample};
    use crate::testing::{app, edit, pg};

    fn made(change: impl FnOnce(&mut DatabaseSnapshot)) -> Vec<Overview> {
        let snapshot = pg(|pg| change(app(pg)));
        let mut tables = super::super::overview(&snapshot, &crate::Settings::default());
        tables.retain(|table| table.id.starts_with("rls-"));
        tables
    }

    #[test]
    fn reads_policies_and_what_was_not_seen_are_tables() {
        let tables = made(|db| {
            let costs = edit(&mut db.policy_costs);
            costs.reads = vec![
                PolicyRead { measured: measured(6e5, 227.0, 115.0, true), ..sample() },
                PolicyRead { open: Section::default(), ..sample() },
            ];
            if let Section::Collected(seen) = &mut db.policy_costs {
                let why =
                    Unavailable::with_remedy(Reason::Permission, "refused", "GRANT web TO me;");
                seen.gaps.push(why);
            }
            let policy =
                Policy { using_expression: Some("(a = f(b))".into()), ..Policy::default() };
            edit(&mut db.policies).push(policy);
        });
        let ids: Vec<&str> = tables.iter().map(|table| table.id.as_str()).collect();
        assert_eq!(ids, ["rls-reads", "rls-policies", "rls-unseen"]);
        assert!(tables[0].note.as_deref().unwrap().contains("executed twice"));
        assert_eq!(tables[0].rows[0][6], Measure::Number(112.0));
        assert_eq!(tables[0].rows[1][2], Measure::from("–"));
        assert_eq!(tables[1].rows[0][3], Measure::from("f each row"));
        assert_eq!(tables[2].rows[0][1], Measure::from("GRANT web TO me;"));
        assert!(tables.iter().all(|table| table.target == "main"));
    }

    #[test]
    fn an_audit_has_none_of_them() {
        assert_eq!(made(|db| db.policy_costs = Section::default()), []);
    }
}
