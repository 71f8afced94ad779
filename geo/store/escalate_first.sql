-- Reports that nobody has answered and whose time for a first reply runs out: told once when four
-- fifths of it are over, once when all is, as `escalate.sql` tells of the result.
WITH due AS (
    SELECT id
    FROM reports
    WHERE
        first_escalated = CAST(:told AS smallint)
        AND replied_at IS NULL
        AND status IN ('received', 'assigned', 'in_progress')
        AND CASE WHEN CAST(:told AS smallint) = 0 THEN first_warn_at ELSE first_due_at END
        <= CAST(:now AS timestamptz)
    LIMIT :most
    FOR UPDATE SKIP LOCKED
),

told AS (
    UPDATE reports SET first_escalated = first_escalated + 1
    FROM due
    WHERE reports.id = due.id
    RETURNING reports.id
)

INSERT INTO report_events (report_id, at, kind, text_vi, text_en, public, data)
SELECT
    told.id, CAST(:now AS timestamptz), 'escalated', CAST(:vi AS text), CAST(:en AS text), false,
    jsonb_build_object('promise', 'first_reply', 'level', CAST(:told AS smallint) + 1)
FROM told
