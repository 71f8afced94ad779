-- Around each hotspot: the ward its middle lies in on a day, and facilities near its shape, the nearest
-- first, by geodesic metres. The index on geography finds them; a shape is up to some hundred metres
-- wide, so what is near it is near few.
SELECT
    ward.code AS ward_code,
    ward.name AS ward_vi,
    coalesce(ward.name_en, ward.name) AS ward_en,
    ward.kind AS ward_kind,
    street.name AS street,
    coalesce(found.near, '[]') AS near
FROM unnest(CAST(:shapes AS bytea[]), CAST(:lon AS float8[]), CAST(:lat AS float8[]))
    WITH ORDINALITY AS given (shape, lon, lat, number)
CROSS JOIN LATERAL (
    SELECT
        ST_SetSRID(ST_MakePoint(given.lon, given.lat), 4326) AS middle,
        ST_SetSRID(ST_GeomFromWKB(given.shape), 4326) AS hull,
        ST_SetSRID(ST_GeomFromWKB(given.shape), 4326)::geography AS shape
) AS here
LEFT JOIN LATERAL (
    SELECT w.code, w.name, w.name_en, w.kind
    FROM wards AS w
    WHERE w.valid @> CAST(:day AS date) AND ST_Covers(w.geom, here.middle)
    ORDER BY w.code
    LIMIT 1
) AS ward ON true
LEFT JOIN LATERAL (
    -- the street that runs through it farthest
    SELECT s.name
    FROM streets AS s
    WHERE ST_Intersects(s.geom, here.hull)
    GROUP BY s.name
    ORDER BY sum(ST_Length(ST_Intersection(s.geom, here.hull)::geography)) DESC, s.name
    LIMIT 1
) AS street ON true
LEFT JOIN LATERAL (
    SELECT json_agg(
        json_build_object('kind', f.kind, 'name', f.name, 'distance_m', round(f.distance_m))
        ORDER BY f.distance_m, f.id
    ) AS near
    FROM (
        SELECT f.id, f.kind, f.name, ST_Distance(f.geom::geography, here.shape) AS distance_m
        FROM facilities AS f
        WHERE
            f.kind = ANY (CAST(:kinds AS text[]))
            AND ST_DWithin(f.geom::geography, here.shape, :radius_m)
    ) AS f
) AS found ON true
ORDER BY given.number
