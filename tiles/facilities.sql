-- One tile of facilities: points from zoom `points_zoom` on where at most `most` lie in the tile, else
-- 8 x 8 cells for each group with counts; never both, and nothing left out. A facility is in the
-- tile whose cells hold it. Counted on a grid of 64 x 64 first, so that places are worked out for
-- few, and read off the cells' z-order numbers alone.
WITH here AS NOT MATERIALIZED (
    SELECT
        f.*,
        CASE
            WHEN f.kind = ANY (:schools) THEN 'schools'
            WHEN f.kind = ANY (:clinics) THEN 'clinics'
            ELSE 'other'
        END AS "group"
    FROM facilities AS f
    WHERE
        f.cell BETWEEN :first AND :last
        AND (CAST(:kinds AS text[]) IS NULL OR f.kind = ANY (CAST(:kinds AS text[])))
)
SELECT CASE WHEN :z >= :points_zoom AND (
    SELECT count(*) <= :most FROM (SELECT 1 FROM here LIMIT :most + 1) AS enough
) THEN (
    SELECT ST_AsMVT(feature, 'facilities', 4096, 'geom', 'id')
    FROM (
        SELECT
            here.id,
            ST_MakePoint(
                least(4095, greatest(0, floor(
                    ((ST_X(here.geom) + 180.0) / 360.0 * (1 << :z) - :x) * 4096
                ))),
                least(4095, greatest(0, floor(
                    ((0.5 - atanh(sin(radians(greatest(
                        -85.0511287798066, least(85.0511287798066, ST_Y(here.geom))
                    )))) / (2.0 * pi())) * (1 << :z) - :y) * 4096
                )))
            ) AS geom,
            1 AS point_count,
            here."group",
            here.kind,
            here.name
        FROM here
        ORDER BY here.id
    ) AS feature
) ELSE (
    SELECT ST_AsMVT(feature, 'facilities', 4096, 'geom', 'id')
    FROM (
        SELECT
            -- the cell's number in the world, and the group's
            spot.cell * 4
                + CASE spot."group" WHEN 'schools' THEN 0 WHEN 'clinics' THEN 1 ELSE 2 END AS id,
            ST_MakePoint(
                (spot.x / spot.point_count)::bigint, (spot.y / spot.point_count)::bigint
            ) AS geom,
            spot.point_count,
            spot."group",
            CASE WHEN spot.point_count = 1 THEN spot.kind END AS kind,
            CASE WHEN spot.point_count = 1 THEN spot.name END AS name
        FROM (
            SELECT
                fine.number >> 6 AS cell,
                fine."group",
                sum(fine.n)::bigint AS point_count,
                -- the even places of the number are the column, the odd ones the row
                sum(fine.n * (64 * (
                    (fine.number & 1) | (fine.number >> 1 & 2) | (fine.number >> 2 & 4)
                    | (fine.number >> 3 & 8) | (fine.number >> 4 & 16) | (fine.number >> 5 & 32)
                ) + 32)) AS x,
                sum(fine.n * (64 * (
                    (fine.number >> 1 & 1) | (fine.number >> 2 & 2) | (fine.number >> 3 & 4)
                    | (fine.number >> 4 & 8) | (fine.number >> 5 & 16) | (fine.number >> 6 & 32)
                ) + 32)) AS y,
                min(fine.kind) AS kind,
                min(fine.name) AS name
            FROM (
                SELECT
                    here.cell >> (2 * (20 - :z)) AS number,
                    here."group",
                    count(*) AS n,
                    min(here.kind) AS kind,
                    min(here.name) AS name
                FROM here
                GROUP BY 1, 2
            ) AS fine
            GROUP BY 1, 2
        ) AS spot
        ORDER BY id
    ) AS feature
) END AS tile
