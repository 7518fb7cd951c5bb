//! `SELECT *`.

use dbvitals_model::{pg::schema::Column, words};
use pg_query::{
    NodeEnum,
    protobuf::{ColumnRef, SelectStmt},
};

use super::{
    Said,
    fact::Table,
    look::{Look, Size, name_in},
    made::{parsed, selected},
    query::{Is, Kind, Query, Stands},
};
use crate::{lint::name::quoted, rewrite::shape::inner, role::scope::is_star};

/// Columns of a table that is as well shown whole.
const FEW: usize = 4;
/// Columns that are written out.
const MOST: usize = 40;
/// Mean bytes of a column that is worth a word by itself.
const WIDE: i64 = 500;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

fn one(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt) -> Option<Said> {
    let (at, star) = select.target_list.iter().find_map(|target| match inner(Some(target))? {
        NodeEnum::ResTarget(target) => match inner(target.val.as_deref())? {
            NodeEnum::ColumnRef(column) if is_star(column) => Some((column.location, column)),
            _ => None,
        },
        _ => None,
    })?;
    let is_insert = query.stands == Stands::Stored
        && matches!(look.queries.first().map(|first| first.kind), Some(Kind::Insert(_)));
    if !(query.stands == Stands::Top || is_insert) || !select.distinct_clause.is_empty() {
        return None;
    }
    let tables = tables(query, star)?;
    let known: Vec<&Table<'_>> =
        tables.iter().filter_map(|(_, place)| look.table(*place)).collect();
    let columns: usize = known.iter().map(|table| table.columns.len()).sum();
    if look.facts.is_known() && !is_insert {
        let matters = |(_, place): &(String, usize)| matches!(look.size(*place), Size::Matters(_));
        let is_one = tables.iter().all(|(_, place)| look.is_pinned(query, *place));
        let is_wide = known.iter().any(|table| table.columns.iter().any(|c| is_wide(c)));
        if !tables.iter().any(matters) || columns <= FEW || (is_one && !is_wide) {
            return None;
        }
    }
    if known.len() < tables.len() && look.facts.is_known() {
        return None;
    }
    let text = (columns > 0 && columns <= MOST)
        .then(|| look.whole(query))
        .flatten()
        .and_then(|whole| named(whole, star, &tables, look));
    let why = if is_insert {
        "The columns are matched by their place: a column added to either table makes the statement fail, or fill the wrong ones."
            .to_owned()
    } else {
        why(&known)
    };
    Some(Said {
        at,
        why,
        instead: "Name the columns that are used.".to_owned(),
        changes: "A column that is added later is not shown.".to_owned(),
        text,
        ..Said::default()
    })
}

/// The tables a `*` stands for; `None` where something else is among them.
fn tables(query: &Query<'_>, star: &ColumnRef) -> Option<Vec<(String, usize)>> {
    let of = match star.fields.as_slice() {
        [_] => None,
        [alias, _] => Some(name_in(alias)?),
        _ => return None,
    };
    let mut tables = Vec::new();
    for source in query.sources.iter().filter(|it| of.is_none_or(|alias| it.alias == alias)) {
        let Is::Table(place, _) = source.is else { return None };
        tables.push((source.alias.clone(), place));
    }
    let merged = query.joins.iter().any(|join| join.is_natural || !join.using_clause.is_empty());
    (!tables.is_empty() && (of.is_some() || !merged)).then_some(tables)
}

fn is_wide(column: &Column) -> bool {
    column.length < 0 && column.average_width.is_some_and(|width| width >= WIDE)
}

fn why(known: &[&Table<'_>]) -> String {
    let columns: Vec<&Column> =
        known.iter().flat_map(|table| table.columns.iter().copied()).collect();
    if columns.is_empty() {
        return "Columns nobody reads are fetched, sorted and sent; an index that holds those that are read cannot answer by \
                itself."
            .to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes = |columns: &[&Column]| {
        words::count(columns.iter().filter_map(|c| c.average_width).sum::<i64>() as f64)
    };
    let wide: Vec<&Column> = columns.iter().copied().filter(|column| is_wide(column)).collect();
    let most = if wide.is_empty() {
        String::new()
    } else {
        let names: Vec<&str> = wide.iter().map(|column| column.name.as_str()).collect();
        format!(", {} of them in {}", bytes(&wide), names.join(", "))
    };
    let width = if columns.iter().any(|column| column.average_width.is_some()) {
        format!(", {} bytes a row by the statistics{most}", bytes(&columns))
    } else {
        String::new()
    };
    format!(
        "{} columns{width}, are fetched, sorted and sent, read or not; an index that holds those that are read cannot answer \
         by itself.",
        columns.len()
    )
}

/// The statement with the columns in place of the `*`.
fn named(
    select: &SelectStmt,
    star: &ColumnRef,
    tables: &[(String, usize)],
    look: &Look<'_>,
) -> Option<String> {
    let is_one = select.from_clause.len() == 1 && tables.len() == 1;
    let mut names = Vec::new();
    for (alias, place) in tables {
        let mut columns = look.table(*place)?.columns.clone();
        columns.sort_by_key(|column| column.number);
        for column in columns {
            names.push(if is_one && star.fields.len() == 1 {
                quoted(&column.name)
            } else {
                format!("{}.{}", quoted(alias), quoted(&column.name))
            });
        }
    }
    let written = parsed(&format!("SELECT {}", names.join(", ")))?.target_list;
    selected(select, |changed| {
        let place = changed.target_list.iter().position(|target| {
            matches!(inner(Some(target)), Some(NodeEnum::ResTarget(target))
                if matches!(inner(target.val.as_deref()), Some(NodeEnum::ColumnRef(column)) if column == star))
        })?;
        changed.target_list.splice(place..=place, written);
        Some(())
    })
}
