-- One tile of alerts in force: their areas, cut a little past the tile's edge, and as a second layer
-- one point inside each, in the one tile that holds it, so that no alert is lost at a zoom where its
-- area is too small to draw. `current` (tiles/render.py) holds those in force. The worst come last,
-- so that they are drawn on top.
SELECT made.tile
FROM (
    WITH ranked AS MATERIALIZED (
        SELECT
            a.id,
            a.kind,
            a.severity,
            array_position(ARRAY['minor', 'moderate', 'severe', 'extreme'], a.severity) AS rank,
            a.urgency,
            a.certainty,
            a.headline_vi AS headline,
            a.headline_en,
            to_char(a.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS effective,
            to_char(a.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expires,
            a.geom
        FROM current AS a
        -- wider than the tile by more than the edge of what is drawn
        WHERE a.geom && ST_Expand(
            ST_MakeEnvelope(:west, :south, :east, :north, 4326), (:east - :west) / 32
        )
    )
    SELECT
        (
            SELECT ST_AsMVT(feature, 'alerts', 4096, 'geom', 'feature_id')
            FROM (
                SELECT drawn.*
                FROM (
                    SELECT
                        r.id AS feature_id,
                        -- to half a pixel: ten thousand vertices say no more than these
                        ST_AsMVTGeom(
                            ST_SimplifyPreserveTopology(
                                ST_Transform(r.geom, 3857),
                                (ST_XMax(tile.square) - ST_XMin(tile.square)) / 1024
                            ),
                            tile.square, 4096, 64, true
                        ) AS geom,
                        r.id,
                        r.kind,
                        r.severity,
                        r.rank,
                        r.urgency,
                        r.certainty,
                        r.headline,
                        r.headline_en,
                        r.effective,
                        r.expires
                    FROM ranked AS r
                    CROSS JOIN (SELECT ST_TileEnvelope(:z, :x, :y) AS square) AS tile
                ) AS drawn
                WHERE drawn.geom IS NOT NULL
                ORDER BY drawn.rank, drawn.id
            ) AS feature
        )
        || (
            SELECT ST_AsMVT(feature, 'alert_points', 4096, 'geom', 'feature_id')
            FROM (
                SELECT
                    placed.id AS feature_id,
                    ST_MakePoint(
                        least(4095, greatest(0, floor((placed.x * (1 << :z) - :x) * 4096))),
                        least(4095, greatest(0, floor((placed.y * (1 << :z) - :y) * 4096)))
                    ) AS geom,
                    placed.id,
                    placed.kind,
                    placed.severity,
                    placed.rank,
                    placed.urgency,
                    placed.certainty,
                    placed.headline,
                    placed.headline_en,
                    placed.effective,
                    placed.expires,
                    1 AS point_count
                FROM (
                    SELECT
                        r.*,
                        pinward_cell(ST_X(inside.point), ST_Y(inside.point)) AS cell,
                        (ST_X(inside.point) + 180.0) / 360.0 AS x,
                        0.5 - atanh(sin(radians(ST_Y(inside.point)))) / (2.0 * pi()) AS y
                    FROM ranked AS r
                    CROSS JOIN LATERAL (SELECT ST_PointOnSurface(r.geom) AS point) AS inside
                ) AS placed
                WHERE placed.cell BETWEEN :first AND :last
                ORDER BY placed.rank, placed.id
            ) AS feature
        ) AS tile
) AS made
