//! What becomes of queries that are joined otherwise, or not kept apart.

use super::Case;

pub(super) const JOINS: &[Case] = &[
    (
        "or-to-union",
        "select t.id, u.uid, u.k from t join u on u.t_id = t.id where t.n = 1 or u.k = 2",
        "= SELECT t.id, u.uid, u.k FROM t JOIN u ON u.t_id = t.id WHERE t.n = 1 UNION SELECT t.id, u.uid, u.k FROM t JOIN u ON u.t_id = t.id WHERE u.k = 2",
    ),
    (
        "or-to-union",
        "select t.*, uid from t, u where m = 3 and (n = 1 or k = 2 or txt = 'a') and t_id = id order by t.n desc, uid",
        "= SELECT t.*, uid FROM t, u WHERE m = 3 AND (n = 1 OR txt = 'a') AND t_id = id UNION SELECT t.*, uid FROM t, u WHERE m = 3 AND k = 2 AND t_id = id ORDER BY n DESC, uid",
    ),
    (
        "or-to-union",
        "select distinct t.n from t join u on u.t_id = t.id where t.n = 1 or u.k = 2",
        "= SELECT t.n FROM t JOIN u ON u.t_id = t.id WHERE t.n = 1 UNION SELECT t.n FROM t JOIN u ON u.t_id = t.id WHERE u.k = 2",
    ),
    ("or-to-union", "select t.id from t join u on u.t_id = t.id where t.n = 1 or u.k = 2", ""),
    (
        "or-to-union",
        "select t.n, u.uid from t join u on u.t_id = t.id where t.n = 1 or u.k = 2",
        "",
    ),
    (
        "or-to-union",
        "select t.id, u.uid from u left join t on u.t_id = t.id where t.n = 1 or u.k = 2",
        "",
    ),
    ("or-to-union", "select t.id, u.uid from t, u where t.n = 1 or t.m = 2", ""),
    ("or-to-union", "select t.id, u.uid from t, u where t.n = 1 or u.k = t.m", ""),
    ("or-to-union", "select t.id, u.uid from t, u where t.n = 1 or random() < u.k", ""),
    ("or-to-union", "select t.id, u.uid from t, u where t.n = 1 or u.k = 2 limit 3", ""),
    ("or-to-union", "select t.id, u.uid from t, u where t.n = 1 or u.k = 2 order by t.m", ""),
    ("or-to-union", "select t.id, u.uid, count(*) over () from t, u where t.n = 1 or u.k = 2", ""),
    (
        "scalar-subquery-to-join",
        "select t.id, (select sum(k) from u where u.t_id = t.id and k > 1) from t where t.n = 1",
        "= SELECT t.id, per_u.per_u_value AS sum FROM t LEFT JOIN (SELECT u.t_id AS per_u_key, sum(k) AS per_u_value FROM u WHERE k > 1 GROUP BY u.t_id) per_u ON per_u.per_u_key = t.id WHERE t.n = 1",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select count(*) from u where t_id = id) as many from t",
        "= SELECT id, COALESCE(per_u.per_u_value, 0) AS many FROM t LEFT JOIN (SELECT t_id AS per_u_key, count(*) AS per_u_value FROM u GROUP BY t_id) per_u ON per_u.per_u_key = id",
    ),
    (
        "scalar-subquery-to-join",
        "select uid, (select txt from t where t.id = u.t_id), (select m from t where t.id = u.k) + 1 from u",
        "= SELECT uid, per_t.per_t_value AS txt, per_t_2.per_t_2_value + 1 FROM u LEFT JOIN (SELECT t.id AS per_t_key, txt AS per_t_value FROM t) per_t ON per_t.per_t_key = u.t_id LEFT JOIN (SELECT t.id AS per_t_2_key, m AS per_t_2_value FROM t) per_t_2 ON per_t_2.per_t_2_key = u.k",
    ),
    (
        "scalar-subquery-to-join",
        "select id from t where m > (select coalesce(max(k), 0) from u where u.t_id = t.id)",
        "= SELECT id FROM t LEFT JOIN (SELECT u.t_id AS per_u_key, max(k) AS per_u_value FROM u GROUP BY u.t_id) per_u ON per_u.per_u_key = t.id WHERE m > COALESCE(per_u.per_u_value, 0)",
    ),
    // More than one row would be an error, and must stay one.
    ("scalar-subquery-to-join", "select id, (select k from u where u.t_id = t.id) from t", ""),
    (
        "scalar-subquery-to-join",
        "select id, (select k from u where u.t_id = t.id limit 1) from t",
        "",
    ),
    ("scalar-subquery-to-join", "select *, (select max(k) from u where u.t_id = t.id) from t", ""),
    ("scalar-subquery-to-join", "select id, (select max(k) from u where u.t_id < t.id) from t", ""),
    (
        "scalar-subquery-to-join",
        "select id, (select max(k + t.n) from u where u.t_id = t.id) from t",
        "",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select array_agg(k) from u where u.t_id = t.id) from t",
        "",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select sum(random()) from u where u.t_id = t.id) from t",
        "",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select max(k) from u where u.t_id = t.s and random() > 0.5) from t",
        "",
    ),
    ("scalar-subquery-to-join", "select id, (select max(k) from u) from t", ""),
    (
        "scalar-subquery-to-join",
        "select n, (select max(k) from u where u.t_id = t.n) from t group by n",
        "",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select max(k) from u where u.t_id = t.txt) from t",
        "",
    ),
    (
        "scalar-subquery-to-join",
        "select id, (select max(k) from u where u.t_id = t.id) as per_u from t",
        "",
    ),
    (
        "needless-materialized",
        "with x as materialized (select * from t where n = 1) select * from x where id = 2",
        "= WITH x AS (SELECT * FROM t WHERE n = 1) SELECT * FROM x WHERE id = 2",
    ),
    (
        "needless-materialized",
        "with x as materialized (select id from t) delete from u where t_id in (select id from x)",
        "= WITH x AS (SELECT id FROM t) DELETE FROM u WHERE t_id IN (SELECT id FROM x)",
    ),
    ("needless-materialized", "with x as materialized (select * from t) select * from x, x y", ""),
    ("needless-materialized", "with x as materialized (select random() r) select * from x", ""),
    (
        "needless-materialized",
        "with x as materialized (select 1 union all (select random())) select * from x",
        "",
    ),
    (
        "needless-materialized",
        "with x as materialized (delete from t returning id) select * from x",
        "",
    ),
    (
        "needless-materialized",
        "with x as materialized (select id from t for update) select * from x",
        "",
    ),
    (
        "needless-materialized",
        "with recursive x as materialized (select 1 a union all select a + 1 from x where a < 3) select 1",
        "",
    ),
    ("needless-materialized", "with x as (select * from t) select * from x", ""),
    (
        "offset-zero",
        "select * from t order by id limit 5 offset 0",
        "= SELECT * FROM t ORDER BY id LIMIT 5",
    ),
    ("offset-zero", "select * from t limit all offset 0", "= SELECT * FROM t"),
    (
        "offset-zero",
        "select * from (select * from t offset 0) x",
        "? SELECT * FROM (SELECT * FROM t) x",
    ),
    ("offset-zero", "select * from t offset 1", ""),
    ("offset-zero", "select * from t offset $1", ""),
];
