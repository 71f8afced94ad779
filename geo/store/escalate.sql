-- Reports whose time runs out: told once when four fifths of it are over, once when all is. Whoever
-- works on one just now is not waited for: it is told at the next look. A line of the history for
-- the staff each, and the desk sees by `escalated` what is late before it is late.
WITH due AS (
    SELECT id
    FROM reports
    WHERE
        escalated = CAST(:told AS smallint)
        AND status IN ('received', 'assigned', 'in_progress')
        AND CASE WHEN CAST(:told AS smallint) = 0 THEN warn_at ELSE due_at END
        <= CAST(:now AS timestamptz)
    LIMIT :most
    FOR UPDATE SKIP LOCKED
),

told AS (
    UPDATE reports SET escalated = escalated + 1
    FROM due
    WHERE reports.id = due.id
    RETURNING reports.id
)

INSERT INTO report_events (report_id, at, kind, text_vi, text_en, public, data)
SELECT
    told.id, CAST(:now AS timestamptz), 'escalated', CAST(:vi AS text), CAST(:en AS text), false,
    jsonb_build_object('promise', 'resolve', 'level', CAST(:told AS smallint) + 1)
FROM told
