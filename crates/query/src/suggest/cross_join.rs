//! Tables that no condition joins.

use std::collections::BTreeSet;

use dbvitals_model::words;
use pg_query::{
    Node, NodeEnum,
    protobuf::{JoinExpr, JoinType, SelectStmt},
};

use super::{
    LARGE_ROWS, Said,
    look::Look,
    query::{Is, Query},
};
use crate::{
    condition::conjuncts,
    rewrite::shape::inner,
    tree::{children, of_select},
};

/// Rows a product may have before it is worth a word, where sizes are known.
const TRIFLE: f64 = LARGE_ROWS;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        said.extend(one(look, query));
    }
}

fn one(look: &Look<'_>, query: &Query<'_>) -> Option<Said> {
    let loose: Vec<usize> = (0..query.sources.len())
        .filter(|place| match query.sources.get(*place).map(|source| source.is) {
            // One row beside each of the others is no product.
            Some(Is::Table(relation, _)) => !look.is_pinned(query, relation),
            Some(Is::Query { is_lateral, .. }) => !is_lateral,
            _ => false,
        })
        .collect();
    if loose.len() < 2 {
        return None;
    }
    let mut groups = Groups((0..query.sources.len()).collect());
    for part in conjuncts(query.where_clause()) {
        let mut mentioned = Mentioned::default();
        mentioned.of(look, query, part);
        groups.join(&mentioned.places(query)?);
    }
    for join in &query.joins {
        written(look, query, join, &mut groups)?;
    }
    let first = *loose.first()?;
    let apart = *loose.iter().find(|place| !groups.are_one(first, **place))?;
    let rows = |place: usize| match query.sources.get(place)?.is {
        Is::Table(relation, _) => look.table(relation).map(super::fact::Table::rows),
        _ => None,
    };
    let product = match (rows(first), rows(apart)) {
        (Some(one), Some(other)) if one * other < TRIFLE || one <= 1.0 || other <= 1.0 => {
            return None;
        }
        (Some(one), Some(other)) => format!(
            ": {} × {} = {} rows, before any condition",
            words::count(one),
            words::count(other),
            words::count(one * other)
        ),
        _ => String::new(),
    };
    let name = |place: usize| query.sources.get(place).map_or("", |source| source.alias.as_str());
    let at = match query.sources.get(apart)?.is {
        Is::Table(_, range) => range.location,
        _ => -1,
    };
    Some(Said {
        at,
        why: format!(
            "Nothing ties {} to {}: each row of one is paired with each of the other{product}.",
            name(apart),
            name(first)
        ),
        instead: "Add the condition that joins them, best as JOIN … ON; write CROSS JOIN where every pair is wanted."
            .to_owned(),
        changes: "Only the pairs that belong together are left.".to_owned(),
        ..Said::default()
    })
}

/// Notes what a join as it is written ties together: `CROSS JOIN`, `USING` and `NATURAL` are on purpose, and so is
/// `ON true`. `None` where it cannot be told.
fn written(look: &Look<'_>, query: &Query<'_>, join: &JoinExpr, groups: &mut Groups) -> Option<()> {
    let mut sides = Vec::new();
    for side in [&join.larg, &join.rarg] {
        let mut names = Vec::new();
        aliases(inner(side.as_deref()), &mut names);
        let place = |name: &String| query.sources.iter().position(|s| s.alias == *name);
        sides.push(names.iter().filter_map(place).collect::<Vec<_>>());
    }
    let on_purpose = || sides.concat().into_iter().collect::<BTreeSet<usize>>();
    if join.quals.is_none() || join.is_natural {
        groups.join(&on_purpose());
        return Some(());
    }
    // An outer join keeps its rows whatever the condition says: only the planner's own reading could tell more.
    if join.jointype != JoinType::JoinInner as i32 {
        groups.join(&on_purpose());
    }
    for part in conjuncts(join.quals.as_deref()) {
        let mut mentioned = Mentioned::default();
        mentioned.of(look, query, part);
        let places = mentioned.places(query)?;
        groups.join(&if places.is_empty() { on_purpose() } else { places });
    }
    Some(())
}

fn aliases(node: Option<&NodeEnum>, into: &mut Vec<String>) {
    match node {
        Some(NodeEnum::RangeVar(table)) => {
            let alias = table.alias.as_ref().map_or(&table.relname, |alias| &alias.aliasname);
            into.push(alias.clone());
        }
        Some(NodeEnum::JoinExpr(join)) => {
            aliases(inner(join.larg.as_deref()), into);
            aliases(inner(join.rarg.as_deref()), into);
        }
        Some(NodeEnum::RangeSubselect(sub)) => {
            into.extend(sub.alias.as_ref().map(|alias| alias.aliasname.clone()));
        }
        Some(NodeEnum::RangeFunction(function)) => {
            into.extend(function.alias.as_ref().map(|alias| alias.aliasname.clone()));
        }
        Some(NodeEnum::RangeTableSample(sample)) => {
            aliases(inner(sample.relation.as_deref()), into);
        }
        _ => {}
    }
}

/// Items that hang together carry the same number.
struct Groups(Vec<usize>);

impl Groups {
    fn join(&mut self, places: &BTreeSet<usize>) {
        let of: BTreeSet<usize> =
            places.iter().filter_map(|place| self.0.get(*place).copied()).collect();
        if let Some(first) = of.first().copied() {
            self.0.iter_mut().filter(|group| of.contains(group)).for_each(|group| *group = first);
        }
    }

    fn are_one(&self, one: usize, other: usize) -> bool {
        self.0.get(one) == self.0.get(other)
    }
}

/// The items an expression mentions, subqueries in it included.
#[derive(Default)]
struct Mentioned {
    names: Vec<String>,
    relations: Vec<usize>,
    is_unclear: bool,
}

impl Mentioned {
    fn of<'a>(&mut self, look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) {
        match node {
            NodeEnum::ColumnRef(column) => match column.fields.as_slice() {
                [.., alias, _] => {
                    self.names.extend(super::look::name_in(alias).map(str::to_owned));
                }
                _ => match look.column(query, node) {
                    Some(found) => self.relations.push(found.relation),
                    None => self.is_unclear = true,
                },
            },
            NodeEnum::SelectStmt(select) => self.of_query(look, query, select),
            _ => children(node, &mut |child| self.of(look, query, child)),
        }
    }

    /// A subquery: its names may be its own, those with a table of ours are ours.
    fn of_query<'a>(&mut self, look: &Look<'a>, query: &Query<'a>, select: &'a SelectStmt) {
        for arm in [&select.larg, &select.rarg].into_iter().flatten() {
            self.of_query(look, query, arm);
        }
        let with = select.with_clause.as_ref().into_iter().flat_map(|with| &with.ctes);
        let inside = |node: &'a Node| match inner(Some(node)) {
            Some(NodeEnum::CommonTableExpr(cte)) => inner(cte.ctequery.as_deref()),
            _ => None,
        };
        with.filter_map(inside).for_each(|node| self.of(look, query, node));
        of_select(select, &mut |child| self.of(look, query, child));
    }

    /// The places of the items; `None` where a name may be of any.
    fn places(&self, query: &Query<'_>) -> Option<BTreeSet<usize>> {
        if self.is_unclear {
            return None;
        }
        let is_meant = |source: &super::query::Source<'_>| {
            self.names.contains(&source.alias)
                || matches!(source.is, Is::Table(place, _) if self.relations.contains(&place))
        };
        let all = query.sources.iter().enumerate();
        Some(all.filter(|(_, source)| is_meant(source)).map(|(place, _)| place).collect())
    }
}
