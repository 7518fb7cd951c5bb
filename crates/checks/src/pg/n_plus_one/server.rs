//! All pairs of a server, and what to say of one: for whoever judges a series.

use dbvitals_model::pg::series::Series;

use super::{Pair, candidates, is_whole, pairs};
use crate::{pg::statement::links::Links, skip::Skip, sql, view::PgView};

/// What links the tables of a server's databases.
#[derive(Debug)]
pub struct Keys<'a> {
    read: Vec<Links<'a>>,
    /// Databases whose foreign keys cannot be read, and why.
    pub hidden: Vec<(&'a str, Skip)>,
}

/// What was found among the statements of a server.
#[derive(Debug)]
pub struct Found<'a> {
    /// The pairs, those that lose most calls first.
    pub pairs: Vec<Pair<'a>>,
    /// Lookups by one key.
    pub lookups: usize,
    /// Those with a list they may belong to.
    pub linked: usize,
}

impl<'a> Keys<'a> {
    /// The foreign keys of all databases.
    pub fn of(pg: &PgView<'a>) -> Self {
        let (mut read, mut hidden) = (Vec::new(), Vec::new());
        for db in pg.by_database() {
            match db.constraints() {
                Ok(_) => read.push(Links::of(&db)),
                Err(why) => hidden.push((db.name(), why)),
            }
        }
        Self { read, hidden }
    }

    /// Why nothing can be judged, where that is so of every database.
    pub fn all_hidden(&self) -> Option<&Skip> {
        self.hidden.first().filter(|_| self.read.is_empty()).map(|(_, why)| why)
    }

    /// The pairs of all databases.
    pub fn pairs<'s>(&self, series: &'s Series) -> Found<'s> {
        let mut found = Found { pairs: Vec::new(), lookups: 0, linked: 0 };
        for links in &self.read {
            let children = candidates::children(series, links);
            found.lookups += children.first().map_or(0, |child| child.lookups.len());
            found.linked += children.len();
            found.pairs.extend(pairs(series, &children));
        }
        found.pairs.sort_by(|a, b| b.lost().total_cmp(&a.lost()));
        found
    }
}

impl Pair<'_> {
    /// Calls that one call for each list would have saved.
    pub fn lost(&self) -> f64 {
        (self.calls - self.lists).max(0.0)
    }

    /// The same for an hour; 0 where no time passed.
    pub fn lost_per_hour(&self, series: &Series) -> f64 {
        let seconds: f64 = series.seconds.iter().sum();
        if seconds > 0.0 { self.lost() / seconds * 3600.0 } else { 0.0 }
    }

    /// How often the child was called for the rows of the list, in words before "of the 50 rows".
    pub fn told(&self) -> String {
        let often = self.per_row;
        if !is_whole(often) && often < 1.0 {
            format!("for {:.0} %", often * 100.0)
        } else if is_whole(often) && often.round() <= 1.0 {
            "once for each".to_owned()
        } else if is_whole(often) {
            format!("{often:.0} times for each")
        } else {
            format!("{often:.1} times for each")
        }
    }

    /// The table that is looked up, as SQL.
    pub fn table(&self) -> String {
        let table = &self.link.table;
        match &table.schema {
            Some(schema) => sql::qualified(schema, &table.name),
            None => sql::ident(&table.name),
        }
    }

    /// One call for all keys of a list.
    pub fn batched(&self) -> String {
        let (table, column) = (self.table(), sql::ident(&self.link.column));
        format!("SELECT … FROM {table} WHERE {column} = ANY ($1)")
    }

    /// No further call at all.
    pub fn joined(&self) -> String {
        let (table, column) = (self.table(), sql::ident(&self.link.column));
        let alias = sql::ident(&self.link.parent_alias);
        let theirs = sql::ident(&self.link.parent_column);
        format!("… LEFT JOIN {table} ON {table}.{column} = {alias}.{theirs}")
    }
}
