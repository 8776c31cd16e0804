-- Which decisions name an identifier, whether they are in force or not: what was in force at some time in the past is found
-- from there, without reading every decision of a tenant.
--
-- Safe under load: adding a column with a constant default rewrites no table, and the other table is new. The index is built
-- over decisions, which people make one by one, and holds only those that are not indexed. The lock on decisions is strong,
-- so it is not waited for behind a long transaction.
--
-- Decisions that were made before, or by an older release while this one is rolled out, are marked as not indexed. Reading the
-- past looks at them one and all; `customer-profile migrate` indexes them, since SQL cannot read what they were frozen into.
SET LOCAL lock_timeout = '5s';

CREATE TABLE decision_keys (
    tenant text NOT NULL,
    identity_key uuid NOT NULL,
    decision_id uuid NOT NULL,
    PRIMARY KEY (tenant, identity_key, decision_id)
);

ALTER TABLE decisions ADD COLUMN indexed boolean NOT NULL DEFAULT false;
CREATE INDEX decisions_not_indexed ON decisions (tenant, decision_id) WHERE NOT indexed;
