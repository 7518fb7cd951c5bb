/* dbvitals:temporary_tables */
with here as materialized (
  select d.oid
  from pg_catalog.pg_database as d
  where d.datname = pg_catalog.current_database()
),
alone as materialized (
  -- Before 16 a session does not tell the number its temporary schema bears.
  select not exists (
    select 1
    from pg_catalog.pg_stat_activity as s
    join here as h on h.oid = s.datid
    -- We make none.
    where s.application_name is distinct from 'dbvitals'
  ) as is_alone
)
select
  c.oid::int8 as oid,
  n.nspname::text as schema,
  c.relname::text as name,
  r.rolname::text as owner,
  c.relpages::int8 as pages,
  case when c.relfrozenxid <> '0'::xid then pg_catalog.age(c.relfrozenxid) end::int8 as frozen_xid_age,
  case when a.is_alone then false end::bool as owner_lives
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_roles as r on r.oid = c.relowner
cross join alone as a
where c.relpersistence = 't'
  and c.relkind = 'r'
  and n.nspname ~ '^pg_temp_[0-9]+$'
order by n.nspname, c.relname
limit 5000
