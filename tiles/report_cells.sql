-- The cells of a tile of reports: counts made by the pyramid, handed over as arrays, made a tile.
SELECT ST_AsMVT(feature, 'reports', 4096, 'geom', 'id')
FROM (
    SELECT
        cell AS id,
        ST_MakePoint(x, y) AS geom,
        cell,
        point_count,
        open_count,
        nullif(received, 0) AS received_count,
        nullif(assigned, 0) AS assigned_count,
        nullif(in_progress, 0) AS in_progress_count,
        nullif(waiting, 0) AS waiting_count,
        nullif(resolved, 0) AS resolved_count,
        nullif(closed, 0) AS closed_count,
        nullif(rejected, 0) AS rejected_count,
        nullif(duplicate, 0) AS duplicate_count,
        nullif(withdrawn, 0) AS withdrawn_count
    FROM unnest(
        :cell, :x, :y, :point_count, :open_count, :received, :assigned, :in_progress, :waiting,
        :resolved, :closed, :rejected, :duplicate, :withdrawn
    ) AS c (
        cell, x, y, point_count, open_count, received, assigned, in_progress, waiting,
        resolved, closed, rejected, duplicate, withdrawn
    )
    ORDER BY cell
) AS feature
