//! Data follows from a seed, and holds what conditions ask for.

use super::*;
use crate::TableName;

fn parsed(text: &str) -> Statement {
    Statement::parse(text).unwrap()
}

fn table() -> Table {
    let column = TableColumn::new;
    Table {
        schema: "app".to_owned(),
        name: "odd \"t\"".to_owned(),
        columns: vec![
            column("id", "integer", true),
            column("n", "integer", false),
            column("txt", "character varying(3)", false),
        ],
        keys: vec![vec!["id".to_owned()]],
        ..Table::default()
    }
}

fn pools(statement: &Statement) -> Pools {
    let names = ["integer", "character varying(3)"];
    let values = |name: &str| candidates(name, &constants(statement), &[], &Pools::new());
    names.into_iter().map(|name| (name.to_owned(), values(name))).collect()
}

#[test]
fn tables_are_made_with_their_keys_and_nothing_else() {
    let made: Vec<String> = definitions(&[table()]).into_iter().map(|it| it.sql).collect();
    assert_eq!(
        made[1..],
        [
            "CREATE SCHEMA \"app\"",
            "SET search_path = \"app\"; SET check_function_bodies = off",
            "CREATE TABLE \"app\".\"odd \"\"t\"\"\" (\"id\" integer NOT NULL, \"n\" integer, \
             \"txt\" character varying(3), UNIQUE (\"id\"))",
        ]
    );
    let special = Table {
        schema: "s".to_owned(),
        name: "t".to_owned(),
        columns: vec![
            TableColumn { identity: Some("ALWAYS"), ..TableColumn::new("id", "bigint", true) },
            TableColumn {
                collation: Some("pg_catalog.\"C\"".to_owned()),
                default: Some("'x'::text".to_owned()),
                ..TableColumn::new("a", "text", false)
            },
            TableColumn {
                generated: Some("(lower(a)) STORED".to_owned()),
                ..TableColumn::new("low", "text", false)
            },
        ],
        constraints: vec!["CHECK ((a <> ''::text))".to_owned()],
        parents: vec!["s.p".to_owned()],
        ..Table::default()
    };
    assert_eq!(
        special.definition().sql,
        "CREATE TABLE \"s\".\"t\" (\"id\" bigint NOT NULL GENERATED ALWAYS AS IDENTITY, \
         \"a\" text COLLATE pg_catalog.\"C\" DEFAULT 'x'::text, \
         \"low\" text GENERATED ALWAYS AS (lower(a)) STORED, CHECK ((a <> ''::text))) INHERITS (s.p)"
    );
}

fn made(kind: &Kind) -> Result<String, String> {
    kind.definition().map(|it| it.map_or_else(String::new, |it| it.sql))
}

