"""Who answers for reports: today each ward's own committee.

A ward's committee has the code `ward-<ward code>` and outlives the ward's dated versions.
"""

from collections.abc import Iterable

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from geo.store.database import AsyncConnection
from geo.store.tables import organisations

# Vietnam's three kinds of commune-level units; elsewhere the name stands alone.
_KINDS = {
    "ward": ("phường", "Ward"),
    "commune": ("xã", "Commune"),
    "town": ("thị trấn", "Town"),
    "special_zone": ("đặc khu", "Special Zone"),
}


def committee_code(ward_code: str) -> str:
    """Code of the committee of a ward."""
    return f"ward-{ward_code}"


def ward_names(name: str, kind: str) -> tuple[str, str]:
    """A ward as people say it, Vietnamese and English: `("phường Bến Thành", "Bến Thành Ward")`.

    The kind is part of the name: Vietnam has ten units called Tân An.
    """
    if kind not in _KINDS:
        return name, name
    vi, en = _KINDS[kind]
    # Some sources write the kind into the name already.
    said_vi = name if name.casefold().startswith(f"{vi} ") else f"{vi} {name}"
    bare = name[len(vi) + 1 :] if said_vi is name else name
    return said_vi, f"{bare} {en}"


async def ensure_committees(conn: AsyncConnection, wards: Iterable[tuple[str, str, str]]) -> int:
    """Make the committees of wards `(code, name, kind)` that have none; says how many were made.

    A committee that is there keeps its name: the city may have corrected it.
    """
    rows = {}
    for code, name, kind in wards:
        vi, en = ward_names(name, kind)
        rows[code] = {
            "code": committee_code(code),
            "name_vi": f"UBND {vi}",
            "name_en": f"People's Committee of {en}",
            "ward_code": code,
        }
    if not rows:
        return 0
    statement = (
        insert(organisations)
        .on_conflict_do_nothing(index_elements=[organisations.c.code])
        .returning(organisations.c.id)
    )
    return len((await conn.execute(statement, list(rows.values()))).all())


async def committees(conn: AsyncConnection) -> dict[str, RowMapping]:
    """The committees by ward code: rows of `id, code, name_vi, name_en`."""
    query = select(organisations).where(organisations.c.code == "ward-" + organisations.c.ward_code)
    return {row["ward_code"]: row for row in (await conn.execute(query)).mappings()}
