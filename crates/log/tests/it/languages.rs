//! Logs that a PostgreSQL 15 wrote in each language it has: the same statements, errors and warnings every time.

use std::path::Path;

use dbvitals_log::{Request, read};
use dbvitals_model::{Section, log::LogSnapshot};

/// Each file's language; all were written by the same script of statements.
const FILES: [(&str, &str); 13] = [
    ("de.log", "German"),
    ("es.log", "Spanish"),
    ("fr.log", "French"),
    ("fr.csv", "French"),
    ("it.log", "Italian"),
    ("ja.log", "Japanese"),
    ("ka.log", "Georgian"),
    ("ko.log", "Korean"),
    ("ru.log", "Russian"),
    ("ru.csv", "Russian"),
    ("sv.log", "Swedish"),
    ("uk.log", "Ukrainian"),
    ("zh_CN.log", "Chinese"),
];

fn log(file: &str) -> LogSnapshot {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/languages"));
    let request = Request { paths: vec![folder.join(file)], ..Request::default() };
    read(request, &mut |_| {}).unwrap().log
}

#[test]
fn statements_and_errors_are_read_in_every_language() {
    for (file, language) in FILES {
        let log = log(file);
        assert_eq!(log.unread.lines, 0, "{file}: {:#?}", log.unread.examples);
        assert_eq!(log.language.as_deref(), Some(language), "{file}");
        assert_eq!(log.of_severity("ERROR"), 4, "{file}: {:?}", log.severities);
        let statements = log.statements.value().unwrap();
        assert_eq!(statements.calls, 10, "{file}: {:#?}", statements.leaders);
        let counted = statements.leaders.iter().find(|s| s.text.contains("count(*) from t"));
        assert_eq!(counted.map(|s| s.calls), Some(2), "{file}");
        let errors = &log.errors.value().unwrap().groups;
        let with = |text: &str| errors.iter().any(|group| group.statement.as_deref() == Some(text));
        assert!(with("selec 1;") && with("select * from nowhere;"), "{file}: {errors:#?}");
        let users = statements.leaders.iter().flat_map(|s| &s.users);
        assert!(users.map(|user| &user.name).all(|name| name == "postgres"), "{file}");
    }
}

#[test]
fn errors_are_told_apart_where_their_sqlstate_is_told() {
    for file in ["ru.csv", "fr.csv"] {
        let log = log(file);
        let groups = &log.errors.value().unwrap().groups;
        let mut classes: Vec<&str> = groups
            .iter()
            .filter(|group| group.severity == "ERROR")
            .map(|group| group.class.as_str())
            .collect();
        classes.sort_unstable();
        assert_eq!(classes, ["cancelled", "constraint", "syntax", "unknown name"], "{file}");
    }
}

#[test]
fn what_is_not_understood_says_so() {
    let Section::Unavailable(why) = log("de.log").checkpoints else { panic!("not understood") };
    assert!(why.detail.contains("German"), "{why:?}");
    assert!(why.remedy.unwrap().contains("lc_messages"));
}