fn own(name: &str, kind: &str) -> Kind {
    Kind {
        type_name: format!("app.{name}"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_own: true,
        ..Kind::default()
    }
}

#[test]
fn types_are_made_as_they_are() {
    let labels = vec!["good".to_owned(), "it's".to_owned()];
    assert_eq!(
        made(&Kind { labels, ..own("mood", "e") }).unwrap(),
        "CREATE TYPE app.mood AS ENUM ('good', 'it''s')"
    );
    let of = Some("text".to_owned());
    let checks = vec!["CHECK ((VALUE <> ''::text))".to_owned()];
    assert_eq!(
        made(&Kind { of, checks, is_not_null: true, ..own("short", "d") }).unwrap(),
        "CREATE DOMAIN app.short AS text NOT NULL CHECK ((VALUE <> ''::text))"
    );
    let (attributes, types) = (["a", "b c"], ["integer", "app.mood"]);
    let pair = Kind {
        attributes: attributes.map(str::to_owned).into(),
        attribute_types: types.map(str::to_owned).into(),
        ..own("pair", "c")
    };
    assert_eq!(made(&pair).unwrap(), "CREATE TYPE app.pair AS (\"a\" integer, \"b c\" app.mood)");
    let span = Kind { of: Some("time".to_owned()), ..own("span", "r") };
    assert_eq!(made(&span).unwrap(), "CREATE TYPE app.span AS RANGE (SUBTYPE = time)");
    assert!(made(&Kind { is_canonical: true, ..span }).unwrap_err().contains("app.span"));
    assert!(made(&own("c", "b")).unwrap_err().contains("app.c"));
    for (name, kind) in [("mood[]", "b"), ("spans", "m")] {
        let it = Kind { is_array: kind == "b", ..own(name, kind) };
        assert_eq!(made(&it).unwrap(), "", "comes with its element");
    }
}

#[test]
fn values_are_put_together_from_their_parts() {
    let kinds = [
        Kind { of: Some("integer".to_owned()), ..own("span", "r") },
        Kind { of: Some("app.span".to_owned()), ..own("spans", "m") },
        Kind {
            attributes: vec!["n".to_owned(), "t".to_owned()],
            attribute_types: vec!["integer".to_owned(), "text".to_owned()],
            ..own("pair", "c")
        },
        Kind { of: Some("app.pair[]".to_owned()), ..own("pairs", "d") },
    ];
    let order = in_order("app.pairs", &kinds);
    assert_eq!(order, ["integer", "text", "app.pair", "app.pair[]", "app.pairs"]);
    let mut pools = Pools::new();
    let constants = ["7".to_owned(), "a \"b\"".to_owned()];
    for name in order.iter().chain(&in_order("app.spans", &kinds)) {
        let values = candidates(name, &constants, &kinds, &pools);
        // As a server would have it.
        let is_valid = |it: &String| name != "integer" || it.parse::<i32>().is_ok();
        pools.insert(name.clone(), values.into_iter().filter(is_valid).collect());
    }
    let has = |name: &str, value: &str| {
        assert!(pools[name].iter().any(|it| it == value), "{value}: {:?}", pools[name]);
    };
    has("integer", "7");
    has("app.pair", "(\"7\",\"7\")");
    has("app.span", "[\"1\",\"7\")");
    has("app.span", "empty");
    has("app.spans", "{empty}");
    has("app.pair[]", "{}");
    assert!(pools["app.pairs"].iter().any(|it| it.starts_with("{\"(")), "{:?}", pools["app.pairs"]);
}

#[test]
fn rows_refer_to_rows() {
    let other = Table { name: "u".to_owned(), ..table() };
    let refers = |columns: &str| Table {
        name: "t".to_owned(),
        references: vec![ForeignKey {
            columns: vec![columns.to_owned()],
            table: 1,
            referenced: vec!["id".to_owned()],
        }],
        ..table()
    };
    let tables = [refers("n"), other];
    let pools = pools(&parsed("select 1"));
    let mut dice = Dice::new(3);
    let (mut all, mut found) = (0, 0);
    for number in 0..12 {
        let round = round(number, &tables, &[], &pools, &mut dice);
        for row in &round.rows[0] {
            all += 1;
            found += usize::from(round.rows[1].iter().any(|parent| parent[0] == row[1]));
        }
        let last = round.statements(&tables).pop().unwrap();
        assert!(
            last.contains("p.\"id\" = c.\"n\"") && last.contains("EXIT WHEN gone = 0"),
            "{last}"
        );
    }
    assert!(all > 20 && found * 2 > all, "{found} of {all}");
}

#[test]
fn names_of_a_text_are_found() {
    let text = "select app.f(a), b::app.short from v join w using (c) \
        where x === y and exists (select 1 from only s.t where lower(z) = any (select q from r))";
    let uses = Uses::of(&parsed(text));
    let names = |of: &std::collections::BTreeSet<TableName>| {
        let name = |it: &TableName| match &it.schema {
            Some(schema) => format!("{schema}.{}", it.name),
            None => it.name.clone(),
        };
        of.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&uses.tables), "r v w s.t");
    assert_eq!(names(&uses.functions), "lower app.f");
    assert_eq!(names(&uses.types), "app.short");
    assert!(uses.operators.contains("===") && uses.operators.contains("="));
    let columns = columns_named(&parsed(text)).unwrap();
    assert!(["a", "b", "c", "x", "z", "q"].iter().all(|it| columns.contains(*it)), "{columns:?}");
    for whole in ["select * from t", "select t.* from t", "insert into t values (1)"] {
        assert_eq!(columns_named(&parsed(whole)), None, "{whole}");
    }
    assert!(columns_named(&parsed("select count(*) from t")).unwrap().is_empty());
}

#[test]
fn only_functions_that_ask_are_read() {
    let asks = |definition: &str, body: &str| queries(definition, body).map(|it| it.len());
    assert_eq!(asks("", "select $1 + 1"), Some(1));
    assert_eq!(asks("", " select 1; select n from t "), Some(2));
    for body in ["delete from t", "select 1; update t set n = 1", "select 1 into x", "", "begin"] {
        assert_eq!(asks("", body), None, "{body}");
    }
    let head = "CREATE OR REPLACE FUNCTION app.f(n integer)\n RETURNS integer\n LANGUAGE sql";
    let atomic = format!("{head}\nBEGIN ATOMIC\n SELECT (f.n + 1);\nEND\n");
    assert_eq!(asks(&atomic, ""), Some(1));
    assert_eq!(asks(&format!("{head}\nRETURN (n + 1)\n"), ""), Some(1));
}

#[test]
fn constants_and_their_neighbours_are_among_the_values() {
    let statement =
        parsed("select * from t where n > 4711 and txt = 'it''s' and at < '2020-05-06'");
    let candidates = |name: &str| candidates(name, &constants(&statement), &[], &Pools::new());
    let integers = candidates("integer");
    assert!(["4710", "4711", "4712"].iter().all(|n| integers.contains(&(*n).to_owned())));
    assert!(candidates("text").contains(&"it's".to_owned()));
    let moments = candidates("timestamp without time zone");
    assert!(moments.contains(&"2020-05-06 23:59:59.999999".to_owned()));
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
    assert!(one.iter().flat_map(|round| &round.rows[0]).all(|row| row[0] != "NULL"));
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
    assert!(inserts(&parsed("insert into t (n) select n from u")));
    assert!(is_comparable(&parsed("merge into t using u on true when matched then delete")));
    for text in ["select 1 into x", "create table x as select 1", "execute p", "vacuum"] {
        assert!(!is_comparable(&parsed(text)), "{text}");
    }
}
