//! `UPDATE … FROM` a table of which several rows may match.

use pg_query::NodeEnum;

use super::{
    Said,
    look::Look,
    query::{Is, Kind},
};
use crate::rewrite::shape::{inner, operator};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        let Kind::Update(update) = query.kind else { continue };
        let [_, from] = query.sources.as_slice() else { continue };
        let Is::Table(relation, range) = from.is else { continue };
        let Some(table) = look.table(relation) else { continue };
        let reads = update.target_list.iter().filter_map(|target| inner(Some(target))).any(|set| {
            look.columns(query, set).into_iter().flatten().any(|it| it.relation == relation)
        });
        let tied: Vec<String> = query
            .conjuncts()
            .into_iter()
            .filter(|part| operator(part) == Some("="))
            .filter_map(|part| match part {
                NodeEnum::AExpr(e) => {
                    Some([inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?])
                }
                _ => None,
            })
            .flatten()
            .filter_map(|side| look.column(query, side))
            .filter(|column| column.relation == relation)
            .map(|column| column.name)
            .collect();
        let is_one = table.keys().iter().any(|key| key.iter().all(|name| tied.contains(name)));
        if is_one || !reads || tied.is_empty() {
            continue;
        }
        let alias = &from.alias;
        said.push(Said {
            at: range.location,
            why: format!(
                "{alias} is matched by {}, which no unique index holds to one row each: with two, one of them is taken, \
                 and not the same one each time.",
                tied.join(", ")
            ),
            instead: format!(
                "Take one row of {alias} for each (an aggregate, or DISTINCT ON … ORDER BY), or make ({}) unique.",
                tied.join(", ")
            ),
            changes: "Which of several matching rows wins is fixed.".to_owned(),
            ..Said::default()
        });
    }
}
