"""A report as whoever answers for its personal data needs it, and who it belongs to."""

from sqlalchemy import select

from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import reports, wards


async def by_code(conn: AsyncConnection, code: str, *, locked: bool = False) -> AnyRow | None:
    """`id, code, ward_code, organisation_id, secret_hash, created_at` of the report of this code
    (as kept); `locked` against others who would change it, until the transaction ends."""
    query = (
        select(
            reports.c.id,
            reports.c.code,
            wards.c.code.label("ward_code"),
            reports.c.organisation_id,
            reports.c.secret_hash,
            reports.c.created_at,
        )
        .select_from(reports.outerjoin(wards, wards.c.id == reports.c.ward_id))
        .where(reports.c.code == code)
    )
    if locked:
        query = query.with_for_update(of=reports)
    return (await conn.execute(query)).one_or_none()
