-- What a feed of changes needs besides the outbox.
--
-- Safe under load: adding a column without a default rewrites no table, and the other table is new. The lock on outbox is short but
-- strong, so it is not waited for behind a long transaction. Rows of an earlier release have nothing in the column.
SET LOCAL lock_timeout = '5s';

-- Of a profile that was merged away, the profile that took it in.
ALTER TABLE outbox ADD COLUMN merged_into uuid;

-- How far changes have been relayed to where they are read without asking this service. A place in the outbox of a tenant:
-- everything up to it was handed over. as_of: everything that was committed before lies up to the place, but for the length of
-- a transaction.
CREATE TABLE relays (
    tenant text NOT NULL,
    sink text NOT NULL,
    position bigint NOT NULL,
    profile_id uuid NOT NULL,
    version bigint NOT NULL,
    as_of timestamptz NOT NULL,
    PRIMARY KEY (tenant, sink)
);
