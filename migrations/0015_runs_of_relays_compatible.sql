-- Of which run of the database the place is up to which changes were handed over.
--
-- Safe under load: adding a column without a default rewrites no table. The lock is short but strong, so it is not waited for behind a
-- long transaction. Compatible: the previous release does not name the column. What it notes keeps the run that was noted before.
SET LOCAL lock_timeout = '5s';

-- A code of the database's cluster, its timeline and the start of its server. NULL in rows of an earlier release.
ALTER TABLE relays ADD COLUMN run bigint;
