-- The store from empty: what is recorded, what is made of it, and who is who.
--
-- Safe under load because nothing exists yet that could be locked.
--
-- Rules that every later migration keeps, so that the same schema runs on one server and on a cluster of shards:
-- the tenant is in every key; identities, links, identity_traits and interactions are distributed by the identity key,
-- event_keys by the event key, profiles and outbox by the profile id; a distribution column is never updated; no foreign
-- key, unique constraint or trigger crosses it; no sequence is a key. Times are microseconds as timestamptz.

-- One row: which store this is. The fingerprint tells a wrong hash secret before it does harm.
CREATE TABLE store (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    store_id uuid NOT NULL,
    secret_fingerprint bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What of a tenant may never change, because stored identity keys depend on it.
CREATE TABLE tenants (
    tenant text PRIMARY KEY,
    default_region text NOT NULL,
    time_zone text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Decides what is new: the claim on an event key and the insertion of its interaction are one transaction. The row stays
-- when its interaction is retracted, so that a replay does not bring it back.
CREATE TABLE event_keys (
    tenant text NOT NULL,
    event_key uuid NOT NULL,
    body_hash uuid NOT NULL,
    anchor uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    run_id uuid,
    retracted_by text,
    PRIMARY KEY (tenant, event_key)
);

-- A whole import run is found by it, page by page, leaving out what is retracted already.
CREATE INDEX event_keys_by_run ON event_keys (tenant, run_id, event_key)
    WHERE run_id IS NOT NULL AND retracted_by IS NULL;

-- Every interaction, under its anchor, newest last. identity_keys holds the keys of all its identifiers, anchor first: a
-- rebuild needs no normaliser. body is the canonical encoding of the message.
CREATE TABLE interactions (
    tenant text NOT NULL,
    anchor uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    interaction_id uuid NOT NULL,
    identity_keys uuid[] NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    retracted_by text,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, anchor, occurred_at, interaction_id)
) PARTITION BY RANGE (occurred_at);

-- Years are few enough to plan over and large enough to drop. There is no default partition: with one, the newest few of an
-- anchor would have to be merged from all partitions instead of read from the last ones.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE interactions_before_2000 PARTITION OF interactions FOR VALUES FROM (MINVALUE) TO (''2000-01-01 00:00:00+00'')';
    EXECUTE 'CREATE TABLE interactions_2000s PARTITION OF interactions FOR VALUES FROM (''2000-01-01 00:00:00+00'') TO (''2010-01-01 00:00:00+00'')';
    FOR year IN 2010..2039 LOOP
        EXECUTE format(
            'CREATE TABLE interactions_%s PARTITION OF interactions FOR VALUES FROM (%L) TO (%L)',
            year, format('%s-01-01 00:00:00+00', year), format('%s-01-01 00:00:00+00', year + 1)
        );
    END LOOP;
    EXECUTE 'CREATE TABLE interactions_from_2040 PARTITION OF interactions FOR VALUES FROM (''2040-01-01 00:00:00+00'') TO (MAXVALUE)';
END
$$;

-- An identifier, the state of the interactions anchored at it, and the profile it lies in. state is NULL while nothing
-- is anchored here. subjects holds orders and tickets when they are many. former_profiles are the merged-away profiles
-- whose home this is.
CREATE TABLE identities (
    tenant text NOT NULL,
    identity_key uuid NOT NULL,
    namespace text NOT NULL,
    value text NOT NULL,
    profile_id uuid NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    former_profiles uuid[] NOT NULL DEFAULT '{}',
    state bytea,
    subjects bytea,
    PRIMARY KEY (tenant, identity_key)
) WITH (fillfactor = 80);
ALTER TABLE identities ALTER COLUMN subjects SET STORAGE EXTERNAL;

-- Evidence that two identifiers are one person, stored under each end. anchored: this end was the anchor.
CREATE TABLE links (
    tenant text NOT NULL,
    identity_key uuid NOT NULL,
    other_key uuid NOT NULL,
    anchored boolean NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    seen bigint NOT NULL,
    PRIMARY KEY (tenant, identity_key, other_key)
) WITH (fillfactor = 90);

-- Keyed hashes of the trait values that an identity states now: how profiles are found by an exact trait.
CREATE TABLE identity_traits (
    tenant text NOT NULL,
    trait_key uuid NOT NULL,
    identity_key uuid NOT NULL,
    PRIMARY KEY (tenant, trait_key, identity_key)
);

-- A profile: the merge of its identities' states. members holds (rank, identity key) pairs of 17 bytes, sorted. A
-- merged-away or emptied profile has no members and keeps its home, which says who answers for it.
CREATE TABLE profiles (
    tenant text NOT NULL,
    profile_id uuid NOT NULL,
    version bigint NOT NULL,
    home uuid NOT NULL,
    summary bytea NOT NULL,
    last_day integer,
    state bytea NOT NULL,
    members bytea NOT NULL,
    subjects bytea,
    PRIMARY KEY (tenant, profile_id)
) WITH (fillfactor = 80);
ALTER TABLE profiles ALTER COLUMN members SET STORAGE EXTERNAL;
ALTER TABLE profiles ALTER COLUMN subjects SET STORAGE EXTERNAL;

-- By day and not by instant, so that most writes to a profile touch no index.
CREATE INDEX profiles_by_last_day ON profiles (tenant, last_day DESC, profile_id) WHERE last_day IS NOT NULL;

-- Every change of a profile, for caches and feeds. position is the transaction that made it: readers go no further than
-- the oldest transaction that is still running, so that nothing is skipped.
CREATE TABLE outbox (
    tenant text NOT NULL,
    profile_id uuid NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    kind smallint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, profile_id, version)
);
CREATE INDEX outbox_by_position ON outbox (position);

-- Operations that callers may retry: the request as first seen, and what came of it.
CREATE TABLE operations (
    tenant text NOT NULL,
    operation_id text NOT NULL,
    kind text NOT NULL,
    request_hash uuid NOT NULL,
    caller text NOT NULL,
    reason text NOT NULL,
    progress bytea NOT NULL,
    done boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant, operation_id)
);
