/* dbvitals:partitions */
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
parent as materialized (
  select
    p.partrelid as oid, c.relname, p.partstrat, p.partdefid,
    -- Deparsing opens the table.
    case when q.may_open and l.oid is null then pg_catalog.pg_get_partkeydef(p.partrelid) end as key
  from pg_catalog.pg_partitioned_table as p
  cross join asked as q
  join pg_catalog.pg_class as c on c.oid = p.partrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join locked as l on l.oid = p.partrelid
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
)
select
  p.oid::int8 as parent_oid,
  p.relname::text as parent,
  case p.partstrat when 'r' then 'RANGE' when 'l' then 'LIST' when 'h' then 'HASH' end::text
    as strategy,
  p.key::text as key,
  c.oid::int8 as oid,
  c.relname::text as name,
  case when q.may_open and l.oid is null then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end::text
    as bound,
  (c.oid = p.partdefid)::bool as is_default,
  false::bool as detach_pending,
  c.reltuples::float8 as row_estimate,
  c.relpages::int8 as pages
from parent as p
cross join asked as q
join pg_catalog.pg_inherits as h on h.inhparent = p.oid
join pg_catalog.pg_class as c on c.oid = h.inhrelid
left join locked as l on l.oid = c.oid
order by p.oid, c.oid
limit 20000
