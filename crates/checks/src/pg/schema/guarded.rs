//! What policies cost a read: from what was measured, else from the planner's own figures.

use dbvitals_model::{
    Evidence, Reason, Unavailable, Unit,
    pg::row_security::{PolicyCosts, PolicyRead},
    plan::{Node, Plan},
};

use crate::{skip::Skip, view::DatabaseView};

/// Milliseconds of one unit of the planner's cost, by order of magnitude: its default prices take a page from memory for 1 and a
/// comparison for 0.0025, which are about 10 microseconds and some tens of nanoseconds.
pub const MS_PER_COST: f64 = 0.01;

/// What the policies add to one read of a whole table by one role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Rows that are put to the policies.
    pub rows: f64,
    /// Milliseconds for each of them.
    pub per_row_ms: f64,
    /// Milliseconds for all of them.
    pub per_read_ms: f64,
    /// How it is known.
    pub grade: Grade,
}

/// How good a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// The read was executed with and without policies.
    Measured,
    /// A sample was, and the rest is reckoned from it.
    Sampled,
    /// The planner's costs, at [`MS_PER_COST`]: an order of magnitude.
    Planned,
    /// The same where a subquery is in the filter, which the planner counts for each row even if it is hashed in the end: off a
    /// hundredfold at times.
    Guessed,
}

impl Grade {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Sampled => "sampled",
            Self::Planned => "planner",
            Self::Guessed => "guess",
        }
    }
}

/// The section, which only `dbvitals query rls` fills. Without policies there is nothing to ask for.
pub fn costs<'a>(db: &DatabaseView<'a>) -> Result<&'a PolicyCosts, Skip> {
    static NONE: PolicyCosts = PolicyCosts {
        reads: Vec::new(),
        statements: Vec::new(),
        tried: Vec::new(),
        unset: Vec::new(),
    };
    let (policies, costs) = (db.policies()?, db.policy_costs());
    match costs {
        Err(skip) if skip.0.reason == Reason::NotAsked && policies.is_empty() => Ok(&NONE),
        Err(skip) if skip.0.reason == Reason::NotAsked => Err(Skip(Unavailable::with_remedy(
            Reason::NotAsked,
            "plans under the policies of each role were not asked for",
            "dbvitals query rls",
        ))),
        costs => costs,
    }
}

/// What the policies cost; `None` where a plan is missing.
pub fn price(read: &PolicyRead) -> Option<Price> {
    let (open, guarded) = (read.open.value()?, read.guarded.value()?);
    let asked = asked(open, guarded);
    if let Some(seen) = read.measured.value() {
        let per_row_ms = seen.per_row_ms();
        let grade = if seen.is_whole { Grade::Measured } else { Grade::Sampled };
        let rows = if seen.is_whole { seen.rows } else { asked };
        return Some(Price { rows, per_row_ms, per_read_ms: per_row_ms * rows, grade });
    }
    let per_read_ms = (guarded.cost()? - open.cost()?).max(0.0) * MS_PER_COST;
    let per_row_ms = if asked > 0.0 { per_read_ms / asked } else { 0.0 };
    let is_guess = scans(guarded).any(|(_, node)| has_subquery(node));
    let grade = if is_guess { Grade::Guessed } else { Grade::Planned };
    Some(Price { rows: asked, per_row_ms, per_read_ms, grade })
}

/// Rows the role's plan puts to the policies: all of them, unless an index finds those that are let through.
fn asked(open: &Plan, guarded: &Plan) -> f64 {
    let rows = |plan: &Plan| {
        plan.root().and_then(|root| root.estimate.as_ref()).map_or(0.0, |estimate| estimate.rows)
    };
    // Without a scan no policy lets a row through, and the planner knows.
    if scans(guarded).next().is_none() || served_by(guarded).is_some() {
        rows(guarded)
    } else {
        rows(open)
    }
}

/// The index that finds the rows the policies let through, if one does for every part of the table.
pub fn served_by(guarded: &Plan) -> Option<&str> {
    let mut scans = scans(guarded).peekable();
    scans.peek()?;
    let mut index = None;
    for (_, node) in scans {
        let by_index = node.conditions.index_cond.is_some() || node.kind == "Bitmap Heap Scan";
        if !by_index {
            return None;
        }
        index = index.or(node.index.as_deref());
    }
    index
}

/// The scans of the statement itself, without those of the subqueries of policies.
pub fn scans(plan: &Plan) -> impl Iterator<Item = (usize, &Node)> {
    let is_aside = |at: usize| {
        let relationship = plan.nodes.get(at).and_then(|node| node.relationship.as_deref());
        matches!(relationship, Some("SubPlan" | "InitPlan"))
    };
    plan.nodes.iter().enumerate().filter(move |(at, node)| {
        node.is_scan() && !is_aside(*at) && !plan.ancestors(*at).any(is_aside)
    })
}

