-- The reports waiting in `incoming_reports` that are not there yet, and their events from
-- `incoming_events`. What is there already, by (source, source_id), stays untouched; a code that is
-- taken holds its report back too, and the caller draws another.
WITH fresh AS (
    INSERT INTO reports (
        id, code, kind, category_code, status, text, geom, accuracy_m, ward_id, ward_match,
        ward_distance_m, organisation_id, reasons, channel, observed_at, created_at, updated_at,
        due_at, closed_at, source, source_id, flags
    )
    SELECT
        id, code, kind, category_code, status, text,
        ST_SetSRID(ST_MakePoint(lon, lat), 4326),
        accuracy_m, ward_id, ward_match, ward_distance_m, organisation_id, reasons, channel,
        observed_at, created_at, updated_at, due_at, closed_at, source, source_id, flags
    FROM incoming_reports
    ON CONFLICT DO NOTHING
    RETURNING id
),

told AS (
    INSERT INTO report_events (report_id, at, kind, text_vi, text_en, data)
    SELECT e.report_id, e.at, e.kind, e.text_vi, e.text_en, e.data
    FROM incoming_events AS e
    INNER JOIN fresh ON e.report_id = fresh.id
    ORDER BY e.n
)

SELECT count(*) FROM fresh
