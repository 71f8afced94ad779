-- How many reports each hull held in each period of its history, of one category and of all others.
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
    count(*) FILTER (WHERE r.category_code = :category) AS mine,
    count(*) FILTER (WHERE r.category_code <> :category) AS others
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
