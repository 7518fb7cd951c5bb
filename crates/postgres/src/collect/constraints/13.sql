/* dbvitals:constraints */
with asked as (
  select true as may_open
),
here as materialized (
  select d.oid
  from pg_catalog.pg_database as d
  where d.datname = pg_catalog.current_database()
),
locked as materialized (
  -- Also those only awaited: our own request would queue behind them.
  select distinct l.relation as oid
  from pg_catalog.pg_locks as l
  join here as h on h.oid = l.database
  where l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.pid is distinct from pg_catalog.pg_backend_pid()
),
chosen as materialized (
  select k.*, n.nspname, c.relname
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as c on c.oid = k.conrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where (k.contype = 'f' or (k.contype in ('c', 'n') and not k.convalidated))
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by c.relpages desc, k.oid
  limit 30000
),
own as materialized (
  select
    k.oid,
    pg_catalog.array_agg(a.attname::text order by p.place) as names,
    pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by p.place) as types
  from chosen as k
  cross join lateral pg_catalog.unnest(k.conkey) with ordinality as p (number, place)
  join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = p.number
  group by k.oid
),
referenced as materialized (
  select
    k.oid,
    pg_catalog.array_agg(a.attname::text order by p.place) as names,
    pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by p.place) as types
  from chosen as k
  cross join lateral pg_catalog.unnest(k.confkey) with ordinality as p (number, place)
  join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = p.number
  group by k.oid
)
select
  k.oid::int8 as oid,
  k.conname::text as name,
  k.contype::text as kind,
  k.nspname::text as schema,
  k.relname::text as "table",
  k.conrelid::int8 as table_oid,
  coalesce(k.conkey, '{}')::int8[] as columns,
  coalesce(o.names, '{}')::text[] as column_names,
  coalesce(o.types, '{}')::text[] as column_types,
  nullif(k.confrelid::int8, 0)::int8 as referenced_oid,
  rn.nspname::text as referenced_schema,
  rc.relname::text as referenced_table,
  coalesce(k.confkey, '{}')::int8[] as referenced_columns,
  coalesce(r.names, '{}')::text[] as referenced_names,
  coalesce(r.types, '{}')::text[] as referenced_types,
  k.convalidated::bool as is_validated,
  case when k.contype = 'f' then k.confdeltype end::text as on_delete,
  nullif(k.conparentid::int8, 0)::int8 as parent_oid,
  -- Deparsing opens the table.
  case when q.may_open and l.oid is null then pg_catalog.pg_get_constraintdef(k.oid) end::text
    as definition
from chosen as k
cross join asked as q
left join locked as l on l.oid = k.conrelid
left join own as o on o.oid = k.oid
left join referenced as r on r.oid = k.oid
left join pg_catalog.pg_class as rc on rc.oid = k.confrelid
left join pg_catalog.pg_namespace as rn on rn.oid = rc.relnamespace
order by k.nspname, k.relname, k.conname
limit 30000
