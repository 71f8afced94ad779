-- One tile of hotspots: the hulls of the newest answers, cut a little past the tile's edge, and as a
-- second layer one point inside each hull, in the one tile that holds it, so that no hotspot is
-- lost at a zoom where its hull is too small to draw. `answer` (tiles/render.py) holds the
-- answers; of the dormant nothing is drawn.
SELECT
    (
        SELECT ST_AsMVT(feature, 'hotspots', 4096, 'geom', 'feature_id')
        FROM (
            SELECT drawn.*
            FROM (
                SELECT
                    -- 53 bits, which every client can hold
                    hashtextextended(h.id, 0) & 9007199254740991 AS feature_id,
                    ST_AsMVTGeom(
                        ST_Transform(h.geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64, true
                    ) AS geom,
                    h.id,
                    answer.category_code AS category,
                    answer.family,
                    h.n,
                    h.events,
                    h.expected,
                    h.relative_risk,
                    h.p_value,
                    h.trend,
                    to_char(h.born_on, 'YYYY-MM-DD') AS first_seen,
                    to_char(answer.as_of, 'YYYY-MM-DD') AS last_seen,
                    h.area_m2
                FROM hotspots AS h
                JOIN answer ON answer.id = h.answer_id
                WHERE
                    :z >= :hulls_zoom
                    AND h.seen <> 'dormant'
                    AND h.geom && ST_Transform(
                        ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096), 4326
                    )
            ) AS drawn
            WHERE drawn.geom IS NOT NULL
            ORDER BY drawn.n, drawn.id
        ) AS feature
    )
    || (
        SELECT ST_AsMVT(feature, 'hotspot_points', 4096, 'geom', 'feature_id')
        FROM (
            SELECT
                hashtextextended(placed.id, 0) & 9007199254740991 AS feature_id,
                ST_MakePoint(
                    least(4095, greatest(0, floor((placed.x * (1 << :z) - :x) * 4096))),
                    least(4095, greatest(0, floor((placed.y * (1 << :z) - :y) * 4096)))
                ) AS geom,
                placed.id,
                placed.category_code AS category,
                placed.family,
                placed.n,
                placed.relative_risk,
                placed.p_value,
                placed.trend,
                1 AS point_count
            FROM (
                SELECT
                    h.id,
                    h.n,
                    h.relative_risk,
                    h.p_value,
                    h.trend,
                    answer.category_code,
                    answer.family,
                    pinward_cell(ST_X(inside.point), ST_Y(inside.point)) AS cell,
                    (ST_X(inside.point) + 180.0) / 360.0 AS x,
                    0.5 - atanh(sin(radians(ST_Y(inside.point)))) / (2.0 * pi()) AS y
                FROM hotspots AS h
                JOIN answer ON answer.id = h.answer_id
                CROSS JOIN LATERAL (SELECT ST_PointOnSurface(h.geom) AS point) AS inside
                WHERE
                    h.seen <> 'dormant'
                    AND h.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
            ) AS placed
            WHERE placed.cell BETWEEN :first AND :last
            ORDER BY placed.n, placed.id
        ) AS feature
    ) AS tile
