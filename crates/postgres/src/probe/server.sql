/* dbvitals:server */
select
    pg_catalog.current_setting('server_version_num')::int8 as version_num,
    pg_catalog.version() as version_text,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.pg_postmaster_start_time() as started_at,
    pg_catalog.pg_conf_load_time() as config_loaded_at,
    pg_catalog.clock_timestamp() as now,
    pg_catalog.current_database() as database,
    current_user as "user",
    pg_catalog.current_setting('is_superuser') = 'on' as is_superuser,
    pg_catalog.current_setting('data_checksums') = 'on' as data_checksums,
    pg_catalog.current_setting('cluster_name') as cluster_name,
    pg_catalog.current_setting('block_size')::int8 as block_size_bytes,
    pg_catalog.pg_backend_pid()::int8 as pid
