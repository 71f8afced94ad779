-- Counts of what is not in the pyramid yet, by fine cell of a tile and status: what changes brought,
-- less what they took away.
--
-- Two branches, for each has an index of its own. A change of nothing that the map counts (a text)
-- has two equal sides and adds nothing.
SELECT (side.cell >> :shift) & :mask AS fine, side.status, sum(side.sign)::bigint AS n
FROM (
    SELECT * FROM changes WHERE seq > :folded
    UNION ALL
    SELECT * FROM changes WHERE seq IS NULL
) AS c
CROSS JOIN LATERAL (
    VALUES
        (-1, c.old_cell, c.old_category, c.old_status, c.old_kind, c.old_ward_id, c.old_created_at),
        (1, c.new_cell, c.new_category, c.new_status, c.new_kind, c.new_ward_id, c.new_created_at)
) AS side (sign, cell, category, status, kind, ward_id, created_at)
WHERE c.topic = 'report'
    -- without a number when the pyramid was built, and in it
    AND c.id <> ALL (CAST(:counted AS bigint[]))
    AND side.cell BETWEEN :first AND :last
    AND (CAST(:categories AS smallint[]) IS NULL OR side.category = ANY (:categories))
    AND (CAST(:statuses AS text[]) IS NULL OR side.status = ANY (:statuses))
    AND (CAST(:kinds AS text[]) IS NULL OR side.kind = ANY (:kinds))
    AND (CAST(:wards AS int[]) IS NULL OR side.ward_id = ANY (:wards))
    AND (CAST(:since AS timestamptz) IS NULL OR side.created_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR side.created_at < :until)
GROUP BY 1, 2
