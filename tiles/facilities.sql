-- One tile of facilities: points from zoom `points_zoom` on where at most `most` lie in the tile, else
-- 8 x 8 cells for each group with counts; never both, and nothing left out. A facility is in the
-- tile whose cells hold its point; the box only chooses candidates by the index.
WITH here AS MATERIALIZED (
    SELECT f.*
    FROM (
        SELECT
            f.id,
            f.kind,
            f.name,
            CASE
                WHEN f.kind = ANY (:schools) THEN 'schools'
                WHEN f.kind = ANY (:clinics) THEN 'clinics'
                ELSE 'other'
            END AS "group",
            pinward_cell(ST_X(f.geom), ST_Y(f.geom)) AS cell,
            ((ST_X(f.geom) + 180.0) / 360.0 * (1 << :z) - :x) * 4096 AS x,
            (
                (0.5 - atanh(sin(radians(
                    greatest(-85.0511287798066, least(85.0511287798066, ST_Y(f.geom)))
                ))) / (2.0 * pi())) * (1 << :z) - :y
            ) * 4096 AS y
        FROM facilities AS f
        WHERE
            f.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
            AND (CAST(:kinds AS text[]) IS NULL OR f.kind = ANY (CAST(:kinds AS text[])))
    ) AS f
    WHERE f.cell BETWEEN :first AND :last
),
placed AS (
    SELECT
        here.*,
        least(4095, greatest(0, floor(here.x)))::bigint AS px,
        least(4095, greatest(0, floor(here.y)))::bigint AS py
    FROM here
)
SELECT CASE WHEN :z >= :points_zoom AND (SELECT count(*) FROM here) <= :most THEN (
    SELECT ST_AsMVT(feature, 'facilities', 4096, 'geom', 'id')
    FROM (
        SELECT
            p.id, ST_MakePoint(p.px, p.py) AS geom, 1 AS point_count, p."group", p.kind, p.name
        FROM placed AS p
        ORDER BY p.id
    ) AS feature
) ELSE (
    SELECT ST_AsMVT(feature, 'facilities', 4096, 'geom', 'id')
    FROM (
        SELECT
            -- the cell's number in the world, and the group's
            ((((CAST(:y AS bigint) << 18) + :x) << 6) | (spot.row << 3) | spot.column) * 4
                + CASE spot."group" WHEN 'schools' THEN 0 WHEN 'clinics' THEN 1 ELSE 2 END AS id,
            ST_MakePoint(spot.mean_x, spot.mean_y) AS geom,
            spot.point_count,
            spot."group",
            CASE WHEN spot.point_count = 1 THEN spot.kind END AS kind,
            CASE WHEN spot.point_count = 1 THEN spot.name END AS name
        FROM (
            SELECT
                p.px >> 9 AS "column",
                p.py >> 9 AS "row",
                p."group",
                count(*) AS point_count,
                sum(p.px)::bigint / count(*) AS mean_x,
                sum(p.py)::bigint / count(*) AS mean_y,
                min(p.kind) AS kind,
                min(p.name) AS name
            FROM placed AS p
            GROUP BY 1, 2, 3
        ) AS spot
        ORDER BY id
    ) AS feature
) END AS tile
