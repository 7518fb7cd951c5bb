/* dbvitals:nested_views */
with recursive users as materialized (
  select c.oid, n.nspname, c.relname
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'v'
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by c.oid
  limit 20000
),
edge as materialized (
  select distinct o.oid as outer_oid, i.oid as inner_oid
  from users as o
  join pg_catalog.pg_rewrite as r on r.ev_class = o.oid
  join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass
  join users as i on i.oid = d.refobjid and i.oid <> o.oid
),
nest as (
  select e.inner_oid as oid, 1 as depth
  from edge as e
  union
  -- Distinct pairs of view and depth, so that many ways between the same two views cost nothing.
  select e.outer_oid, n.depth + 1
  from nest as n
  join edge as e on e.inner_oid = n.oid
  where n.depth < 20
)
select
  v.oid::int8 as oid,
  v.nspname::text as schema,
  v.relname::text as name,
  m.depth::int8 as depth,
  coalesce(
    (
      select pg_catalog.array_agg(t.name)
      from (
        select i.nspname::text || '.' || i.relname::text as name
        from edge as e
        join users as i on i.oid = e.inner_oid
        where e.outer_oid = v.oid
        order by 1
        limit 20
      ) as t
    ),
    '{}'
  )::text[] as reads,
  x.extname::text as extension
from (select n.oid, pg_catalog.max(n.depth) as depth from nest as n group by n.oid) as m
join users as v on v.oid = m.oid
left join pg_catalog.pg_depend as d
  on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = v.oid
  and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
left join pg_catalog.pg_extension as x on x.oid = d.refobjid
order by m.depth desc, v.nspname, v.relname
limit 5000
