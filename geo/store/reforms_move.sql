-- Move a batch of open reports to the wards of a reform: each report's row, its event, and what is
-- needed to undo it, in one statement. A report that changed since it was read is left out; the
-- next pass reads it anew.
--
-- :ids, :cells, :kinds, :distances, :ambiguous, :reasons: one entry a report; `kind` is the number
-- of a row of reform_sorts (geo.store.reforms), which says what all reports of a sort have in common;
-- `ambiguous` are codes joined by U+001F; `reasons` are set where a report's own differ from its
-- kind's. A move without words tells nobody: it is the same ward under the same name.
WITH given AS (
    SELECT *
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:cells AS bigint[]), CAST(:kinds AS int[]),
        CAST(:distances AS double precision[]), CAST(:ambiguous AS text[]),
        CAST(:reasons AS text[])
    ) AS g (id, cell, kind, distance_m, ambiguous_with, reasons)
),
standing AS MATERIALIZED (
    SELECT
        r.id, r.ward_id, r.ward_match, r.ward_distance_m, r.ambiguous_with, r.organisation_id,
        r.reasons, r.status,
        s.new_ward_id, s.new_organisation_id, s.match, s.vi, s.en, s.data,
        g.distance_m,
        coalesce(string_to_array(g.ambiguous_with, chr(31)), '{}') AS new_ambiguous_with,
        coalesce(CAST(g.reasons AS jsonb), s.reasons)
            -- The first reason says why this ward.
            || CASE
                WHEN NOT s.keeps_reasons THEN '[]'
                WHEN r.ward_id IS NULL THEN r.reasons
                ELSE r.reasons - 0
            END AS new_reasons,
        CASE
            WHEN r.status = 'received' AND s.new_organisation_id IS NOT NULL
                -- What tells nobody changes nothing that people see.
                AND s.vi IS NOT NULL THEN 'assigned'
            ELSE r.status
        END AS new_status,
        -- Here, not read back from the insert: joined to it, a thousand rows are a million pairs.
        CASE WHEN s.vi IS NOT NULL THEN nextval(pg_get_serial_sequence('report_events', 'id')) END
            AS event_id
    FROM given AS g
    JOIN pg_temp.reform_sorts AS s ON s.kind = g.kind
    JOIN reports AS r ON r.id = g.id
    WHERE
        r.ward_id IS NOT DISTINCT FROM s.old_ward_id
        AND r.organisation_id IS NOT DISTINCT FROM s.old_organisation_id
        -- Not by the index of cells, which costs ten times the primary key's.
        AND r.cell + 0 = g.cell
        AND r.status IN ('received', 'assigned', 'in_progress', 'waiting')
    FOR UPDATE OF r
),
moved AS (
    UPDATE reports AS r
    SET
        ward_id = s.new_ward_id,
        ward_match = s.match,
        ward_distance_m = s.distance_m,
        ambiguous_with = s.new_ambiguous_with,
        organisation_id = s.new_organisation_id,
        reasons = s.new_reasons,
        status = s.new_status,
        updated_at = CASE WHEN s.vi IS NULL THEN r.updated_at ELSE :now END
    FROM standing AS s
    WHERE r.id = s.id
),
told AS (
    INSERT INTO report_events (id, report_id, at, kind, text_vi, text_en, data)
    SELECT event_id, id, :now, 'moved', vi, en, data
    FROM standing
    WHERE vi IS NOT NULL
),
kept AS (
    INSERT INTO reform_moves (
        reform_id, report_id, old_ward_id, old_match, old_distance_m, old_ambiguous_with,
        old_organisation_id, old_reasons, old_status, new_ward_id, new_organisation_id, new_status,
        event_id
    )
    SELECT
        :reform, s.id, s.ward_id, s.ward_match, s.ward_distance_m, s.ambiguous_with,
        s.organisation_id, s.reasons, s.status, s.new_ward_id, s.new_organisation_id, s.new_status,
        s.event_id
    FROM standing AS s
    ON CONFLICT (report_id, reform_id) DO UPDATE
    SET (new_ward_id, new_organisation_id, new_status, event_id)
        = (excluded.new_ward_id, excluded.new_organisation_id, excluded.new_status, excluded.event_id)
)
SELECT
    count(*) FILTER (WHERE vi IS NOT NULL) AS moved,
    count(*) FILTER (WHERE vi IS NULL) AS renewed,
    count(*) FILTER (WHERE new_ambiguous_with <> '{}') AS ambiguous
FROM standing
