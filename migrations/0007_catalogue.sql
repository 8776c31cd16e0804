-- The catalogue of actions: what a tenant may do next with a customer, and how that is chosen.
--
-- Every change is one revision of the tenant's catalogue, numbered without gaps. Nothing that a revision wrote is changed or removed, so
-- the catalogue can be read as it was at any revision: of each action, segment and setting the newest row up to it counts.
-- Decisions store the revision that they were made under.
--
-- Safe under load: all tables are new, and the previous release does not know them. All of a tenant's rows have one distribution
-- column, tenant; no statement looks at two tenants.
SET LOCAL lock_timeout = '5s';

-- One row a tenant: the revision in force. Whoever changes the catalogue holds this row until the change is committed.
CREATE TABLE catalogues (
    tenant text PRIMARY KEY,
    revision bigint NOT NULL
);

-- Who made a revision, and why.
CREATE TABLE catalogue_revisions (
    tenant text NOT NULL,
    revision bigint NOT NULL,
    operation_id text NOT NULL,
    caller text NOT NULL,
    reason text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, revision)
);

-- Versions of actions. body: the canonical text of the definition. revision: the one that made it.
CREATE TABLE actions (
    tenant text NOT NULL,
    action_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    body text NOT NULL,
    digest bytea NOT NULL,
    caller text NOT NULL,
    reason text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, action_id, version)
);

-- Which version of an action counts from a revision on, and where the action stands: 1 draft, 2 active, 3 paused, 4 retired.
CREATE TABLE action_changes (
    tenant text NOT NULL,
    action_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    version integer NOT NULL,
    status smallint NOT NULL,
    PRIMARY KEY (tenant, action_id, revision)
);

-- The settings from a revision on. body: their canonical text.
CREATE TABLE action_policies (
    tenant text NOT NULL,
    revision bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, revision)
);

-- What a segment says from a revision on. body: its canonical text.
CREATE TABLE segments (
    tenant text NOT NULL,
    name text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, name, revision)
);

-- Numbers of channels (kind 1) and purposes of consent (kind 2), which stored decisions hold. A number is given once and for
-- ever. revision: the one that first named it.
CREATE TABLE catalogue_names (
    tenant text NOT NULL,
    kind smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);
