//! Whether an index serves a policy, and which ones are lacking.

use std::collections::BTreeSet;

use dbvitals_model::pg::{
    DatabaseSnapshot, index::Index, relation::Relation, schema::Column, security::Policy,
};
use dbvitals_query::{Compared, Way, policy_text};

/// An OR of more columns is not worth an index of each.
const MOST: usize = 4;

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue<'a> {
    /// Policies of all tables.
    pub policies: &'a [Policy],
    /// All relations.
    pub relations: &'a [Relation],
    /// All indexes.
    pub indexes: &'a [Index],
    /// Columns; empty where they were not collected.
    pub columns: &'a [Column],
}

impl<'a> Catalogue<'a> {
    /// What was collected of a database; `None` where a part of it was not.
    pub fn of(db: &'a DatabaseSnapshot) -> Option<Self> {
        Some(Self {
            policies: db.policies.value()?,
            relations: db.relations.value()?,
            indexes: db.indexes.value()?,
            columns: db.columns.value().map_or(&[], Vec::as_slice),
        })
    }
}

/// What keeps indexes from serving a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Columns that need an index each; none where no index would help.
    pub columns: Vec<String>,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// No index begins with a column of the policy.
    NoIndex,
    /// Some arms of an OR have an index, others have none.
    SomeArms,
    /// An arm of an OR compares no column with a value.
    OpenArm,
    /// It asks other tables about its columns, which lead no index.
    NoValue,
    /// It compares what it makes of its columns.
    Expression,
    /// It looks for a value in a column that holds several.
    Within,
    /// It lets through what a flag marks.
    Flag,
    /// It compares the text of a column.
    AsText,
    /// An OR of more columns than deserve indexes.
    ManyArms,
    /// A policy of this name is joined with it, and cannot be served.
    Joined(String),
}

impl Lack {
    /// What is told of the columns of the policy, which stand before it.
    pub fn what(&self) -> String {
        match &self.why {
            Why::NoIndex
            | Why::NoValue
            | Why::Expression
            | Why::Within
            | Why::Flag
            | Why::Joined(_) => ", which leads no index".to_owned(),
            Why::SomeArms => format!(", of which {} leads no index", self.columns.join(", ")),
            Why::OpenArm | Why::ManyArms => " in an OR that no index serves".to_owned(),
            Why::AsText => " by its text, which no index holds".to_owned(),
        }
    }

    /// What is to be done.
    pub fn advice(&self) -> String {
        let text = match (&self.why, self.columns.len()) {
            (Why::NoIndex, 2..) => {
                "Create an index for each arm of the OR: the planner joins them (BitmapOr)."
            }
            (Why::SomeArms, _) => {
                "Create what is missing: an index serves an OR only if one serves each of its arms (BitmapOr)."
            }
            (Why::NoIndex, _) => "Create an index that begins with the column the policy compares.",
            (Why::OpenArm, _) => {
                "An index serves an OR only if one serves each of its arms: compare a column with a value in each, index a flag \
                 that few rows bear (WHERE flag), or give an arm that is for some roles to them (TO role)."
            }
            (Why::Flag, _) => {
                "An index finds rows by a flag only where few bear it: … WHERE flag. Where many do, reading the table is right."
            }
            (Why::ManyArms, _) => {
                "An index serves an OR only if one serves each of its arms: decide by fewer columns."
            }
            (Why::AsText, _) => {
                "Cast the value, not the column: column = current_setting(…)::uuid, or whatever type the column has."
            }
            (Why::Expression, _) => {
                "Compare a column itself with a value, or index the expression as it is written, if its functions are immutable."
            }
            (Why::Within, _) => {
                "Write value = ANY (column) as column @> ARRAY[value], and index the column by gin."
            }
            (Why::NoValue, _) => {
                "Compare a column with a value that is asked once, column = ANY (ARRAY(SELECT …)), and index that column."
            }
            (Why::Joined(other), _) => {
                return format!(
                    "No index helps while policy {other} is joined to it by OR, for no index serves that one: mend it first, \
                     or make it restrictive if it is meant to hold as well."
                );
            }
        };
        text.to_owned()
    }
}

