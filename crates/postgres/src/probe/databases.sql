/* dbvitals:databases */
select
    datname as name,
    datallowconn and datconnlimit <> -2 as allows_connections,
    pg_catalog.has_database_privilege(oid, 'CONNECT') as may_connect
from pg_catalog.pg_database
where not datistemplate
order by datname
