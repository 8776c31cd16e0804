-- Counts all contributions to figures again: they say more than they did.
--
-- Safe under load: one row is written, which the worker that counts holds for a page at most; the walk goes page by page beside the
-- outbox, as the first one did, and puts what a profile adds now in place of what it added before. The previous release reads what this
-- one writes, and what it counts meanwhile lacks the new parts until the profile changes: they are optional.
SET LOCAL lock_timeout = '5s';

UPDATE figures_counted
SET walking = true,
    walked_tenant = '',
    walked_profile = '00000000-0000-0000-0000-000000000000'
WHERE only_row;
