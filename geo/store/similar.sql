-- Open reports that may be the same as one at :lon, :lat: of its category's family, within the
-- category's radius and age of :at, by score. What is asked of a report is where it is *seen*
-- (:exact: by the staff), so that no number of questions tells more of a blurred one than its
-- square does. Of a crowd the :most nearest, then newest, are compared: texts are the dear part.
WITH asked AS (
    SELECT
        duplicate_radius_m AS radius_m,
        duplicate_days AS days,
        ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography AS here,
        pinward_plain(normalize(CAST(:said AS text))) AS said,
        ARRAY(
            SELECT one.code
            FROM categories AS one
            WHERE coalesce(one.parent_code, one.code) = coalesce(c.parent_code, c.code)
        ) AS family
    FROM categories AS c
    WHERE c.code = :category
),

near AS (
    SELECT
        r.id,
        r.category_code,
        r.created_at,
        r.text,
        seen.distance_m
    FROM asked
    CROSS JOIN unnest(CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[])) AS square (low, high)
    CROSS JOIN LATERAL (
        SELECT *
        FROM reports AS one
        WHERE
            one.category_code = ANY(asked.family)
            AND one.cell BETWEEN square.low AND square.high
            AND one.created_at BETWEEN CAST(:at AS timestamptz) - asked.days * interval '1 day'
            AND CAST(:at AS timestamptz) + CASE WHEN :exact THEN asked.days ELSE 0 END
            * interval '1 day'
            AND one.status IN ('received', 'assigned', 'in_progress', 'waiting')
    ) AS r
    JOIN categories AS c ON r.category_code = c.code
    CROSS JOIN LATERAL (
        SELECT ST_Distance(
            CASE
                WHEN :exact OR c.visibility = 'public' THEN r.geom
                ELSE pinward_public_point(r.geom, c.visibility)
            END::geography,
            asked.here
        ) AS distance_m
    ) AS seen
    WHERE
        seen.distance_m <= asked.radius_m
        AND (:exact OR (c.visibility <> 'hidden' AND r.withheld IS NULL))
        AND r.id IS DISTINCT FROM CAST(:but AS uuid)
        AND (
            CAST(:organisation AS integer) IS NULL OR r.organisation_id = CAST(:organisation AS integer)
        )
        AND (CAST(:wards AS integer[]) IS NULL OR r.ward_id = ANY(CAST(:wards AS integer[])))
    ORDER BY seen.distance_m, r.created_at DESC, r.id
    LIMIT :most
),

compared AS (
    SELECT
        near.id,
        near.created_at,
        near.distance_m,
        CASE
            WHEN asked.said <> '' THEN similarity(pinward_plain(near.text), asked.said)
        END AS likeness,
        1 - near.distance_m / asked.radius_m AS nearness,
        greatest(
            0, 1 - abs(extract(EPOCH FROM CAST(:at AS timestamptz) - near.created_at))
            / (asked.days * 86400.0)
        ) AS freshness,
        CASE WHEN near.category_code = :category THEN 1.0 ELSE CAST(:other AS float) END AS kin
    FROM near
    CROSS JOIN asked
)

SELECT
    id,
    distance_m,
    likeness,
    kin * (
        :by_distance * nearness + :by_age * freshness + :by_text * coalesce(likeness, 0)
    ) / (
        :by_distance + :by_age + CASE WHEN likeness IS NULL THEN 0 ELSE :by_text END
    ) AS score
FROM compared
ORDER BY score DESC, created_at DESC, id
LIMIT :limit
