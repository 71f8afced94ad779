"""Two wards in force at once on the same ground would make every pin there a coin's toss."""

from datetime import date

import numpy as np
import pytest
import shapely

import builders
from geo.errors import RefusedImport
from geo.store.database import AsyncConnection
from geo.wards import importing
from geo.wards.features import WardFeature, WardFile

pytestmark = pytest.mark.anyio
LATER = date(2025, 7, 1)
WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
EAST = WEST + 3 * SIDE


async def import_box(
    conn: AsyncConnection, box: tuple[float, float, float, float], day: date = LATER
) -> importing.Imported:
    polygons = np.empty(1, dtype=object)
    polygons[0] = shapely.box(*box)
    ward = WardFeature("N1", "Mới", None, "ward", "feature 1")
    file = WardFile("made up", (ward,), polygons)
    return await importing.import_wards(conn, file, name="later", valid_from=day, city="Thử")


async def test_a_ward_on_four_tenths_of_one_that_goes_on_is_refused_naming_both(
    conn: AsyncConnection,
) -> None:
    with pytest.raises(RefusedImport, match=r"N1 Mới on 90003 Đa Mẫu \(set small-city\)"):
        await import_box(conn, (EAST - 0.4 * SIDE, SOUTH, EAST + 0.6 * SIDE, SOUTH + SIDE))


async def test_a_small_ward_inside_one_that_goes_on_is_refused(conn: AsyncConnection) -> None:
    with pytest.raises(RefusedImport, match="on the same ground"):
        await import_box(conn, (WEST, SOUTH, WEST + SIDE / 4, SOUTH + SIDE / 4))


async def test_the_same_on_the_day_the_other_begins_is_refused_too(conn: AsyncConnection) -> None:
    box = (EAST - 0.4 * SIDE, SOUTH, EAST + 0.6 * SIDE, SOUTH + SIDE)
    with pytest.raises(RefusedImport, match="90003"):
        await import_box(conn, box, builders.VALID_FROM)


async def test_an_older_ward_around_a_later_one_is_refused(conn: AsyncConnection) -> None:
    # 90003 begins in 2020 inside it, on less than half of it: it would never end
    box = (EAST - SIDE, SOUTH, EAST + 4 * SIDE, SOUTH + SIDE)
    with pytest.raises(RefusedImport, match="90003"):
        await import_box(conn, box, date(2010, 1, 1))


async def test_neighbouring_cities_may_draw_their_border_a_little_differently(
    conn: AsyncConnection,
) -> None:
    done = await import_box(conn, (EAST - 0.05 * SIDE, SOUTH, EAST + SIDE, SOUTH + SIDE))
    assert done.ended == ()


async def test_ground_left_before_the_set_begins_is_free(conn: AsyncConnection) -> None:
    # ends 90003 first, then takes the same ground again a year later
    await import_box(conn, (EAST - SIDE, SOUTH, EAST, SOUTH + SIDE))
    polygons = np.empty(1, dtype=object)
    polygons[0] = shapely.box(EAST - SIDE, SOUTH, EAST + SIDE, SOUTH + SIDE)
    file = WardFile("made up", (WardFeature("N2", "Sau", None, "ward", "feature 1"),), polygons)
    done = await importing.import_wards(
        conn, file, name="last", valid_from=date(2026, 7, 1), city="Thử"
    )
    assert done.ended == ("N1",)
