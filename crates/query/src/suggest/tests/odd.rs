//! Odd statements are no trouble, and what is written anew is a statement.

use std::sync::LazyLock;

use dbvitals_model::pg::DatabaseSnapshot;
use proptest::prelude::*;

use super::*;
use crate::script;

const STATEMENTS: &[&str] = &[
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/suggested.sql")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/rewritten.sql")),
];

static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
    let pieces = STATEMENTS.iter().flat_map(|text| script::split(text));
    pieces.map(|piece| piece.text.to_owned()).collect()
});
static SHOP: LazyLock<DatabaseSnapshot> = LazyLock::new(shop::database);

fn try_out(text: &str) {
    let Ok(statement) = Statement::parse(text) else { return };
    let known = Facts::new(Some(&SHOP), &statement.tables());
    let mut found = suggestions(text, &statement, &known);
    found.extend(suggestions(text, &statement, &Facts::default()));
    found.extend(of_script(&[(text, &statement); 3]).into_iter().map(|(_, one)| one));
    for one in found {
        let fixes = one.fix.iter().flat_map(|fix| &fix.statements);
        for new in one.text.iter().chain(fixes) {
            assert!(Statement::parse(new).is_ok(), "{}:\n{text}\n{new}", one.rule);
        }
        assert!(one.line >= 1 && one.line <= text.lines().count().max(1), "{}: {text}", one.rule);
    }
}

#[test]
fn the_corpus_is_no_trouble() {
    ALL.iter().for_each(|text| try_out(text));
    for text in [
        "select",
        "values (1), (null = 2)",
        "table t",
        "with recursive t as (select 1 union all select n + 1 from t) select * from t limit 5",
        "select * from t as x(a, b), lateral f(x.a) y where x.* is not null limit $1 offset $1",
        "merge into t using u on t.id = u.uid when matched and t.n = null then delete when not matched then do nothing",
        "select * from xmltable('/a' passing '<a/>' columns b int) order by random() limit 1",
        "update t set (n, m) = (select k, null = k from u limit 1) where txt like '%éàü%' returning *",
        "insert into t select * from u on conflict (id) do update set n = excluded.n where t.n <> null",
        "explain select * from t where n not in (select null)",
        "select sum(n) over (order by random()) from t where (n, m) not in (select k, k from u)",
        "prepare p as select distinct on (n) * from t left join u using (id) where u.k = 1 limit all",
        "select * from rows from (f(1), g(2)) with ordinality where b[1] ~~ '%abc%'",
        "delete from only t where current of c",
    ] {
        try_out(text);
    }
    let many: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    try_out(&format!("select * from t where id in ({}, null)", many.join(",")));
    try_out(&format!("select * from t where {}", vec!["n <> 1"; 2_000].join(" or ")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mixtures_are_no_trouble(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cuts in [any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()],
    ) {
        let (one, other) = (&ALL[one.index(ALL.len())], &ALL[other.index(ALL.len())]);
        let other = one_words(other);
        let mut words = one_words(one);
        let at = cuts[0].index(words.len());
        let from = cuts[1].index(other.len());
        let to = (from + 1 + cuts[2].index(12)).min(other.len());
        words.splice(at..at + usize::from(cuts[2].index(2) == 0), other[from..to].iter().copied());
        try_out(&words.join(" "));
    }
}

fn one_words(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '(', ')', ',']).collect()
}
