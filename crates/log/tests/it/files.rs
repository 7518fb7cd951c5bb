//! Sets of files: rotated, packed, read in parts, followed.

use std::{fs, io::Write, path::Path};

use dbvitals_log::{Limits, Request, State, feed::Known, follow::Follower, read, summary::Summary};
use dbvitals_model::log::LogSnapshot;

/// A plain log of so many statements, each some seconds after the one before.
fn lines(hour: u32, number: u32) -> String {
    let lines: Vec<String> = (0..number)
        .map(|at| {
            let (minute, second) = (at / 60 % 60, at % 60);
            format!(
                "2026-01-01 {hour:02}:{minute:02}:{second:02}.000 UTC [7] joe@app LOG:  duration: 2.000 ms  statement: select {at}\n"
            )
        })
        .collect();
    lines.concat()
}

fn calls(log: &LogSnapshot) -> i64 {
    log.statements.value().map_or(0, |statements| statements.calls)
}

fn read_with(folder: &Path, state: Option<State>) -> (LogSnapshot, State) {
    let request = Request { paths: vec![folder.to_owned()], state, ..Request::default() };
    let read = read(request, &mut |_| {}).unwrap();
    (read.log, read.state)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_rotated_set_is_read_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), lines(12, 10)).unwrap();
    fs::write(folder.path().join("b.log.gz"), gzip(&lines(10, 20))).unwrap();
    fs::write(folder.path().join("notes.txt"), "not a log").unwrap();
    let (log, _) = read_with(folder.path(), None);
    assert_eq!(calls(&log), 30);
    assert!(log.sources[0].name.ends_with("b.log.gz"));
    assert_eq!(log.sources[0].compression.as_deref(), Some("gzip"));
    assert_eq!(log.hours.len(), 2);
    assert_eq!(log.hours[0].statements, 20);
    let statements = log.statements.value().unwrap();
    assert_eq!((statements.distinct, statements.leaders[0].calls), (1, 30));
    assert!((statements.total_ms - 60.0).abs() < 1e-9);
}

#[test]
fn a_later_run_reads_what_came_since_also_when_the_file_was_renamed_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.log");
    let all = lines(10, 30);
    // The last line is being written.
    let cut = all.len() - 40;
    fs::write(&path, &all[..cut]).unwrap();
    let (log, state) = read_with(folder.path(), Some(State::default()));
    assert_eq!((calls(&log), log.unread.lines), (29, 0));
    fs::write(&path, &all).unwrap();
    let (log, state) = read_with(folder.path(), Some(state));
    assert_eq!((calls(&log), log.unread.lines), (1, 0));
    let (log, state) = read_with(folder.path(), Some(state));
    assert_eq!(log.records, 0);
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("server.log.1.gz"), gzip(&format!("{all}{}", lines(11, 5))))
        .unwrap();
    fs::write(&path, lines(12, 3)).unwrap();
    let (log, _) = read_with(folder.path(), Some(state));
    assert_eq!(calls(&log), 8);
}

#[test]
fn a_packed_file_that_breaks_off_counts_as_far_as_it_goes_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = gzip(&lines(10, 3000));
    packed.truncate(packed.len() - 10);
    fs::write(folder.path().join("a.log.gz"), packed).unwrap();
    let (log, _) = read_with(folder.path(), None);
    assert!(calls(&log) > 1000, "{}", calls(&log));
    assert!(log.sources[0].problem.is_some());
}

#[test]
fn times_outside_the_wanted_ones_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    fs::write(&path, lines(10, 120)).unwrap();
    let at = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    let limits = Limits {
        since: at("2026-01-01T10:00:30Z"),
        until: at("2026-01-01T10:01:00Z"),
        ..Limits::default()
    };
    let request = Request { paths: vec![path], limits, ..Request::default() };
    assert_eq!(calls(&read(request, &mut |_| {}).unwrap().log), 30);
}

