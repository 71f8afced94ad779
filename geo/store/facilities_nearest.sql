-- The facilities nearest to a point by geodesic metres. The index orders by distance on a sphere,
-- which is up to 0.6 % off; so it only says how far to look (the farthest of the first :limit, by
-- the ellipsoid), and everything within that is measured and ordered exactly.
WITH here AS (
    SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography AS geog
),
reach AS (
    SELECT max(ST_Distance(first.geog, here.geog)) AS reach_m
    FROM here
    CROSS JOIN LATERAL (
        SELECT f.geom::geography AS geog
        FROM facilities AS f
        WHERE CAST(:kinds AS text[]) IS NULL OR f.kind = ANY (CAST(:kinds AS text[]))
        ORDER BY f.geom::geography <-> here.geog
        LIMIT :limit
    ) AS first
)
SELECT
    f.id,
    f.source,
    f.source_id,
    f.kind,
    f.name,
    f.address,
    ST_X(f.geom) AS lon,
    ST_Y(f.geom) AS lat,
    ST_Distance(f.geom::geography, here.geog) AS distance_m
FROM here
CROSS JOIN reach
JOIN facilities AS f
    ON ST_DWithin(
        f.geom::geography,
        here.geog,
        least(reach.reach_m, CAST(:radius_m AS double precision)) + 0.001
    )
WHERE
    (CAST(:kinds AS text[]) IS NULL OR f.kind = ANY (CAST(:kinds AS text[])))
    AND (
        CAST(:radius_m AS double precision) IS NULL
        OR ST_Distance(f.geom::geography, here.geog) <= CAST(:radius_m AS double precision)
    )
ORDER BY distance_m, f.id
LIMIT :limit
