-- Gives numbers to the oldest committed changes that have none; they become visible together, with
-- the commit, and the numbers follow the order of `id`: a report's own changes keep theirs.
-- Rows are found again by ctid, which nobody but the numbering changes: no index has to name them.
WITH fresh AS MATERIALIZED (
    SELECT ctid AS place
    FROM changes
    WHERE seq IS NULL
    ORDER BY id
    LIMIT :most
),

numbered AS MATERIALIZED (
    SELECT place, nextval('changes_seq') AS seq
    FROM fresh
),

stamped AS (
    UPDATE changes
    SET seq = numbered.seq
    FROM numbered
    WHERE changes.ctid = numbered.place AND changes.seq IS NULL
    RETURNING changes.seq
)

SELECT max(seq) FROM stamped
