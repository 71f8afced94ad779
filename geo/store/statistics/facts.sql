-- One row a report or line of the log, all of it numbers: when it was sent (its month, year * 12 +
-- month - 1 of the wall clock, only where the reader does not work it out: outside of %(first)s to
-- %(last)s), by what it is counted (ward, and `then` and `today` where those differ, -1 where not;
-- 0: none) and what it adds (`flags` as geo.store.statistics.vectors has them).
--
-- {source} x has the columns of `reports` that are read here. What has been late since before {late_at},
-- counts as late. {then_id}, {today_id}: of geo.store.report_wards.others, of a report whose place is
-- shown only roughly they are not told.
SELECT
    x.created_at,
    CAST(
        CASE
            WHEN x.created_at >= %(first)s AND x.created_at < %(last)s THEN 0
            ELSE
                extract(YEAR FROM timezone(%(zone)s, x.created_at)) * 12
                + extract(MONTH FROM timezone(%(zone)s, x.created_at)) - 1
        END AS int4
    ),
    CAST(coalesce(x.ward_id, 0) AS int4),
    CAST(coalesce(CASE WHEN c.visibility = 'public' THEN {then_id} END, -1) AS int4),
    CAST(coalesce(CASE WHEN c.visibility = 'public' THEN {today_id} END, -1) AS int4),
    c.number,
    CAST(coalesce(x.organisation_id, 0) AS int4),
    CAST(coalesce(channel.number, 0) AS int4),
    CAST(array_position(CAST(%(all_statuses)s AS text[]), x.status) * 2 - 2
        + CAST(x.kind = 'suggestion' AS int) AS int2),
    CAST(
        m.flags
        + CASE WHEN m.reply_late_at < {late_at} THEN {reply_late} ELSE 0 END
        + CASE WHEN m.late_at < {late_at} THEN {late} ELSE 0 END
        AS int2
    ),
    CAST(coalesce(m.reply_bin, -1) AS int2),
    CAST(coalesce(m.result_bin, -1) AS int2),
    CAST(coalesce(x.rating, 0) AS int2),
    CAST({sign} AS int2)
FROM {source} AS x
JOIN categories AS c ON c.code = x.category_code
LEFT JOIN statistics_channels AS channel ON channel.name = x.channel
CROSS JOIN LATERAL pinward_measured(
    x.status, x.created_at, x.due_at, x.closed_at, x.first_due_at, x.replied_at, x.waits_since,
    x.resolved_at, x.reopened
) AS m
{joins}
WHERE {conditions}
