//! What becomes of statements that write.

use super::Case;

pub(super) const WRITES: &[Case] = &[
    (
        "or-to-in",
        "insert into u select id, n, m from t where n = 1 or n = 2",
        "= INSERT INTO u SELECT id, n, m FROM t WHERE n IN (1, 2)",
    ),
    // Which row comes first decides what becomes of both.
    (
        "or-to-in",
        "insert into u select id, n, m from t where n = 1 or n = 2 on conflict do nothing",
        "",
    ),
    (
        "needless-distinct",
        "insert into u select distinct id, n, m from t on conflict (uid) do update set k = 1",
        "",
    ),
    (
        "or-to-in",
        "insert into u values (1, 2, 3) on conflict (uid) do update set k = excluded.k where u.k = 1 or u.k = 2",
        "= INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (uid) DO UPDATE SET k = excluded.k WHERE u.k IN (1, 2)",
    ),
    // The row that was refused may hold what the table would not.
    (
        "not-in-to-not-exists",
        "insert into u values (1, 2, 3) on conflict (uid) do update set k = 1 where excluded.k not in (select m from t)",
        "? INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (uid) DO UPDATE SET k = 1 WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.m = excluded.k)",
    ),
    (
        "not-in-to-not-exists",
        "insert into t (id, m) values (1, 2) returning id not in (select k from u)",
        "= INSERT INTO t (id, m) VALUES (1, 2) RETURNING NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.id)",
    ),
    (
        "count-to-exists",
        "delete from t where n = 1 returning (select count(*) from u) > 0",
        "= DELETE FROM t WHERE n = 1 RETURNING EXISTS (SELECT 1 FROM u) AS \"?column?\"",
    ),
    (
        "coalesce-in-condition",
        "update t set n = 1 where id = 2 returning coalesce(txt, '') = ''",
        "= UPDATE t SET n = 1 WHERE id = 2 RETURNING txt IS NULL OR txt = ''",
    ),
    (
        "scalar-subquery-to-join",
        "update t set n = x.s from (select id as i, (select max(k) from u where t_id = id) as s from t as a) x where x.i = t.id",
        "= UPDATE t SET n = x.s FROM (SELECT id AS i, per_u.per_u_value AS s FROM t a LEFT JOIN (SELECT t_id AS per_u_key, max(k) AS per_u_value FROM u GROUP BY t_id) per_u ON per_u.per_u_key = id) x WHERE x.i = t.id",
    ),
    ("scalar-subquery-to-join", "update t set n = (select max(k) from u where u.t_id = t.id)", ""),
    (
        "or-to-in",
        "merge into t using (select * from u where k = 1 or k = 2) s on s.t_id = t.id when matched and (t.n = 3 or t.n = 4) then update set n = 5 when not matched then insert (id, m) values (s.uid, 1)",
        "= MERGE INTO t USING (SELECT * FROM u WHERE k IN (1, 2)) s ON s.t_id = t.id WHEN MATCHED AND t.n IN (3, 4) THEN UPDATE SET n = 5 WHEN NOT MATCHED THEN INSERT (id, m) VALUES (s.uid, 1)",
    ),
    // Either side may be missing.
    (
        "not-in-to-not-exists",
        "merge into t using u on u.t_id = t.id when not matched by source then delete returning t.id not in (select k from u as v)",
        "? MERGE INTO t USING u ON u.t_id = t.id WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING NOT EXISTS (SELECT 1 FROM u v WHERE v.k = t.id)",
    ),
    (
        "or-to-in",
        "with gone as (delete from t where n = 1 or n = 2 returning id) select * from gone",
        "= WITH gone AS (DELETE FROM t WHERE n IN (1, 2) RETURNING id) SELECT * FROM gone",
    ),
    // The old row of an insert is NULL, and its name is that of no table.
    (
        "not-in-to-not-exists",
        "insert into t (id, m) values (1, 2) returning old.id not in (select k from u)",
        "",
    ),
    // A column of a table that is written is no reason to drop what is read.
    (
        "unused-left-join",
        "delete from u using t left join u as o on o.uid = t.id where u.k = t.m",
        "",
    ),
    ("condition-always-true", "update t set n = 1 where true", ""),
];
