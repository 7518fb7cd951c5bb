/* dbvitals:collation_mismatches */
with used as materialized (
  -- Few vectors of collations are shared by all indexes.
  select distinct v.oid
  from (select distinct i.indcollation as vector from pg_catalog.pg_index as i) as d
  cross join lateral pg_catalog.unnest(d.vector::oid[]) as v (oid)
  where v.oid <> 0
),
versioned as materialized (
  select
    c.oid, s.nspname::text as schema, c.collname::text as collation, c.collversion as recorded,
    pg_catalog.pg_collation_actual_version(c.oid) as actual
  from pg_catalog.pg_collation as c
  join pg_catalog.pg_namespace as s on s.oid = c.collnamespace
  where c.collversion is not null
    and c.oid in (select u.oid from used as u)
  union all
  select
    100::oid, 'pg_catalog', 'default', d.datcollversion,
    pg_catalog.pg_database_collation_actual_version(d.oid)
  from pg_catalog.pg_database as d
  where d.datname = pg_catalog.current_database()
),
changed as materialized (
  select v.oid, v.schema, v.collation, v.recorded, v.actual
  from versioned as v
  where v.recorded is distinct from v.actual
    and v.recorded is not null
    and v.actual is not null
),
ordered as materialized (
  -- As SQL writes them; an index of a partitioned table is its partitions' indexes.
  select
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(x.relname) as name,
    i.indexrelid as oid, v.oid as collation_oid
  from changed as v
  join pg_catalog.pg_index as i on v.oid = any (i.indcollation::oid[])
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = x.relnamespace
  where x.relkind = 'i'
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
)
select
  v.schema::text as schema,
  v.collation::text as collation,
  v.recorded::text as recorded_version,
  v.actual::text as actual_version,
  coalesce(
    (pg_catalog.array_agg(o.name order by o.name)
      filter (where o.oid is not null))[1:50],
    '{}'
  )::text[] as indexes,
  pg_catalog.count(o.oid)::int8 as index_count,
  null::timestamptz as noticed_at
from changed as v
left join ordered as o on o.collation_oid = v.oid
group by v.schema, v.collation, v.recorded, v.actual
order by v.schema, v.collation
limit 200
