//! A filter that reads its column in another type, so that no index of it can be used.

use dbvitals_model::{Severity, pg::DatabaseSnapshot, plan::Node};

use super::{
    catalogue, expression,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained, quoted},
    thrown::{MIN_REMOVED, MIN_REMOVED_RATIO, Thrown},
};
use crate::{
    check::{Check, Run},
    context::Context,
    skip::Judged,
    view::StatementView,
};

/// A filter that reads its column in another type, so that no index of it can be used.
pub static CHECK: Check = Check {
    id: "plan-implicit-cast",
    title: "A cast on a column hides its index",
    uses: &["facts"],
    thresholds: &[&MIN_REMOVED_RATIO, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Sequential scans whose filter compares a column in another type than its own, throwing away more \
                  than `min_removed_ratio` of the rows, `min_removed_rows` at least.",
        matters: "A driver that binds a number as numeric, or a text where an integer is stored, makes the server \
                  convert every row; the index on the column is of no use.",
        fix: "Give the value the column's type: in the driver, or by a cast of the value.",
        ignore: "There is no index and none is wanted.",
        references: "PostgreSQL documentation: Type Conversion (Operators).",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    each(view, |seen, at, node| {
        let (thrown, filter) = Thrown::measured(node, cx)?;
        let (column, cast) =
            expression::conjuncts(filter).into_iter().find_map(expression::cast_column)?;
        let own_type = facts.and_then(|facts| type_of(facts, node, &column));
        if !hides(&cast, own_type) {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * thrown.ratio)?;
        let was = own_type.map_or_else(String::new, |it| format!(" (it is {it})"));
        let problem = format!(
            "compares column {column} as {cast}{was}: no index on the column can answer that"
        );
        let advice = "Give the parameter or constant the column's own type: bind an integer where the column is one, or \
                      cast the value, not the column.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(finding.with(thrown.evidence(cx)).with(quoted("filter", filter)))
    })
}

/// The type of a column of the table that a node reads, where the catalogue was read.
pub(super) fn type_of<'a>(
    facts: &'a DatabaseSnapshot,
    node: &Node,
    column: &str,
) -> Option<&'a str> {
    let all = facts.columns.get().ok()?.iter();
    let mut it =
        all.filter(|it| it.name == column && catalogue::is_of(node, &it.schema, &it.table));
    it.next().map(|it| it.type_name.as_str())
}

/// Whether a cast takes the column out of its index: reading a `varchar` as `text` does not. Where the column's type is
/// not known, only casts no other type shares an index with.
pub(super) fn hides(cast: &str, own_type: Option<&str>) -> bool {
    match own_type {
        Some(own) => {
            let is_text = |name: &str| {
                name.starts_with("character varying") || matches!(name, "text" | "name")
            };
            own != cast && !(is_text(own) && is_text(cast))
        }
        None => matches!(cast, "numeric" | "double precision" | "real"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    use dbvitals_model::pg::schema::Column;

    fn scan(filter: &str, removed: u64) -> String {
        format!(
            "Seq Scan on app.orders  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)\n  \
             Filter: {filter}\n  Rows Removed by Filter: {removed}\n"
        )
    }

    fn with_type(facts: &mut DatabaseSnapshot, type_name: &str) {
        *crate::testing::edit(&mut facts.columns) = vec![Column {
            schema: "app".to_owned(),
            table: "orders".to_owned(),
            name: "code".to_owned(),
            type_name: type_name.to_owned(),
            ..Column::default()
        }];
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &scan("((id)::numeric = 42.0)", 10_001)).len(), 1);
        assert_eq!(found(&CHECK, &scan("((id)::numeric = 42.0)", 10_000)).len(), 0);
    }

    #[test]
    fn a_varchar_read_as_text_keeps_its_index() {
        let filter = "((code)::text = 'x'::text)";
        assert_eq!(found(&CHECK, &scan(filter, 90_000)).len(), 0, "type unknown");
        let told = |own: &str| {
            found_with(&CHECK, &scan(filter, 90_000), |facts| with_type(facts, own)).len()
        };
        assert_eq!(told("character varying(20)"), 0);
        assert_eq!(told("integer"), 1);
    }
}
