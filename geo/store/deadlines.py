"""Rules of deadlines and the city's own days, as rows; whoever changes them tells all processes."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from psycopg.types.range import DateRange
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

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


async def later(
    conn: AsyncConnection, category: str, promise: str, since: date
) -> Sequence[AnyRow]:
    """The rules that would be in the way of one from `since` on: they begin then or later."""
    query = select(func.lower(deadline_rules.c.valid).label("since")).where(
        deadline_rules.c.category_code == category,
        deadline_rules.c.promise == promise,
        func.lower(deadline_rules.c.valid) >= since,
    )
    return (await conn.execute(query)).all()


async def follow(
    conn: AsyncConnection,
    *,
    category: str,
    promise: str,
    amount: timedelta | None,
    clock: str,
    since: date | None,
    source: str,
) -> None:
    """A rule from `since` on (None: ever), in place of the one in force then; `amount` None: from
    then on none of one's own."""
    same = (deadline_rules.c.category_code == category, deadline_rules.c.promise == promise)
    if since is None:
        await conn.execute(delete(deadline_rules).where(*same))
    else:
        ended = func.daterange(func.lower(deadline_rules.c.valid), since)
        await conn.execute(
            update(deadline_rules)
            .where(*same, deadline_rules.c.valid.op("@>")(since))
            .values(valid=ended)
        )
    if amount is not None:
        values = {"category_code": category, "promise": promise, "amount": amount, "clock": clock}
        valid = DateRange(since, None)
        await conn.execute(insert(deadline_rules).values(**values, source=source, valid=valid))
    await tell(conn)


async def put_day(
    conn: AsyncConnection, day: date, works: bool, name_vi: str, name_en: str
) -> None:
    """A day off (`works` False) or worked, in place of what was said of it before."""
    values = {"works": works, "name_vi": name_vi, "name_en": name_en}
    statement = insert(city_days).values(day=day, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["day"], set_=values))
    await tell(conn)


async def drop_day(conn: AsyncConnection, day: date) -> bool:
    """The country's calendar counts again for this day; whether anything was said of it."""
    gone = (await conn.execute(delete(city_days).where(city_days.c.day == day))).rowcount
    await tell(conn)
    return bool(gone)


async def tell(conn: AsyncConnection) -> None:
    """Let all processes load the rules anew, once this is committed."""
    await conn.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
