-- Everything that one submitted report writes, in one statement, which is a transaction of its own
-- where nothing else is written: the claim of its Idempotency-Key with the answer a replay will get,
-- the report, its first events, its sealed contact, and for a while, apart from it, the keyed hash of
-- the device.
-- Nothing is written when its category was changed since it was read (current = 0: xmin is another),
-- or its code is taken (free = 0). Of two requests racing with one key the second waits at the claim
-- until the first commits, then claims nothing and files nothing (claimed = 0).
-- Two that chose one code within the same moment, which is not expected to happen ever, are the one
-- case in which this fails whole.
WITH known AS (
    SELECT
        (
            SELECT count(*) FROM categories
            WHERE
                code = CAST(:category AS text)
                AND xmin = CAST(CAST(:category_seen AS text) AS xid)
        ) AS current,
        (SELECT 1 - count(*) FROM reports WHERE code = CAST(:code AS text)) AS free
),

claimed AS (
    INSERT INTO idempotency_keys (key_hash, body_hash, answer, created_at)
    SELECT
        CAST(:key_hash AS bytea),
        CAST(:body_hash AS bytea),
        CAST(:answer AS jsonb),
        CAST(:now AS timestamptz)
    FROM known
    WHERE CAST(:key_hash AS bytea) IS NOT NULL AND current = 1 AND free = 1
    ON CONFLICT (key_hash) DO NOTHING
    RETURNING 1
),

filed AS (
    INSERT INTO reports (
        id, code, kind, category_code, status, text, geom, accuracy_m, ward_id, ward_match,
        ward_distance_m, ambiguous_with, organisation_id, reasons, channel, answers, observed_at,
        created_at, updated_at, priority, promised, first_due_at, first_warn_at, due_at, warn_at,
        secret_hash, withheld
    )
    SELECT
        CAST(:id AS uuid),
        CAST(:code AS text),
        CAST(:kind AS text),
        CAST(:category AS text),
        CAST(:status AS text),
        CAST(:text AS text),
        ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4326),
        CAST(:accuracy_m AS float8),
        CAST(:ward_id AS integer),
        CAST(:ward_match AS text),
        CAST(:ward_distance_m AS float8),
        CAST(:ambiguous_with AS text[]),
        CAST(:organisation_id AS integer),
        CAST(:reasons AS jsonb),
        CAST(:channel AS text),
        CAST(:answers AS jsonb),
        CAST(:observed_at AS timestamptz),
        CAST(:now AS timestamptz),
        CAST(:now AS timestamptz),
        CAST(:priority AS smallint),
        CAST(:promised AS jsonb),
        CAST(:first_due_at AS timestamptz),
        CAST(:first_warn_at AS timestamptz),
        CAST(:due_at AS timestamptz),
        CAST(:warn_at AS timestamptz),
        CAST(:secret_hash AS bytea),
        CAST(:withheld AS text)
    FROM known
    WHERE
        current = 1
        AND free = 1
        AND (CAST(:key_hash AS bytea) IS NULL OR EXISTS (SELECT 1 FROM claimed))
    RETURNING id
),

told AS (
    INSERT INTO report_events (report_id, at, kind, text_vi, text_en, public, data)
    SELECT
        filed.id,
        CAST(:now AS timestamptz),
        e.kind,
        e.vi,
        e.en,
        coalesce(e.public, true),
        coalesce(e.data, '{}')
    FROM filed
    CROSS JOIN jsonb_to_recordset(CAST(:events AS jsonb))
        AS e (kind text, vi text, en text, public boolean, data jsonb)
),

sent_by AS (
    INSERT INTO report_devices (report_id, device, forget_at)
    SELECT filed.id, CAST(:device AS bytea), CAST(:device_until AS timestamptz)
    FROM filed
    WHERE CAST(:device AS bytea) IS NOT NULL
),

reachable AS (
    INSERT INTO report_contacts (report_id, sealed, phone_mark, email_mark)
    SELECT
        filed.id,
        CAST(:sealed AS bytea),
        CAST(:phone_mark AS bytea),
        CAST(:email_mark AS bytea)
    FROM filed
    WHERE CAST(:sealed AS bytea) IS NOT NULL
)

SELECT
    current,
    free,
    (SELECT count(*) FROM claimed) AS claimed,
    (SELECT count(*) FROM filed) AS filed
FROM known
