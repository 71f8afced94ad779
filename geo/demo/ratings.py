"""What the demo's people say of how their report ended: about every fourth who got a result."""

from datetime import datetime

from sqlalchemy import text

from geo.demo.city import WARD_SET
from geo.store.database import AsyncConnection

# By the report's number, so that each load says the same. Who waited past the deadline is less
# pleased; the history has the line that a real rating would leave (geo.reports.own.ending).
_RATE = text(
    """
    WITH chosen AS (
        SELECT
            id,
            coalesce(resolved_at, closed_at) + make_interval(hours => 4 + n % 90) AS at,
            CASE
                WHEN due_at < coalesce(resolved_at, closed_at) THEN 1 + (n / 7) % 4
                ELSE 3 + (n / 7) % 3
            END AS rating
        FROM reports, LATERAL (SELECT abs(hashtext(source_id)) AS n) AS drawn
        WHERE source = :source AND status IN ('resolved', 'closed') AND n % 4 = 0
    ),

    rated AS (
        UPDATE reports
        SET rating = chosen.rating, rated_at = chosen.at
        FROM chosen
        WHERE reports.id = chosen.id AND chosen.at < :now
        RETURNING reports.id, reports.rating, reports.rated_at
    )

    INSERT INTO report_events (report_id, at, kind, text_vi, text_en, public, data)
    SELECT
        id,
        rated_at,
        'rated',
        'Người gửi đánh giá ' || rating || '/5.',
        'Its sender rated it ' || rating || ' of 5.',
        true,
        jsonb_build_object('rating', rating)
    FROM rated
    """
)


async def rate(conn: AsyncConnection, now: datetime) -> int:
    """Rate the demo's reports in the caller's transaction; `now` is aware. Returns how many."""
    return (await conn.execute(_RATE, {"source": WARD_SET, "now": now})).rowcount
