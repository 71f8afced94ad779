"""An imported ward set as a `WardFile`, to be compared or measured like a file."""

from geo.errors import NotFound
from geo.store import wards as store
from geo.store.database import AsyncConnection
from geo.wards.features import WardFeature, WardFile


async def imported(conn: AsyncConnection, name: str) -> WardFile:
    """The wards of the set of this name; raises `NotFound`, listing the sets there are."""
    rows, polygons = await store.every(conn)
    places = [i for i, row in enumerate(rows) if row.set_name == name]
    if not places:
        known = ", ".join(row.name for row in await store.sets(conn)) or "none yet"
        raise NotFound(
            f"{name} is neither a file or folder nor an imported ward set; the sets: {known}"
        )
    wards = tuple(
        WardFeature(row.code, row.name, row.name_en, row.kind, f"set {name}")
        for row in (rows[i] for i in places)
    )
    return WardFile(name, wards, polygons[places], crs="WGS 84")
