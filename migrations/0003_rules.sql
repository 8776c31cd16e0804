-- Rules of resolution, by revision, and under which of them each profile was resolved last.
--
-- Safe under load: adding a column with a constant default rewrites no table, and the other table is new. The lock on
-- profiles is short but strong, so it is not waited for behind a long transaction. The index is made over a column that
-- is 0 in every row of an earlier release: those rows are resolved in the background once, and leave it.
SET LOCAL lock_timeout = '5s';

-- rules: the revision of the rules under which the profile was resolved; 0 when it waits to be resolved. A merged-away
-- profile is under none.
ALTER TABLE profiles ADD COLUMN rules bigint NOT NULL DEFAULT 0;

CREATE INDEX profiles_waiting ON profiles (tenant, profile_id) WHERE rules = 0 AND last_day IS NOT NULL;

-- The highest revision of a tenant is in force for whatever is written. switched_at: when the last profile came under it.
CREATE TABLE rule_sets (
    tenant text NOT NULL,
    revision bigint NOT NULL,
    body bytea NOT NULL,
    operation_id text NOT NULL,
    caller text NOT NULL,
    reason text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz,
    profiles_resolved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, revision)
);
CREATE INDEX rule_sets_under_way ON rule_sets (tenant, revision) WHERE switched_at IS NULL;

-- Which instance brings a tenant's profiles under its rules, and until when it may be taken to be alive.
CREATE TABLE leases (
    tenant text NOT NULL,
    work text NOT NULL,
    holder uuid NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant, work)
);
