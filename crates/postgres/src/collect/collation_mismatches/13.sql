/* dbvitals:collation_mismatches */
with ordered as materialized (
  select i.indexrelid as oid, n.nspname, x.relname, k.collation_oid
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = x.relnamespace
  cross join lateral (
    select distinct v.oid
    from pg_catalog.unnest(i.indcollation::oid[]) as v (oid)
    where v.oid <> 0
  ) as k (collation_oid)
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
),
versioned as materialized (
  select
    c.oid, c.collname::text as collation, c.collversion as recorded,
    pg_catalog.pg_collation_actual_version(c.oid) as actual
  from pg_catalog.pg_collation as c
  where c.collversion is not null
    and c.oid in (select o.collation_oid from ordered as o)
)
select
  v.collation::text as collation,
  v.recorded::text as recorded_version,
  v.actual::text as actual_version,
  coalesce(
    (pg_catalog.array_agg(o.nspname || '.' || o.relname order by o.nspname, o.relname)
      filter (where o.oid is not null))[1:50],
    '{}'
  )::text[] as indexes,
  pg_catalog.count(o.oid)::int8 as index_count,
  null::timestamptz as noticed_at
from versioned as v
left join ordered as o on o.collation_oid = v.oid
where v.recorded is distinct from v.actual
  and v.recorded is not null
  and v.actual is not null
group by v.collation, v.recorded, v.actual
order by v.collation
limit 200
