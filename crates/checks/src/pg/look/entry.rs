//! One statement of a ranking, with its class, its target, what was found about it and what to do first.

use std::collections::BTreeMap;

use dbvitals_model::{Finding, Severity, pg::statement::Statement};
use dbvitals_query::{Class, Classified};
use jiff::Timestamp;
use serde::Serialize;

use super::ranking::{blocks_per_call, hit_ratio};
use crate::{
    context::Context,
    pg::statement::{
        class,
        load::{self, io_ms, mean_ms, per_call},
        statement_over_class_target,
    },
    settings::Settings,
};

/// One statement of a ranking. Times in milliseconds, blocks in the server's block size.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are named for what they hold, with their unit")]
pub struct Entry {
    /// From 1.
    pub rank: usize,
    /// What it is ranked by.
    pub value: f64,
    /// Text, since it does not fit the numbers of every reader.
    pub query_id: String,
    /// As `libpg_query` makes it; `None` where the text is hidden, cut off or refused.
    pub fingerprint: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    /// `false`: called from a function (14+).
    pub is_top_level: bool,
    /// As it was counted, first 10,000 characters; `None` where the role may not see it.
    pub text: Option<String>,
    pub class: &'static str,
    pub class_reason: String,
    /// The mean time its class is meant to keep; `None` for classes without.
    pub class_target_ms: Option<f64>,
    pub is_over_target: Option<bool>,
    /// Share of the execution time of all that is counted.
    pub time_share: f64,
    pub calls: i64,
    pub rows: i64,
    pub rows_per_call: f64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub stddev_ms: f64,
    pub plans: i64,
    pub planning_ms: f64,
    pub shared_blocks_hit: i64,
    pub shared_blocks_read: i64,
    pub shared_blocks_dirtied: i64,
    pub shared_blocks_written: i64,
    pub blocks_per_call: f64,
    pub hit_ratio: Option<f64>,
    pub temp_blocks_read: i64,
    pub temp_blocks_written: i64,
    /// Waiting for reads and writes; 0 where `track_io_timing` is off.
    pub io_ms: f64,
    pub wal_bytes: i64,
    pub jit_ms: Option<f64>,
    /// Since when it is counted (17+).
    pub counted_since: Option<Timestamp>,
    /// What the checks of statements say of it, the worst first.
    pub findings: Vec<Named>,
    /// What to do first.
    pub advice: String,
}

/// A finding that names a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of a finding")]
pub struct Named {
    pub check: String,
    pub severity: Severity,
    pub message: String,
    pub recommendation: String,
}

/// Findings by the statement they name: database and query id.
#[derive(Debug, Default)]
pub struct Findings<'a>(BTreeMap<(Option<&'a str>, &'a str), Vec<&'a Finding>>);

impl<'a> Findings<'a> {
    /// Those of one target, the worst first.
    pub fn of(target: &str, all: &'a [Finding]) -> Self {
        let mut found: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
        for finding in all.iter().filter(|finding| finding.target == target) {
            if finding.subject.kind == "statement" {
                let database = finding.subject.database.as_deref();
                found.entry((database, finding.subject.name.as_str())).or_default().push(finding);
            }
            for evidence in &finding.evidence {
                if let Some((id, database)) = named_in(&evidence.label) {
                    found.entry((Some(database), id)).or_default().push(finding);
                }
            }
        }
        Self(found)
    }

    fn about(&self, statement: &Statement, id: &str) -> Vec<Named> {
        let here = self.0.get(&(statement.database.as_deref(), id));
        let anywhere = self.0.get(&(None, id)).filter(|_| statement.database.is_some());
        let all = here.into_iter().chain(anywhere).flatten();
        let mut named: Vec<Named> = all
            .map(|finding| Named {
                check: finding.check.clone(),
                severity: finding.severity,
                message: finding.message.clone(),
                recommendation: finding.recommendation.clone(),
            })
            .collect();
        named.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.check.cmp(&b.check)));
        named.dedup();
        named
    }
}

/// The statement a measurement of a class names: `mean time of 42 in app: select …`.
fn named_in(label: &str) -> Option<(&str, &str)> {
    let (id, rest) = label.strip_prefix("mean time of ")?.split_once(" in ")?;
    id.parse::<i64>().ok()?;
    Some((id, rest.rsplit_once(": ").map_or(rest, |(database, _)| database)))
}

/// What entries are made with.
pub(super) struct Maker<'a> {
    pub(super) findings: Findings<'a>,
    pub(super) settings: &'a Settings,
    pub(super) target: &'a str,
    /// Execution time of all that is counted.
    pub(super) all_ms: f64,
}

