-- One tile of wards: the polygons in force on a day, cut a little past the tile's edge, and as a
-- second layer one label point a ward, in the one tile that holds it. Each ward has its shape
-- simplified for ranges of zooms, to half a pixel of the last one; `level` says which.
WITH kind (code, vi) AS (
    VALUES ('ward', 'Phường '), ('commune', 'Xã '), ('town', 'Thị trấn '), ('special_zone', 'Đặc khu ')
)
SELECT
    (
        SELECT ST_AsMVT(feature, 'wards', :extent, 'geom', 'id')
        FROM (
            SELECT drawn.*
            FROM (
                SELECT
                    w.id,
                    ST_AsMVTGeom(s.geom_3857, tile.square, :extent, :extent / 64, true) AS geom,
                    w.code,
                    -- a whole country's tile has no room for every name, let alone three times
                    CASE WHEN :z >= :labels_zoom THEN w.name END AS name,
                    CASE WHEN :z >= :names_zoom THEN coalesce(kind.vi, '') || w.name END AS name_full,
                    CASE WHEN :z >= :names_zoom THEN w.name_en END AS name_en,
                    w.kind
                FROM (
                    SELECT
                        ST_TileEnvelope(:z, :x, :y) AS square,
                        ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096) AS wider
                ) AS tile
                JOIN ward_shapes AS s ON s.max_zoom = :level AND s.geom_3857 && tile.wider
                JOIN wards AS w ON w.id = s.ward_id
                LEFT JOIN kind ON kind.code = w.kind
                WHERE w.valid @> CAST(:day AS date)
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
                    w.id,
                    floor((ST_X(w.label_3857) - ST_XMin(tile.square))
                        / (ST_XMax(tile.square) - ST_XMin(tile.square)) * 4096) AS x,
                    floor((ST_YMax(tile.square) - ST_Y(w.label_3857))
                        / (ST_YMax(tile.square) - ST_YMin(tile.square)) * 4096) AS y,
                    w.code,
                    w.name,
                    coalesce(kind.vi, '') || w.name AS name_full,
                    w.name_en,
                    w.kind,
                    w.room_m
                FROM (SELECT ST_TileEnvelope(:z, :x, :y) AS square) AS tile
                JOIN wards AS w ON w.label_3857 && tile.square
                LEFT JOIN kind ON kind.code = w.kind
                WHERE :z >= :labels_zoom AND w.valid @> CAST(:day AS date)
            ) AS placed
            WHERE placed.x BETWEEN 0 AND 4095 AND placed.y BETWEEN 0 AND 4095
            ORDER BY placed.code, placed.id
        ) AS feature
    ) AS tile
