//! Latency as the server measures it and as a client feels it.

use std::collections::BTreeMap;

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{
        CommandStat,
        look::{Histogram, LatencyLook},
    },
};

use super::{begin, seen};
use crate::{redis::latency::latency_event, view::seconds_between, words};

/// Commands shown.
const COMMANDS: usize = 20;

/// Commands of this look itself.
const OURS: &[&str] = &[
    "acl|whoami",
    "client|setname",
    "config|get",
    "hello",
    "info",
    "latency|histogram",
    "latency|history",
    "latency|latest",
    "ping",
    "time",
];

/// A slow hundredth of round trips this many times the usual one is worth a remark.
const SPREAD: f64 = 10.0;

/// Latency of a server as a sheet.
pub fn sheet(target: &str, look: &LatencyLook) -> Sheet {
    let mut sheet = begin("redis-latency", target, &look.ground);
    round_trips(&mut sheet, look);
    let config = seen(&mut sheet, "the threshold of the latency monitor", &look.ground.config);
    let threshold = config.and_then(|config| config.int("latency-monitor-threshold"));
    if let Some(threshold) = threshold.filter(|threshold| *threshold > 0) {
        sheet.fact("events from", threshold, Unit::Ms, "CONFIG latency-monitor-threshold");
    }
    commands(&mut sheet, look);
    events(&mut sheet, look);
    sheet
}

fn round_trips(sheet: &mut Sheet, look: &LatencyLook) {
    let mut times = look.pings_ms.clone();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list, between 0 and its length"
        )]
        let place = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
        times.get(place).copied()
    };
    let (Some(middle), Some(slow), Some(worst)) = (at(0.5), at(0.99), at(1.0)) else { return };
    let source = "PING from here";
    let count = i64::try_from(times.len()).unwrap_or(i64::MAX);
    sheet.fact("round trips", count, Unit::Count, source);
    sheet.fact("p50", middle, Unit::Ms, source);
    sheet.fact("p99", slow, Unit::Ms, source);
    sheet.fact("worst", worst, Unit::Ms, source);
    if slow > middle * SPREAD && count >= 100 {
        sheet.note(format!(
            "One round trip in a hundred takes {:.0} times the usual one: something holds up the server, the network \
             or one of the machines now and then.",
            slow / middle
        ));
    }
    sheet.note(
        "Round trips hold the network and both machines. What the server's machine alone adds tells `redis-cli \
         --intrinsic-latency 10`, run on it.",
    );
}

fn commands(sheet: &mut Sheet, look: &LatencyLook) {
    let window = seen(sheet, "rates of commands", &look.window);
    let after = seen(sheet, "percentiles of commands", &look.histograms);
    let before = look.histograms_before.value();
    let Some(window) = window else { return since_start(sheet, after) };
    if let Some(ratio) = window.cpu_ratio {
        sheet.fact("CPU of the server", ratio, Unit::Ratio, "INFO cpu, over the look");
    }
    let mut stats: Vec<&CommandStat> =
        window.commands.iter().filter(|stat| !OURS.contains(&stat.name.as_str())).collect();
    let calls: i64 = stats.iter().map(|stat| stat.calls).sum();
    sheet.fact("commands", per_second(calls, window.seconds), Unit::PerSecond, "INFO commandstats");
    stats.sort_by_key(|stat| (std::cmp::Reverse(stat.total_us), stat.name.as_str()));
    let total = stats.iter().map(|stat| stat.total_us).sum::<i64>().max(1) as f64;
    let rows: Vec<_> = stats
        .iter()
        .take(COMMANDS)
        .map(|stat| {
            let now = after.and_then(|all| all.get(&stat.name));
            let earlier = before.and_then(|all| all.get(&stat.name)).cloned().unwrap_or_default();
            let between = now.and_then(|now| now.since(&earlier));
            vec![
                stat.name.as_str().into(),
                per_second(stat.calls, window.seconds).into(),
                (stat.total_us as f64 / total).into(),
                (stat.us_per_call / 1000.0).into(),
                bound(between.as_ref(), 0.5),
                bound(between.as_ref(), 0.99),
                bound(now, 0.99),
                Measure::from(stat.failed + stat.rejected),
            ]
        })
        .collect();
    let columns = [
        ("command", Unit::Text),
        ("calls", Unit::PerSecond),
        ("share of time", Unit::Ratio),
        ("mean", Unit::Ms),
        ("p50 ≤", Unit::Ms),
        ("p99 ≤", Unit::Ms),
        ("ever p99 ≤", Unit::Ms),
        ("failed", Unit::Count),
    ];
    let title = format!("Commands over {}", words::seconds(window.seconds));
    if rows.is_empty() {
        sheet.note("No command was called meanwhile, but ours.");
        return since_start(sheet, after);
    }
    sheet.table("commands", title, &columns, rows);
}

/// Percentiles since the start, where nothing can be said of the time of the look.
fn since_start(sheet: &mut Sheet, histograms: Option<&BTreeMap<String, Histogram>>) {
    let Some(histograms) = histograms else { return };
    let mut all: Vec<_> =
        histograms.iter().filter(|(name, _)| !OURS.contains(&name.as_str())).collect();
    all.sort_by_key(|(name, histogram)| (std::cmp::Reverse(histogram.calls), name.as_str()));
    let rows = all.into_iter().take(COMMANDS).map(|(name, histogram)| {
        let at = |share| bound(Some(histogram), share);
        vec![name.as_str().into(), histogram.calls.into(), at(0.5), at(0.99), at(0.999)]
    });
    let columns = [
        ("command", Unit::Text),
        ("calls", Unit::Count),
        ("p50 ≤", Unit::Ms),
        ("p99 ≤", Unit::Ms),
        ("p99.9 ≤", Unit::Ms),
    ];
    sheet.table("histograms", "Commands since the start", &columns, rows.collect());
}

