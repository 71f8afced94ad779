-- Uploads become photos of a report, in the order they are named and after those it has. Each is
-- used once: of two reports that name one at the same moment the second waits for the first and then
-- finds it gone. Who attaches to a report that is there holds its row.
WITH wanted AS (
    SELECT id_hash, n
    FROM unnest(CAST(:id_hashes AS bytea[])) WITH ORDINALITY AS w (id_hash, n)
),

before AS (
    SELECT coalesce(max(n), 0) AS n FROM photos WHERE report_id = CAST(:report_id AS uuid)
),

taken AS (
    DELETE FROM uploads USING wanted
    WHERE uploads.id_hash = wanted.id_hash AND uploads.expires_at > CAST(:now AS timestamptz)
    RETURNING
        wanted.n, uploads.sha256, uploads.still_sha256, uploads.media_type, uploads.width,
        uploads.height
),

kept AS (
    INSERT INTO photos (
        report_id, n, sha256, still_sha256, media_type, width, height, created_at
    )
    SELECT
        CAST(:report_id AS uuid), before.n + taken.n, taken.sha256, taken.still_sha256,
        taken.media_type, taken.width, taken.height, CAST(:now AS timestamptz)
    FROM taken
    CROSS JOIN before
    RETURNING n
)

SELECT kept.n - before.n AS place, kept.n
FROM kept
CROSS JOIN before
