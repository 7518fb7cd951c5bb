//! Without a server: rules that need no catalogue speak, and say what could not be checked.

use super::*;

fn offline(text: &str) -> Vec<Suggestion> {
    let statement = Statement::parse(text).unwrap();
    suggestions(text, &statement, &Facts::default())
}

#[test]
fn what_needs_no_catalogue_is_told() {
    for (wanted, text) in [
        ("comparison-with-null", "select a from t where b = null"),
        ("not-in-nullable", "select a from t where b not in (select c from u)"),
        ("or-always-true", "select a from t where b <> 1 or b <> 2"),
        ("implicit-cross-join", "select t.a from t, u where t.a = 1 and u.b = 2"),
        ("left-join-undone", "select t.a from t left join u on u.a = t.a where u.b = 1"),
        ("distinct-on-without-order", "select distinct on (a) a, b from t"),
        ("limit-without-order", "select a from t limit 5"),
        ("write-without-where", "delete from t"),
        ("queue-without-skip-locked", "select a from t order by a limit 1 for update"),
        ("offset-paging", "select a from t order by id offset $1"),
        ("infix-pattern", "select a from t where b like '%abc%'"),
        ("case-folded-column", "select a from t where lower(b) = $1"),
        ("json-field", "select a from t where b ->> 'c' = $1"),
        ("json-containment", "select a from t where b @> '{\"c\": 1}'"),
        ("or-across-columns", "select a from t where b = 1 or c = 2"),
        ("order-by-random", "select a from t order by random() limit 5"),
        ("select-star", "select * from t where b = 2"),
        ("insert-without-columns", "insert into t values (1)"),
        (
            "between-ends-at-midnight",
            "select a from t where b between $1 and '2024-01-31'::timestamp",
        ),
        // Columns without a table may be of either.
        ("", "select a from t, u where b = c"),
        ("", "select a from t where id = 5 limit 1"),
        ("", "select a from t where lower(b) = $1 and id = $2"),
        // Only a catalogue tells.
        ("", "select a from t"),
        ("", "select count(*) from t"),
        ("", "select a from t where b between '2024-01-01' and '2024-01-31'"),
        ("", "select a from t where b > now()"),
        ("", "select distinct t.a from t join u on u.a = t.a"),
        ("", "select a from t where b in (select b from u)"),
    ] {
        assert_eq!(names(&offline(text)), wanted, "{text}");
    }
}

#[test]
fn what_could_not_be_checked_is_said() {
    let found = offline("select a from t where lower(b) = $1");
    assert_eq!(found[0].needs, ["whether there is an index on lower(b)"]);
    let fix = found[0].fix.as_ref().unwrap();
    assert_eq!(fix.statements, ["CREATE INDEX CONCURRENTLY t_b_lower_idx ON t (lower(b));"]);
}

fn script(texts: &[&str]) -> Vec<(usize, Suggestion)> {
    let parsed: Vec<Statement> = texts.iter().map(|text| Statement::parse(text).unwrap()).collect();
    let both: Vec<(&str, &Statement)> = texts.iter().copied().zip(&parsed).collect();
    of_script(&both)
}

#[test]
fn lookups_one_by_one_are_told_of_a_script() {
    let found = script(&[
        "select 1",
        "select name from t where id = 5",
        "select name from t where id = 7 ",
        "update t set name = 'x' where id = 7",
        "select name from t where id = 9",
    ]);
    let [(1, one)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.text.as_deref(), Some("SELECT id, name FROM t WHERE id = ANY(ARRAY[5, 7, 9])"));
    let parameters = script(&["select * from t where id = $1"; 3]);
    assert_eq!(parameters[0].1.text.as_deref(), Some("SELECT * FROM t WHERE id = ANY($1)"));
    assert!(
        script(&["select name from t where id = 5", "select name from t where id = 6"]).is_empty()
    );
    assert!(script(&["select name from t where id = any ($1)"; 3]).is_empty());
    assert!(script(&["update t set name = 'x' where id = 1"; 5]).is_empty());
}
