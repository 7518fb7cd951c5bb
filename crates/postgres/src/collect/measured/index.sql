/* dbvitals:measured */
with locked as materialized (
  -- Also those only awaited: our own request would queue behind them.
  select pg_catalog.count(*) as held
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_database as d on d.oid = l.database
  where d.datname = pg_catalog.current_database()
    and l.locktype = 'relation'
    and l.relation = {oid}
    and l.mode = 'AccessExclusiveLock'
    and l.pid is distinct from pg_catalog.pg_backend_pid()
)
select
  c.oid::int8 as oid,
  m.index_size::int8 as size_bytes,
  m.internal_pages::int8 as internal_pages,
  m.leaf_pages::int8 as leaf_pages,
  m.empty_pages::int8 as empty_pages,
  m.deleted_pages::int8 as deleted_pages,
  nullif(m.avg_leaf_density, 'NaN')::float8 as average_leaf_density,
  null::float8 as scanned_percent,
  null::int8 as live_rows,
  null::int8 as live_bytes,
  null::int8 as dead_rows,
  null::int8 as dead_bytes,
  null::int8 as free_bytes
from pg_catalog.pg_class as c
cross join lateral {schema}.pgstatindex(c.oid::regclass) as m
where c.oid = {oid}
  and (select l.held from locked as l) = 0
limit 1
