-- What was made of customers' texts, and the work of making it anew.
--
-- Safe under load: both tables are new.
SET LOCAL lock_timeout = '5s';

-- An analysis is a fact that never changes: a better model adds one. It lies where its interaction does and outlives its
-- retraction, as the interaction does. method: 2 an external analyzer, 3 the built-in one; the least counts, and of one
-- method the highest version.
CREATE TABLE analyses (
    tenant text NOT NULL,
    anchor uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    interaction_id uuid NOT NULL,
    method smallint NOT NULL,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    body bytea NOT NULL,
    PRIMARY KEY (tenant, anchor, occurred_at, interaction_id, method, version)
) PARTITION BY RANGE (occurred_at);

-- As interactions are.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE analyses_before_2000 PARTITION OF analyses FOR VALUES FROM (MINVALUE) TO (''2000-01-01 00:00:00+00'')';
    EXECUTE 'CREATE TABLE analyses_2000s PARTITION OF analyses FOR VALUES FROM (''2000-01-01 00:00:00+00'') TO (''2010-01-01 00:00:00+00'')';
    FOR year IN 2010..2039 LOOP
        EXECUTE format(
            'CREATE TABLE analyses_%s PARTITION OF analyses FOR VALUES FROM (%L) TO (%L)',
            year, format('%s-01-01 00:00:00+00', year), format('%s-01-01 00:00:00+00', year + 1)
        );
    END LOOP;
    EXECUTE 'CREATE TABLE analyses_from_2040 PARTITION OF analyses FOR VALUES FROM (''2040-01-01 00:00:00+00'') TO (MAXVALUE)';
END
$$;

-- Re-analyses of a tenant: how far each is. cursor: the last identifier that is done.
CREATE TABLE reanalyses (
    tenant text NOT NULL,
    operation_id text NOT NULL,
    version integer NOT NULL,
    cursor uuid,
    identifiers bigint NOT NULL DEFAULT 0,
    analyzed bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant, operation_id)
);
CREATE INDEX reanalyses_under_way ON reanalyses (tenant, operation_id) WHERE NOT done;
