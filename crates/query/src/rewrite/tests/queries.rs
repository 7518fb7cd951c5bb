//! What becomes of queries that say more than they need.

use super::Case;

pub(super) const QUERIES: &[Case] = &[
    // A statement that is about a query.
    ("needless-distinct", "explain select distinct id from t", "= EXPLAIN SELECT id FROM t"),
    (
        "needless-distinct",
        "create table x as select distinct id from t",
        "= CREATE TABLE x AS SELECT id FROM t",
    ),
    (
        "needless-distinct",
        "create view v as select distinct id from t",
        "= CREATE VIEW v AS SELECT id FROM t",
    ),
    (
        "needless-distinct",
        "declare c cursor for select distinct id from t",
        "= DECLARE c CURSOR FOR SELECT id FROM t",
    ),
    (
        "needless-distinct",
        "copy (select distinct id from t) to stdout",
        "= COPY (SELECT id FROM t) TO STDOUT",
    ),
    (
        "union-to-union-all",
        "select 'a' as kind, id from t union select 'b', uid from u",
        "= SELECT 'a' AS kind, id FROM t UNION ALL SELECT 'b', uid FROM u",
    ),
    ("union-to-union-all", "select 'a' as kind, n from t union select 'b', uid from u", ""),
    ("union-to-union-all", "select id from t union select uid from u", ""),
    ("union-to-union-all", "select '1' as kind, id from t union select '01', uid from u", ""),
    ("needless-distinct", "select distinct id, n from t", "= SELECT id, n FROM t"),
    (
        "needless-distinct",
        "select distinct * from t join u on t.id = u.t_id",
        "= SELECT * FROM t JOIN u ON t.id = u.t_id",
    ),
    ("needless-distinct", "select distinct t.id from t join u on t.id = u.t_id", ""),
    ("needless-distinct", "select distinct n from t", ""),
    ("needless-distinct", "select distinct t.id, u.uid from u left join t on t.id = u.t_id", ""),
    (
        "subquery-order",
        "select * from t where id in (select k from u order by k)",
        "= SELECT * FROM t WHERE id IN (SELECT k FROM u)",
    ),
    (
        "subquery-order",
        "select count(*) from (select * from t order by n) x",
        "= SELECT count(*) FROM (SELECT * FROM t) x",
    ),
    ("subquery-order", "select array_agg(n) from (select * from t order by n) x", ""),
    ("subquery-order", "select * from (select * from t order by n) x", ""),
    ("subquery-order", "select * from t where id in (select k from u order by k limit 1)", ""),
    (
        "having-to-where",
        "select n, count(*) from t where m > 0 group by n having n > 1 and count(*) > 2",
        "= SELECT n, count(*) FROM t WHERE m > 0 AND n > 1 GROUP BY n HAVING count(*) > 2",
    ),
    ("having-to-where", "select n from t group by rollup (n) having n > 1", ""),
    ("having-to-where", "select count(*) from t having count(*) > 1", ""),
    (
        "unused-left-join",
        "select u.k from u left join t on t.id = u.t_id where u.k > 1",
        "= SELECT u.k FROM u WHERE u.k > 1",
    ),
    ("unused-left-join", "select u.k, t.n from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select u.k, n from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select * from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select u.k from u left join t on t.n = u.t_id", ""),
    ("unused-left-join", "select u.k from u join t on t.id = u.t_id", ""),
    // A function may yield the same row twice.
    ("needless-distinct", "select distinct id, unnest(array[1, 1]) from t", ""),
    (
        "needless-distinct",
        "select distinct id, lower(txt) from t",
        "= SELECT id, lower(txt) FROM t",
    ),
    // A window, a subscript and a function of JSON read what they name.
    (
        "unused-left-join",
        "select u.k, row_number() over (order by t.n) from u left join t on t.id = u.t_id",
        "",
    ),
    ("unused-left-join", "select (array[1])[t.n] from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select json_object('a': t.n) from u left join t on t.id = u.t_id", ""),
    (
        "unused-left-join",
        "select sum(u.k) over w from u left join t on t.id = u.t_id window w as (order by t.n)",
        "",
    ),
    // Many integers equal one number of floating point.
    ("unused-left-join", "select u.k from u left join t on t.id = u.k::float8", ""),
];