impl Maker<'_> {
    /// The entry of a statement.
    pub(super) fn entry(&self, rank: usize, value: f64, statement: &Statement) -> Entry {
        let classified = class::of(statement);
        let query_id = load::name(statement);
        let target = self.class_target(classified.class, &query_id);
        let findings = self.findings.about(statement, &query_id);
        let mean = mean_ms(statement);
        let advice = match findings.first() {
            Some(worst) => first_sentence(&worst.recommendation).to_owned(),
            None => advice(statement, &classified, target).to_owned(),
        };
        let text = statement.text.as_deref();
        Entry {
            rank,
            value,
            fingerprint: text.and_then(|text| dbvitals_query::fingerprint(text).ok()),
            query_id,
            database: statement.database.clone(),
            user: statement.user.clone(),
            is_top_level: statement.is_top_level,
            text: statement.text.clone(),
            class: classified.class.as_str(),
            class_reason: classified.reason.into_owned(),
            class_target_ms: target,
            is_over_target: target.map(|target| mean > target),
            time_share: if self.all_ms > 0.0 {
                statement.total_exec_time_ms / self.all_ms
            } else {
                0.0
            },
            calls: statement.calls,
            rows: statement.rows,
            rows_per_call: per_call(statement, statement.rows as f64),
            total_ms: statement.total_exec_time_ms,
            mean_ms: mean,
            min_ms: statement.min_exec_time_ms,
            max_ms: statement.max_exec_time_ms,
            stddev_ms: statement.stddev_exec_time_ms,
            plans: statement.plans,
            planning_ms: statement.total_plan_time_ms,
            shared_blocks_hit: statement.shared_blocks_hit,
            shared_blocks_read: statement.shared_blocks_read,
            shared_blocks_dirtied: statement.shared_blocks_dirtied,
            shared_blocks_written: statement.shared_blocks_written,
            blocks_per_call: blocks_per_call(statement),
            hit_ratio: hit_ratio(statement),
            temp_blocks_read: statement.temp_blocks_read,
            temp_blocks_written: statement.temp_blocks_written,
            io_ms: io_ms(statement),
            wal_bytes: statement.wal_bytes,
            jit_ms: statement.jit_time_ms,
            counted_since: statement.stats_since,
            findings,
            advice,
        }
    }

    fn class_target(&self, class: Class, id: &str) -> Option<f64> {
        let cx = Context::new(&statement_over_class_target::CHECK, self.settings, self.target);
        class::target(class).map(|target| cx.limit_for(target, id))
    }
}

/// Blocks touched for one row from which on a missing index is the first suspicion.
const MANY_BLOCKS_PER_ROW: f64 = 100.0;
/// Rows of a call that are more than somebody reads.
const MANY_ROWS: f64 = 1000.0;

/// What to look at first, by the numbers alone.
fn advice(statement: &Statement, classified: &Classified, target: Option<f64>) -> &'static str {
    let rows = per_call(statement, statement.rows as f64);
    let blocks = blocks_per_call(statement);
    let time = statement.total_exec_time_ms;
    let is_over = target.is_some_and(|target| mean_ms(statement) > target);
    let reads_much = blocks / rows.max(1.0) >= MANY_BLOCKS_PER_ROW;
    match classified.class {
        _ if statement.text.is_none() => "Let the role see texts first (GRANT pg_read_all_stats).",
        Class::Utility => {
            "No plan to improve: look at what it waits for, and how often it is needed."
        }
        _ if statement.temp_blocks_written > 0 => {
            "It spills to disk: sort and join less, or give this statement more work_mem."
        }
        _ if io_ms(statement) > time / 2.0 => {
            "Mostly waits for the disk: fewer blocks (an index) before a larger cache."
        }
        Class::SimpleRead | Class::Join | Class::Write if reads_much => {
            "Touches many blocks for each row: run `query analyze` on it and look for a missing index."
        }
        _ if statement.total_plan_time_ms > time => {
            "Planned for longer than it runs: prepare it once per session."
        }
        Class::SimpleRead | Class::Join if rows > MANY_ROWS => {
            "Answers many rows: page through them by key, and ask for fewer columns."
        }
        Class::Write | Class::Bulk if is_over => {
            "Look for lock waits, then for indexes and triggers that every row must serve."
        }
        _ if is_over => "Run `query analyze` on it with real parameters.",
        _ if statement.stddev_exec_time_ms > 3.0 * mean_ms(statement) => {
            "Erratic: compare its plan for common and rare parameters, and look for lock waits."
        }
        Class::SimpleRead if target.is_some_and(|target| mean_ms(statement) < target / 10.0) => {
            "Quick: only fewer calls help (cache it, or ask for many keys at once)."
        }
        _ => "Nothing stands out.",
    }
}

/// The first sentence of an advice, or all of it.
fn first_sentence(text: &str) -> &str {
    let end = text.match_indices(['.', ';', ':']).find(|(place, _)| {
        *place > 20 && text[place + 1..].chars().next().is_none_or(char::is_whitespace)
    });
    end.map_or(text, |(place, sign)| if sign == "." { &text[..=place] } else { &text[..place] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::statement::sample::statement;

    #[test]
    fn a_measurement_of_a_class_names_its_statement() {
        assert_eq!(named_in("mean time of -42 in app: select 1"), Some(("-42", "app")));
        assert_eq!(named_in("mean time of the list"), None);
    }

    #[test]
    fn the_first_sentence_is_not_cut_inside_a_name() {
        assert_eq!(
            first_sentence("Join public.orders to the list. Then more."),
            "Join public.orders to the list."
        );
        assert_eq!(first_sentence("No end"), "No end");
    }

    #[test]
    fn advice_follows_from_the_numbers() {
        let of = |change: fn(&mut Statement)| {
            let mut it =
                Statement { shared_blocks_hit: 3000, total_exec_time_ms: 500.0, ..statement() };
            change(&mut it);
            let classified = class::of(&it);
            advice(&it, &classified, Some(10.0))
        };
        assert!(of(|_| {}).contains("fewer calls"));
        assert!(of(|it| it.temp_blocks_written = 1).contains("work_mem"));
        assert!(of(|it| it.block_read_time_ms = 400.0).contains("disk"));
        assert!(of(|it| it.shared_blocks_hit = 100_000).contains("missing index"));
        assert!(of(|it| it.total_plan_time_ms = 600.0).contains("prepare"));
        assert!(of(|it| it.rows = 2_000_000).contains("page through"));
        assert!(of(|it| it.total_exec_time_ms = 11_000.0).contains("query analyze"));
        assert!(of(|it| it.text = None).contains("pg_read_all_stats"));
    }
}
