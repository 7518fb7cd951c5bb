//! Other ways to write a statement: the same result by proof, or another that may be what was meant.
//!
//! Each rule is a function of one node of the tree and what is known about its place. A rewrite is called equivalent
//! only where its side conditions follow from the text and the catalogue; what could not be checked makes it a
//! suggestion that says so.

mod any;
mod arithmetic;
pub(crate) mod below;
mod cast;
mod coalesce;
mod counted;
mod dates;
mod distinct;
mod fence;
mod glance;
mod having;
mod left_join;
mod name;
pub(crate) mod not_in;
mod or_union;
mod order;
mod scalar;
mod scope;
pub(crate) mod shape;
mod truth;
mod union;
mod walk;
pub(crate) mod whole;

use pg_query::NodeEnum;

use self::glance::Concerns;
pub use self::scope::{Catalogue, Column, Volatility};
pub(crate) use self::shape::is_steady;
use self::walk::{Place, apply_everywhere};
use crate::Statement;

/// Another way to write a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The name of the rule.
    pub rule: &'static str,
    /// What is written differently, as a sentence.
    pub what: &'static str,
    /// Why that is better, as a sentence.
    pub why: &'static str,
    /// The whole statement; `None` where only a person can write it.
    pub text: Option<String>,
    /// What holds between the two.
    pub guarantee: Guarantee,
    /// What could not be checked.
    pub needs: Vec<String>,
}

/// What holds between a statement and its rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guarantee {
    /// The same rows (in any order where none is asked for).
    Equivalent {
        /// The proof, as a sentence.
        because: String,
    },
    /// It may yield something else.
    Suggestion {
        /// What may differ, as a sentence.
        changes: String,
    },
}

/// What a rule says where it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) guarantee: Guarantee,
    pub(crate) needs: Vec<String>,
}

impl Told {
    fn equivalent(because: impl Into<String>) -> Self {
        Self { guarantee: Guarantee::Equivalent { because: because.into() }, needs: Vec::new() }
    }

    fn suggestion(changes: impl Into<String>) -> Self {
        Self { guarantee: Guarantee::Suggestion { changes: changes.into() }, needs: Vec::new() }
    }

    fn needing(mut self, what: impl Into<String>) -> Self {
        self.needs.push(what.into());
        self
    }
}

