-- The rule of each category (its own, its family's, or that for all others), and the times before
-- which what ended has been kept long enough now.
SELECT
    c.code,
    rule.contact_months,
    rule.content_months,
    CAST(:now AS timestamptz) - make_interval(months => rule.contact_months) AS contacts_before,
    CAST(:now AS timestamptz) - make_interval(months => rule.content_months) AS content_before
FROM categories AS c
CROSS JOIN LATERAL (
    SELECT
        r.contact_months,
        r.content_months
    FROM retention_rules AS r
    WHERE r.category_code IN (c.code, c.parent_code, '*')
    ORDER BY array_position(ARRAY[c.code, c.parent_code, '*'], r.category_code)
    LIMIT 1
) AS rule
ORDER BY c.code
