//! The counters of one database: the window's where they suffice, else those since their reset.

use dbvitals_model::pg::{database::Database, window::Window};

use crate::{
    pg::counted::{Counted, counted},
    view::PgView,
};

/// Counters of every database that clients use and that saw enough to judge by.
pub fn each<'a>(
    pg: &PgView<'a>,
    databases: &'a [Database],
    window: Option<&'a Window>,
    suffices: impl Fn(&Counted<'a, Database>) -> bool,
) -> impl Iterator<Item = Counted<'a, Database>> {
    let pg = *pg;
    let used = databases.iter().filter(|database| !database.is_template);
    used.filter_map(move |database| {
        let recent = window.and_then(|window| {
            let mut known = window.databases.iter();
            Some((window, known.find(|candidate| candidate.name == database.name)?))
        });
        let age = pg.seconds_since(database.stats_reset.or(pg.server().started_at));
        counted(recent, database, age, &suffices)
    })
}
