/* dbvitals:policies */
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
  select p.*, n.nspname, c.relname
  from pg_catalog.pg_policy as p
  join pg_catalog.pg_class as c on c.oid = p.polrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by p.oid
  limit 5000
),
read as (
  select
    p.oid,
    pg_catalog.array_agg(a.attnum::int8 order by a.attnum) as numbers,
    pg_catalog.array_agg(a.attname::text order by a.attnum) as names
  from chosen as p
  cross join lateral (
    select distinct d.refobjsubid as number
    from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_policy'::regclass
      and d.objid = p.oid
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = p.polrelid
      and d.refobjsubid > 0
  ) as d
  join pg_catalog.pg_attribute as a on a.attrelid = p.polrelid and a.attnum = d.number
  group by p.oid
),
called as (
  -- Built-in functions leave no dependency, so the calls are taken from the stored expressions.
  select p.oid, pg_catalog.array_agg(distinct f.proname::text order by f.proname::text) as names
  from chosen as p
  cross join lateral pg_catalog.regexp_matches(
    pg_catalog.concat(p.polqual::text, p.polwithcheck::text), ':(?:opfuncid|funcid) ([0-9]+)', 'g'
  ) as m (parts)
  join pg_catalog.pg_proc as f on f.oid = m.parts[1]::oid
  where f.provolatile = 'v'
  group by p.oid
)
select
  p.nspname::text as schema,
  p.relname::text as "table",
  p.polrelid::int8 as table_oid,
  p.polname::text as name,
  p.polpermissive::bool as is_permissive,
  case p.polcmd
    when 'r' then 'SELECT'
    when 'a' then 'INSERT'
    when 'w' then 'UPDATE'
    when 'd' then 'DELETE'
    else 'ALL'
  end::text as command,
  case
    when p.polroles = '{0}' then array['public']
    else array(
      select r.rolname::text
      from pg_catalog.pg_roles as r
      where r.oid = any (p.polroles)
      order by r.rolname
    )
  end::text[] as roles,
  -- Deparsing opens the table.
  case when q.may_open and l.oid is null then pg_catalog.pg_get_expr(p.polqual, p.polrelid) end::text
    as using_expression,
  case
    when q.may_open and l.oid is null then pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
  end::text as check_expression,
  coalesce(d.numbers, '{}')::int8[] as columns,
  coalesce(d.names, '{}')::text[] as column_names,
  coalesce(f.names, '{}')::text[] as volatile_functions
from chosen as p
cross join asked as q
left join locked as l on l.oid = p.polrelid
left join read as d on d.oid = p.oid
left join called as f on f.oid = p.oid
order by p.nspname, p.relname, p.polname
limit 5000
