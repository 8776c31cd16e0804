-- Decisions about next best actions and what became of what they offered.
--
-- Safe under load: all tables are new.
SET LOCAL lock_timeout = '5s';

-- A decision, never changed. decision_key is a hash of decision_id. request_hash tells a retry from another request under one
-- id; asked is what explaining needs of the request: locale, time zone, context. anchor: the identifier that what becomes of its
-- offers is anchored at; NULL of a customer without a profile. body is the decision with all that it was made from.
CREATE TABLE offers (
    tenant text NOT NULL,
    decision_key uuid NOT NULL,
    decision_id text NOT NULL,
    request_hash uuid NOT NULL,
    asked bytea NOT NULL,
    profile_id uuid,
    anchor uuid,
    decided_at timestamptz NOT NULL,
    policy_version bigint NOT NULL,
    model_snapshot bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, decision_key)
);
-- Evaluation and statistics read decisions by their time.
CREATE INDEX offers_by_time ON offers (tenant, decided_at, decision_key);

-- What is known of an offer: the earliest time of each outcome. It changes only to earlier times, so repeats and their order do
-- not matter. action, action_group and channel are those of the decision, as it names them.
CREATE TABLE outcomes (
    tenant text NOT NULL,
    decision_key uuid NOT NULL,
    slot smallint NOT NULL,
    action bigint NOT NULL,
    version integer NOT NULL,
    action_group bigint NOT NULL,
    channel smallint NOT NULL,
    decided_at timestamptz NOT NULL,
    not_delivered_at timestamptz,
    sent_at timestamptz,
    shown_at timestamptz,
    clicked_at timestamptz,
    accepted_at timestamptz,
    rejected_at timestamptz,
    PRIMARY KEY (tenant, decision_key, slot)
) WITH (fillfactor = 80);
CREATE INDEX outcomes_by_time ON outcomes (tenant, decided_at, decision_key);

-- What was learned, a row a closed day: as_of is that day, counted from 1970. An outcome that came late makes the days after it
-- anew, under the next revision.
CREATE TABLE action_models (
    tenant text NOT NULL,
    snapshot bigint NOT NULL,
    as_of integer NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    catalogue_revision bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, snapshot)
);
