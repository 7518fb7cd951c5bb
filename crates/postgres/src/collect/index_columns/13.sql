/* dbvitals:index_columns */
with largest as materialized (
  select
    x.oid, n.nspname, x.relname, i.indkey,
    pg_catalog.row_number() over (order by x.relpages desc, x.oid) as size_rank
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as x on x.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = x.relnamespace
  where i.indexprs is not null
    and x.relkind = 'i'
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
  order by size_rank
  limit 1000
),
described as materialized (
  -- Index by index (`offset 0`): the whole of the statistics is many times as much.
  select x.oid, s.*
  from largest as x
  cross join lateral (
    select
      s.attname, s.null_frac, s.avg_width, s.n_distinct, s.correlation,
      s.histogram_bounds, s.most_common_freqs, s.most_common_vals
    from pg_catalog.pg_stats as s
    where s.schemaname = x.nspname and s.tablename = x.relname and not s.inherited
    offset 0
  ) as s
)
select
  x.oid::int8 as table_oid,
  x.nspname::text as schema,
  x.relname::text as "table",
  a.attnum::int8 as number,
  a.attname::text as name,
  pg_catalog.format_type(a.atttypid, a.atttypmod)::text as type_name,
  t.typname::text as type_id,
  a.attlen::int8 as length,
  a.attalign::text as alignment,
  a.attstorage::text as storage,
  false::bool as is_not_null,
  false::bool as has_default,
  ''::text as identity,
  false::bool as is_dropped,
  s.null_frac::float8 as null_ratio,
  s.avg_width::int8 as average_width,
  s.n_distinct::float8 as n_distinct,
  s.correlation::float8 as correlation,
  null::int8 as histogram_max,
  case
    when x.size_rank <= 100 and t.typname in ('text', 'varchar', 'bpchar', 'citext', 'numeric')
    then (
      -- Short values carry a header of one byte, others of four. An array holds numerics with four.
      select array[
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 0)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 1)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 2)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 3)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 4)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 5)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 6)), 0),
        coalesce(pg_catalog.round(1000 * pg_catalog.sum(v.share) filter (where v.width % 8 = 7)), 0)
      ]
      from (
        select
          case
            when t.typname = 'numeric' then pg_catalog.pg_column_size(u.value::numeric) - 3
            when pg_catalog.octet_length(u.value) <= 126 then pg_catalog.octet_length(u.value) + 1
            else pg_catalog.octet_length(u.value) + 4
          end as width,
          u.share / pg_catalog.sum(u.share) over () as share
        from (
          select c.value, c.share::float8
          from rows from (
            pg_catalog.unnest(s.most_common_vals::text::text[]), pg_catalog.unnest(s.most_common_freqs)
          ) as c (value, share)
          union all
          select
            h.value,
            greatest(
              1 - s.null_frac - coalesce(
                (select pg_catalog.sum(f.share) from pg_catalog.unnest(s.most_common_freqs) as f (share)), 0
              ), 1e-6
            ) / pg_catalog.count(*) over ()
          from pg_catalog.unnest(s.histogram_bounds::text::text[]) as h (value)
        ) as u
      ) as v
    )
  end::int8[] as width_residues,
  case when x.size_rank <= 100 then pg_catalog.cardinality(s.most_common_freqs) end::int8 as common_values,
  case
    when x.size_rank <= 100
    then (select pg_catalog.sum(f.share) from pg_catalog.unnest(s.most_common_freqs) as f (share))
  end::float8 as common_ratio
from largest as x
join pg_catalog.pg_attribute as a on a.attrelid = x.oid
-- This vector counts from 0; an expression is 0 in it.
join lateral (select x.indkey[a.attnum - 1] = 0 as is_expression) as k on k.is_expression
left join pg_catalog.pg_type as t on t.oid = a.atttypid
left join described as s on s.oid = x.oid and s.attname = a.attname
order by x.size_rank, a.attnum
limit 10000
