-- A report's history grew: the row says when, and the log of changes tells of the report as it is
-- (before and after are the same, so that no count changes), where the public sees it at all.
WITH touched AS (
    UPDATE reports SET updated_at = :now
    WHERE id = :id
    RETURNING code, category_code, cell, status, kind, ward_id, created_at
)
INSERT INTO changes (
    topic, subject,
    old_cell, old_category, old_status, old_kind, old_ward_id, old_created_at,
    new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
)
SELECT
    'report', r.code,
    seen.cell, c.number, r.status, r.kind, r.ward_id, r.created_at,
    seen.cell, c.number, r.status, r.kind, r.ward_id, r.created_at
FROM touched AS r
JOIN categories AS c ON c.code = r.category_code AND c.visibility <> 'hidden'
CROSS JOIN LATERAL (SELECT pinward_public_cell(r.cell, c.visibility) AS cell) AS seen
