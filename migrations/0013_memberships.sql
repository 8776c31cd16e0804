-- Who is in which segment, kept beside the profiles and told in their feed.
--
-- Safe under load: adding columns without a default rewrites no table, and the other tables are new. The locks on profiles and outbox
-- are short but strong, so they are not waited for behind a long transaction. The previous release leaves the columns as they are:
-- who is in which segment is looked at again when this release reads what that one wrote.
SET LOCAL lock_timeout = '5s';

-- Names of the segments that a profile was in when it was last looked at, in their order; NULL where it never was in any, and when it
-- is merged away.
ALTER TABLE profiles ADD COLUMN segments text[];

-- joined, parted: the segments that a profile came into and went from with a change. felt: whether it changed what is known of how
-- the customer feels. NULL in rows of an earlier release, and where it is nothing.
ALTER TABLE outbox
    ADD COLUMN joined text[],
    ADD COLUMN parted text[],
    ADD COLUMN felt boolean;

-- The same by segment, so that a segment can be listed and counted.
CREATE TABLE memberships (
    tenant text NOT NULL,
    segment text COLLATE "C" NOT NULL,
    profile_id uuid NOT NULL,
    PRIMARY KEY (tenant, segment, profile_id)
);

-- When a profile has to be looked at again because time passes; no row where it never has to.
CREATE TABLE membership_dues (
    tenant text NOT NULL,
    profile_id uuid NOT NULL,
    due timestamptz NOT NULL,
    PRIMARY KEY (tenant, profile_id)
);
CREATE INDEX membership_dues_by_time ON membership_dues (tenant, due);

-- By which rules a tenant's profiles are looked at, and up to which profile they all have been; NULL when all are.
CREATE TABLE membership_rules (
    tenant text PRIMARY KEY,
    rules bytea NOT NULL,
    walked uuid
);
