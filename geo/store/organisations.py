"""Who answers for reports: today each ward's own committee.

A ward's committee has the code `ward-<ward code>` and outlives the ward's dated versions; where a
reform gives the code to another area, that one's committee is `ward-<ward code>-<first day>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, select

from geo.errors import NotFound
from geo.store.database import AnyRow, AsyncConnection
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


@dataclass(frozen=True, slots=True)
class Seat:
    """A ward that needs its committee; `keeps` is the one of its version before, if the same."""

    code: str
    name: str
    kind: str
    since: date
    keeps: int | None = None


async def named(conn: AsyncConnection, code: str) -> int:
    """The id of the organisation of this code; raises `NotFound`."""
    found = (
        await conn.execute(select(organisations.c.id).where(organisations.c.code == code))
    ).scalar()
    if found is None:
        raise NotFound(f"there is no organisation {code}; a ward's committee is ward-<ward code>")
    return int(found)


async def every(conn: AsyncConnection) -> list[AnyRow]:
    """`code, name_vi, name_en` of all, in order of their Vietnamese names."""
    columns = organisations.c.code, organisations.c.name_vi, organisations.c.name_en
    query = select(*columns).order_by(organisations.c.name_vi, organisations.c.code)
    return list((await conn.execute(query)).all())


async def ids(conn: AsyncConnection) -> dict[str, int]:
    """Code → id of all organisations."""
    found = await conn.execute(select(organisations.c.code, organisations.c.id))
    return {row.code: row.id for row in found}


async def ensure_committees(conn: AsyncConnection, seats: Sequence[Seat]) -> list[int]:
    """The committees' ids of wards, in the same order; those that are missing are made.

    A committee that is there keeps its name: the city may have corrected it. A code that names
    another ward than before gets a committee of its own, with the day in its code: what Đa Kao's
    committee did must not become Tân Định's because the code 26737 did.
    """
    known = {
        row.code: row
        for row in await conn.execute(
            select(organisations).where(organisations.c.ward_code.in_([s.code for s in seats]))
        )
    }
    rows = []
    found: dict[str, str] = {}
    for seat in seats:
        if seat.keeps is not None:
            continue
        vi, en = ward_names(seat.name, seat.kind)
        named = {"name_vi": f"UBND {vi}", "name_en": f"People's Committee of {en}"}
        code = committee_code(seat.code)
        there = known.get(code)
        if there is not None and (there.name_vi, there.name_en) != tuple(named.values()):
            code = f"{code}-{seat.since.isoformat()}"
        found[seat.code] = code
        if code not in known:
            rows.append({"code": code, "ward_code": seat.code, **named})
    if rows:
        await conn.execute(insert(organisations), rows)
    ids = {
        row.code: int(row.id)
        for row in await conn.execute(
            select(organisations.c.id, organisations.c.code).where(
                organisations.c.code.in_(found.values())
            )
        )
    }
    return [s.keeps if s.keeps is not None else ids[found[s.code]] for s in seats]
