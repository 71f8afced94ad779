-- Uploads become photos of a report, in the order they are named. Each is used once: of two reports
-- that name one at the same moment the second waits for the first and then finds it gone.
WITH wanted AS (
    SELECT id_hash, n
    FROM unnest(CAST(:id_hashes AS bytea[])) WITH ORDINALITY AS w (id_hash, n)
),

taken AS (
    DELETE FROM uploads USING wanted
    WHERE uploads.id_hash = wanted.id_hash AND uploads.expires_at > CAST(:now AS timestamptz)
    RETURNING
        wanted.n, uploads.sha256, uploads.still_sha256, uploads.media_type, uploads.width,
        uploads.height
)

INSERT INTO photos (
    report_id, n, sha256, still_sha256, media_type, width, height, created_at
)
SELECT
    CAST(:report_id AS uuid), n, sha256, still_sha256, media_type, width, height,
    CAST(:now AS timestamptz)
FROM taken
RETURNING n
