/* dbvitals:indexes */
with asked as (
  select
    true as may_open,
    -- Exact sizes open each index: taken for so many of the largest.
    3000 as exact_indexes
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
    x.oid, i.indrelid, n.nspname, x.relname, t.relname as table_name, m.amname, x.relkind,
    i.indisunique, i.indisprimary, i.indisexclusion, i.indisvalid, i.indisready, i.indislive,
    i.indisclustered, i.indisreplident, i.indnkeyatts, i.indkey, i.indclass, i.indcollation,
    i.indoption, i.indexprs, i.indpred, x.reloptions, x.reltuples, x.relpages,
    x.reltablespace,
    lt.oid is not null as table_is_locked,
    lx.oid is not null as index_is_locked,
    pg_catalog.row_number() over (order by x.relpages desc, x.oid) as size_rank
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  join pg_catalog.pg_am as m on m.oid = x.relam
  left join locked as lt on lt.oid = i.indrelid
  left join locked as lx on lx.oid = i.indexrelid
  where t.relkind in ('r', 'm', 'p')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by size_rank
  limit 60000
),
images as materialized (
  select p.amprocfamily, p.amproclefttype
  from pg_catalog.pg_amproc as p
  join pg_catalog.pg_opfamily as f on f.oid = p.amprocfamily
  join pg_catalog.pg_am as m on m.oid = f.opfmethod
  where m.amname = 'btree' and p.amprocnum = 4 and p.amproclefttype = p.amprocrighttype
),
named as materialized (
  select
    i.oid,
    -- Deparsing a definition opens the table. One of columns alone, all at their defaults, is put together.
    pg_catalog.bool_and(
      i.relkind = 'i' and i.amname in ('btree', 'hash') and i.reloptions is null
      and i.reltablespace = 0 and i.indexprs is null and i.indpred is null
      and not i.indisexclusion
      and (
        k.place > i.indnkeyatts
        or coalesce(
          k.choice = 0 and k.order_by = a.attcollation and o.opcdefault
          and (
            o.opcintype = a.atttypid
            or (o.opcintype = 'text'::regtype and a.atttypid = 'varchar'::regtype)
          ),
          false
        )
      )
    ) as is_plain,
    -- Only where equal keys have equal images are they folded into lists.
    pg_catalog.bool_and(
      k.place > i.indnkeyatts
      or f.amprocfamily is not null and coalesce(c.collisdeterministic, true)
    ) as has_equal_images,
    pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.place)
      filter (where k.place <= i.indnkeyatts) as key_list,
    pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.place)
      filter (where k.place > i.indnkeyatts) as included_list,
    pg_catalog.array_agg(coalesce(a.attname, '')::text order by k.place)
      filter (where k.place <= i.indnkeyatts) as key_names,
    pg_catalog.array_agg(coalesce(a.attname, '')::text order by k.place)
      filter (where k.place > i.indnkeyatts) as included_names
  from chosen as i
  cross join lateral rows from (
    pg_catalog.unnest(i.indkey::int2[]), pg_catalog.unnest(i.indclass::oid[]),
    pg_catalog.unnest(i.indcollation::oid[]), pg_catalog.unnest(i.indoption::int2[])
  ) with ordinality as k (number, opclass, order_by, choice, place)
  left join pg_catalog.pg_attribute as a
    on a.attrelid = i.indrelid and a.attnum = k.number and a.attnum > 0
  left join pg_catalog.pg_opclass as o on o.oid = k.opclass
  left join pg_catalog.pg_collation as c on c.oid = k.order_by
  left join images as f on f.amprocfamily = o.opcfamily and f.amproclefttype = o.opcintype
  group by i.oid
),
bound as materialized (
  select c.conindid as oid, pg_catalog.min(c.conname::text) as conname
  from pg_catalog.pg_constraint as c
  where c.contype in ('p', 'u', 'x')
  group by c.conindid
),
member as materialized (
  select d.objid as oid, e.extname
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_extension as e on e.oid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::regclass
    and d.refclassid = 'pg_catalog.pg_extension'::regclass
    and d.deptype = 'e'
)
select
  i.oid::int8 as oid,
  i.indrelid::int8 as table_oid,
  i.nspname::text as schema,
  i.relname::text as name,
  i.table_name::text as "table",
  i.amname::text as method,
  i.indisunique::bool as is_unique,
  i.indisprimary::bool as is_primary,
  i.indisexclusion::bool as is_exclusion,
  i.indisvalid::bool as is_valid,
  i.indisready::bool as is_ready,
  i.indislive::bool as is_live,
  i.indisclustered::bool as is_clustered,
  i.indisreplident::bool as is_replica_identity,
  false::bool as nulls_not_distinct,
  k.has_equal_images::bool as has_equal_images,
  b.conname::text as "constraint",
  -- These vectors count from 0.
  (i.indkey::int2[])[0:i.indnkeyatts - 1]::int8[] as key_columns,
  coalesce(k.key_names, '{}')::text[] as key_names,
  (i.indkey::int2[])[i.indnkeyatts:]::int8[] as included_columns,
  coalesce(k.included_names, '{}')::text[] as included_names,
  (i.indclass::oid[])[0:i.indnkeyatts - 1]::int8[] as opclasses,
  (i.indcollation::oid[])[0:i.indnkeyatts - 1]::int8[] as collations,
  (i.indoption::int2[])[0:i.indnkeyatts - 1]::int8[] as key_options,
  case
    when z.may_open and not i.table_is_locked then pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
  end::text as expressions,
  case
    when z.may_open and not i.table_is_locked then pg_catalog.pg_get_expr(i.indpred, i.indrelid)
  end::text as predicate,
  case
    when k.is_plain
    then pg_catalog.concat(
      'CREATE ', case when i.indisunique then 'UNIQUE ' end, 'INDEX ', pg_catalog.quote_ident(i.relname),
      ' ON ', pg_catalog.quote_ident(i.nspname), '.', pg_catalog.quote_ident(i.table_name),
      ' USING ', i.amname, ' (', k.key_list, ')', ' INCLUDE (' || k.included_list || ')'
    )
    when z.may_open and not i.table_is_locked and not i.index_is_locked
    then pg_catalog.pg_get_indexdef(i.oid)
  end::text as definition,
  coalesce(i.reloptions, '{}')::text[] as options,
  i.reltuples::float8 as row_estimate,
  i.relpages::int8 as pages,
  case
    when i.relkind <> 'i' then 0
    when z.exact then pg_catalog.pg_relation_size(i.oid)
    else i.relpages::int8 * pg_catalog.current_setting('block_size')::int8
  end::int8 as size_bytes,
  (i.relkind = 'i' and not z.exact)::bool as size_estimated,
  pg_catalog.pg_stat_get_numscans(i.oid)::int8 as scans,
  pg_catalog.pg_stat_get_tuples_returned(i.oid)::int8 as rows_read,
  pg_catalog.pg_stat_get_tuples_fetched(i.oid)::int8 as rows_fetched,
  null::timestamptz as last_scan,
  (pg_catalog.pg_stat_get_blocks_fetched(i.oid) - pg_catalog.pg_stat_get_blocks_hit(i.oid))::int8
    as blocks_read,
  pg_catalog.pg_stat_get_blocks_hit(i.oid)::int8 as blocks_hit,
  p.inhparent::int8 as parent_oid,
  m.extname::text as extension
from chosen as i
cross join lateral (
  select
    a.may_open,
    a.may_open and i.size_rank <= a.exact_indexes
      and not i.table_is_locked and not i.index_is_locked as exact
  from asked as a
) as z
left join named as k on k.oid = i.oid
left join bound as b on b.oid = i.oid
left join pg_catalog.pg_inherits as p on p.inhrelid = i.oid
left join member as m on m.oid = i.indrelid
order by i.size_rank
limit 60000
