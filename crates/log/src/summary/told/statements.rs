//! Statements: shapes of one fingerprint become one, the costliest are told.

use std::collections::BTreeMap;

use dbvitals_model::{
    Section,
    log::{Dropped, Example, Latency, LoggedStatement, Repeat, Repeats, StatementsLogged},
};

use dbvitals_query::{Class, Statement};

use super::{at, ms, silent};
use crate::{
    histogram::Histogram,
    names::{ByHash, Names, Tally},
    record::text,
    shape::normalise,
    summary::{
        Summary,
        groups::{Group, Slowest},
        sequences::Pair,
    },
};

/// Bytes of a text that are told.
const TEXT: usize = 1000;
const PLAN: usize = 16 * 1024;
/// Pairs of parent and child that are told.
const PAIRS: usize = 50;

/// How a shape is called in the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Called {
    pub(super) fingerprint: String,
    pub(super) text: String,
    /// It reads on from where another of its kind ended.
    is_page: bool,
}

/// What is told of statements.
pub(super) struct Told {
    pub(super) statements: Section<StatementsLogged>,
    pub(super) repeats: Section<Repeats>,
    pub(super) names: ByHash<Called>,
    /// Temporary files by fingerprint: files, bytes.
    pub(super) temp: BTreeMap<String, (String, i64, i64)>,
}

struct Merged {
    class: String,
    is_page: bool,
    text: String,
    group: Group,
}

pub(super) fn tell(summary: &mut Summary) -> Told {
    let groups = std::mem::take(&mut summary.groups.by_hash);
    let mut ordered: Vec<(u64, Box<Group>)> = groups.into_iter().collect();
    ordered.sort_unstable_by(|a, b| b.1.total.cmp(&a.1.total).then(a.0.cmp(&b.0)));
    let mut merged: BTreeMap<String, Merged> = BTreeMap::new();
    let mut names = ByHash::default();
    for (hash, group) in ordered {
        let statement = text(&group.text, usize::MAX);
        let key = dbvitals_query::group_key(&statement);
        let fingerprint = key.unwrap_or_else(|_| format!("~{hash:016x}"));
        let entry = merged.entry(fingerprint.clone());
        let into = entry.or_insert_with(|| {
            let parsed = Statement::parse(&statement).ok();
            let class = parsed.as_ref().map_or(Class::Unknown, |parsed| parsed.classify().class);
            Merged {
                class: class.as_str().to_owned(),
                is_page: parsed.is_some_and(|parsed| parsed.is_page()),
                text: normalise(statement.as_bytes(), TEXT),
                group: Group::default(),
            }
        });
        let is_page = into.is_page;
        names.insert(hash, Called { fingerprint, text: into.text.clone(), is_page });
        into.group.merge(*group);
    }
    let temp = merged
        .iter()
        .filter(|(_, merged)| merged.group.temp_files > 0)
        .map(|(fingerprint, merged)| {
            let group = &merged.group;
            (fingerprint.clone(), (merged.text.clone(), group.temp_files, group.temp_bytes))
        })
        .collect();
    let calls = |merged: &Merged| merged.group.calls + merged.group.untimed.max(0);
    let calls = merged.iter().map(|(name, merged)| (name.clone(), calls(merged))).collect();
    let statements = statements(summary, merged);
    let repeats = repeats(summary, &names, &calls);
    Told { statements, repeats, names, temp }
}

fn statements(summary: &Summary, merged: BTreeMap<String, Merged>) -> Section<StatementsLogged> {
    let mut all = StatementsLogged::default();
    let mut histogram = summary.hours.rest.histogram.clone();
    for (_, hour) in &summary.hours.known {
        histogram.merge(&hour.histogram);
    }
    let dropped = summary.groups.dropped;
    all.dropped = Dropped {
        statements: dropped.statements,
        calls: dropped.calls,
        total_ms: ms(dropped.micros),
    };
    let (mut parse, mut bind, mut micros) = (dropped.parse, dropped.bind, dropped.micros);
    (all.calls, all.untimed) = (dropped.calls, dropped.untimed);
    let (mut least, mut most) = (i64::MAX, 0);
    let [mut databases, mut users, mut applications] = [(); 3].map(|()| Tally::default());
    let mut by_plans = false;
    for merged in merged.values() {
        let group = &merged.group;
        all.calls += group.calls;
        all.untimed += group.untimed.max(0);
        micros += group.total;
        parse += group.parse;
        bind += group.bind;
        if group.calls > 0 {
            least = least.min(group.min);
            most = most.max(group.max);
        }
        by_plans |= group.calls == 0 && group.plans > 0;
        databases.merge(&group.databases);
        users.merge(&group.users);
        applications.merge(&group.applications);
    }
    if all.calls == 0 && all.untimed == 0 && !by_plans {
        return silent(
            "the log tells no duration of any statement",
            "set log_min_duration_statement, for example to 100ms (0 on a test system)",
        );
    }
    all.distinct = i64::try_from(merged.len()).unwrap_or(i64::MAX);
    (all.total_ms, all.parse_ms, all.bind_ms) = (ms(micros), ms(parse), ms(bind));
    all.shortest_ms = (least != i64::MAX).then(|| ms(least));
    all.latency = latency(&histogram, all.calls, micros, least.min(most), most);
    all.histogram = histogram.buckets();
    all.databases = databases.counts(&summary.names);
    all.users = users.counts(&summary.names);
    all.applications = applications.counts(&summary.names);
    all.leaders = leaders(summary, merged);
    Section::collected(all)
}

