-- Accidents and bad habits of the platform, one line each, run one by one in one session. The check that
-- should find each stands above it.

-- pg-integer-key-overflow and pg-sequence-exhaustion: a serial key near the end of its type
select setval('auction.bids_id_seq', 2100000000);
insert into auction.bids (auction_id, user_id, amount, placed_at) select i, i, 1, now() from generate_series(1, 500) i;
analyze auction.bids;

-- pg-dead-tuples: a purge that nobody cleaned up after
delete from auction.audit_log where at < now() - interval '180 days';

-- pg-low-hot-update-ratio: a timestamp that is indexed and changed by every request
update auction.sessions set seen_at = now();

-- pg-not-valid-constraint: added in a hurry, never validated
alter table auction.notifications add constraint notifications_user_fk foreign key (user_id) references auction.users not valid;

-- pg-trigger-disabled: switched off for an import and forgotten
create function auction.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch_orders before update on auction.orders for each row execute function auction.touch();
alter table auction.orders disable trigger touch_orders;

-- pg-security-definer-mutable-path
create function auction.close_auction(bigint) returns void language sql security definer as $$ update auction.auctions set state = 'closed' where id = $1 $$;

-- pg-rls-disabled-with-policy and pg-rls-enabled-without-policy
create policy own_orders on auction.orders using (buyer_id = current_setting('app.user', true)::bigint);
alter table auction.payments enable row level security;

-- pg-public-schema-create, pg-table-grant-public
grant create on schema public to public;
grant select, update on auction.users to public;

-- pg-superuser-login-many, pg-password-expiring, pg-md5-passwords
create role alice login superuser password 'alice';
create role reporting login password 'reporting' valid until 'tomorrow';
set password_encryption = 'md5';
create role legacy login password 'legacy';
reset password_encryption;

-- pg-slot-inactive, pg-slot-unlimited-retention: the standby is gone, its slot is not
select pg_create_physical_replication_slot('old_standby', true);

-- pg-prepared-transaction-old: a coordinator that died between the phases
begin; insert into auction.import_batch values (0, 'in doubt'); prepare transaction 'import-4711';

-- pg-planner-method-disabled, pg-synchronous-commit-off, pg-no-timeouts are settings of the server
alter system set enable_mergejoin = off;
select pg_reload_conf();
