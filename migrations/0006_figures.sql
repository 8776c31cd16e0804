-- Figures of a tenant's whole population, as sums of what each profile adds.
--
-- Safe under load: all tables are new. What is in the store already is counted by the background worker, page by page.
SET LOCAL lock_timeout = '5s';

-- What a profile adds, as it was last counted: at which version, the days of its orders, from which purchases are
-- modelled, and whether surveys were answered. Only the worker writes, and takes what is here off again when the profile changes.
CREATE TABLE contributions (
    tenant text NOT NULL,
    profile_id uuid NOT NULL,
    version bigint NOT NULL,
    order_days integer,
    answered boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, profile_id)
) WITH (fillfactor = 90);
CREATE INDEX contributions_that_ordered ON contributions (tenant, profile_id) WHERE order_days IS NOT NULL;

CREATE INDEX contributions_that_answered ON contributions (tenant, profile_id) WHERE answered;

-- Sums by what is counted. cell sorts by bytes, so that a stretch of time is a range.
CREATE TABLE figures (
    tenant text NOT NULL,
    cell text COLLATE "C" NOT NULL,
    sums bigint[] NOT NULL,
    PRIMARY KEY (tenant, cell)
) WITH (fillfactor = 80);

-- One row: how far the outbox is counted. walked: up to which profile those are counted that were there before; NULL when
-- all are. counted_to: everything that was committed before is counted. Whoever counts holds its lock.
CREATE TABLE figures_counted (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    walking boolean NOT NULL,
    walked_tenant text NOT NULL,
    walked_profile uuid NOT NULL,
    counted_to timestamptz NOT NULL
);
INSERT INTO figures_counted (position, walking, walked_tenant, walked_profile, counted_to)
VALUES (0, true, '', '00000000-0000-0000-0000-000000000000', 'epoch');

-- How customers of a tenant buy: a model for each day on which one was fitted.
CREATE TABLE value_models (
    tenant text NOT NULL,
    day integer NOT NULL,
    body bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, day)
);
