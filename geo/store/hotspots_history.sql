-- How many events each hull held in each period of its history, of one category and of all others.
-- Many people telling of one thing are one event: here of one category, one cell of some 40 m (zoom
-- 20) and one stretch of 36 hours, which costs no reading of places and says nearly the same.
-- A blurred category is compared where the public sees blurred reports: at the middles of cells of
-- 150 m, so its hulls are looked for in reports up to a cell away.
WITH hull AS MATERIALIZED (
    SELECT
        given.number AS hull,
        ST_SetSRID(ST_GeomFromWKB(given.shape), 4326) AS geom
    FROM unnest(CAST(:hulls AS bytea[])) WITH ORDINALITY AS given (shape, number)
)
SELECT
    hull.hull,
    width_bucket(r.created_at, CAST(:ends AS timestamptz[])) AS part,
    count(DISTINCT (r.category_code, r.cell >> 12, floor(extract(epoch FROM r.created_at) / 129600)))
        FILTER (WHERE r.category_code = :category) AS mine,
    count(DISTINCT (r.category_code, r.cell >> 12, floor(extract(epoch FROM r.created_at) / 129600)))
        FILTER (WHERE r.category_code <> :category) AS others
FROM hull
JOIN reports AS r
    ON r.geom && CASE WHEN :blurred THEN ST_Expand(hull.geom, 0.0015) ELSE hull.geom END
JOIN categories AS c ON c.code = r.category_code
WHERE
    r.created_at >= :first
    AND r.created_at < :last
    AND r.status <> ALL (CAST(:left_out AS text[]))
    AND NOT 'default-point' = ANY (r.flags)
    AND (:blurred OR c.visibility <> 'blurred')
    AND ST_Intersects(
        hull.geom,
        CASE WHEN :blurred THEN pinward_public_point(r.geom, 'blurred') ELSE r.geom END
    )
GROUP BY 1, 2
