"""A report as whoever answers for its personal data needs it, and who it belongs to."""

from sqlalchemy import func, select

from geo.store import reports as reports_store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import categories, reports, wards


async def by_code(conn: AsyncConnection, code: str, *, locked: bool = False) -> AnyRow | None:
    """`id, code, ward_code, ward, organisation_id, secret_hash, visibility` of a report; or None.

    `ward` is the id of the first version of its ward.

    `locked`: against others who would change it, until the transaction ends.
    """
    query = (
        select(
            reports.c.id,
            reports.c.code,
            wards.c.code.label("ward_code"),
            func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
            reports.c.organisation_id,
            reports.c.secret_hash,
            reports_store.visibility().label("visibility"),
        )
        .select_from(
            reports.join(categories, categories.c.code == reports.c.category_code).outerjoin(
                wards, wards.c.id == reports.c.ward_id
            )
        )
        .where(reports.c.code == code)
    )
    if locked:
        query = query.with_for_update(of=reports)
    return (await conn.execute(query)).one_or_none()
