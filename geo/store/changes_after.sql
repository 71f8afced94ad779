-- The changes after number :seq, oldest first, with codes in place of the numbers they are kept by,
-- and with how the public sees the report today (`now_…`, all NULL: not at all): what a change
-- tells may since have been hidden, blurred or erased.
SELECT
    x.seq,
    x.at,
    x.topic,
    x.subject,
    coalesce(about.parent_code, about.code) AS subject_family,
    x.old_cell,
    old_category.code AS old_category,
    coalesce(old_category.parent_code, old_category.code) AS old_family,
    x.old_status,
    x.old_kind,
    old_ward.code AS old_ward,
    x.old_created_at,
    x.new_cell,
    new_category.code AS new_category,
    coalesce(new_category.parent_code, new_category.code) AS new_family,
    x.new_status,
    x.new_kind,
    new_ward.code AS new_ward,
    x.new_created_at,
    is_now.visibility AS now_visibility,
    pinward_public_cell(report.cell, is_now.visibility) AS now_cell,
    ST_X(pinward_public_point(report.geom, is_now.visibility)) AS now_lon,
    ST_Y(pinward_public_point(report.geom, is_now.visibility)) AS now_lat
FROM (
    SELECT *
    FROM changes
    WHERE seq > :seq
    ORDER BY seq
    LIMIT :most
) AS x
LEFT JOIN categories AS about ON x.topic = 'hotspots' AND about.code = x.subject
LEFT JOIN categories AS old_category ON old_category.number = x.old_category
LEFT JOIN categories AS new_category ON new_category.number = x.new_category
LEFT JOIN wards AS old_ward ON old_ward.id = x.old_ward_id
LEFT JOIN wards AS new_ward ON new_ward.id = x.new_ward_id
LEFT JOIN reports AS report ON x.topic = 'report' AND report.code = x.subject
LEFT JOIN categories AS is_now
    ON is_now.code = report.category_code
    AND is_now.visibility <> 'hidden'
    AND report.withheld IS NULL
ORDER BY x.seq
