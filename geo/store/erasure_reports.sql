-- What reports say of their sender goes: always how exactly a phone knew its place; with :words put
-- for it also the text, and the answers to the category's questions. Says of each whether its text
-- went now.
WITH before AS (
    SELECT
        id,
        content_gone_at IS NULL AND CAST(:words AS text) IS NOT NULL AS text_goes
    FROM reports
    WHERE id = ANY(CAST(:ids AS uuid[]))
    FOR UPDATE
)

UPDATE reports AS r SET
    accuracy_m = NULL,
    text = CASE WHEN before.text_goes THEN CAST(:words AS text) ELSE r.text END,
    answers = CASE WHEN before.text_goes THEN '{}' ELSE r.answers END,
    content_gone_at = CASE
        WHEN before.text_goes THEN CAST(:now AS timestamptz)
        ELSE r.content_gone_at
    END,
    erased_at = CASE
        WHEN CAST(:wished AS boolean) THEN coalesce(r.erased_at, CAST(:now AS timestamptz))
        ELSE r.erased_at
    END,
    updated_at = CAST(:now AS timestamptz)
FROM before
WHERE before.id = r.id
RETURNING before.text_goes AS text_gone
