//! What becomes of conditions.

use super::Case;

pub(super) const CONDITIONS: &[Case] = &[
    (
        "count-to-exists",
        "select * from t where (select count(*) from u where u.t_id = t.id) > 0",
        "= SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)",
    ),
    (
        "count-to-exists",
        "select 1 > (select count(*) from u)",
        "= SELECT NOT EXISTS (SELECT 1 FROM u)",
    ),
    ("count-to-exists", "select * from t where (select count(*) from u) > 1", ""),
    ("count-to-exists", "select * from t where (select count(n) from t) > 0", ""),
    (
        "count-to-exists",
        "select * from t where (select count(*) from u where random() < 1) > 0",
        "",
    ),
    ("count-to-exists", "select * from t where (select count(*) from u group by k) > 0", ""),
    (
        "not-in-to-not-exists",
        "select * from t where id not in (select k from u where k > 1)",
        "= SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE k > 1 AND u.k = t.id)",
    ),
    (
        "not-in-to-not-exists",
        "select * from t where id not in (select t_id from u)",
        "? SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)",
    ),
    (
        "not-in-to-not-exists",
        "select * from t where n not in (select k from u)",
        "? SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.n)",
    ),
    (
        "not-in-to-not-exists",
        "select * from u left join t on t.id = u.t_id where t.id not in (select k from u as x)",
        "? SELECT * FROM u LEFT JOIN t ON t.id = u.t_id WHERE NOT EXISTS (SELECT 1 FROM u x WHERE x.k = t.id)",
    ),
    ("not-in-to-not-exists", "select * from t where id not in (select id from t)", ""),
    ("not-in-to-not-exists", "select * from t where id not in (select k from u limit 1)", ""),
    (
        "or-to-in",
        "select * from t where n = 1 or 2 = n or n = 3",
        "= SELECT * FROM t WHERE n IN (1, 2, 3)",
    ),
    ("or-to-in", "select * from t where n = 1 or m = 2", ""),
    ("or-to-in", "select * from t where n = 1 or n = '2'", ""),
    ("or-to-in", "select * from t where n = 1 or n > 2", ""),
    (
        "function-of-time-to-range",
        "select * from t where at::date = '2024-02-28'",
        "= SELECT * FROM t WHERE at >= '2024-02-28'::timestamp AND at < '2024-02-29'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where date_trunc('month', at) <= '2024-12-01'",
        "= SELECT * FROM t WHERE at < '2025-01-01'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where extract(year from at) = 2024",
        "= SELECT * FROM t WHERE at >= '2024-01-01'::timestamp AND at < '2025-01-01'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where tz::date = '2024-02-28'",
        "? SELECT * FROM t WHERE tz >= '2024-02-28'::timestamptz AND tz < '2024-02-29'::timestamptz",
    ),
    (
        "function-of-time-to-range",
        "select * from t where date_trunc('month', at) = '2024-12-02'",
        "",
    ),
    (
        "arithmetic-to-constant-side",
        "select * from t where s + 1 < 5",
        "= SELECT * FROM t WHERE s < 4",
    ),
    (
        "arithmetic-to-constant-side",
        "select * from t where n - 1 = 5",
        "? SELECT * FROM t WHERE n = 6",
    ),
    ("arithmetic-to-constant-side", "select * from t where n + 1 = -2147483648", ""),
    (
        "cast-of-column",
        "select * from t where id::text = '7'",
        "= SELECT * FROM t WHERE id = '7'::int",
    ),
    ("cast-of-column", "select * from t where id::text = '007'", ""),
    ("cast-of-column", "select * from t where id::text > '7'", ""),
    (
        "coalesce-in-condition",
        "select * from t where coalesce(txt, '') = '' and n = 1",
        "= SELECT * FROM t WHERE (txt IS NULL OR txt = '') AND n = 1",
    ),
    ("coalesce-in-condition", "select * from t where coalesce(txt, '') = 'x'", ""),
    (
        "condition-always-true",
        "select * from t where true and n = 1",
        "= SELECT * FROM t WHERE n = 1",
    ),
    ("condition-always-true", "select * from t where 1 = 1", "= SELECT * FROM t"),
    ("condition-always-true", "delete from t where true", ""),
    // The rows are what they were, and so are their names.
    (
        "count-to-exists",
        "select (select count(*) from u) > 0, 1 from t",
        "= SELECT EXISTS (SELECT 1 FROM u) AS \"?column?\", 1 FROM t",
    ),
    ("count-to-exists", "select (select count(*) from (select 1 union select random()) x) > 0", ""),
    // Where grouping sets leave a column out it is NULL.
    (
        "not-in-to-not-exists",
        "select id from t group by rollup (id) having id not in (select k from u)",
        "? SELECT id FROM t GROUP BY ROLLUP (id) HAVING NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.id)",
    ),
    (
        "or-to-in",
        "select * from (select 1::real as r) x where r = 1 or r = 2",
        "? SELECT * FROM (SELECT 1::real AS r) x WHERE r IN (1, 2)",
    ),
];
