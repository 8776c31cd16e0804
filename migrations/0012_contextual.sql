-- What level 2 of next best action has learned, beside the counts of level 1.
--
-- Safe under load: adding columns without a default rewrites no table; the lock is short but strong, so it is not waited for behind
-- a long transaction. The previous release leaves them NULL: where it was the learner, level 2 is folded anew.
SET LOCAL lock_timeout = '5s';

-- contextual: weights by name. standing: what they were folded from, day by day, whether they may speak, and of which actions what is
-- believed is in doubt.
ALTER TABLE action_models
    ADD COLUMN contextual bytea,
    ADD COLUMN standing bytea;