/// Whether a scan's filter has a subquery that is not asked before the scan begins.
fn has_subquery(scan: &Node) -> bool {
    scan.conditions.filter.as_deref().is_some_and(|filter| filter.contains("SubPlan"))
}

/// Whether a scan's filter runs a subquery that is neither hashed nor perhaps to be hashed.
pub fn has_subplan_per_row(scan: &Node) -> bool {
    let Some(filter) = scan.conditions.filter.as_deref() else { return false };
    if filter.contains("alternatives: ") {
        return false;
    }
    let mut places = filter.match_indices("SubPlan").map(|(at, _)| at);
    places.any(|at| !filter[..at].ends_with("hashed "))
}

/// The policies that apply, as they are joined: `(own OR shared) AND fence`.
pub fn joined(read: &PolicyRead) -> String {
    let any = match read.permissive.as_slice() {
        [] => "none (no row is let through)".to_owned(),
        [one] => one.clone(),
        many if read.restrictive.is_empty() => many.join(" OR "),
        many => format!("({})", many.join(" OR ")),
    };
    std::iter::once(any).chain(read.restrictive.iter().cloned()).collect::<Vec<_>>().join(" AND ")
}

/// The planner's cost of both plans.
pub fn costs_of_both(open: &Plan, guarded: &Plan) -> [Evidence; 2] {
    let cost = |label, plan: &Plan| {
        Evidence::new(label, plan.cost().unwrap_or_default(), Unit::Count, "EXPLAIN")
    };
    [cost("planner's cost without policies", open), cost("planner's cost with them", guarded)]
}

#[cfg(test)]
pub mod sample {
    //! Reads for the tests of several checks.

    use dbvitals_model::{Section, pg::row_security::Evaluated};
    use dbvitals_query::plan;

    use super::*;

    /// A plan from its text.
    pub fn planned(text: &str) -> Section<Plan> {
        Section::collected(plan::read(text).unwrap().remove(0))
    }

    /// A read of 600,000 rows of `public."Orders"` by `web` that asks the policies of each of them.
    pub fn read() -> PolicyRead {
        PolicyRead {
            table_oid: 1,
            schema: "public".into(),
            table: "Orders".into(),
            role: "web".into(),
            permissive: vec!["own".into()],
            open: planned(
                "Seq Scan on public.\"Orders\"  (cost=0.00..14000.00 rows=600000 width=0)\n",
            ),
            guarded: planned(
                "Seq Scan on public.\"Orders\"  (cost=0.00..18500.00 rows=3000 width=0)\n  Filter: (tenant = f())\n",
            ),
            ..PolicyRead::default()
        }
    }

    /// Both executed.
    pub fn measured(
        rows: f64,
        guarded_ms: f64,
        open_ms: f64,
        is_whole: bool,
    ) -> Section<Evaluated> {
        Section::collected(Evaluated { rows, guarded_ms, open_ms: Some(open_ms), is_whole })
    }
}

#[cfg(test)]
mod tests {
    use super::{sample::*, *};

    #[test]
    fn what_was_measured_goes_before_what_was_planned() {
        let planner = price(&read()).unwrap();
        assert_eq!((planner.rows, planner.per_read_ms), (600_000.0, 45.0));
        let whole = PolicyRead { measured: measured(6e5, 227.0, 115.0, true), ..read() };
        let whole = price(&whole).unwrap();
        assert_eq!((whole.grade, whole.per_read_ms.round()), (Grade::Measured, 112.0));
        let sampled = PolicyRead { measured: measured(6e4, 22.7, 11.5, false), ..read() };
        let sampled = price(&sampled).unwrap();
        assert_eq!((sampled.grade, sampled.per_read_ms.round()), (Grade::Sampled, 112.0));
        let noise = PolicyRead { measured: measured(6e5, 99.0, 100.0, true), ..read() };
        assert!(price(&noise).unwrap().per_read_ms.abs() < 1e-9);
    }

    #[test]
    fn an_index_finds_the_rows_unless_a_part_is_read_whole() {
        let index = "Index Scan using by_tenant on public.t  (cost=0.42..80.00 rows=3000 width=0)\n  \
                     Index Cond: (tenant = f())\n";
        let by_index = planned(index);
        assert_eq!(served_by(by_index.value().unwrap()), Some("by_tenant"));
        let both = format!(
            "Append  (cost=0.00..90.00 rows=3000 width=0)\n  ->  Seq Scan on public.t_1  (cost=0.00..10.00 rows=1 width=0)\n        \
             Filter: (tenant = f())\n  ->  {}",
            index.replace("\n  ", "\n        ")
        );
        assert_eq!(served_by(planned(&both).value().unwrap()), None);
    }

    #[test]
    fn policies_read_as_they_are_joined() {
        let mut read = read();
        assert_eq!(joined(&read), "own");
        read.permissive.push("shared".into());
        read.restrictive.push("fence".into());
        assert_eq!(joined(&read), "(own OR shared) AND fence");
        read.permissive.clear();
        assert!(joined(&read).starts_with("none"));
    }
}
