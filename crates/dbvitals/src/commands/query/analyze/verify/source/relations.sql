/* dbvitals:copied_relations */
with recursive named (place, schema, name) as (
  select n.place, nullif(n.schema, ''), n.name
  from rows from (
    pg_catalog.unnest({schemas}::text[]), pg_catalog.unnest({names}::text[])
  ) with ordinality as n (schema, name, place)
),
searched (name, place) as (
  select p.name, p.place from pg_catalog.unnest({path}::text[]) with ordinality as p (name, place)
),
found as (
  select distinct on (m.place) c.oid, m.schema, m.name
  from named as m
  join pg_catalog.pg_class as c on c.relname = m.name and c.relkind in ('r', 'p', 'v', 'm', 'f')
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join searched as p on p.name = n.nspname
  where case
    when m.schema is null then p.place is not null or n.nspname = 'pg_catalog'
    else n.nspname = m.schema
  end
  order by m.place, p.place nulls first
),
touched (oid) as (
  select f.oid from found as f
  union
  -- What views read.
  select d.refobjid
  from touched as t
  join pg_catalog.pg_class as c on c.oid = t.oid and c.relkind = 'v'
  join pg_catalog.pg_rewrite as r on r.ev_class = t.oid
  join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
)
select
  c.oid::int8 as oid,
  n.nspname::text as schema,
  c.relname::text as name,
  c.relkind::text as kind,
  f.schema::text as asked_schema,
  f.name::text as asked_name,
  exists (select from pg_catalog.pg_inherits as i where i.inhparent = c.oid) as has_parts,
  array(
    with recursive up (oid) as (
      select i.inhparent from pg_catalog.pg_inherits as i where i.inhrelid = c.oid
      union
      select i.inhparent from up as u join pg_catalog.pg_inherits as i on i.inhrelid = u.oid
    )
    select u.oid::int8 from up as u
  ) as parents,
  case when c.relkind = 'v' then pg_catalog.pg_get_viewdef(c.oid) end as definition
from touched as t
join pg_catalog.pg_class as c on c.oid = t.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join found as f on f.oid = t.oid
order by c.oid
limit 500