/// What a policy lacks among those it is joined with; `None` where an index serves it, or serves them together.
///
/// A row is let through by any permissive policy and all restrictive ones: an index on what a restrictive one compares
/// serves all, and one on what a permissive one compares only if the others are served as well.
pub fn lack(db: Catalogue<'_>, policy: &Policy, table: &Relation) -> Option<Lack> {
    let lack = alone(db, policy, table)?;
    let is_served =
        |other: &&Policy| !other.columns.is_empty() && alone(db, other, table).is_none();
    let others = |command: &str| -> (Vec<&Policy>, Vec<&Policy>) {
        let own = db.policies.iter().filter(|other| other.name != policy.name);
        own.filter(|other| covers(other, policy, command)).partition(|other| other.is_permissive)
    };
    let all_served = |policies: &[&Policy]| !policies.is_empty() && policies.iter().all(is_served);
    let (any, all) = others(&policy.command);
    if all.iter().any(is_served) {
        return None;
    }
    // The rows that are changed are read first, and by the policies for reading as well.
    if matches!(policy.command.as_str(), "UPDATE" | "DELETE") && all_served(&others("SELECT").0) {
        return None;
    }
    if !policy.is_permissive {
        // What only takes rows away from those that an index finds needs none itself.
        return (!all_served(&any) && !lack.columns.is_empty()).then_some(lack);
    }
    let is_hopeless = |other: &&&Policy| {
        other.columns.is_empty()
            || alone(db, other, table).is_some_and(|lack| lack.columns.is_empty())
    };
    let hopeless = any.iter().find(is_hopeless).filter(|_| !lack.columns.is_empty());
    Some(match hopeless {
        Some(other) => Lack { columns: Vec::new(), why: Why::Joined(other.name.clone()) },
        None => lack,
    })
}

/// Whether a policy on the same table applies to that command by all roles that another one applies to.
fn covers(other: &Policy, policy: &Policy, command: &str) -> bool {
    other.table_oid == policy.table_oid
        && (other.command == "ALL" || other.command == command)
        && (other.roles.iter().any(|role| role == "public")
            || policy.roles.iter().all(|role| other.roles.contains(role)))
}

/// What a policy lacks by itself. A condition that cannot be read is served by an index on any of its columns.
fn alone(db: Catalogue<'_>, policy: &Policy, table: &Relation) -> Option<Lack> {
    let valid = db.indexes.iter().filter(|i| i.table_oid == table.oid && i.is_valid);
    let own = Own { policy, indexes: valid.collect() };
    let using = policy.using_expression.as_deref();
    if own.hold(using.unwrap_or_default()) {
        return None;
    }
    let without = |why| Some(Lack { columns: Vec::new(), why });
    let Some(Ok(text)) = using.map(|using| policy_text(using, &table.name)) else {
        let columns = policy.column_names.iter().take(1).cloned().collect();
        return (!own.lead_any()).then_some(Lack { columns, why: Why::NoIndex });
    };
    let ways: Vec<Vec<Vec<&Compared>>> =
        text.ways.iter().filter_map(|way| usable(db, &own, table, way)).collect();
    if !ways.is_empty() {
        return missing(&ways, &own);
    }
    if text.ways.iter().flatten().flatten().any(|compared| compared.is_as_text) {
        without(Why::AsText)
    } else if text.has_or {
        without(Why::OpenArm)
    } else if own.lead_any() {
        None
    } else if text.ways.iter().flatten().flatten().any(|compared| compared.is_flag) {
        without(Why::Flag)
    } else if text.looks_within {
        without(Why::Within)
    } else if text.subqueries.is_empty() {
        without(Why::Expression)
    } else {
        without(Why::NoValue)
    }
}

