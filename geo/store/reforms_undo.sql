-- Give a batch of reports back what a reform took, where nobody touched them since: the same ward,
-- organisation and status as the reform left, and no later event. What is given back is forgotten
-- from `reform_moves`; what stays there was touched. :words are the events' texts `{vi, en, data}`
-- by "old ward's id (0: none), blank, new ward's id".
WITH words AS MATERIALIZED (SELECT CAST(:words AS jsonb) AS said),
standing AS MATERIALIZED (
    SELECT m.*
    FROM reform_moves AS m
    JOIN reports AS r ON r.id = m.report_id
    WHERE
        m.reform_id = :reform
        AND m.report_id = ANY (CAST(:ids AS uuid[]))
        AND r.ward_id = m.new_ward_id
        AND r.organisation_id IS NOT DISTINCT FROM m.new_organisation_id
        AND (
            m.event_id IS NULL
            OR (
                r.status = m.new_status
                AND NOT EXISTS (
                    SELECT FROM report_events AS e
                    WHERE e.report_id = m.report_id AND e.id > m.event_id
                )
            )
        )
    FOR UPDATE OF r, m
),
restored AS (
    UPDATE reports AS r
    SET
        ward_id = s.old_ward_id,
        ward_match = s.old_match,
        ward_distance_m = s.old_distance_m,
        ambiguous_with = s.old_ambiguous_with,
        organisation_id = s.old_organisation_id,
        reasons = s.old_reasons,
        status = CASE WHEN s.event_id IS NULL THEN r.status ELSE s.old_status END,
        updated_at = CASE WHEN s.event_id IS NULL THEN r.updated_at ELSE :now END
    FROM standing AS s
    WHERE r.id = s.report_id
),
told AS (
    INSERT INTO report_events (report_id, at, kind, text_vi, text_en, data)
    SELECT s.report_id, :now, 'moved', w.said ->> 'vi', w.said ->> 'en', w.said -> 'data'
    FROM standing AS s
    CROSS JOIN LATERAL (
        SELECT words.said -> concat_ws(' ', coalesce(s.old_ward_id, 0), s.new_ward_id) AS said FROM words
    ) AS w
    WHERE s.event_id IS NOT NULL
),
forgotten AS (
    DELETE FROM reform_moves AS m
    USING standing AS s
    WHERE m.reform_id = s.reform_id AND m.report_id = s.report_id
)
SELECT
    count(*) FILTER (WHERE event_id IS NOT NULL) AS moved,
    count(*) FILTER (WHERE event_id IS NULL) AS renewed
FROM standing