fn per_second(count: i64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// The upper bound of a percentile in milliseconds; no number where there is none.
fn bound(histogram: Option<&Histogram>, share: f64) -> Measure {
    let micros = histogram.and_then(|histogram| histogram.percentile_us(share));
    Measure::Number(micros.map_or(f64::NAN, |micros| micros as f64 / 1000.0))
}

fn events(sheet: &mut Sheet, look: &LatencyLook) {
    let Some(events) = seen(sheet, "latency events", &look.events) else { return };
    let history = seen(sheet, "the history of events", &look.history);
    let now = look.ground.server.now;
    let mut sorted: Vec<_> = events.iter().collect();
    sorted.sort_by_key(|event| (std::cmp::Reverse(event.max_ms), event.event.as_str()));
    let rows = sorted.iter().map(|event| {
        let past = history.and_then(|all| all.get(&event.event));
        let times = past.map_or(f64::NAN, |past| past.len() as f64);
        let total: i64 = past.map_or(0, |past| past.iter().map(|it| it.ms).sum());
        let first = past.and_then(|past| past.iter().filter_map(|it| it.at).min());
        let ago =
            |at: Option<_>| Measure::Number(at.map_or(f64::NAN, |at| seconds_between(at, now)));
        vec![
            event.event.as_str().into(),
            Measure::Number(times),
            ago(first),
            ago(event.at),
            event.latest_ms.into(),
            Measure::Number(total as f64 / times),
            event.max_ms.into(),
        ]
    });
    let columns = [
        ("event", Unit::Text),
        ("times", Unit::Count),
        ("first", Unit::Seconds),
        ("last", Unit::Seconds),
        ("latest", Unit::Ms),
        ("mean", Unit::Ms),
        ("worst", Unit::Ms),
    ];
    sheet.table(
        "events",
        "Standstills seen by the latency monitor (first and last: how long ago)",
        &columns,
        rows.collect(),
    );
    if events.is_empty() {
        sheet.note("The latency monitor saw no standstill.");
    }
    for event in sorted {
        if let Some(advice) = latency_event::advice(&event.event) {
            sheet.note(format!("{}: {advice}", event.event));
        }
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section,
        redis::{
            Config, LatencyEvent, Window,
            look::{Ground, Occurrence},
        },
    };

    use super::*;
    use crate::testing::{ago, healthy_redis};

    fn look() -> LatencyLook {
        let redis = healthy_redis();
        let ground = Ground {
            server: redis.server,
            info: redis.info,
            config: Section::collected(Config::default()),
        };
        let stat = |name: &str, calls, total_us| CommandStat {
            name: name.into(),
            calls,
            total_us,
            us_per_call: 10.0,
            ..CommandStat::default()
        };
        let commands =
            vec![stat("get", 1000, 10_000), stat("hgetall", 10, 90_000), stat("ping", 99, 1)];
        let window = Window { seconds: 10.0, commands, ..Window::default() };
        let histogram = |calls, buckets: &[(i64, i64)]| {
            let histogram = Histogram { calls, buckets: buckets.to_vec() };
            Section::collected(BTreeMap::from([("get".to_owned(), histogram)]))
        };
        LatencyLook {
            ground,
            events: Section::collected(vec![LatencyEvent {
                event: "command".into(),
                at: ago(60),
                latest_ms: 20,
                max_ms: 40,
            }]),
            history: Section::collected(BTreeMap::from([(
                "command".to_owned(),
                vec![Occurrence { at: ago(90), ms: 40 }, Occurrence { at: ago(60), ms: 20 }],
            )])),
            histograms: histogram(2000, &[(1, 1000), (1024, 2000)]),
            histograms_before: histogram(1000, &[(1, 1000)]),
            window: Section::collected(window),
            pings_ms: (1..=200).map(|n| if n > 196 { 9.0 } else { 0.1 }).collect(),
        }
    }

    #[test]
    fn commands_are_of_the_look_and_without_ours() {
        let sheet = sheet("cache", &look());
        let commands = &sheet.tables[0];
        let names: Vec<_> = commands.rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(names, ["hgetall".into(), "get".into()]);
        assert_eq!(commands.rows[1][1..3], [100.0.into(), 0.1.into()]);
        // Over the look all of its calls were slow, though half of all calls since the start were not.
        assert_eq!(commands.rows[1][4..7], [1.024.into(), 1.024.into(), 1.024.into()]);
    }

    #[test]
    fn round_trips_and_events_are_told_with_advice() {
        let sheet = sheet("cache", &look());
        let fact =
            |label: &str| sheet.facts.iter().find(|it| it.label == label).unwrap().value.clone();
        assert_eq!((fact("p50"), fact("p99")), (0.1.into(), 9.0.into()));
        assert!(
            sheet.notes.iter().any(|note| note.contains("90 times the usual one")),
            "{sheet:?}"
        );
        let events = &sheet.tables[1];
        assert_eq!(events.rows[0][1..4], [2_i64.into(), 90.0.into(), 60.0.into()]);
        assert_eq!(events.rows[0][5], 30.0.into());
        assert!(sheet.notes.iter().any(|note| note.starts_with("command: Find the commands")));
    }

    #[test]
    fn before_7_there_are_rates_without_percentiles() {
        let none = || Section::unavailable(Reason::Version, "before 7.0");
        let look = LatencyLook { histograms: none(), histograms_before: none(), ..look() };
        let sheet = sheet("cache", &look);
        assert_eq!(sheet.tables[0].rows.len(), 2);
        assert_eq!(sheet.missing.len(), 1);
    }
}
