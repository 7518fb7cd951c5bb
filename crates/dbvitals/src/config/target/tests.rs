//! Names, addresses and what a file says of its targets.

use super::*;
use crate::args::audit::{Judging, Looking};

fn resolve_all(typed: &[&str], text: &str) -> Result<Vec<Target>, Problem> {
    let args = TargetArgs {
        targets: typed.iter().map(|&t| t.to_owned()).collect(),
        ..TargetArgs::default()
    };
    let file = File::parse(text, "f")?;
    let merged = Merged::new(&args, &Judging::default(), Looking::default(), &file, None)?;
    resolve(&args, &merged, &file, &|_| None)
}

#[test]
fn a_target_may_have_a_sample_rate_of_its_own() {
    let rates = |typed: Option<f64>, own: &str| -> Result<Vec<f64>, Problem> {
        let text = format!(
            "[audit]\nsample_rate = 5\n[targets.a]\nurl = \"postgres://a\"\n\
             [targets.b]\nurl = \"postgres://b\"\nsample_rate = {own}"
        );
        let (args, file) = (TargetArgs::default(), File::parse(&text, "f")?);
        let looking = Looking { sample_rate: typed, ..Looking::default() };
        let merged = Merged::new(&args, &Judging::default(), looking, &file, None)?;
        let targets = resolve(&args, &merged, &file, &|_| None)?;
        Ok(targets.iter().map(|target| target.samples_per_second).collect())
    };
    assert_eq!(rates(None, "0.5").unwrap(), [5.0, 0.5]);
    assert_eq!(rates(Some(20.0), "0.5").unwrap(), [20.0, 20.0], "what is typed wins");
    let problem = rates(None, "1000").unwrap_err().to_string();
    let wanted = "target b: sample_rate: 1000 is not between 0.1 and 100 looks a second";
    assert!(problem.contains(wanted), "{problem}");
    let file = "[targets.c]\nurl = \"redis://c\"\nsample_rate = 2";
    let problem = resolve_all(&[], file).unwrap_err().to_string();
    assert!(problem.contains("target c: sample_rate is for PostgreSQL targets"), "{problem}");
}

#[test]
fn names_come_from_the_user_or_from_the_endpoint() {
    let targets =
        resolve_all(&["main=postgres://db.example/app", "redis://cache.example"], "").unwrap();
    assert_eq!(targets[0].name, "main");
    assert_eq!(targets[1].name, "cache.example:6379");
}

#[test]
fn connection_strings_are_not_taken_for_names() {
    let targets = resolve_all(&["host=db.example dbname=app"], "").unwrap();
    assert!(matches!(targets[0].server, Server::Postgres(_)));
}

#[test]
fn the_same_server_twice_needs_names() {
    let message = resolve_all(&["redis://a", "redis://a"], "").unwrap_err().to_string();
    assert!(message.contains("two targets are called a:6379"), "{message}");
}

#[test]
fn unknown_schemes_and_names_say_what_is_known() {
    let message = resolve_all(&["mysql://a"], "").unwrap_err().to_string();
    assert!(message.contains("unknown scheme \"mysql\""), "{message}");
    let file = "[targets.main]\nurl = \"postgres://a\"";
    let message = resolve_all(&["mian"], file).unwrap_err().to_string();
    assert!(message.contains("did you mean main?"), "{message}");
    assert!(resolve_all(&[], "").unwrap_err().to_string().contains("no target"));
}

#[test]
fn every_host_is_a_target_where_that_is_wanted() {
    let url = "main=postgres://a:1,b:2/app";
    let one = nodes(resolve_all(&[url], "").unwrap(), NodeArgs::default()).unwrap();
    assert_eq!(one.len(), 1);
    let flags = NodeArgs { all_nodes: true, with_replicas: false };
    let names = |typed: &str| {
        let all = nodes(resolve_all(&[typed], "").unwrap(), flags).unwrap();
        all.into_iter().map(|target| target.name).collect::<Vec<_>>()
    };
    assert_eq!(names(url), ["main/a:1", "main/b:2"]);
    assert_eq!(names("postgres://a:1,b:2/app"), ["a:1/app", "b:2/app"]);
    assert_eq!(names("postgres://a:1/app"), ["a:1/app"]);
    let file = "[targets.main]\nurl = \"postgres://a,b/app\"\nall_nodes = true";
    let all = nodes(resolve_all(&[], file).unwrap(), NodeArgs::default()).unwrap();
    assert_eq!(all.len(), 2);
}

#[test]
fn files_give_expectations() {
    let file = "[targets.main]\nurl = \"postgres://a\"\nreplicas = 2\n\
                [targets.c]\nurl = \"redis://b\"\nrole = \"cache\"";
    let targets = resolve_all(&[], file).unwrap();
    assert_eq!(targets[0].expectations.is_cache, Some(true));
    assert_eq!(targets[1].expectations.replicas, Some(2));
}
