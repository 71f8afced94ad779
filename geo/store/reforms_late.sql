-- Reforms with reports that came late: open ones in wards that the set of the reform ended, and those
-- in no ward that are in the box of one of its wards, or a kilometre from it: it may have their first
-- one. `standing` is how many they are and a sum over their wards and cells: it tells whether they are
-- those that were looked at before and could not be moved.
--
-- :reform: of this one, else (NULL) of all that are applied. Who ended a ward is the set that begins
-- as it ends and has most of its ground; that is asked only of the few wards that still have open reports,
-- which are counted in the index of open ones, whatever the number of closed ones is.
WITH asked AS MATERIALIZED (
    SELECT id, set_id, in_force_on
    FROM reforms
    WHERE CASE WHEN CAST(:reform AS int) IS NULL THEN state = 'applied' ELSE id = :reform END
),
ended AS MATERIALIZED (
    SELECT id FROM wards WHERE upper(valid) IN (SELECT in_force_on FROM asked)
),
standing AS MATERIALIZED (
    SELECT ward_id, count(*) AS n, sum(hashint8extended(cell, ward_id)) AS places
    FROM reports
    WHERE
        status IN ('received', 'assigned', 'in_progress', 'waiting')
        AND ward_id = ANY (ARRAY(SELECT id FROM ended))
    GROUP BY ward_id
),
ended_by AS (
    SELECT s.n, s.places, by.set_id
    FROM standing AS s
    JOIN wards AS was ON was.id = s.ward_id
    CROSS JOIN LATERAL (
        SELECT now.set_id
        FROM wards AS now
        WHERE lower(now.valid) = upper(was.valid) AND now.geom && was.geom
        GROUP BY now.set_id
        ORDER BY sum(ST_Area(ST_Intersection(now.geom, was.geom))) DESC, now.set_id
        LIMIT 1
    ) AS by
),
nowhere AS MATERIALIZED (
    SELECT cell, geom
    FROM reports
    WHERE status IN ('received', 'assigned', 'in_progress', 'waiting') AND ward_id IS NULL
        -- Where nothing was reformed, nothing is read.
        AND EXISTS (SELECT FROM asked)
),
late AS (
    SELECT n, places, set_id FROM ended_by
    UNION ALL
    SELECT 1, hashint8extended(r.cell, 0), asked.set_id
    FROM nowhere AS r
    CROSS JOIN asked
    WHERE EXISTS (
        SELECT FROM wards AS w
        WHERE w.set_id = asked.set_id AND w.geom && ST_Expand(r.geom, 0.01)
    )
)
SELECT asked.id, concat_ws(' ', sum(e.n), sum(e.places)) AS standing
FROM asked
JOIN late AS e ON e.set_id = asked.set_id
GROUP BY asked.id
