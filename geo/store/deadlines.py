"""Rules of deadlines and the city's own days, as rows; whoever changes them tells all processes."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select, text

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import city_days, deadline_rules

CHANNEL: Final = "pinward_rules"


async def every(conn: AsyncConnection) -> Sequence[AnyRow]:
    """`id, category_code, promise, amount, clock, since, until, source`, by category and time."""
    valid = deadline_rules.c.valid
    query = select(
        *(column for column in deadline_rules.c if column.name != "valid"),
        func.lower(valid).label("since"),
        func.upper(valid).label("until"),
    ).order_by(deadline_rules.c.category_code, deadline_rules.c.promise, func.lower(valid))
    return (await conn.execute(query)).all()


async def days(conn: AsyncConnection) -> Sequence[AnyRow]:
    """`day, works, name_vi, name_en`, in order."""
    return (await conn.execute(select(city_days).order_by(city_days.c.day))).all()


async def tell(conn: AsyncConnection) -> None:
    """Let all processes load the rules anew, once this is committed."""
    await conn.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
