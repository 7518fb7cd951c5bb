/* dbvitals:statements_status */
select
  exists (
    select 1 from pg_catalog.pg_settings as s where s.name = 'pg_stat_statements.max'
  )::bool as is_preloaded,
  case when e.oid is not null then pg_catalog.current_database() end::text as installed_in,
  e.extversion::text as extension_version,
  (
    select a.default_version
    from pg_catalog.pg_available_extensions() as a
    where a.name = 'pg_stat_statements'
  )::text as available_version,
  n.nspname::text as schema,
  pg_catalog.current_setting('pg_stat_statements.track', true)::text as track,
  pg_catalog.current_setting('pg_stat_statements.track_planning', true)::bool as track_planning,
  pg_catalog.current_setting('pg_stat_statements.max', true)::int8 as max_entries,
  null::int8 as entries,
  null::int8 as deallocations,
  null::timestamptz as stats_reset,
  null::int8 as text_file_bytes
from (select 1) as one
left join pg_catalog.pg_extension as e on e.extname = 'pg_stat_statements'
left join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
limit 1