/// The valid indexes of a policy's table.
struct Own<'a> {
    policy: &'a Policy,
    indexes: Vec<&'a Index>,
}

impl Own<'_> {
    /// Those that serve any statement: a partial one serves those that repeat its predicate.
    fn whole(&self) -> impl Iterator<Item = &&Index> {
        self.indexes.iter().filter(|index| index.predicate.is_none())
    }

    /// What the policy says word for word one may hold as it is.
    fn hold(&self, using: &str) -> bool {
        let begins = |index: &&&Index| index.key_columns.first() == Some(&0);
        let mut expressions = self.whole().filter(begins).filter_map(|i| i.expressions.as_deref());
        expressions.any(|expression| using.contains(expression))
    }

    /// One begins with any column of the policy.
    fn lead_any(&self) -> bool {
        let mut first = self.whole().filter_map(|index| index.key_columns.first());
        first.any(|first| self.policy.columns.contains(first))
    }

    /// One begins with a column, ordered or hashed, or holds the rows that a flag marks.
    fn lead(&self, compared: &Compared) -> bool {
        let names = self.policy.column_names.iter();
        let place = names.zip(&self.policy.columns).find(|(name, _)| **name == compared.column);
        let searches = |index: &&&Index| !matches!(index.method.as_str(), "gin" | "brin");
        let marks = |index: &&Index| {
            let predicate = index.predicate.as_deref().unwrap_or_default();
            predicate.trim_matches(['(', ')', '"']) == compared.column
        };
        place.is_some_and(|(_, number)| {
            self.whole().filter(searches).any(|index| index.key_columns.first() == Some(number))
        }) || (compared.is_flag && self.indexes.iter().any(marks))
    }
}

/// What the best way lacks; `None` where one lacks nothing.
fn missing(ways: &[Vec<Vec<&Compared>>], own: &Own<'_>) -> Option<Lack> {
    let is_led = |arm: &Vec<&Compared>| arm.iter().any(|compared| own.lead(compared));
    let lacking = |way: &Vec<Vec<&Compared>>| -> Vec<String> {
        let arms = way.iter().filter(|arm| !is_led(arm));
        let mut columns: Vec<String> =
            arms.filter_map(|arm| arm.first().map(|first| first.column.clone())).collect();
        let mut seen = BTreeSet::new();
        columns.retain(|column| seen.insert(column.clone()));
        columns
    };
    let all: Vec<Vec<String>> = ways.iter().map(lacking).collect();
    if all.iter().any(Vec::is_empty) {
        return None;
    }
    let (way, columns) = ways.iter().zip(all).next()?;
    if columns.len() > MOST {
        return Some(Lack { columns: Vec::new(), why: Why::ManyArms });
    }
    let why = if way.iter().any(is_led) { Why::SomeArms } else { Why::NoIndex };
    Some(Lack { columns, why })
}

/// The comparisons of a way that an index could answer; `None` where an arm has none.
fn usable<'w>(
    db: Catalogue<'_>,
    own: &Own<'_>,
    table: &Relation,
    way: &'w Way,
) -> Option<Vec<Vec<&'w Compared>>> {
    let holds_text = |column: &str| {
        db.columns
            .iter()
            .find(|known| known.table_oid == table.oid && known.name == column)
            // Not known: better silent than wrong.
            .is_none_or(|known| matches!(known.type_id.as_str(), "text" | "varchar"))
    };
    let is_usable = |compared: &&Compared| {
        own.policy.column_names.contains(&compared.column)
            && (!compared.is_flag || own.lead(compared))
            && !compared.calls.iter().any(|call| own.policy.volatile_functions.contains(call))
            && (!compared.is_as_text || holds_text(&compared.column))
    };
    way.iter()
        .map(|arm| {
            let left: Vec<&Compared> = arm.iter().filter(is_usable).collect();
            (!left.is_empty()).then_some(left)
        })
        .collect()
}
