-- The points of a tile of reports, one feature each: `visible` (tiles/visible.py) holds the rows,
-- with the place at which the public sees them.
--
-- Positions are computed here in the tile's own units (0 to 4095, rounded down, so that the last
-- unit before an edge is the last one) instead of by ST_AsMVTGeom, which would put a point near the
-- edge on it, or drop one past the Mercator square. Web Mercator as a share of the world's side:
-- x = (lon + 180) / 360, y = 1/2 - atanh(sin(lat)) / (2 pi), latitudes cut at the square's edge.
SELECT ST_AsMVT(feature, 'reports', 4096, 'geom', 'id')
FROM (
    SELECT
        -- 53 bits, which every client can hold; of the public code, not of anything inside
        hashtextextended(v.code, 0) & 9007199254740991 AS id,
        ST_MakePoint(
            least(4095, greatest(0, floor(
                ((v.lon + 180.0) / 360.0 * (1 << :z) - :x) * 4096
            ))),
            least(4095, greatest(0, floor(
                ((0.5 - atanh(sin(radians(
                    greatest(-85.0511287798066, least(85.0511287798066, v.lat))
                ))) / (2.0 * pi())) * (1 << :z) - :y) * 4096
            )))
        ) AS geom,
        1 AS point_count,
        (v.status IN ('received', 'assigned', 'in_progress', 'waiting'))::int AS open_count,
        v.code,
        v.category,
        v.family,
        v.status,
        v.kind,
        to_char(v.created_at AT TIME ZONE CAST(:timezone AS text), 'YYYY-MM-DD') AS created
    FROM visible AS v
    -- older reports first, so that newer ones are drawn above them
    ORDER BY v.created_at, v.code
) AS feature
