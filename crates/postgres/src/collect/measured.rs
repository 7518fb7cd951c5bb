//! Pages of suspects, read by `pgstattuple` where it is installed, within a budget.

use std::time::{Duration, Instant};

use dbvitals_model::{
    Collected, Reason, Section, Unavailable,
    pg::{
        DatabaseSnapshot,
        instance::Server,
        measured::{Measured, Suspect},
    },
    snapshot::CollectorCost,
};

use super::{ask::Asking, costs, obstacle, options::Measuring, reader::quoted};
use crate::{Answer, Query, Session};

/// Density of a B-tree's leaf pages.
pub const INDEX: &str = include_str!("measured/index.sql");
/// Live, dead and free bytes of a table; pages known to be all visible are not read.
pub const TABLE: &str = include_str!("measured/table.sql");

/// Most relations that are named in a gap.
const NAMED: usize = 3;

/// Reads the suspects the budget allows; each within its own time, none of them locked exclusively.
pub(super) async fn read(
    session: &mut Session,
    asking: Asking<'_>,
    how: Measuring<'_>,
    server: &Server,
    database: &DatabaseSnapshot,
    cost: &mut Vec<CollectorCost>,
) -> Section<Vec<Measured>> {
    let suspects = (how.shortlist)(server, database);
    if suspects.is_empty() {
        return Section::collected(Vec::new());
    }
    let schema = match database.extensions.get() {
        Ok(all) => all.iter().find(|one| one.name == "pgstattuple").map(|one| one.schema.as_str()),
        Err(why) => return Section::Unavailable(why.clone()),
    };
    let Some(schema) = schema else {
        return Section::Unavailable(Unavailable::with_remedy(
            Reason::Extension,
            format!("pgstattuple is not installed in {}", database.name),
            "CREATE EXTENSION pgstattuple;",
        ));
    };
    let (chosen, beyond) = within(suspects, how.budget_bytes);
    let left = asking.deadline.saturating_duration_since(Instant::now());
    if !chosen.is_empty() && left < Duration::from_millis(1) {
        return Section::Unavailable(obstacle::no_time_left());
    }
    let query = |suspect: &Suspect| {
        let text = if suspect.is_index { INDEX } else { TABLE };
        let sql =
            text.replace("{schema}", &quoted(schema)).replace("{oid}", &suspect.oid.to_string());
        Query { name: "measured", sql, timeout: how.timeout.min(left) }
    };
    let queries: Vec<Query> = chosen.iter().map(query).collect();
    let answers = session.batch(&queries).await;
    for answer in &answers {
        costs::book(cost, "measured", asking.database, answer);
    }
    let mut section = sorted(&chosen, answers, asking);
    if let Section::Collected(collected) = &mut section {
        collected.gaps.extend(gap(Reason::Timeout, "beyond the budget of pages to read", &beyond));
    }
    section
}

/// The suspects that fit, in their order, and the names of the others.
fn within(suspects: Vec<Suspect>, budget: u64) -> (Vec<Suspect>, Vec<String>) {
    let mut left = budget;
    let (mut chosen, mut beyond) = (Vec::new(), Vec::new());
    for suspect in suspects {
        let bytes = u64::try_from(suspect.bytes).unwrap_or(0);
        if bytes <= left {
            left -= bytes;
            chosen.push(suspect);
        } else {
            beyond.push(suspect.name);
        }
    }
    (chosen, beyond)
}

/// What was read, and what was not and why.
fn sorted(chosen: &[Suspect], answers: Vec<Answer>, asking: Asking<'_>) -> Section<Vec<Measured>> {
    let (mut value, mut locked, mut slow, mut failed) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (suspect, answer) in chosen.iter().zip(answers) {
        let name = suspect.name.clone();
        match answer.result {
            Ok(table) => match table.decode::<Measured>() {
                Ok(rows) if rows.is_empty() => locked.push(name),
                Ok(rows) => value.extend(rows),
                Err(_) => failed.push(name),
            },
            Err(error) if error.is_permission() => {
                let remedy = asking.reader.remedy("GRANT pg_stat_scan_tables TO {role};");
                let detail = error.to_string();
                let why = Unavailable::with_remedy(Reason::Permission, detail, remedy);
                return Section::Unavailable(why);
            }
            Err(error) if error.is_locked() => locked.push(name),
            Err(error) if error.is_timeout() => slow.push(name),
            Err(_) => failed.push(name),
        }
    }
    let gaps = [
        gap(Reason::Locked, "not measured, because an exclusive lock is held", &locked),
        gap(Reason::Timeout, "not measured within the time for one relation", &slow),
        gap(Reason::Failed, "could not be measured", &failed),
    ];
    Section::Collected(Collected { value, gaps: gaps.into_iter().flatten().collect() })
}

fn gap(reason: Reason, what: &str, names: &[String]) -> Option<Unavailable> {
    let shown = names.get(..NAMED).unwrap_or(names).join(", ");
    let more = names.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
    (!names.is_empty()).then(|| obstacle::plain(reason, format!("{what}: {shown}{more}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_takes_what_fits_in_the_order_of_want() {
        let suspect =
            |name: &str, bytes| Suspect { oid: 1, name: name.into(), is_index: true, bytes };
        let all = vec![suspect("a", 60), suspect("b", 50), suspect("c", 40), suspect("d", 1)];
        let (chosen, beyond) = within(all, 100);
        let names: Vec<_> = chosen.iter().map(|suspect| suspect.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(beyond, ["b", "d"]);
        assert_eq!(within(vec![suspect("a", 1)], 0).0, Vec::new());
    }

    #[test]
    fn gaps_name_some_and_count_the_rest() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let gap = gap(Reason::Locked, "locked", &names).unwrap();
        assert_eq!(gap.detail, "locked: a, b, c and 1 more");
        assert_eq!(super::gap(Reason::Locked, "locked", &[]), None);
    }
}
