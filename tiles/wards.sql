-- One tile of wards: the polygons in force on a day, cut a little past the tile's edge, and as a
-- second layer one label point a ward, in the one tile that holds it. Each ward has its shape
-- simplified for ranges of zooms, to half a pixel of the last one.
WITH tile AS (
    SELECT
        ST_TileEnvelope(:z, :x, :y) AS square,
        ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096) AS wider
),
named AS MATERIALIZED (
    SELECT
        w.id,
        w.code,
        w.name,
        CASE w.kind
            WHEN 'ward' THEN 'Phường '
            WHEN 'commune' THEN 'Xã '
            WHEN 'town' THEN 'Thị trấn '
            WHEN 'special_zone' THEN 'Đặc khu '
            ELSE ''
        END || w.name AS name_full,
        w.name_en,
        w.kind,
        shape.geom_3857
    FROM wards AS w
    CROSS JOIN tile
    CROSS JOIN LATERAL (
        SELECT s.geom_3857
        FROM ward_shapes AS s
        WHERE s.ward_id = w.id
        -- The coarsest made for `finest` or a higher zoom; past all of them, the finest.
        ORDER BY
            s.max_zoom < :finest,
            CASE WHEN s.max_zoom < :finest THEN -s.max_zoom ELSE s.max_zoom END
        LIMIT 1
    ) AS shape
    WHERE w.valid @> CAST(:day AS date) AND shape.geom_3857 && tile.wider
)
SELECT
    (
        SELECT ST_AsMVT(feature, 'wards', :extent, 'geom', 'id')
        FROM (
            SELECT drawn.*
            FROM (
                SELECT
                    n.id,
                    ST_AsMVTGeom(n.geom_3857, tile.square, :extent, :extent / 64, true) AS geom,
                    n.code,
                    n.name,
                    -- a whole country's tile has no room for every name three times
                    CASE WHEN :z >= :labels_zoom THEN n.name_full END AS name_full,
                    CASE WHEN :z >= :labels_zoom THEN n.name_en END AS name_en,
                    n.kind
                FROM named AS n
                CROSS JOIN tile
            ) AS drawn
            WHERE drawn.geom IS NOT NULL
            ORDER BY drawn.code, drawn.id
        ) AS feature
    )
    || (
        SELECT ST_AsMVT(feature, 'ward_labels', 4096, 'geom', 'id')
        FROM (
            SELECT
                placed.id,
                ST_MakePoint(placed.x, placed.y) AS geom,
                placed.code,
                placed.name,
                placed.name_full,
                placed.name_en,
                placed.kind,
                placed.room_m
            FROM (
                SELECT
                    n.*,
                    floor((ST_X(label.centre) - ST_XMin(tile.square))
                        / (ST_XMax(tile.square) - ST_XMin(tile.square)) * 4096) AS x,
                    floor((ST_YMax(tile.square) - ST_Y(label.centre))
                        / (ST_YMax(tile.square) - ST_YMin(tile.square)) * 4096) AS y,
                    -- Web Mercator metres are longer than metres by 1 / cos(latitude)
                    round(label.radius * cos(radians(ST_Y(ST_Transform(label.centre, 4326)))))::int
                        AS room_m
                FROM (SELECT * FROM named WHERE :z >= :labels_zoom) AS n
                CROSS JOIN tile
                CROSS JOIN LATERAL (
                    -- of one coarse shape at every zoom: one place a ward, and quickly found
                    SELECT (ST_MaximumInscribedCircle(s.geom_3857)).*
                    FROM ward_shapes AS s
                    WHERE s.ward_id = n.id
                    ORDER BY abs(s.max_zoom - 10)
                    LIMIT 1
                ) AS label (centre, nearest, radius)
            ) AS placed
            WHERE placed.x BETWEEN 0 AND 4095 AND placed.y BETWEEN 0 AND 4095
            ORDER BY placed.code, placed.id
        ) AS feature
    ) AS tile
