/* dbvitals:timeline */
select
    -- The first eight digits of a WAL file's name; not defined during recovery.
    case
        when not pg_catalog.pg_is_in_recovery()
        then (
            'x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)
        )::bit(32)::int8
    end as timeline
