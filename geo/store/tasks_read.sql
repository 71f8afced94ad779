-- Tasks as the staff are shown them: photos that the staff do not hide, the version (the newest event
-- that somebody made: that time runs out is nobody's change). {source}: rows of `reports`, and perhaps
-- `apart`.
-- Written out, since a list of tasks is asked for often, and to put it together takes longer than
-- to answer it.
SELECT
    r.id, r.code, r.status, r.priority, r.text, r.created_at, r.due_at, r.first_due_at,
    r.replied_at, r.waits_since, r.holder_id, r.withheld, r.reasons, r.accuracy_m, r.supports,
    r.reopened, r.channel, r.organisation_id, r.escalated, r.first_escalated,
    ST_X(r.geom) AS lon,
    ST_Y(r.geom) AS lat,
    c.code AS category_code,
    c.name_vi AS category_vi,
    c.name_en AS category_en,
    c.icon,
    c.visibility,
    c.photo_wanted AND r.content_gone_at IS NULL AS photo_wanted,
    w.code AS ward_code,
    w.name AS ward_name,
    w.kind AS ward_kind,
    o.code AS organisation_code,
    o.name_vi AS organisation_vi,
    o.name_en AS organisation_en,
    holder.name AS holder_name,
    (
        SELECT jsonb_agg(
            jsonb_build_object(
                'n', p.n, 'media_type', p.media_type, 'width', p.width, 'height', p.height
            ) ORDER BY p.n
        )
        FROM photos AS p
        WHERE p.report_id = r.id AND NOT p.hidden
    ) AS photos,
    (
        SELECT CAST(coalesce(max(e.id), 0) AS text)
        FROM report_events AS e
        WHERE e.report_id = r.id AND e.kind <> 'escalated'
    ) AS version{more}
FROM {source} AS r
JOIN categories AS c ON c.code = r.category_code
LEFT JOIN wards AS w ON w.id = r.ward_id
LEFT JOIN organisations AS o ON o.id = r.organisation_id
LEFT JOIN users AS holder ON holder.id = r.holder_id
