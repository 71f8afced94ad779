-- Counts of the reports of one or two short times, by fine cell of a tile and status, read from the
-- table itself: what a filter's ends leave of whole hours, which is all that cubes know.
SELECT
    (pinward_public_cell(r.cell, c.visibility) >> :shift) & :mask AS fine, r.status, count(*) AS n
FROM reports AS r
JOIN categories AS c ON c.code = r.category_code
WHERE c.visibility <> 'hidden'
    AND r.withheld IS NULL
    -- the public cell lies in the same tile as the true one
    AND r.cell BETWEEN :first AND :last
    AND (
        r.created_at >= :since AND r.created_at < :until
        OR r.created_at >= :since_2 AND r.created_at < :until_2
    )
    AND (CAST(:categories AS smallint[]) IS NULL OR c.number = ANY (:categories))
    AND (CAST(:statuses AS text[]) IS NULL OR r.status = ANY (:statuses))
    AND (CAST(:kinds AS text[]) IS NULL OR r.kind = ANY (:kinds))
    AND (CAST(:wards AS int[]) IS NULL OR r.ward_id = ANY (:wards))
GROUP BY 1, 2
