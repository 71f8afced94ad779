-- Of the reports of a batch: the positions (from 1) of those that are there already by their
-- source and its id, and of those whose code another report has.
SELECT
    i.n,
    r.id IS NOT NULL AS here,
    c.id IS NOT NULL AS taken
FROM
    unnest(CAST(:sources AS text[]), CAST(:source_ids AS text[]), CAST(:codes AS text[]))
    WITH ORDINALITY AS i (source, source_id, code, n)
LEFT JOIN reports AS r ON i.source = r.source AND i.source_id = r.source_id
LEFT JOIN reports AS c ON i.code = c.code
WHERE r.id IS NOT NULL OR c.id IS NOT NULL
