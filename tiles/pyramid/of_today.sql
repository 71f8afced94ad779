-- The reports of a tile whose own answer for today (`reports_today`) is another one than that of their
-- row's ward (`wards`: those whose reports are in the wards `todays`): 1 where only the own answer is
-- in the wards, -1 where only the row's is. Of a report whose place is shown only roughly its row
-- alone is asked (geo.store.report_wards).
--
-- Two branches, for each has an index of its own.
SELECT own.sign, r.cell, r.status, r.created_at
FROM (
    SELECT t.report_id, 1 AS sign
    FROM reports_today AS t
    WHERE t.ward_id = ANY (:todays)
    UNION ALL
    SELECT t.report_id, -1 AS sign
    FROM reports AS held
    JOIN reports_today AS t ON t.report_id = held.id
    WHERE held.ward_id = ANY (:wards) AND t.ward_id <> ALL (:todays)
) AS own
JOIN reports AS r ON r.id = own.report_id
JOIN categories AS c ON c.code = r.category_code
WHERE c.visibility = 'public'
    AND r.withheld IS NULL
    AND r.cell BETWEEN :first AND :last
    AND (own.sign < 0 OR r.ward_id IS NULL OR r.ward_id <> ALL (:wards))
    AND (CAST(:categories AS smallint[]) IS NULL OR c.number = ANY (:categories))
    AND (CAST(:statuses AS text[]) IS NULL OR r.status = ANY (:statuses))
    AND (CAST(:kinds AS text[]) IS NULL OR r.kind = ANY (:kinds))
    AND (CAST(:since AS timestamptz) IS NULL OR r.created_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR r.created_at < :until)
