/* dbvitals:sequences */
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
  select
    c.oid, n.nspname, c.relname, c.relpersistence, s.seqtypid, s.seqmin, s.seqmax, s.seqincrement,
    s.seqcycle,
    pg_catalog.has_sequence_privilege(c.oid, 'usage')
      or pg_catalog.has_sequence_privilege(c.oid, 'select') as is_readable
  from pg_catalog.pg_sequence as s
  join pg_catalog.pg_class as c on c.oid = s.seqrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by c.oid
  limit 20000
),
-- The column it belongs to (serial, identity), else the first whose default calls it.
fed as materialized (
  select distinct on (f.oid) f.oid, f.relid, f.number
  from (
    select d.objid as oid, d.refobjid as relid, d.refobjsubid as number, 1 as preference
    from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_class'::regclass
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjsubid > 0
      and d.deptype in ('a', 'i')
    union all
    select d.refobjid, v.adrelid, v.adnum, 2
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_attrdef as v on v.oid = d.objid
    where d.classid = 'pg_catalog.pg_attrdef'::regclass
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.deptype = 'n'
  ) as f
  join chosen as s on s.oid = f.oid
  order by f.oid, f.preference, f.relid, f.number
),
keyed as materialized (
  select distinct i.indrelid, k.number
  from pg_catalog.pg_index as i
  cross join lateral pg_catalog.unnest(i.indkey::int2[]) as k (number)
  where i.indisunique
)
select
  s.nspname::text as schema,
  s.relname::text as name,
  pg_catalog.format_type(s.seqtypid, null)::text as type_name,
  s.seqmin::int8 as min_value,
  s.seqmax::int8 as max_value,
  s.seqincrement::int8 as increment,
  s.seqcycle::bool as cycles,
  case
    -- A standby has no file of an unlogged sequence.
    when q.may_open and s.is_readable and l.oid is null
      and (s.relpersistence = 'p' or not pg_catalog.pg_is_in_recovery())
    then pg_catalog.pg_sequence_last_value(s.oid)
  end::int8 as last_value,
  (q.may_open and s.is_readable and l.oid is null)::bool as is_readable,
  tn.nspname::text as owner_schema,
  tc.relname::text as owner_table,
  ta.attname::text as owner_column,
  tt.typname::text as owner_type,
  (k.number is not null)::bool as owner_is_key
from chosen as s
cross join asked as q
left join locked as l on l.oid = s.oid
left join fed as f on f.oid = s.oid
left join pg_catalog.pg_class as tc on tc.oid = f.relid
left join pg_catalog.pg_namespace as tn on tn.oid = tc.relnamespace
left join pg_catalog.pg_attribute as ta on ta.attrelid = f.relid and ta.attnum = f.number
left join pg_catalog.pg_type as tt on tt.oid = ta.atttypid
left join keyed as k on k.indrelid = f.relid and k.number = f.number
order by s.nspname, s.relname
limit 20000
