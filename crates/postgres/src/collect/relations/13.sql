/* dbvitals:relations */
with asked as (
  select
    true as may_open,
    -- Exact sizes open each relation and stat its files: taken for so many of the largest tables.
    1000 as exact_tables,
    -- Whether statistics exist is looked up one by one: for so many of the largest, and partitioned tables.
    2000 as described_tables
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
    c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.reltuples, c.relpages,
    c.relallvisible, c.reloptions, c.relfrozenxid, c.relminmxid, c.reltoastrelid, c.relreplident,
    c.relrowsecurity, c.relforcerowsecurity, c.relnatts, c.relispartition,
    pg_catalog.row_number() over (
      order by
        greatest(c.relpages::float8, pg_catalog.pg_stat_get_live_tuples(c.oid) / 50.0) desc, c.oid
    ) as size_rank
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'p')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by size_rank
  limit 20000
),
toast as materialized (
  select
    t.oid, t.relpages, t.reltuples, t.relallvisible, t.relfrozenxid, t.relminmxid,
    i.indexrelid as index_oid,
    x.relpages as index_pages
  from pg_catalog.pg_class as t
  join pg_catalog.pg_index as i on i.indrelid = t.oid and i.indisvalid
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  where t.relkind = 't'
),
indexed as materialized (
  select
    i.indrelid as oid,
    pg_catalog.bool_or(i.indisprimary) as has_primary_key,
    pg_catalog.sum(
      case
        when x.relkind <> 'i' then 0
        when k.may_open and s.size_rank <= k.exact_tables and l.oid is null and b.oid is null
        then pg_catalog.pg_relation_size(i.indexrelid)
        else x.relpages::int8 * pg_catalog.current_setting('block_size')::int8
      end
    ) as bytes,
    pg_catalog.bool_or(l.oid is not null) as is_locked,
    pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) as scans,
    pg_catalog.sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid)) as rows_fetched,
    pg_catalog.sum(pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid)) as blocks_fetched,
    pg_catalog.sum(pg_catalog.pg_stat_get_blocks_hit(i.indexrelid)) as blocks_hit
  from chosen as s
  cross join asked as k
  join pg_catalog.pg_index as i on i.indrelid = s.oid
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  left join locked as l on l.oid = i.indexrelid
  left join locked as b on b.oid = i.indrelid
  group by i.indrelid
),
published as materialized (
  select distinct p.schemaname, p.tablename
  from pg_catalog.pg_publication_tables as p
),
described as materialized (
  -- One look-up each, which ends at the first column: reading the whole view asks for each column's privilege.
  select c.oid, s.is_described
  from chosen as c
  join asked as k on c.size_rank <= k.described_tables or c.relkind = 'p'
  left join lateral (
    select true as is_described
    from pg_catalog.pg_stats as s
    where s.schemaname = c.nspname and s.tablename = c.relname
    limit 1
  ) as s on true
),
member as materialized (
  select d.objid as oid, e.extname
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_extension as e on e.oid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::regclass
    and d.refclassid = 'pg_catalog.pg_extension'::regclass
    and d.deptype = 'e'
),
guarded as (
  select p.polrelid as oid, pg_catalog.count(*) as policies
  from pg_catalog.pg_policy as p
  group by p.polrelid
)
select
  c.oid::int8 as oid,
  c.nspname::text as schema,
  c.relname::text as name,
  c.relkind::text as kind,
  c.relpersistence::text as persistence,
  -- Before 14 a table nobody analysed says 0.
  case
    when c.reltuples = 0 and c.relpages = 0
      and pg_catalog.current_setting('server_version_num')::int4 < 140000
    then -1
    else c.reltuples
  end::float8 as row_estimate,
  c.relpages::int8 as pages,
  c.relallvisible::int8 as all_visible_pages,
  case
    when c.relkind = 'p' then 0
    when z.exact
    then pg_catalog.pg_relation_size(c.oid)
      + pg_catalog.pg_relation_size(c.oid, 'fsm')
      + pg_catalog.pg_relation_size(c.oid, 'vm')
    else c.relpages::int8 * z.block_bytes
  end::int8 as heap_bytes,
  case
    when t.oid is null then 0
    when z.exact then pg_catalog.pg_total_relation_size(t.oid)
    else (t.relpages::int8 + t.index_pages::int8) * z.block_bytes
  end::int8 as toast_bytes,
  coalesce(i.bytes, 0)::int8 as index_bytes,
  (c.relkind <> 'p' and not z.exact)::bool as sizes_estimated,
  (l.oid is not null or lt.oid is not null or li.oid is not null or coalesce(i.is_locked, false))::bool
    as is_locked,
  coalesce(c.reloptions, '{}')::text[] as options,
  -- Vacuum of a table takes its TOAST table along: the older of the two counts.
  greatest(
    pg_catalog.age(nullif(c.relfrozenxid, '0'::xid)), pg_catalog.age(nullif(t.relfrozenxid, '0'::xid))
  )::int8 as frozen_xid_age,
  greatest(
    pg_catalog.mxid_age(nullif(c.relminmxid, '0'::xid)),
    pg_catalog.mxid_age(nullif(t.relminmxid, '0'::xid))
  )::int8 as multixact_age,
  pg_catalog.pg_stat_get_numscans(c.oid)::int8 as seq_scans,
  pg_catalog.pg_stat_get_tuples_returned(c.oid)::int8 as seq_rows_read,
  i.scans::int8 as index_scans,
  (i.rows_fetched + pg_catalog.pg_stat_get_tuples_fetched(c.oid))::int8 as index_rows_fetched,
  pg_catalog.pg_stat_get_tuples_inserted(c.oid)::int8 as inserts,
  pg_catalog.pg_stat_get_tuples_updated(c.oid)::int8 as updates,
  pg_catalog.pg_stat_get_tuples_deleted(c.oid)::int8 as deletes,
  pg_catalog.pg_stat_get_tuples_hot_updated(c.oid)::int8 as hot_updates,
  pg_catalog.pg_stat_get_live_tuples(c.oid)::int8 as live_rows,
  pg_catalog.pg_stat_get_dead_tuples(c.oid)::int8 as dead_rows,
  pg_catalog.pg_stat_get_mod_since_analyze(c.oid)::int8 as modified_since_analyze,
  pg_catalog.pg_stat_get_ins_since_vacuum(c.oid)::int8 as inserted_since_vacuum,
  pg_catalog.pg_stat_get_last_vacuum_time(c.oid)::timestamptz as last_vacuum,
  pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)::timestamptz as last_autovacuum,
  pg_catalog.pg_stat_get_last_analyze_time(c.oid)::timestamptz as last_analyze,
  pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)::timestamptz as last_autoanalyze,
  pg_catalog.pg_stat_get_vacuum_count(c.oid)::int8 as vacuums,
  pg_catalog.pg_stat_get_autovacuum_count(c.oid)::int8 as autovacuums,
  pg_catalog.pg_stat_get_analyze_count(c.oid)::int8 as analyzes,
  pg_catalog.pg_stat_get_autoanalyze_count(c.oid)::int8 as autoanalyzes,
  (pg_catalog.pg_stat_get_blocks_fetched(c.oid) - pg_catalog.pg_stat_get_blocks_hit(c.oid))::int8
    as heap_blocks_read,
  pg_catalog.pg_stat_get_blocks_hit(c.oid)::int8 as heap_blocks_hit,
  coalesce(i.blocks_fetched - i.blocks_hit, 0)::int8 as index_blocks_read,
  coalesce(i.blocks_hit, 0)::int8 as index_blocks_hit,
  nullif(c.reltoastrelid::int8, 0)::int8 as toast_oid,
  case
    when t.oid is null then 0
    when z.exact then pg_catalog.pg_relation_size(t.oid)
    else t.relpages::int8 * z.block_bytes
  end::int8 as toast_heap_bytes,
  case when t.relpages > 0 then t.reltuples else -1 end::float8 as toast_row_estimate,
  coalesce(pg_catalog.pg_stat_get_live_tuples(t.oid), 0)::int8 as toast_live_rows,
  coalesce(t.relallvisible, 0)::int8 as toast_all_visible_pages,
  coalesce(i.has_primary_key, false)::bool as has_primary_key,
  c.relreplident::text as replica_identity,
  (u.tablename is not null)::bool as is_published,
  c.relrowsecurity::bool as row_security,
  c.relforcerowsecurity::bool as row_security_forced,
  coalesce(g.policies, 0)::int8 as policies,
  c.relnatts::int8 as columns,
  nullif(p.inhparent::int8, 0)::int8 as parent_oid,
  c.relispartition::bool as is_partition,
  m.extname::text as extension,
  case
    when s.is_described then true
    when s.oid is not null
      and pg_catalog.has_table_privilege(c.oid, 'select')
      and not pg_catalog.row_security_active(c.oid)
    then false
  end::bool as has_statistics
from chosen as c
left join toast as t on t.oid = c.reltoastrelid
left join locked as l on l.oid = c.oid
left join locked as lt on lt.oid = t.oid
left join locked as li on li.oid = t.index_oid
cross join lateral (
  select
    k.may_open and c.size_rank <= k.exact_tables
      and l.oid is null and lt.oid is null and li.oid is null as exact,
    pg_catalog.current_setting('block_size')::int8 as block_bytes
  from asked as k
) as z
left join indexed as i on i.oid = c.oid
left join pg_catalog.pg_inherits as p on p.inhrelid = c.oid and p.inhseqno = 1
left join published as u on u.schemaname = c.nspname and u.tablename = c.relname
left join described as s on s.oid = c.oid
left join guarded as g on g.oid = c.oid
left join member as m on m.oid = c.oid
order by c.size_rank
limit 20000