#[test]
fn a_log_is_followed_over_its_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.log");
    fs::write(&path, lines(9, 4)).unwrap();
    let mut summary = Summary::new(Limits::default());
    let mut follower = Follower::new(path.clone(), Known::default(), true).unwrap();
    assert!(!follower.poll(&mut summary).unwrap());
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let more = lines(10, 5);
    file.write_all(&more.as_bytes()[..more.len() - 20]).unwrap();
    assert!(follower.poll(&mut summary).unwrap());
    assert_eq!(summary.records(), 4, "the line that is being written waits");
    file.write_all(&more.as_bytes()[more.len() - 20..]).unwrap();
    follower.poll(&mut summary).unwrap();
    assert_eq!(summary.records(), 5);
    fs::rename(&path, folder.path().join("server.log.1")).unwrap();
    follower.poll(&mut summary).unwrap();
    fs::write(&path, lines(11, 6)).unwrap();
    follower.poll(&mut summary).unwrap();
    follower.poll(&mut summary).unwrap();
    assert_eq!(summary.records(), 11);
    let (sources, _) = follower.finish(&mut summary);
    assert_eq!(sources.iter().map(|source| source.records).collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn memory_is_bounded_and_what_is_left_out_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let text: Vec<String> = (0..3000)
        .map(|at| format!("2026-01-01 10:00:00 UTC [7] LOG:  duration: {}.000 ms  statement: select a{at} from t{at}\n", at % 100))
        .collect();
    fs::write(&path, text.concat()).unwrap();
    let limits = Limits { statements: 100, leaders: 10, ..Limits::default() };
    let request = Request { paths: vec![path], limits, ..Request::default() };
    let log = read(request, &mut |_| {}).unwrap().log;
    let statements = log.statements.value().unwrap();
    assert_eq!(statements.calls, 3000);
    assert!((statements.total_ms - 148_500.0).abs() < 1e-6, "{}", statements.total_ms);
    assert_eq!(statements.distinct + statements.dropped.statements, 3000);
    assert!(statements.distinct <= 100);
    assert!((statements.leaders[0].total_ms - 99.0).abs() < 1e-9);
}

#[test]
fn as_many_statements_as_are_kept_are_all_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let line = |at: i32| {
        format!(
            "2026-01-01 10:00:00 UTC [7] LOG:  duration: 1.000 ms  statement: select a{at} from t{at}\n"
        )
    };
    let text: Vec<String> = (0..3).flat_map(|_| (0..100).map(line)).collect();
    fs::write(&path, text.concat()).unwrap();
    let limits = Limits { statements: 100, leaders: 100, ..Limits::default() };
    let request = Request { paths: vec![path], limits, ..Request::default() };
    let log = read(request, &mut |_| {}).unwrap().log;
    let statements = log.statements.value().unwrap();
    assert_eq!((statements.calls, statements.dropped.statements), (300, 0));
}

#[test]
fn a_log_is_followed_in_the_format_of_what_is_there_already() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.csv");
    let corpus = include_str!("../corpus/csv.csv");
    fs::write(&path, corpus).unwrap();
    let mut summary = Summary::new(Limits::default());
    let mut follower = Follower::new(path.clone(), Known::default(), true).unwrap();
    assert!(!follower.poll(&mut summary).unwrap());
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(corpus.as_bytes()).unwrap();
    follower.poll(&mut summary).unwrap();
    let (sources, _) = follower.finish(&mut summary);
    assert_eq!((sources[0].format.as_str(), sources[0].records), ("csv", 27));
}

#[test]
fn joins_of_other_tables_are_other_statements() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let line = |table: &str, id: i32| {
        format!(
            "2026-01-01 10:00:00 UTC [7] LOG:  duration: 1.000 ms  statement: select t.id, u.email from {table} t join users u on u.id = t.user_id where t.id = {id}\n"
        )
    };
    fs::write(&path, [line("orders", 1), line("stock", 2), line("orders", 3)].concat()).unwrap();
    let request = Request { paths: vec![path], ..Request::default() };
    let log = read(request, &mut |_| {}).unwrap().log;
    let statements = log.statements.value().unwrap();
    let calls: Vec<i64> = statements.leaders.iter().map(|statement| statement.calls).collect();
    assert_eq!(calls, [2, 1]);
    assert_ne!(statements.leaders[0].fingerprint, statements.leaders[1].fingerprint);
}
