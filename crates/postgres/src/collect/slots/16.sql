/* dbvitals:slots */
with here as materialized (
  select
    case
      when pg_catalog.pg_is_in_recovery()
      then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      else pg_catalog.pg_current_wal_lsn()
    end as lsn
)
select
  s.slot_name::text as name,
  s.slot_type::text as kind,
  s.plugin::text as plugin,
  s.database::text as database,
  s.active::bool as active,
  s.temporary::bool as temporary,
  pg_catalog.age(s.xmin)::int8 as xmin_age,
  pg_catalog.age(s.catalog_xmin)::int8 as catalog_xmin_age,
  pg_catalog.pg_wal_lsn_diff(greatest(h.lsn, s.restart_lsn), s.restart_lsn)::int8 as retained_bytes,
  s.wal_status::text as wal_status,
  s.safe_wal_size::int8 as safe_wal_bytes,
  null::timestamptz as inactive_since,
  null::text as invalidation_reason,
  s.conflicting::bool as conflicting
from pg_catalog.pg_replication_slots as s
cross join here as h
order by s.slot_name
limit 1000
