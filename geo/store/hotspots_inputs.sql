-- Every report of a period that may count, as COPY wants it: nothing NULL, every column of a fixed
-- width, so that the answer is one array. Places are those at which the public sees a report: a hull
-- around true addresses of a blurred category would tell them. The sender is the only key there is:
-- the same words by the same channel, long enough not to be said twice by chance; an import's texts
-- may be a form's, and all that were erased say the same (geo.reports.erasure).
SELECT
    r.id,
    ST_X(place.geom) AS lon,
    ST_Y(place.geom) AS lat,
    r.created_at,
    c.number,
    r.status = ANY ({open}),
    hashtext(r.channel),
    CASE
        WHEN r.source_id IS NULL AND r.content_gone_at IS NULL AND length(r.text) >= 20
        THEN hashtextextended(r.channel || chr(10) || r.text, 0) & 9223372036854775807
        ELSE -1
    END,
    'default-point' = ANY (r.flags)
FROM reports AS r
JOIN categories AS c ON c.code = r.category_code
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN c.visibility = 'blurred' THEN pinward_public_point(r.geom, 'blurred')
        ELSE r.geom
    END AS geom
) AS place
WHERE r.created_at >= {since} AND r.created_at < {until} AND r.status <> ALL ({left_out}) {narrowed}
