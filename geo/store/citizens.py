"""Citizens who signed in, in the database: known by a mark, a keyed hash (32 bytes), and no more.

A row is there while somebody is signed in or has reports kept as theirs; then it goes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from geo.store.database import AsyncConnection
from geo.store.tables import citizen_reports, citizen_sessions, citizens, reports


async def sign_in(
    conn: AsyncConnection,
    marks: Sequence[bytes],
    token_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a sign-in. `marks`: the citizen's by today's key, then by those before, newest first.

    What was kept under an earlier key's mark goes on under today's. Sign-ins that have run out by
    `now` go, and with them citizens of whom nothing else is kept.
    """
    await _alone(conn)
    await conn.execute(delete(citizen_sessions).where(citizen_sessions.c.expires_at <= now))
    await _sweep(conn)
    today, before = marks[0], list(marks[1:])
    known = (await conn.execute(select(citizens.c.mark).where(citizens.c.mark == today))).scalar()
    if known is None and before:
        await conn.execute(
            update(citizens)
            .where(
                citizens.c.mark
                == select(citizens.c.mark)
                .where(citizens.c.mark.in_(before))
                .limit(1)
                .scalar_subquery()
            )
            .values(mark=today)
        )
    await conn.execute(pg_insert(citizens).values(mark=today).on_conflict_do_nothing())
    await conn.execute(
        pg_insert(citizen_sessions).values(token_hash=token_hash, mark=today, expires_at=expires_at)
    )


async def signed_in(conn: AsyncConnection, token_hash: bytes, now: datetime) -> bytes | None:
    """The mark of who signed in with this token; None for anybody else."""
    query = select(citizen_sessions.c.mark).where(
        citizen_sessions.c.token_hash == token_hash, citizen_sessions.c.expires_at > now
    )
    return (await conn.execute(query)).scalar()


async def sign_out(conn: AsyncConnection, token_hash: bytes) -> None:
    """End a sign-in; quiet when there is none. Of whom nothing is kept nothing stays."""
    await _alone(conn)
    await conn.execute(delete(citizen_sessions).where(citizen_sessions.c.token_hash == token_hash))
    await _sweep(conn)


async def forget(conn: AsyncConnection, mark: bytes) -> None:
    """Forget a citizen: sign-ins and which reports are theirs go, the reports stay, anonymous."""
    await conn.execute(delete(citizens).where(citizens.c.mark == mark))


async def keep(conn: AsyncConnection, mark: bytes, code: str) -> bool:
    """Keep the report of this code (as kept) as theirs; False: it is another's, or was erased."""
    report = select(reports.c.id, literal(mark)).where(
        reports.c.code == code,
        reports.c.erased_at.is_(None),
        reports.c.content_gone_at.is_(None),
    )
    await conn.execute(
        pg_insert(citizen_reports)
        .from_select(["report_id", "mark"], report)
        .on_conflict_do_nothing()
    )
    theirs = (
        select(citizen_reports.c.report_id)
        .join(reports, reports.c.id == citizen_reports.c.report_id)
        .where(reports.c.code == code, citizen_reports.c.mark == mark)
    )
    return (await conn.execute(theirs)).scalar() is not None


async def let_go(conn: AsyncConnection, mark: bytes, code: str) -> bool:
    """Keep a report as theirs no longer; False: it was not."""
    report_id = select(reports.c.id).where(reports.c.code == code).scalar_subquery()
    gone = await conn.execute(
        delete(citizen_reports).where(
            citizen_reports.c.mark == mark, citizen_reports.c.report_id == report_id
        )
    )
    return gone.rowcount > 0


async def forget_reports(conn: AsyncConnection, report_ids: Sequence[UUID]) -> None:
    """Forget whose these reports were, as when they are erased."""
    await conn.execute(delete(citizen_reports).where(citizen_reports.c.report_id.in_(report_ids)))


def reports_of(mark: bytes) -> Select[tuple[UUID]]:
    """The ids of the reports kept as theirs."""
    found: Select[Any] = select(citizen_reports.c.report_id).where(citizen_reports.c.mark == mark)
    return found


async def _alone(conn: AsyncConnection) -> None:
    # Else who signs in could find their row, which a sweep beside then takes away.
    await conn.execute(text("LOCK TABLE citizens IN SHARE ROW EXCLUSIVE MODE"))


async def _sweep(conn: AsyncConnection) -> None:
    held = (
        exists().where(table.c.mark == citizens.c.mark)
        for table in (citizen_sessions, citizen_reports)
    )
    await conn.execute(delete(citizens).where(*(~each for each in held)))
