"""A report as whoever works on it needs it: all of it, its history, and what may be done now."""

from datetime import datetime
from typing import Any
from uuid import UUID

from geo.reports.tasks.told import feature
from geo.reports.times import rfc3339
from geo.reports.workflow import graph
from geo.store import tasks as store
from geo.store import work
from geo.store.database import AnyRow, AsyncConnection

_TIMES = ("resolved_at", "closed_at", "observed_at")


async def whole(
    conn: AsyncConnection, report_id: UUID, account: AnyRow, now: datetime
) -> dict[str, Any]:
    """GeoJSON feature of a report, whatever its status, for an account that may see it."""
    row = (await store.read(conn, [report_id]))[report_id]
    more = await work.rest(conn, report_id)
    told = {name: _time(getattr(more, name)) for name in _TIMES}
    return feature(
        row,
        account.id,
        now,
        **told,
        accuracy_m=row.accuracy_m,
        answers=more.answers,
        reasons=row.reasons,
        channel=row.channel,
        supports=row.supports,
        reopened=row.reopened,
        rating=more.rating,
        duplicate_of=more.parent,
        withheld=row.withheld,
        allowed=list(graph.allowed_on(row, (account.role,), account.id)),
        events=[
            {
                "at": rfc3339(event.at),
                "kind": event.kind,
                "text": {"vi": event.text_vi, "en": event.text_en},
                "public": event.public,
                "by": event.name,
                "data": event.data,
            }
            for event in await work.history(conn, report_id)
        ],
    )


def _time(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
