-- How many events each hull held in each period of its history, of one category and of all others;
-- or what lies within some metres of each hull, if any are asked for.
-- Many people telling of one thing are one event: here of one category, one cell of some 40 m (zoom
-- 20) and one stretch of 36 hours, which costs no reading of places and says nearly the same. It is
-- of the period of its first report.
-- What the public is told is compared with what the public may know: hidden ones count for hidden
-- ones only.
-- A blurred category is compared where the public sees blurred reports: at the middles of cells of
-- 150 m, so its hulls are looked for in reports up to a cell away, and such a cell (zoom 18) is the
-- place of an event: whether true places lie together is not told either.
WITH hull AS MATERIALIZED (
    SELECT
        given.number AS hull,
        CASE
            WHEN :reach_m > 0 THEN ST_Buffer(shape.geom::geography, :reach_m)::geometry
            ELSE shape.geom
        END AS geom
    FROM unnest(CAST(:hulls AS bytea[])) WITH ORDINALITY AS given (shape, number)
    CROSS JOIN LATERAL (
        SELECT ST_SetSRID(ST_GeomFromWKB(given.shape), 4326) AS geom
    ) AS shape
),
event AS (
    SELECT
        hull.hull,
        r.category_code = :category AS mine,
        min(r.created_at) AS at
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
        AND (:hidden OR c.visibility <> 'hidden')
        AND r.withheld IS NULL
        AND ST_Intersects(
            hull.geom,
            CASE WHEN :blurred THEN pinward_public_point(r.geom, 'blurred') ELSE r.geom END
        )
    GROUP BY
        hull.hull,
        r.category_code,
        r.cell >> CASE WHEN :blurred THEN 16 ELSE 12 END,
        floor(extract(epoch FROM r.created_at) / 129600)
)
SELECT
    hull,
    width_bucket(at, CAST(:ends AS timestamptz[])) AS part,
    count(*) FILTER (WHERE mine) AS mine,
    count(*) FILTER (WHERE NOT mine) AS others
FROM event
GROUP BY 1, 2
