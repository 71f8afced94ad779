"""What in the database points to wards that end."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import alerts, organisations, reports, users
from geo.store.tables.reports import OPEN_STATUSES


async def accounts(
    conn: AsyncConnection, codes: Sequence[str], committees: Sequence[int]
) -> Sequence[AnyRow]:
    """Accounts in use that act for a ward of these codes or for one of these organisations."""
    wanted = (
        select(
            users.c.email,
            users.c.name,
            users.c.role,
            users.c.ward_code,
            func.pinward_ward_meant(users.c.ward_code, users.c.ward_day).label("ward_id"),
            organisations.c.name_vi.label("organisation_vi"),
        )
        .outerjoin(organisations, organisations.c.id == users.c.organisation_id)
        .where(
            ~users.c.disabled,
            or_(users.c.ward_code.in_(codes), users.c.organisation_id.in_(committees)),
        )
        .order_by(users.c.email)
    )
    return (await conn.execute(wanted)).all()


async def alerts_of(conn: AsyncConnection, codes: Sequence[str]) -> Sequence[AnyRow]:
    """Alerts not yet over that name wards of these codes; their area on the map stays as it is."""
    wanted = (
        select(alerts.c.id, alerts.c.headline_vi, alerts.c.expires_at)
        .where(
            alerts.c.cancelled_at.is_(None),
            alerts.c.expires_at > func.now(),
            alerts.c.ward_codes.overlap(codes),
        )
        .order_by(alerts.c.id)
    )
    return (await conn.execute(wanted)).all()


async def committees_with_reports(
    conn: AsyncConnection, committees: Sequence[int]
) -> Sequence[AnyRow]:
    """Of these organisations `code name_vi open`, with their number of open reports."""
    wanted = (
        select(
            organisations.c.code, organisations.c.name_vi, func.count(reports.c.id).label("open")
        )
        .outerjoin(
            reports,
            (reports.c.organisation_id == organisations.c.id) & reports.c.status.in_(OPEN_STATUSES),
        )
        .where(organisations.c.id.in_(committees))
        .group_by(organisations.c.id)
        .order_by(organisations.c.code)
    )
    return (await conn.execute(wanted)).all()
