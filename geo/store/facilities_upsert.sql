-- Puts facilities in, or replaces those whose (source, source_id) is there already; says for each
-- row that was written whether it is new. A row that would not change is not written and not
-- returned, so that a second import of one file is seen to do nothing.
INSERT INTO facilities AS f (source, source_id, kind, name, name_plain, address, tags, geom)
SELECT
    r.source,
    r.source_id,
    r.kind,
    r.name,
    pinward_plain(r.name),
    r.address,
    coalesce(r.tags, '{}'),
    ST_SetSRID(ST_MakePoint(r.lon, r.lat), 4326)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
    source text, source_id text, kind text, name text, address text, tags jsonb,
    lon double precision, lat double precision
)
ON CONFLICT (source, source_id) DO UPDATE SET
    kind = excluded.kind,
    name = excluded.name,
    name_plain = excluded.name_plain,
    address = excluded.address,
    tags = excluded.tags,
    geom = excluded.geom
WHERE (f.kind, f.name, f.address, f.tags, ST_AsBinary(f.geom))
    IS DISTINCT FROM
    (excluded.kind, excluded.name, excluded.address, excluded.tags, ST_AsBinary(excluded.geom))
-- A row made by this statement has never been locked or deleted by anyone.
RETURNING (f.xmax = 0) AS added
