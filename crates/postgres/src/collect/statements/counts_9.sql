/* dbvitals:statements_counts */
-- What is asked every second or two. Without texts, and without what was called once: that repeats nothing, and is most of
-- what is kept where statements are written with their values. The last row is this query's own time.
(
  select
    s.queryid::int8 as query_id,
    r.rolname::text as "user",
    d.datname::text as database,
    s.toplevel::bool as is_top_level,
    s.calls::int8 as calls,
    s.rows::int8 as rows,
    null::float8 as spent_ms
  from {schema}.pg_stat_statements(false) as s
  left join pg_catalog.pg_roles as r on r.oid = s.userid
  left join pg_catalog.pg_database as d on d.oid = s.dbid
  where s.calls > 1
    and s.queryid is not null
  limit 20000
)
union all
select
  0::int8,
  null::text,
  null::text,
  true::bool,
  0::int8,
  0::int8,
  (extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000)::float8
