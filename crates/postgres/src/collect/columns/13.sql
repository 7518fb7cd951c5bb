/* dbvitals:columns */
with largest as materialized (
  select
    c.oid, n.nspname, c.relname,
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
  limit 2000
),
keyed as materialized (
  select i.indrelid, k.number, pg_catalog.bool_or(i.indisunique and i.indnkeyatts = 1) as is_sole_key
  from largest as t
  join pg_catalog.pg_index as i on i.indrelid = t.oid
  cross join lateral pg_catalog.unnest(i.indkey::int2[]) as k (number)
  group by i.indrelid, k.number
),
chosen as materialized (
  -- Table by table (`offset 0`), here and below: the whole of these catalogues is many times as much.
  select t.size_rank, t.nspname, t.relname, a.*
  from largest as t
  cross join lateral (
    select a.* from pg_catalog.pg_attribute as a where a.attrelid = t.oid and a.attnum > 0 offset 0
  ) as a
),
described as materialized (
  select t.oid, s.*
  from largest as t
  cross join lateral (
    select
      s.attname, s.null_frac, s.avg_width, s.n_distinct, s.correlation,
      s.histogram_bounds, s.most_common_freqs, s.most_common_vals
    from pg_catalog.pg_stats as s
    where s.schemaname = t.nspname and s.tablename = t.relname and not s.inherited
    offset 0
  ) as s
)
select
  c.attrelid::int8 as table_oid,
  c.nspname::text as schema,
  c.relname::text as "table",
  c.attnum::int8 as number,
  c.attname::text as name,
  case when not c.attisdropped then pg_catalog.format_type(c.atttypid, c.atttypmod) end::text
    as type_name,
  t.typname::text as type_id,
  c.attlen::int8 as length,
  c.attalign::text as alignment,
  c.attstorage::text as storage,
  c.attnotnull::bool as is_not_null,
  c.atthasdef::bool as has_default,
  c.attidentity::text as identity,
  c.attisdropped::bool as is_dropped,
  s.null_frac::float8 as null_ratio,
  s.avg_width::int8 as average_width,
  s.n_distinct::float8 as n_distinct,
  s.correlation::float8 as correlation,
  -- The last bound of a sole key of an integer type.
  case
    when k.is_sole_key and t.typname in ('int2', 'int4', 'int8')
    then pg_catalog.rtrim(
      pg_catalog.substring(s.histogram_bounds::text, '[-0-9]+}$'), '}'
    )
  end::int8 as histogram_max,
  case
    when c.size_rank <= 100 and t.typname in ('text', 'varchar', 'bpchar', 'citext', 'numeric')
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
  case when c.size_rank <= 100 then pg_catalog.cardinality(s.most_common_freqs) end::int8 as common_values,
  case
    when c.size_rank <= 100
    then (select pg_catalog.sum(f.share) from pg_catalog.unnest(s.most_common_freqs) as f (share))
  end::float8 as common_ratio
from chosen as c
left join pg_catalog.pg_type as t on t.oid = c.atttypid
left join keyed as k on k.indrelid = c.attrelid and k.number = c.attnum
left join described as s
  on s.oid = c.attrelid and s.attname = c.attname and not c.attisdropped
order by c.size_rank, c.attnum
limit 60000
