-- Rules, cuts, hubs and operators' decisions.
--
-- Safe under load: adding a column with a constant default rewrites no table, and the other tables are new. The lock on
-- identities is short but strong, so it is not waited for behind a long transaction.
--
-- What earlier rows lack (standing, neighbours, the makeup in a profile's summary) is noticed by its absence: such a
-- profile takes the slow path of resolution once, which writes it.
SET LOCAL lock_timeout = '5s';

-- standing: what an identifier is by its own links: 0 one person's, 1 shared by several, 2 a hub.
-- apart: it lends its state to no profile. neighbours: to how many values it is linked, by namespace.
-- present: some interaction speaks of it. A row that is not keeps its profile and its versions, for when it comes back.
ALTER TABLE identities
    ADD COLUMN standing smallint NOT NULL DEFAULT 0,
    ADD COLUMN apart boolean NOT NULL DEFAULT false,
    ADD COLUMN present boolean NOT NULL DEFAULT true,
    ADD COLUMN neighbours bytea NOT NULL DEFAULT '';

-- Operators' merges, separations and undos: never changed but for the marks of what took them back. body is what the
-- request was frozen into; outcome what came of it.
CREATE TABLE decisions (
    tenant text NOT NULL,
    decision_id uuid NOT NULL,
    operation_id text NOT NULL,
    kind smallint NOT NULL,
    made_at timestamptz NOT NULL,
    caller text NOT NULL,
    reason text NOT NULL,
    body bytea NOT NULL,
    outcome bytea NOT NULL,
    undone_by uuid,
    voided_by uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, decision_id)
);
CREATE INDEX decisions_by_time ON decisions (tenant, made_at, decision_id);

-- What the decisions in force say of an identifier, under its key: that it is one person with another...
CREATE TABLE assertions (
    tenant text NOT NULL,
    identity_key uuid NOT NULL,
    other_key uuid NOT NULL,
    decision_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, identity_key, other_key, decision_id)
);

-- ... and on which side of a separation it is: 1 chosen, 2 the rest.
CREATE TABLE sides (
    tenant text NOT NULL,
    identity_key uuid NOT NULL,
    decision_id uuid NOT NULL,
    side smallint NOT NULL,
    PRIMARY KEY (tenant, identity_key, decision_id)
);
CREATE INDEX sides_by_decision ON sides (tenant, decision_id);
CREATE INDEX assertions_by_decision ON assertions (tenant, decision_id);
