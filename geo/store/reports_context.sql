-- What submitting a report has to know, in one round trip: its category, the committee of the ward
-- its point lies in, and what was answered to this Idempotency-Key before.
SELECT
    (
        SELECT jsonb_build_object(
            'code', c.code, 'offered', c.offered, 'questions', c.questions, 'deadlines', c.deadlines
        )
        FROM categories AS c
        WHERE c.code = CAST(:category AS text)
    ) AS category,
    (
        SELECT jsonb_build_object(
            'id', o.id, 'code', o.code, 'name_vi', o.name_vi, 'name_en', o.name_en
        )
        FROM organisations AS o
        WHERE o.code = CAST(:organisation AS text)
    ) AS organisation,
    (
        SELECT k.body_hash FROM idempotency_keys AS k WHERE k.key_hash = CAST(:key_hash AS bytea)
    ) AS body_hash,
    (
        SELECT k.answer FROM idempotency_keys AS k WHERE k.key_hash = CAST(:key_hash AS bytea)
    ) AS answer
