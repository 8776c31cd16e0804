-- What decisions offered, beside their bodies, so that the database can count it.
--
-- Safe under load: adding columns without a default rewrites no table; the lock is short but strong, so it is not waited for behind
-- a long transaction. The previous release leaves them NULL: what it decided is in no figure.
SET LOCAL lock_timeout = '5s';

-- By slot, from the first on: the action (NULL where nothing was shown), its version, the channel, and the propensity that was
-- believed (NULL of a fallback). holdout_epoch: the epoch of holdouts in which it was decided.
ALTER TABLE offers
    ADD COLUMN actions bigint[],
    ADD COLUMN versions integer[],
    ADD COLUMN channels smallint[],
    ADD COLUMN believed double precision[],
    ADD COLUMN holdout_epoch bigint;
