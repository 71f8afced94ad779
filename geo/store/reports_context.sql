-- What submitting a report has to ask for, in one round trip: its category, and what was answered
-- to this Idempotency-Key before.
SELECT
    (
        SELECT
            jsonb_build_object(
                'code', c.code,
                'family', c.parent_code,
                'name', jsonb_build_object('vi', c.name_vi, 'en', c.name_en),
                'offered', c.offered,
                'questions', c.questions,
                'deadlines', c.deadlines,
                'seen', CAST(c.xmin AS text)
            )
        FROM categories AS c
        WHERE c.code = CAST(:category AS text)
    ) AS category,
    k.body_hash,
    k.answer
FROM (SELECT 1) AS one
LEFT JOIN idempotency_keys AS k ON k.key_hash = CAST(:key_hash AS bytea)
