-- One tile of tasks: points when at most `most` lie in it, else 8 x 8 cells with counts; never both,
-- and nothing left out. `task` (tiles/tasks.py) holds the tile's rows of `reports`.
--
-- Cells are ranges of the stored z-order numbers. Each is put at the middle of what it holds, read
-- off the numbers alone: counted on a grid of 64 x 64 first, so that the many rows of a tile are
-- gone through once, in an index.
SELECT CASE WHEN counted.many THEN (
    SELECT ST_AsMVT(feature, 'tasks', 4096, 'geom', 'id')
    FROM (
        SELECT
            spot.id,
            ST_MakePoint(
                (spot.x / spot.point_count)::bigint, (spot.y / spot.point_count)::bigint
            ) AS geom,
            spot.point_count,
            spot.late_count
        FROM (
            SELECT
                fine.number >> 6 AS id,
                sum(fine.n)::bigint AS point_count,
                sum(fine.late)::bigint AS late_count,
                -- the even places of the number are the column, the odd ones the row
                sum(fine.n * (64 * (
                    (fine.number & 1) | (fine.number >> 1 & 2) | (fine.number >> 2 & 4)
                    | (fine.number >> 3 & 8) | (fine.number >> 4 & 16) | (fine.number >> 5 & 32)
                ) + 32)) AS x,
                sum(fine.n * (64 * (
                    (fine.number >> 1 & 1) | (fine.number >> 2 & 2) | (fine.number >> 3 & 4)
                    | (fine.number >> 4 & 8) | (fine.number >> 5 & 16) | (fine.number >> 6 & 32)
                ) + 32)) AS y
            FROM (
                SELECT
                    task.cell >> (2 * (20 - :z)) AS number,
                    count(*) AS n,
                    count(*) FILTER (
                        WHERE task.due_at < :now AND task.status <> 'waiting'
                    ) AS late
                FROM task
                GROUP BY 1
            ) AS fine
            GROUP BY 1
        ) AS spot
        ORDER BY spot.id
    ) AS feature
) ELSE (
    SELECT ST_AsMVT(feature, 'tasks', 4096, 'geom', 'id')
    FROM (
        SELECT
            -- the same number as in the reports layer
            hashtextextended(task.code, 0) & 9007199254740991 AS id,
            ST_MakePoint(
                least(4095, greatest(0, floor(
                    ((ST_X(task.geom) + 180.0) / 360.0 * (1 << :z) - :x) * 4096
                ))),
                least(4095, greatest(0, floor(
                    ((0.5 - atanh(sin(radians(greatest(
                        -85.0511287798066, least(85.0511287798066, ST_Y(task.geom))
                    )))) / (2.0 * pi())) * (1 << :z) - :y) * 4096
                )))
            ) AS geom,
            1 AS point_count,
            coalesce(task.due_at < :now AND task.status <> 'waiting', false)::int AS late_count,
            task.code,
            task.category_code AS category,
            coalesce(c.parent_code, c.code) AS family,
            task.status,
            to_char(task.due_at AT TIME ZONE CAST(:timezone AS text), 'YYYY-MM-DD') AS due,
            coalesce(task.due_at < :now AND task.status <> 'waiting', false) AS late
        FROM task
        JOIN categories AS c ON c.code = task.category_code
        -- the most urgent last, so that they are drawn on top
        ORDER BY task.due_at DESC NULLS FIRST, task.code
    ) AS feature
) END AS tile
FROM (
    SELECT count(*) > :most AS many
    FROM (SELECT 1 FROM task LIMIT :most + 1) AS enough
) AS counted
