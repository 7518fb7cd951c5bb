//! Data follows from a seed, and holds what conditions ask for.

use super::*;

fn parsed(text: &str) -> Statement {
    Statement::parse(text).unwrap()
}

fn table() -> Table {
    let column = |name: &str, type_name: &str, is_not_null| TableColumn {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        is_not_null,
    };
    Table {
        schema: "app".to_owned(),
        name: "odd \"t\"".to_owned(),
        columns: vec![
            column("id", "integer", true),
            column("n", "integer", false),
            column("txt", "character varying(3)", false),
        ],
        keys: vec![vec!["id".to_owned()]],
    }
}

fn pools(statement: &Statement) -> Pools {
    let names = ["integer", "character varying(3)"];
    names.into_iter().map(|name| (name.to_owned(), candidates(name, statement))).collect()
}

#[test]
fn tables_are_made_with_their_keys_and_nothing_else() {
    let mood = Enum {
        schema: "app".to_owned(),
        type_name: "app.mood".to_owned(),
        labels: vec!["good".to_owned(), "it's".to_owned()],
    };
    assert!(mood.is_called("mood") && mood.is_called("app.mood") && !mood.is_called("app"));
    assert_eq!(
        definitions(&[table()], &[mood]),
        [
            "DROP SCHEMA IF EXISTS \"app\" CASCADE",
            "CREATE SCHEMA \"app\"",
            "DROP SCHEMA IF EXISTS \"public\" CASCADE",
            "CREATE SCHEMA \"public\"",
            "SET search_path = \"app\", \"public\"",
            "CREATE TYPE app.mood AS ENUM ('good', 'it''s')",
            "CREATE TABLE \"app\".\"odd \"\"t\"\"\" (\"id\" integer NOT NULL, \"n\" integer, \
             \"txt\" character varying(3), UNIQUE (\"id\"))",
        ]
    );
}

#[test]
fn constants_and_their_neighbours_are_among_the_values() {
    let statement =
        parsed("select * from t where n > 4711 and txt = 'it''s' and at < '2020-05-06'");
    let integers = candidates("integer", &statement);
    assert!(["4710", "4711", "4712"].iter().all(|n| integers.contains(&(*n).to_owned())));
    assert!(candidates("text", &statement).contains(&"it's".to_owned()));
    let moments = candidates("timestamp without time zone", &statement);
    assert!(moments.contains(&"2020-05-06 23:59:59.999999".to_owned()));
    assert!(candidates("integer[]", &statement).contains(&"{\"1\"}".to_owned()));
    assert!(
        candidates("mood", &statement).is_empty() && candidates("mood[]", &statement).is_empty()
    );
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let pools = pools(&parsed("select 1"));
    let rounds = |seed| {
        let mut dice = Dice::new(seed);
        let parameters = ["integer".to_owned()];
        (0..12).map(|n| round(n, &[table()], &parameters, &pools, &mut dice)).collect::<Vec<_>>()
    };
    let (one, same, other) = (rounds(1), rounds(1), rounds(2));
    assert!(one == same && one != other);
    assert!(one[0].rows[0].is_empty() && one[1].rows[0].len() == 1);
    let all = format!("{one:?}");
    assert!(all.contains("NULL") && all.contains("'a'") && all.contains("'ab'"));
    // A column that takes no NULL gets none.
    assert!(one.iter().flat_map(|round| &round.rows[0]).all(|row| !row.starts_with("(NULL")));
}

#[test]
fn what_is_executed_and_what_is_compared_is_known() {
    let calls = |text: &str| unsteady_call(&parsed(text), &());
    assert_eq!(calls("select lower(txt), count(*), rank() over (order by n) from t"), None);
    assert_eq!(calls("select pg_terminate_backend(1)").as_deref(), Some("pg_terminate_backend"));
    assert_eq!(calls("select x.now() from t").as_deref(), Some("x.now"));
    for text in [
        "select * from t limit 1",
        "select * from (select distinct on (n) * from t) x",
        "select row_number() over () from t",
        "select array_agg(n) from t",
    ] {
        assert!(!is_determined(&parsed(text)), "{text}");
    }
    assert!(is_determined(&parsed("select n, sum(m) from t group by n order by n")));
    assert!(writes(&parsed("with x as (delete from t returning *) select * from x")));
    assert!(!writes(&parsed("select * from t")));
    assert!(is_comparable(&parsed("merge into t using u on true when matched then delete")));
    for text in ["select 1 into x", "create table x as select 1", "execute p", "vacuum"] {
        assert!(!is_comparable(&parsed(text)), "{text}");
    }
}
