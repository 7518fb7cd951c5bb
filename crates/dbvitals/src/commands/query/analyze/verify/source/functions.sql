/* dbvitals:copied_functions */
with named (schema, name) as (
  select nullif(n.schema, ''), n.name
  from rows from (pg_catalog.unnest({schemas}::text[]), pg_catalog.unnest({names}::text[])) as n (schema, name)
),
parts (class, oid) as (
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid
  from pg_catalog.pg_attrdef as d where d.adrelid = any ({oids}::oid[])
  union all
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  from pg_catalog.pg_constraint as k
  where (k.conrelid = any ({oids}::oid[]) or k.contypid = any ({types}::oid[])) and k.contype = 'c'
  union all
  select 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid
  from pg_catalog.pg_rewrite as r where r.ev_class = any ({oids}::oid[])
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid
  from pg_catalog.pg_index as i where i.indrelid = any ({oids}::oid[]) and i.indisunique
),
used as (
  select d.refobjid as oid
  from parts as u
  join pg_catalog.pg_depend as d on d.classid = u.class and d.objid = u.oid
  where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  union
  select p.oid
  from named as m
  join pg_catalog.pg_proc as p on p.proname = m.name
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where case when m.schema is null then n.nspname = any ({path}::text[]) else n.nspname = m.schema end
)
select
  p.oid::int8 as oid,
  n.nspname::text as schema,
  p.oid::pg_catalog.regprocedure::text as signature,
  p.prokind::text as kind,
  l.lanname::text as language,
  p.provolatile::text as volatility,
  case when l.lanname = 'sql' and p.prokind = 'f' then pg_catalog.pg_get_functiondef(p.oid) end as definition,
  coalesce(p.prosrc, '') as body,
  e.extname::text as extension,
  array(
    select t.oid::int8
    from pg_catalog.unnest(p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')) as t (oid)
  ) as types
from used as u
join pg_catalog.pg_proc as p on p.oid = u.oid
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_language as l on l.oid = p.prolang
left join pg_catalog.pg_depend as d
  on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension as e on e.oid = d.refobjid
where n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'
order by p.oid
limit 500