/// The costliest by time, half as many of the most frequent, and all that are known for something else.
fn leaders(summary: &Summary, merged: BTreeMap<String, Merged>) -> Vec<LoggedStatement> {
    let mut all: Vec<(String, Merged)> = merged.into_iter().collect();
    all.sort_unstable_by(|a, b| cost(&b.1).cmp(&cost(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let limit = summary.limits.leaders;
    let mut by_calls: Vec<i64> = all.iter().map(|(_, merged)| merged.group.calls).collect();
    by_calls.sort_unstable_by(|a, b| b.cmp(a));
    let least_calls = by_calls.get(limit / 2).copied().unwrap_or(0);
    all.into_iter()
        .enumerate()
        .filter(|(place, (_, merged))| {
            let group = &merged.group;
            let is_frequent = group.calls > least_calls;
            let is_known = group.temp_files > 0 || group.lock_waits > 0;
            *place < limit || ((is_frequent || is_known) && *place < limit * 4)
        })
        .map(|(_, (fingerprint, merged))| told(summary, fingerprint, merged))
        .collect()
}

fn cost(merged: &Merged) -> i64 {
    if merged.group.calls > 0 { merged.group.total } else { merged.group.plan_total }
}

fn told(summary: &Summary, fingerprint: String, merged: Merged) -> LoggedStatement {
    let Merged { class, text: shown, group, .. } = merged;
    let names = &summary.names;
    let by_plans = group.calls == 0 && group.plans > 0;
    let (calls, micros, histogram, ends) = if by_plans {
        let ends = (group.plan_min, group.plan_max);
        (group.plans, group.plan_total, &group.plan_histogram, ends)
    } else {
        (group.calls, group.total, &group.histogram, (group.min, group.max))
    };
    let latency = latency(histogram, calls, micros, ends.0, ends.1);
    LoggedStatement {
        fingerprint,
        class,
        text: shown,
        calls,
        total_ms: ms(micros),
        latency,
        histogram: histogram.buckets(),
        untimed: group.untimed.max(0),
        parse_ms: ms(group.parse),
        bind_ms: ms(group.bind),
        plans: group.plans,
        timed_by_plans: by_plans,
        errors: group.errors,
        temp_files: group.temp_files,
        temp_bytes: group.temp_bytes,
        lock_waits: group.lock_waits,
        lock_wait_ms: ms(group.lock_wait),
        first_at: at(group.first),
        last_at: at(group.last),
        databases: group.databases.counts(names),
        users: group.users.counts(names),
        applications: group.applications.counts(names),
        slowest: group.slowest.map(|slowest| example(&slowest, names)),
        plan: group.plan.map(|(_, plan)| text(&plan, PLAN)),
    }
}

fn example(slowest: &Slowest, names: &Names) -> Example {
    Example {
        at: at(slowest.time),
        ms: ms(slowest.micros),
        text: text(&slowest.text, TEXT * 2),
        parameters: (!slowest.parameters.is_empty()).then(|| text(&slowest.parameters, TEXT)),
        database: names.name(slowest.who.database).to_owned(),
        user: names.name(slowest.who.user).to_owned(),
        application: names.name(slowest.who.application).to_owned(),
    }
}

/// Percentiles between the exact ends.
pub(super) fn latency(
    histogram: &Histogram,
    calls: i64,
    micros: i64,
    least: i64,
    most: i64,
) -> Latency {
    let (min_ms, max_ms) = (ms(least), ms(most));
    let percentile =
        |share| histogram.percentile_ms(share).unwrap_or(0.0).clamp(min_ms, max_ms.max(min_ms));
    Latency {
        min_ms,
        mean_ms: ms(micros) / calls.max(1) as f64,
        p50_ms: percentile(0.5),
        p95_ms: percentile(0.95),
        p99_ms: percentile(0.99),
        max_ms,
    }
}

fn repeats(
    summary: &Summary,
    called: &ByHash<Called>,
    calls: &BTreeMap<String, i64>,
) -> Section<Repeats> {
    let sequences = &summary.sequences;
    if !sequences.knows_processes {
        return silent(
            "the log does not tell which statements are of one session",
            "log_line_prefix = '%m [%p] %v %q%u@%d ' tells process and transaction; \
             log_min_duration_statement = 0 tells all statements",
        );
    }
    // Shapes of one fingerprint are one statement here too.
    let mut pairs: BTreeMap<(String, String), (Called, Called, Pair)> = BTreeMap::new();
    let mut ordered: Vec<_> = sequences.pairs.iter().collect();
    ordered.sort_unstable_by_key(|(key, _)| **key);
    for ((parent, child), pair) in ordered {
        let Some(child) = called.get(child).filter(|child| !child.is_page) else { continue };
        let parent = called.get(parent).cloned().unwrap_or_default();
        let key = (parent.fingerprint.clone(), child.fingerprint.clone());
        let (.., sum) =
            pairs.entry(key).or_insert_with(|| (parent, child.clone(), Pair::default()));
        sum.add(pair);
    }
    let mut leaders: Vec<Repeat> = pairs
        .into_values()
        .map(|(parent, child, pair)| Repeat {
            child_calls: calls.get(&child.fingerprint).copied().unwrap_or(pair.calls),
            parent_calls: calls.get(&parent.fingerprint).copied().unwrap_or(0),
            child: child.fingerprint,
            child_text: child.text,
            parent: parent.fingerprint,
            parent_text: parent.text,
            runs: pair.runs,
            runs_in_transaction: pair.in_transaction,
            calls: pair.calls,
            longest_run: pair.longest,
            total_ms: ms(pair.micros),
            elapsed_ms: ms(pair.elapsed),
            redundant: pair.redundant,
            databases: pair.databases.counts(&summary.names),
        })
        .collect();
    leaders.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.child.cmp(&b.child)));
    leaders.truncate(PAIRS);
    Section::collected(Repeats {
        leaders,
        knows_transactions: sequences.knows_transactions,
        dropped: sequences.dropped,
    })
}
