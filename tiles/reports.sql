-- One tile of reports: points when at most `most` are visible in it, else cells with counts; never
-- both, and nothing left out. `visible` (tiles/visible.py) holds the tile's public rows with the
-- place at which the public sees them.
--
-- Positions are computed here in the tile's own units (0 to 4095, rounded down, so that the last
-- unit before an edge is the last one) instead of by ST_AsMVTGeom, which would put a point near the
-- edge on it, or drop one past the Mercator square. Web Mercator as a share of the world's side:
-- x = (lon + 180) / 360, y = 1/2 - atanh(sin(lat)) / (2 pi), latitudes cut at the square's edge.
SELECT CASE WHEN counted.many THEN (
    SELECT ST_AsMVT(feature, 'reports', 4096, 'geom', 'id')
    FROM (
        SELECT
            spot.id,
            ST_MakePoint(
                least(4095, greatest(0, floor(
                    ((spot.lon + 180.0) / 360.0 * (1 << :z) - :x) * 4096
                ))),
                least(4095, greatest(0, floor(
                    ((0.5 - atanh(sin(radians(
                        greatest(-85.0511287798066, least(85.0511287798066, spot.lat))
                    ))) / (2.0 * pi())) * (1 << :z) - :y) * 4096
                )))
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
            alone.code,
            alone.category,
            alone.family,
            alone.status,
            alone.kind,
            to_char(alone.created_at AT TIME ZONE CAST(:timezone AS text), 'YYYY-MM-DD') AS created
        FROM (
            SELECT
                s.id,
                sum(s.n)::bigint AS point_count,
                coalesce(sum(s.n) FILTER (
                    WHERE s.status IN ('received', 'assigned', 'in_progress', 'waiting')
                ), 0)::bigint AS open_count,
                (sum(s.n) FILTER (WHERE s.status = 'received'))::bigint AS received_count,
                (sum(s.n) FILTER (WHERE s.status = 'assigned'))::bigint AS assigned_count,
                (sum(s.n) FILTER (WHERE s.status = 'in_progress'))::bigint AS in_progress_count,
                (sum(s.n) FILTER (WHERE s.status = 'waiting'))::bigint AS waiting_count,
                (sum(s.n) FILTER (WHERE s.status = 'resolved'))::bigint AS resolved_count,
                (sum(s.n) FILTER (WHERE s.status = 'closed'))::bigint AS closed_count,
                (sum(s.n) FILTER (WHERE s.status = 'rejected'))::bigint AS rejected_count,
                (sum(s.n) FILTER (WHERE s.status = 'duplicate'))::bigint AS duplicate_count,
                (sum(s.n) FILTER (WHERE s.status = 'withdrawn'))::bigint AS withdrawn_count,
                min(s.code) AS code,
                (sum(s.lon) / sum(s.n))::double precision / 1e7 AS lon,
                (sum(s.lat) / sum(s.n))::double precision / 1e7 AS lat
            FROM (
                -- Once over all rows, with as little as can be for each. Whole numbers are summed
                -- (1e-7 degrees, a centimetre), so that the order of the rows changes nothing.
                SELECT
                    v.id,
                    v.status,
                    count(*) AS n,
                    min(v.code) AS code,
                    sum((v.lon * 1e7)::bigint) AS lon,
                    sum((v.lat * 1e7)::bigint) AS lat
                FROM (
                    -- 8 x 8 cells a tile (64 pixels on the screen, room for a count). Up to zoom 15
                    -- each is one range of the stored numbers; above, cells are finer than those
                    -- and cut from the position.
                    SELECT
                        visible.*,
                        CASE
                            WHEN :z <= 15 THEN visible.cell >> greatest(0, 2 * (15 - :z))
                            ELSE
                                ((visible.cell >> greatest(0, 2 * (18 - :z))) << 6)
                                | (least(7, greatest(0, floor(
                                    ((0.5 - atanh(sin(radians(greatest(
                                        -85.0511287798066, least(85.0511287798066, visible.lat)
                                    )))) / (2.0 * pi())) * (1 << :z) - :y) * 8
                                )))::int << 3)
                                | least(7, greatest(0, floor(
                                    ((visible.lon + 180.0) / 360.0 * (1 << :z) - :x) * 8
                                )))::int
                        END AS id
                    FROM visible
                ) AS v
                GROUP BY v.id, v.status
            ) AS s
            GROUP BY s.id
        ) AS spot
        -- a report alone in its cell stays itself
        LEFT JOIN LATERAL (
            SELECT visible.* FROM visible WHERE visible.code = spot.code AND spot.point_count = 1
        ) AS alone ON true
        ORDER BY spot.id
    ) AS feature
) ELSE (
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
) END AS tile
FROM (
    SELECT count(*) > :most AS many
    FROM (SELECT 1 FROM visible LIMIT :most + 1) AS enough
) AS counted
