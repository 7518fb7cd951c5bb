//! Columns that stand where no index can see them.

use super::desk::{BOTH_ENDS, Desk};

#[tokio::test]
async fn a_function_of_a_column_gets_an_index_of_its_own() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-function-on-column", version).await;
        desk.sql(
            "create table users (id int, email text); create index on users (email); \
             insert into users select n, 'N' || n || '@example.org' from generate_series(1, 40000) n; analyze",
        )
        .await;
        let statement = "select id from users where lower(email) = 'n7@example.org'";
        let found = desk.found(statement);
        assert!(found.message.contains("lower(email)"), "{}", found.message);
        desk.gone("select id from users where email = lower('N7@EXAMPLE.ORG')");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// The bounds of a day instead of the day of each row.
#[tokio::test]
async fn a_function_of_a_time_becomes_a_range() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-function-on-column", version).await;
        desk.sql(
            "create table events (id int, at timestamp); create index on events (at); \
             insert into events select n, timestamp '2026-01-01' + n * interval '5 minutes' \
             from generate_series(1, 40000) n; analyze",
        )
        .await;
        let found = desk.found(
            "select count(*) from events where date_trunc('day', at) = timestamp '2026-02-01'",
        );
        assert!(found.recommendation.contains("at >= day AND at < day + 1"));
        desk.gone(
            "select count(*) from events where at >= date '2026-02-01' and at < date '2026-02-01' + 1",
        );
    }
}

#[tokio::test]
async fn a_value_of_another_type_hides_the_primary_key() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-implicit-cast", version).await;
        desk.sql(
            "create table orders (id int primary key, code varchar(20)); \
             insert into orders select n, 'c' || n from generate_series(1, 40000) n; analyze",
        )
        .await;
        let found = desk.found("select code from orders where id = 42::numeric");
        assert!(
            found.message.contains("compares column id as numeric (it is integer)"),
            "{}",
            found.message
        );
        // As the recommendation says: the value in the column's own type.
        desk.gone("select code from orders where id = 42::numeric::int");
        // A varchar read as text is no other type to an index.
        desk.gone("select id from orders where code = 'c7'::text");
    }
}

/// The scan is the symptom, the function or the cast its cause: told once, and saved once.
#[tokio::test]
async fn a_cause_and_its_symptom_are_told_once() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-slow-scan", version).await;
        desk.sql(
            "create table users (id int primary key, email text, team int); \
             insert into users select n, 'N' || n, n % 100 from generate_series(1, 40000) n; analyze",
        )
        .await;
        let all = "plan-slow-scan,plan-function-on-column,plan-implicit-cast";
        for (condition, cause) in [
            ("lower(email) = 'n7'", "plan-function-on-column"),
            ("id = 7::numeric", "plan-implicit-cast"),
            ("lower(email) = 'n7' and id = 7::numeric", "plan-implicit-cast"),
            ("email = 'n7'", "plan-slow-scan"),
        ] {
            let report = desk.report(all, &format!("select id from users where {condition}"));
            let checks: Vec<_> = report.findings.iter().map(|it| it.check.as_str()).collect();
            assert_eq!(checks, [cause], "{version} {condition}");
            let tree = &report.statements[0].plans[0];
            assert!(tree.avoidable.unwrap() <= tree.total, "{tree:#?}");
        }
        // A plain column beside the cast: an index of it mends the symptom, not the cause.
        let both = "select id from users where id = 7::numeric and team = 3";
        let report = desk.report(all, both);
        assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        let told = &report.findings[0];
        let symptom = told.evidence.iter().find(|it| it.label == "plan-slow-scan").unwrap();
        let dbvitals_model::Measure::Text(text) = &symptom.value else { panic!("{symptom:?}") };
        assert!(told.fix.is_none() && text.contains("ON public.users (team)"), "{told:#?}");
    }
}
