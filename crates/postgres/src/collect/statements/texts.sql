/* dbvitals:statements_texts */
select
  s.queryid::int8 as query_id,
  r.rolname::text as "user",
  d.datname::text as database,
  pg_catalog.left(s.query, 10000)::text as text
from {schema}.pg_stat_statements(true) as s
left join pg_catalog.pg_roles as r on r.oid = s.userid
left join pg_catalog.pg_database as d on d.oid = s.dbid
where s.queryid = any ('{query_ids}'::int8[])
limit 20000
