/* dbvitals:temporary_tables */
with here as materialized (
  select d.oid
  from pg_catalog.pg_database as d
  where d.datname = pg_catalog.current_database()
),
living as materialized (
  select b.id
  from pg_catalog.pg_stat_get_backend_idset() as b (id)
  join pg_catalog.pg_stat_activity as s on s.pid = pg_catalog.pg_stat_get_backend_pid(b.id)
  join here as h on h.oid = s.datid
  -- We make none, though our number may have belonged to one who did.
  where s.application_name is distinct from 'dbvitals'
)
select
  c.oid::int8 as oid,
  n.nspname::text as schema,
  c.relname::text as name,
  r.rolname::text as owner,
  c.relpages::int8 as pages,
  case when c.relfrozenxid <> '0'::xid then pg_catalog.age(c.relfrozenxid) end::int8 as frozen_xid_age,
  exists (
    select 1 from living as l where l.id = pg_catalog.substr(n.nspname::text, 9)::int4
  )::bool as owner_lives
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_roles as r on r.oid = c.relowner
where c.relpersistence = 't'
  and c.relkind = 'r'
  and n.nspname ~ '^pg_temp_[0-9]+$'
order by n.nspname, c.relname
limit 5000
