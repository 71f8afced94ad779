"""What came late for a reform, or was left by a run of it that was broken off."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, text

from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import reform_moves, reports, reports_today


async def standing(conn: AsyncConnection, reform_id: int | None = None) -> dict[int, str]:
    """By reform, one or all that are applied, a word for the open reports in wards that it ended
    (see `reforms_late.sql`): another word, other reports. Without such it is left out."""
    found = await conn.execute(load_sql("geo.store", "reforms_late"), {"reform": reform_id})
    return {row.id: row.standing for row in found}


async def moved(conn: AsyncConnection, reform_id: int) -> AnyRow:
    """How many reports are kept as moved by a reform, by all its runs: `moved renewed ambiguous`,
    as `geo.store.reforms.move` counts them."""
    told = reform_moves.c.event_id.is_not(None)
    wanted = (
        select(
            func.count().filter(told).label("moved"),
            func.count().filter(~told).label("renewed"),
            func.count().filter(func.cardinality(reports.c.ambiguous_with) > 0).label("ambiguous"),
        )
        .join_from(reform_moves, reports, reports.c.id == reform_moves.c.report_id)
        .where(reform_moves.c.reform_id == reform_id)
    )
    return (await conn.execute(wanted)).one()


async def placed(conn: AsyncConnection, ids: Sequence[str]) -> Sequence[AnyRow]:
    """Reports as they are now: `id ward_id status lon lat`."""
    wanted = text(
        "SELECT CAST(id AS text) AS id, ward_id, status, ST_X(geom) AS lon, ST_Y(geom) AS lat"
        " FROM reports WHERE id = ANY (CAST(:ids AS uuid[]))"
    )
    return (await conn.execute(wanted, {"ids": list(ids)})).all()


async def forget_today(conn: AsyncConnection, ids: Sequence[str]) -> None:
    """Take back these reports' own answers for today."""
    wanted = reports_today.c.report_id.in_([UUID(each) for each in ids])
    await conn.execute(delete(reports_today).where(wanted))


async def answered_today(conn: AsyncConnection) -> int:
    """How many reports have an answer of their own for today."""
    return int((await conn.execute(select(func.count()).select_from(reports_today))).scalar_one())
