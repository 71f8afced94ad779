-- Forgets the oldest numbered changes, never one out of the middle: whoever has read up to a number
-- that is still there has missed nothing. `at` does not follow the numbers (a long transaction
-- commits old rows late), so the first one that is too young ends it.
WITH oldest AS (
    SELECT seq, at
    FROM changes
    WHERE seq <= (SELECT folded_seq FROM pyramid_state)
    ORDER BY seq
    LIMIT :most
),

kept AS (
    SELECT coalesce(min(seq) FILTER (WHERE at >= :before), max(seq) + 1) AS seq
    FROM oldest
)

DELETE FROM changes
USING kept
WHERE changes.seq < kept.seq
