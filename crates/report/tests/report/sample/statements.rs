//! An analysed statement: a plan that ran, one that did not, one that is missing, and a text that tries to break out.

use dbvitals_model::{
    Fix, FixKind, Reason, Severity, TargetKind, Unavailable,
    report::{Analysed, PlanTree, Report, Step, Target},
    statement::{Calls, PlanKind, RewriteAdvice, Suggestion, Verification},
};

/// A report of one statement, and of one the server refuses.
pub(crate) fn analysed() -> Report {
    let mut report = super::healthy();
    report.targets = vec![target("statement 1"), target("report.sql:14")];
    report.findings = super::findings::all().into_iter().take(1).collect();
    report.statements = vec![ran(), refused()];
    report
}

fn target(name: &str) -> Target {
    Target {
        name: name.to_owned(),
        kind: TargetKind::Statement,
        version: Some("16.9".to_owned()),
        role: None,
        endpoint: "db1.internal:5432/app".to_owned(),
        problems: Vec::new(),
        offered: Vec::new(),
    }
}

fn step(path: &str, title: &str, own: f64, rows: Option<f64>, expected: f64) -> Step {
    Step {
        path: path.to_owned(),
        depth: path.matches('.').count(),
        title: title.to_owned(),
        aside: None,
        own,
        ratio: own / 240.0,
        expected_rows: Some(expected),
        rows,
        loops: rows.map(|_| 1.0),
        stopped_early: false,
        details: Vec::new(),
        findings: Vec::new(),
    }
}

fn generic() -> PlanTree {
    PlanTree {
        avoidable: None,
        kind: PlanKind::Generic,
        parameters: Vec::new(),
        is_timed: false,
        total: 1234.5,
        planning_ms: None,
        steps: vec![step("1", "Seq Scan on app.orders o", 240.0, None, 5000.0)],
        besides: Vec::new(),
    }
}

fn ran() -> Analysed {
    let mut slow = step("1.1.2", "Seq Scan on app.orders o", 180.0, Some(2.0), 5000.0);
    slow.loops = Some(300.0);
    let filter = format!("((status = 'open'::text) AND (note = '{}'))", "<b>x</b> ".repeat(20));
    slow.details = vec![
        ("Filter".to_owned(), filter),
        ("Rows removed by filter".to_owned(), "1,200,000".to_owned()),
    ];
    slow.findings = vec!["plan-slow-scan".to_owned()];
    let mut aside = step("1.2", "Result", 0.0, Some(0.0), 1.0);
    aside.aside = Some("InitPlan 1".to_owned());
    aside.loops = Some(0.0);
    let mut deep =
        step("1.1.1", "Index Scan using customers_pkey on app.customers c", 30.0, Some(300.0), 1.0);
    deep.details = vec![("Index Cond".to_owned(), "(id = 7)".to_owned())];
    let measured = PlanTree {
        avoidable: Some(150.0),
        kind: PlanKind::Measured,
        parameters: vec![Some("open".to_owned()), None],
        is_timed: true,
        total: 240.0,
        planning_ms: Some(1.25),
        steps: vec![
            step("1", "Limit", 0.5, Some(10.0), 10.0),
            step("1.1", "Nested Loop Left Join", 29.5, Some(10.0), 1.0),
            deep,
            slow,
            aside,
        ],
        besides: vec![("trigger orders_audit".to_owned(), 4.0)],
    };
    Analysed {
        target: "statement 1".to_owned(),
        text: "select *\nfrom orders o -- <script>alert(1)</script>\nleft join customers c on c.id = o.customer_id".to_owned(),
        class: Some("join".to_owned()),
        fingerprint: Some("e2714759350b97f3".to_owned()),
        refused: None,
        role: Some("app\u{202e}role".to_owned()),
        calls: Some(Calls {
            calls: 12_345,
            total_ms: 98_760.0,
            mean_ms: 8.0,
            max_ms: Some(1200.0),
            rows: 100,
            share_of_time: Some(0.31),
        }),
        plans: vec![measured, generic()],
        missing: Vec::new(),
        rewrites: vec![rewritten()],
        suggestions: suggestions(),
    }
}

fn rewritten() -> RewriteAdvice {
    RewriteAdvice {
        rule: "count-to-exists".to_owned(),
        what: "A count that is only compared with nothing becomes EXISTS.".to_owned(),
        why: "EXISTS stops at the first row; count reads all.".to_owned(),
        text: Some("SELECT EXISTS (SELECT 1 FROM orders WHERE note = '<b>')".to_owned()),
        is_equivalent: true,
        because: "a count is never NULL".to_owned(),
        needs: Vec::new(),
        cost_before: Some(9000.0),
        cost_after: Some(12.4),
        verification: Some(Verification {
            server: "PostgreSQL 18.1".to_owned(),
            seed: 1,
            comparisons: 24,
            with_rows: 20,
            ..Verification::default()
        }),
    }
}

fn refused() -> Analysed {
    Analysed {
        target: "report.sql:14".to_owned(),
        text: "select * from ordrs".to_owned(),
        class: Some("simple read".to_owned()),
        fingerprint: None,
        refused: None,
        role: None,
        calls: None,
        plans: Vec::new(),
        missing: vec![Unavailable {
            reason: Reason::Failed,
            detail: "line 1, character 15: relation \"ordrs\" does not exist (SQLSTATE 42P01)"
                .to_owned(),
            remedy: Some("there is a table orders; did you mean that?".to_owned()),
        }],
        rewrites: Vec::new(),
        suggestions: Vec::new(),
    }
}

fn suggestions() -> Vec<Suggestion> {
    let statements = ["CREATE INDEX CONCURRENTLY orders_note_idx ON app.orders (lower(note));"];
    let index = Fix::new(FixKind::Safe, statements.map(str::to_owned))
        .locking("ShareUpdateExclusiveLock", "VACUUM and DDL on app.orders, not reads or writes")
        .undone_by(["DROP INDEX CONCURRENTLY app.orders_note_idx;".to_owned()]);
    vec![
        Suggestion {
            rule: "comparison-with-null".to_owned(),
            severity: Severity::Warning,
            line: 3,
            column: 12,
            what: "A comparison with NULL is never true.".to_owned(),
            why: "o.note = NULL yields NULL whatever o.note holds: no row passes.".to_owned(),
            instead: "Write IS NULL, or IS NOT NULL.".to_owned(),
            changes: "Rows are found by whether o.note is NULL.".to_owned(),
            text: Some("SELECT * FROM orders o WHERE o.note IS NULL".to_owned()),
            fix: None,
            needs: Vec::new(),
        },
        Suggestion {
            rule: "case-folded-column".to_owned(),
            severity: Severity::Info,
            line: 1,
            column: 1,
            what: "An index on a column does not serve lower() of it.".to_owned(),
            why: "lower(note) is computed for every row of app.orders (200,000 rows, 19 MB)."
                .to_owned(),
            instead: "Make an index on the expression.".to_owned(),
            changes: "The result stays.".to_owned(),
            text: None,
            fix: Some(index),
            needs: vec!["whether <b> is there".to_owned()],
        },
    ]
}