/// Changes a node, if the rule applies to it, and tells what that means. A node must not be changed where nothing
/// is told.
type Apply = fn(&mut NodeEnum, &Place<'_>) -> Option<Told>;

/// A rule: its name, what it does, why, where it may have something to do, and the doing.
struct Rule {
    name: &'static str,
    what: &'static str,
    why: &'static str,
    concerns: Concerns,
    apply: Apply,
}

const RULES: &[Rule] = &[
    Rule {
        name: "count-to-exists",
        what: "A count that is only compared with nothing becomes EXISTS.",
        why: "EXISTS stops at the first row; count reads all.",
        concerns: counted::concerns,
        apply: counted::apply,
    },
    Rule {
        name: "not-in-to-not-exists",
        what: "NOT IN with a subquery becomes NOT EXISTS.",
        why: "NOT EXISTS can be planned as an anti join; NOT IN cannot, and yields no row at all once a NULL is in the list.",
        concerns: not_in::concerns,
        apply: not_in::apply,
    },
    Rule {
        name: "or-to-in",
        what: "Comparisons of one column joined by OR become one list.",
        why: "A list is one condition of one index scan; the arms of an OR are planned, and estimated, one by one.",
        concerns: any::concerns_or,
        apply: any::ors,
    },
    Rule {
        name: "long-list-to-array",
        what: "A long list of constants becomes one array parameter.",
        why: "A list is parsed and planned element by element, and each length is another statement to pg_stat_statements before 18; an array is one value.",
        concerns: any::concerns_list,
        apply: any::long_list,
    },
    Rule {
        name: "union-to-union-all",
        what: "UNION becomes UNION ALL.",
        why: "UNION sorts or hashes all rows to find duplicates; there are none.",
        concerns: union::concerns,
        apply: union::apply,
    },
    Rule {
        name: "needless-distinct",
        what: "DISTINCT is left out.",
        why: "All rows differ already; DISTINCT sorts or hashes them for nothing.",
        concerns: distinct::concerns,
        apply: distinct::apply,
    },
    Rule {
        name: "subquery-order",
        what: "ORDER BY of a subquery is left out.",
        why: "The rows are sorted, and then used by something that does not see their order.",
        concerns: order::concerns,
        apply: order::apply,
    },
    Rule {
        name: "having-to-where",
        what: "Conditions of HAVING that need no group move to WHERE.",
        why: "Rows are thrown away before they are grouped, and an index can serve the condition.",
        concerns: having::concerns,
        apply: having::apply,
    },
    Rule {
        name: "unused-left-join",
        what: "A LEFT JOIN nothing is read from is left out.",
        why: "It finds at most one row for each, and nothing of it is shown; one table less to plan and to lock.",
        concerns: left_join::concerns,
        apply: left_join::apply,
    },
    Rule {
        name: "or-to-union",
        what: "An OR over columns of several tables becomes a UNION of queries, one for each table.",
        why: "Each query can use the index of its own table; with the OR, all rows are joined before any is dropped.",
        concerns: any::concerns_or,
        apply: or_union::apply,
    },
    Rule {
        name: "scalar-subquery-to-join",
        what: "A subquery that is run for each row becomes a LEFT JOIN.",
        why: "The join reads the table of the subquery once, or finds what it needs in one go; the subquery is run again for each row.",
        concerns: scalar::concerns,
        apply: scalar::apply,
    },
    Rule {
        name: "needless-materialized",
        what: "MATERIALIZED is left out of a common table expression that is used once.",
        why: "The planner can then push conditions into it and use indexes; materialized, it is computed in full and kept. Leave it where it was put there to keep the planner apart: the costs tell.",
        concerns: fence::concerns_materialized,
        apply: fence::materialized,
    },
    Rule {
        name: "offset-zero",
        what: "OFFSET 0, and a LIMIT that is none, are left out.",
        why: "They skip and limit nothing.",
        concerns: fence::concerns_offset,
        apply: fence::offset,
    },
    Rule {
        name: "function-of-time-to-range",
        what: "A condition on the day, month or year of a column becomes a range of the column.",
        why: "A range can use an index on the column and its statistics; a function of the column cannot.",
        concerns: dates::concerns,
        apply: dates::apply,
    },
    Rule {
        name: "arithmetic-to-constant-side",
        what: "Arithmetic moves from the column to the constant.",
        why: "An index on the column serves the comparison of the column itself.",
        concerns: arithmetic::concerns,
        apply: arithmetic::apply,
    },
    Rule {
        name: "cast-of-column",
        what: "The constant takes the column's type, not the column the constant's.",
        why: "An index on the column serves the comparison of the column itself.",
        concerns: cast::concerns,
        apply: cast::apply,
    },
    Rule {
        name: "coalesce-in-condition",
        what: "coalesce in a comparison becomes IS NULL OR.",
        why: "Both arms can use an index on the column; coalesce cannot.",
        concerns: coalesce::concerns,
        apply: coalesce::apply,
    },
    Rule {
        name: "condition-always-true",
        what: "Conditions that are always true are left out.",
        why: "The text says what it means.",
        concerns: truth::concerns,
        apply: truth::apply,
    },
];

/// All other ways to write a statement that the rules know, one for each rule.
pub fn rewrites(statement: &Statement, catalogue: &dyn Catalogue) -> Vec<Rewrite> {
    let root = statement.root();
    let concerned = concerned(root);
    // To see whether all of the tree is seen is dear, and idle where no rule applies.
    let mut is_seen = None;
    let apply = |(rule, is_concerned): (&Rule, bool)| {
        let told = |tree: &mut NodeEnum| apply_everywhere(tree, catalogue, rule.apply);
        if !is_concerned {
            debug_assert!(told(&mut root.clone()).is_empty(), "{} is concerned", rule.name);
            return None;
        }
        let mut changed = root.clone();
        let told = told(&mut changed);
        if told.is_empty() {
            debug_assert!(changed == *root, "{} changed what it says nothing of", rule.name);
            return None;
        }
        if !*is_seen.get_or_insert_with(|| whole::is_seen(root)) {
            return None;
        }
        rewrite(&changed, told, rule)
    };
    RULES.iter().zip(concerned).filter_map(apply).collect()
}

/// Which of the rules may have something to do in a statement.
fn concerned(root: &NodeEnum) -> [bool; RULES.len()] {
    let mut concerned = [false; RULES.len()];
    glance::each(root, &mut |at| {
        for (rule, concerned) in RULES.iter().zip(&mut concerned) {
            *concerned = *concerned || (rule.concerns)(at);
        }
    });
    concerned
}

fn rewrite(changed: &NodeEnum, told: Vec<Told>, rule: &Rule) -> Option<Rewrite> {
    let first = told.first()?.clone();
    // The weakest guarantee is that of the whole.
    let weakest = told.iter().find(|one| matches!(one.guarantee, Guarantee::Suggestion { .. }));
    let guarantee = weakest.map_or(first.guarantee, |one| one.guarantee.clone());
    let mut needs: Vec<String> = told.into_iter().flat_map(|one| one.needs).collect();
    needs.sort();
    needs.dedup();
    let text = whole::text(changed)?;
    Some(Rewrite {
        rule: rule.name,
        what: rule.what,
        why: rule.why,
        text: Some(text),
        guarantee,
        needs,
    })
}

#[cfg(test)]
mod tests;
