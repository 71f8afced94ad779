-- One tile of reports: points when at most `most` are visible in it, else cells with counts; never
-- both, and nothing left out. `visible` (tiles/visible.py) holds the tile's public rows with their
-- place as shares x, y of the Web Mercator square.
--
-- Positions are computed here in the tile's own units (0 to 4095, rounded down, so that the last
-- unit before an edge is the last one) instead of by ST_AsMVTGeom, which would put a point near the
-- edge on it, or drop one past the Mercator square.
SELECT CASE WHEN counted.many THEN (
    SELECT ST_AsMVT(feature, 'reports', 4096, 'geom', 'id')
    FROM (
        SELECT
            spot.id,
            ST_MakePoint(
                least(4095, greatest(0, floor((spot.mean_x * (1 << :z) - :x) * 4096))),
                least(4095, greatest(0, floor((spot.mean_y * (1 << :z) - :y) * 4096)))
            ) AS geom,
            spot.point_count,
            spot.open_count,
            spot.received_count,
            spot.assigned_count,
            spot.in_progress_count,
            spot.waiting_count,
            spot.resolved_count,
            spot.closed_count,
            spot.rejected_count,
            spot.duplicate_count,
            spot.withdrawn_count,
            CASE WHEN spot.point_count = 1 THEN spot.code END AS code,
            CASE WHEN spot.point_count = 1 THEN spot.category END AS category,
            CASE WHEN spot.point_count = 1 THEN spot.family END AS family,
            CASE WHEN spot.point_count = 1 THEN spot.status END AS status,
            CASE WHEN spot.point_count = 1 THEN spot.kind END AS kind,
            CASE WHEN spot.point_count = 1 THEN
                to_char(spot.created_at AT TIME ZONE CAST(:timezone AS text), 'YYYY-MM-DD')
            END AS created
        FROM (
            SELECT
                v.id,
                count(*) AS point_count,
                count(*) FILTER (WHERE v.is_open) AS open_count,
                nullif(count(*) FILTER (WHERE v.status = 'received'), 0) AS received_count,
                nullif(count(*) FILTER (WHERE v.status = 'assigned'), 0) AS assigned_count,
                nullif(count(*) FILTER (WHERE v.status = 'in_progress'), 0) AS in_progress_count,
                nullif(count(*) FILTER (WHERE v.status = 'waiting'), 0) AS waiting_count,
                nullif(count(*) FILTER (WHERE v.status = 'resolved'), 0) AS resolved_count,
                nullif(count(*) FILTER (WHERE v.status = 'closed'), 0) AS closed_count,
                nullif(count(*) FILTER (WHERE v.status = 'rejected'), 0) AS rejected_count,
                nullif(count(*) FILTER (WHERE v.status = 'duplicate'), 0) AS duplicate_count,
                nullif(count(*) FILTER (WHERE v.status = 'withdrawn'), 0) AS withdrawn_count,
                -- of a cell with one report these are that report's own
                min(v.code) AS code,
                min(v.category) AS category,
                min(v.family) AS family,
                min(v.status) AS status,
                min(v.kind) AS kind,
                min(v.created_at) AS created_at,
                -- The mean place. Whole numbers are summed (2^-32 of the world, about 1 cm), so
                -- that the order in which rows are read cannot change the answer.
                (sum(floor(v.x * 4294967296.0)::bigint) / count(*))::double precision
                    / 4294967296.0 AS mean_x,
                (sum(floor(v.y * 4294967296.0)::bigint) / count(*))::double precision
                    / 4294967296.0 AS mean_y
            FROM (
                -- 8 x 8 cells a tile (64 pixels on the screen, room for a count). Up to zoom 15
                -- each is one range of the stored numbers; above, cells are finer than those and
                -- cut from the position.
                SELECT
                    visible.*,
                    CASE
                        WHEN :z <= 15 THEN visible.cell >> greatest(0, 2 * (15 - :z))
                        ELSE
                            ((visible.cell >> greatest(0, 2 * (18 - :z))) << 6)
                            | (least(7, greatest(0, floor((y * (1 << :z) - :y) * 8)))::int << 3)
                            | least(7, greatest(0, floor((x * (1 << :z) - :x) * 8)))::int
                    END AS id
                FROM visible
            ) AS v
            GROUP BY v.id
        ) AS spot
        ORDER BY spot.id
    ) AS feature
) ELSE (
    SELECT ST_AsMVT(feature, 'reports', 4096, 'geom', 'id')
    FROM (
        SELECT
            -- 53 bits, which every client can hold; of the public code, not of anything inside
            hashtextextended(v.code, 0) & 9007199254740991 AS id,
            ST_MakePoint(
                least(4095, greatest(0, floor((v.x * (1 << :z) - :x) * 4096))),
                least(4095, greatest(0, floor((v.y * (1 << :z) - :y) * 4096)))
            ) AS geom,
            1 AS point_count,
            v.is_open::int AS open_count,
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
) END AS tile
FROM (
    SELECT count(*) > :most AS many
    FROM (SELECT 1 FROM visible LIMIT :most + 1) AS enough
) AS counted
