//! `dbvitals query rls` against real servers: a condition, what it finds, the fix, and silence.

mod indexes;

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{dbvitals, findings, list, text};

const VERSIONS: [PgVersion; 3] = [PgVersion::V13, PgVersion::V15, PgVersion::V18];

/// Rows of the table: above the limits of all checks.
const ROWS: u32 = 20_000;

const FILL: &str = "create schema app; create schema auth;
    create function auth.uid() returns int language plpgsql stable as
        $$ begin return nullif(current_setting('app.uid', true), '')::int; end $$;
    create table app.\"No tes\" (id int, tenant int, body text);
    insert into app.\"No tes\" select g, g % 100, md5(g::text) from generate_series(1, 20000) g;
    create table app.members (tenant int, uid int, primary key (tenant, uid));
    insert into app.members select g % 100, g from generate_series(1, 1000) g;
    create index on app.members (uid);
    create role \"web app\" login; create role batch login; create role boss login bypassrls;
    create role monitor_rls login password 'p';
    grant usage on schema app, auth to public;
    grant select on app.\"No tes\", app.members to \"web app\", batch;
    alter table app.\"No tes\" enable row level security";

struct Lab {
    server: Postgres,
    url: String,
}

impl Lab {
    async fn with(version: PgVersion, policies: &str) -> Self {
        let server = Postgres::builder(version).setting("autovacuum", "off").start().unwrap();
        server.sql("postgres", FILL).await.unwrap();
        server.sql("postgres", policies).await.unwrap();
        let url = server.superuser_url("postgres");
        let lab = Self { server, url };
        lab.sql("vacuum analyze").await;
        lab
    }

    async fn sql(&self, text: &str) {
        self.server.sql("postgres", text).await.unwrap();
    }

    /// What the command tells as JSON.
    fn told(&self, more: &[&str]) -> Value {
        told_as(&self.url, more, &[0])
    }

    /// Runs the statements of a finding's fix.
    async fn apply(&self, finding: &Value) {
        let statements = list(finding, "/fix/statements");
        assert!(!statements.is_empty(), "{finding:#}");
        for statement in statements {
            self.sql(statement.as_str().unwrap()).await;
        }
    }
}

fn told_as(url: &str, more: &[&str], codes: &[i32]) -> Value {
    let fixed = ["query", "rls", "-q", "-f", "json", url];
    dbvitals(&[&fixed[..], more].concat()).ended(codes).json()
}

/// The rows of one table of the report.
fn rows<'a>(report: &'a Value, id: &str) -> &'a [Value] {
    let table = list(report, "/overview").iter().find(|table| text(table, "/id") == id);
    table.map_or(&[], |table| list(table, "/rows"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

const OWN: &str = "create policy own on app.\"No tes\" using (tenant = auth.uid())";
const SET: [&str; 2] = ["--set", "app.uid=7"];
const MEASURED: [&str; 3] = ["--set", "app.uid=7", "--analyze"];

/// How often the policy's function runs for one read by a role: a sequence counts, which no rollback takes back.
async fn calls(lab: &Lab) -> u32 {
    lab.sql(
        "create sequence if not exists auth.calls; grant all on auth.calls to public; \
         select setval('auth.calls', 1, false); \
         create or replace function auth.uid() returns int language plpgsql stable security definer as \
         $$ begin perform nextval('auth.calls'); return current_setting('app.uid')::int; end $$",
    )
    .await;
    lab.sql("set app.uid = '7'; set role \"web app\"; select count(*) from app.\"No tes\"").await;
    let count = "select (case when is_called then last_value else 0 end)::text from auth.calls";
    let count = lab.server.scalar("postgres", count).await.unwrap();
    lab.sql(
        "create or replace function auth.uid() returns int language plpgsql stable as \
         $$ begin return nullif(current_setting('app.uid', true), '')::int; end $$",
    )
    .await;
    count.parse().unwrap()
}

#[tokio::test]
async fn a_bare_call_is_wrapped_and_its_column_indexed() {
    for version in VERSIONS {
        let lab = Lab::with(version, OWN).await;
        let bare = lab.told(&MEASURED);
        let [read] = rows(&bare, "rls-reads") else { panic!("two roles alike: {bare:#}") };
        assert_eq!(read[1], f64::from(ROWS));
        assert_eq!(read[7], "measured");
        assert!(number(&read[3]) > number(&read[2]), "{read}");
        assert!(
            read[0].as_str().unwrap().contains("app.No tes by batch (and 1 alike: web app): own")
        );
        let found = findings(&bare, "pg-rls-function-per-row");
        // The planner asks once or twice to guess with.
        assert!((ROWS..ROWS + 10).contains(&calls(&lab).await), "{version}: once for each row");
        // The rewritten policy asks once.
        lab.apply(found[0]).await;
        assert!(text(found[0], "/fix/undo/0").contains("(tenant = auth.uid())"));
        assert_eq!(text(found[0], "/fix/lock"), "AccessExclusiveLock");
        assert_eq!(calls(&lab).await, 1, "{version}: once");
        let wrapped = lab.told(&MEASURED);
        assert!(findings(&wrapped, "pg-rls-function-per-row").is_empty());
        let cost = |report: &Value| number(&rows(report, "rls-reads")[0][3]);
        assert!(cost(&wrapped) < cost(&bare), "{version}");
        // And the index makes it cheap.
        let found = findings(&wrapped, "pg-rls-policy-without-index");
        lab.apply(found[0]).await;
        lab.sql("analyze").await;
        let indexed = lab.told(&MEASURED);
        assert!(findings(&indexed, "pg-rls-policy-without-index").is_empty());
        let read = &rows(&indexed, "rls-reads")[0];
        assert!(read[0].as_str().unwrap().contains("by index No tes_tenant_idx"), "{read}");
        assert!(cost(&indexed) < cost(&wrapped), "{version}");
        assert_eq!(read[1], 200.0, "only its rows are read");
        assert!(findings(&indexed, "pg-rls-evaluation-over-target").is_empty());
    }
}

#[tokio::test]
async fn what_takes_longer_than_its_target_is_told_with_its_grade() {
    for version in VERSIONS {
        let slow = "create function auth.sleepy(int) returns bool language plpgsql stable as \
            $$ begin if $1 % 5000 = 0 then perform pg_sleep(0.01); end if; return true; end $$; \
            create policy own on app.\"No tes\" using (auth.sleepy(id))";
        let lab = Lab::with(version, slow).await;
        let measured = lab.told(&["--analyze", "--role", "web app"]);
        let found = findings(&measured, "pg-rls-evaluation-over-target");
        assert_eq!((found.len(), text(found[0], "/severity")), (1, "warning"), "{measured:#}");
        assert_eq!(text(found[0], "/subject/name"), "app.No tes by web app");
        let planned = lab.told(&["--role", "web app"]);
        let found = findings(&planned, "pg-rls-evaluation-over-target");
        assert_eq!(text(found[0], "/severity"), "info", "the planner's word alone");
        assert_eq!(rows(&planned, "rls-reads")[0][7], "planner");
        // Of a larger table, a sample.
        let sampled = lab.told(&["--analyze", "--role", "web app", "--rows", "2000"]);
        assert_eq!(rows(&sampled, "rls-reads")[0][7], "sampled");
        lab.sql("alter policy own on app.\"No tes\" using (true)").await;
        let gone = lab.told(&["--role", "web app"]);
        assert!(findings(&gone, "pg-rls-evaluation-over-target").is_empty());
    }
}

#[tokio::test]
async fn a_subquery_for_each_row_is_turned_round() {
    for version in VERSIONS {
        let each = "create policy team on app.\"No tes\" using \
            (auth.uid() in (select m.uid from app.members m where m.tenant = \"No tes\".tenant))";
        let lab = Lab::with(version, each).await;
        let report = lab.told(&SET);
        let found = findings(&report, "pg-rls-subplan-per-row");
        assert_eq!(found.len(), 1, "{report:#}");
        assert_eq!(rows(&report, "rls-reads")[0][7], "guess");
        lab.sql(
            "alter policy team on app.\"No tes\" using (tenant = any (array( \
             select m.tenant from app.members m where m.uid = (select auth.uid()))))",
        )
        .await;
        let report = lab.told(&SET);
        assert!(findings(&report, "pg-rls-subplan-per-row").is_empty(), "{report:#}");
        // Hashed is fine, too.
        lab.sql(
            "alter policy team on app.\"No tes\" using (tenant in \
             (select m.tenant from app.members m where m.uid = (select auth.uid())))",
        )
        .await;
        assert!(findings(&lab.told(&SET), "pg-rls-subplan-per-row").is_empty());
    }
}

#[tokio::test]
async fn joins_helpers_and_policies_for_everyone_are_told() {
    for version in VERSIONS {
        let three = "create table app.people (id int primary key, login int); \
            create function auth.may_see(int) returns bool language sql stable security definer as \
            'select exists (select from app.members m where m.tenant = $1 and m.uid = auth.uid())'; \
            create policy joined on app.\"No tes\" to \"web app\" using (tenant in (select m.tenant from \
            app.members m join app.people p on p.id = m.uid where p.login = (select auth.uid()))); \
            create policy helped on app.\"No tes\" for update to \"web app\" using (auth.may_see(tenant)); \
            create policy everyone on app.\"No tes\" for select using (current_user = 'batch' and id > 5)";
        let lab = Lab::with(version, three).await;
        let report = lab.told(&SET);
        let about = |check: &str| -> Vec<String> {
            findings(&report, check).iter().map(|f| text(f, "/subject/name").to_owned()).collect()
        };
        assert_eq!(about("pg-rls-join-in-policy"), ["app.No tes.joined"], "{version}");
        assert_eq!(about("pg-rls-security-definer-helper"), ["app.No tes.helped"], "{version}");
        assert_eq!(about("pg-rls-policy-for-everyone"), ["app.No tes.everyone"], "{version}");
        lab.sql(
            "drop policy joined on app.\"No tes\"; \
             alter policy helped on app.\"No tes\" using (tenant = any (array(select m.tenant from \
             app.members m where m.uid = (select auth.uid())))); \
             alter policy everyone on app.\"No tes\" to batch using (id > 5)",
        )
        .await;
        let report = lab.told(&SET);
        for check in [
            "pg-rls-join-in-policy",
            "pg-rls-security-definer-helper",
            "pg-rls-policy-for-everyone",
        ] {
            assert!(findings(&report, check).is_empty(), "{version} {check}: {report:#}");
        }
    }
}

#[tokio::test]
async fn a_statement_that_loses_its_index_is_told() {
    for version in VERSIONS {
        let shut = format!("create index by_body on app.\"No tes\" (body text_pattern_ops); {OWN}");
        let lab = Lab::with(version, &shut).await;
        let like = "select * from app.\"No tes\" where body like 'abcd%'";
        let report = lab.told(&[&SET[..], &["--role", "web app", "--sql", like]].concat());
        let [found] = findings(&report, "pg-rls-statement-index-lost")[..] else {
            panic!("{version}: {report:#}")
        };
        assert!(text(found, "/message").contains("by_body of app.No tes"), "{found:#}");
        assert_eq!(rows(&report, "rls-statements")[0][4], "by_body");
        // Equality tells nothing of the rows it does not find.
        let equal = "select * from app.\"No tes\" where body = 'abcd'";
        let report = lab.told(&[&SET[..], &["--role", "web app", "--sql", equal]].concat());
        assert!(findings(&report, "pg-rls-statement-index-lost").is_empty(), "{report:#}");
        // The column of the policy before it: what the statement asks for is looked at in few rows.
        lab.sql("create index by_both on app.\"No tes\" (tenant, body text_pattern_ops); drop index app.by_body")
            .await;
        let report = lab.told(&[&SET[..], &["--role", "web app", "--sql", like]].concat());
        assert!(findings(&report, "pg-rls-statement-index-lost").is_empty(), "{report:#}");
    }
}

#[tokio::test]
async fn what_is_not_given_or_not_granted_is_said() {
    for version in VERSIONS {
        let lab = Lab::with(version, OWN).await;
        let unseen = |report: &Value| -> Vec<(String, String)> {
            let cell =
                |row: &Value, place: usize| row[place].as_str().unwrap_or_default().to_owned();
            rows(report, "rls-unseen").iter().map(|row| (cell(row, 0), cell(row, 1))).collect()
        };
        // The setting stands in the function the policy calls.
        let all = unseen(&lab.told(&[]));
        assert_eq!(all[0].1, "--set app.uid=VALUE", "{all:?}");
        assert!(unseen(&lab.told(&SET)).is_empty());
        lab.sql("alter role \"web app\" set app.uid = 5; alter role batch set app.uid = 6").await;
        assert!(unseen(&lab.told(&[])).is_empty(), "roles bring their own");
        // One that may become nobody, and that policies bind.
        let url = lab.server.url("monitor_rls", "p", "postgres");
        let report = told_as(&url, &SET, &[3]);
        let grants: Vec<String> = unseen(&report).into_iter().map(|(_, grant)| grant).collect();
        assert!(grants.contains(&"GRANT \"web app\" TO monitor_rls;".to_owned()), "{grants:?}");
        for grant in &grants {
            lab.sql(grant).await;
        }
        let report = told_as(&url, &[&SET[..], &["--role", "web app"]].concat(), &[0]);
        let read = &rows(&report, "rls-reads")[0];
        assert!(read[2].is_string() && read[3].is_number(), "planned, nothing to compare: {read}");
        let (_, grant) = unseen(&report).pop().unwrap();
        assert_eq!(grant, "GRANT postgres TO monitor_rls;");
        let exempt = unseen(&told_as(&lab.url, &["--role", "boss"], &[3]));
        assert!(exempt[0].0.contains("no policy binds boss"), "{exempt:?}");
        let no_table = unseen(&told_as(&lab.url, &["--table", "app.nothing"], &[3]));
        assert!(no_table[0].0.contains("no table app.nothing"), "{no_table:?}");
        for limit in ["statement_timeout=0", "row_security=off", "app"] {
            dbvitals(&["query", "rls", &lab.url, "--set", limit]).ended(&[2]);
        }
    }
}

#[tokio::test]
async fn nothing_is_written_and_what_takes_too_long_is_cut_off() {
    let forever = "create sequence auth.writes; grant all on auth.writes to public; create function auth.writer() returns int language plpgsql volatile as \
        $$ begin perform nextval('auth.writes'); return 1; end $$; \
        create policy own on app.\"No tes\" using (tenant = auth.writer())";
    let lab = Lab::with(PgVersion::V15, forever).await;
    let before = lab.server.scalar("postgres", "select txid_current()::text").await.unwrap();
    let report = told_as(&lab.url, &["--analyze"], &[3]);
    let why = rows(&report, "rls-unseen")[0][0].as_str().unwrap();
    assert!(why.contains("read-only transaction"), "{why}");
    let after = lab.server.scalar("postgres", "select txid_current()::text").await.unwrap();
    assert_eq!(
        before.parse::<u64>().unwrap() + 1,
        after.parse::<u64>().unwrap(),
        "no id was taken"
    );
    lab.sql(
        "create function auth.sleepy() returns int language plpgsql stable as \
         $$ begin perform pg_sleep(60); return 1; end $$; \
         alter policy own on app.\"No tes\" using (tenant = auth.sleepy())",
    )
    .await;
    let report = told_as(&lab.url, &["--analyze", "--timeout", "300ms"], &[3]);
    let remedies: Vec<&str> =
        rows(&report, "rls-unseen").iter().filter_map(|row| row[1].as_str()).collect();
    assert!(remedies.iter().any(|remedy| remedy.contains("raise --timeout")), "{report:#}");
}

#[tokio::test]
async fn a_standby_plans_as_well() {
    let lab = Lab::with(PgVersion::V15, OWN).await;
    let standby = lab.server.standby().await.unwrap();
    let position = "select pg_current_wal_lsn()::text";
    let position = lab.server.scalar("postgres", position).await.unwrap();
    let replayed = format!("select pg_last_wal_replay_lsn() >= '{position}'");
    standby.wait_until("postgres", &replayed).await.unwrap();
    let report = told_as(&standby.superuser_url("postgres"), &MEASURED, &[0]);
    assert_eq!(rows(&report, "rls-reads")[0][7], "measured");
    assert_eq!(findings(&report, "pg-rls-policy-without-index").len(), 1);
}

#[tokio::test]
async fn every_format_shows_it() {
    let lab = Lab::with(PgVersion::V18, OWN).await;
    let page = |format: &str| {
        let fixed = ["query", "rls", "-q", &lab.url, "--set", "app.uid=7", "--width", "80", "-f"];
        dbvitals(&[&fixed[..], &[format]].concat()).ended(&[0]).out
    };
    let terminal = page("terminal");
    assert!(terminal.contains("ROW-LEVEL SECURITY") && terminal.contains("planner"), "{terminal}");
    assert!(!terminal.contains("HEALTH"), "{terminal}");
    let widest =
        terminal.lines().filter(|line| !line.contains("POLICY") && !line.contains("INDEX"));
    assert!(widest.map(|line| line.chars().count()).max().unwrap() <= 80, "{terminal}");
    for (format, wanted) in [("markdown", "<details open>"), ("html", "<!doctype html>")] {
        let page = page(format);
        assert!(page.contains(wanted) && page.contains("add to a read"), "{page}");
        assert!(!page.contains("Wanted and measured"), "{format}");
    }
}
