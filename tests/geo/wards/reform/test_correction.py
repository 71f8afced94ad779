"""A survey's new polygon of a ward: the neighbours follow, and every place has one ward still."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import builders
from geo.errors import RefusedImport
from geo.wards import load
from geo.wards.check import check
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards
from geo.wards.reform.correction import complete, completed

WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
LON_M, LAT_M = 109_370.0, 110_600.0
DAY = date(2025, 7, 1)


def square(n):
    return shapely.Polygon(np.round(builders.square(n).exterior.coords, 6))


def a_list(shapes):
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


CITY = a_list([square(n) for n in range(6)])


def in_force(polygons, city="Thử"):
    return [
        SimpleNamespace(
            code=f"9{n + 1:04}", name=f"Tên {n}", name_en=f"Name {n}", kind="ward", city=city
        )
        for n in range(len(polygons))
    ]


def a_fix(shapes, name="", kind="other"):
    """Of wards by their position, without a name as a survey's file has none."""
    wards = tuple(WardFeature(f"9{n + 1:04}", name, None, kind, "feature") for n in shapes)
    return WardFile("fix.geojson", wards, a_list(list(shapes.values())))


def correct(shapes, polygons=CITY):
    """The corrected file, what was told, and the polygons in force afterwards."""
    file, told = complete(a_fix(shapes), in_force(polygons), polygons, "2025-07-01")
    after = polygons.copy()
    for ward, polygon in zip(file.wards, file.polygons, strict=True):
        after[int(ward.code) - 90001] = polygon
    return file, told, after


def box(west, south, east, north):
    """In sides of the city's squares."""
    places = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.Polygon([(WEST + x * SIDE, SOUTH + y * SIDE) for x, y in places])


def sides2(shape):
    return shapely.area(shape) / SIDE**2


def codes(wards):
    return [one.code for one in wards]


def test_ground_that_is_gained_is_taken_from_the_neighbours():
    wide = box(0, 0, 1.25, 1)
    file, told, after = correct({0: wide})
    assert codes(told.corrected) == ["90001"]
    assert codes(told.neighbours) == ["90002"]
    quarter = 0.25 * SIDE**2 * LON_M * LAT_M
    assert told.neighbours[0].lost_m2 == pytest.approx(quarter, rel=2e-3)
    assert told.neighbours[0].gained_m2 == 0.0
    assert told.corrected[0].gained_m2 == pytest.approx(quarter, rel=2e-3)
    assert codes(file.wards) == ["90001", "90002"]
    assert sides2(after[1]) == pytest.approx(0.75)
    assert shapely.coverage_is_valid(after)


def test_ground_that_is_given_up_goes_to_the_neighbour_beside():
    _, told, after = correct({0: box(0, 0, 0.75, 1)})
    assert codes(told.neighbours) == ["90002"]
    assert told.neighbours[0].gained_m2 == pytest.approx(told.corrected[0].lost_m2, rel=1e-4)
    assert sides2(after[1]) == pytest.approx(1.25)
    assert shapely.coverage_is_valid(after)


def test_a_strip_along_several_neighbours_is_cut_where_one_follows_another():
    # north of the second ward lies the fifth, east the third, west the first, south nobody
    file, told, after = correct({1: box(1.1, 0.1, 1.9, 0.9)})
    assert sorted(codes(told.neighbours)) == ["90001", "90003", "90005"]
    assert told.to_nobody_m2 == pytest.approx(0.09 * SIDE**2 * LON_M * LAT_M, rel=5e-3)
    for n in (0, 2, 4):
        assert sides2(after[n]) == pytest.approx(1.09, abs=1e-6)
        assert shapely.get_num_geometries(after[n]) == 1
    assert check(file).defects == 0
    assert shapely.coverage_is_valid(after)


def test_a_coast_that_was_drawn_too_far_out_is_given_to_nobody():
    file, told, after = correct({1: box(1, 0.1, 2, 1)})
    assert told.neighbours == ()
    assert codes(file.wards) == ["90002"]
    assert told.to_nobody_m2 == pytest.approx(0.1 * SIDE**2 * LON_M * LAT_M, rel=5e-3)
    assert after[0] is CITY[0]


def test_new_ground_outside_the_city_is_nobodys_loss():
    _, told, _ = correct({1: box(1, -0.1, 2, 1)})
    assert told.neighbours == ()
    assert told.from_nobody_m2 == pytest.approx(0.1 * SIDE**2 * LON_M * LAT_M, rel=5e-3)


def test_a_file_that_rounds_changes_no_neighbour():
    rng = np.random.default_rng(5)
    rounded = shapely.transform(square(4), lambda xy: xy + rng.choice([-4e-7, 4e-7], (1, 2)))
    file, told, after = correct({4: rounded})
    assert told.neighbours == ()
    assert told.corrected[0].moved_m2 == 0.0
    assert shapely.coverage_is_valid(after)
    assert len(file) == 1


def test_names_and_kinds_that_the_file_has_not_are_those_in_force():
    file, _, _ = correct({0: box(0, 0, 0.9, 1)})
    first, second = file.wards
    assert (first.name, first.name_en, first.kind) == ("Tên 0", "Name 0", "ward")
    assert (second.code, second.name) == ("90002", "Tên 1")
    named = a_fix({0: box(0, 0, 0.9, 1)}, name="Tên Đúng", kind="commune")
    file, _ = complete(named, in_force(CITY), CITY, "2025-07-01")
    assert (file.wards[0].name, file.wards[0].kind) == ("Tên Đúng", "commune")


def test_unknown_codes_are_refused_all_at_once():
    fix = a_fix({0: square(0), 7: square(1), 8: square(2)})
    with pytest.raises(RefusedImport, match=r"not in force on 2025-07-01: 90008, 90009\. "):
        complete(fix, in_force(CITY), CITY, "2025-07-01")


def test_another_place_is_a_reform_and_refused():
    with pytest.raises(RefusedImport, match=r"a reform.*90001 Tên 0 \(33% is common\)"):
        correct({0: box(0.5, 0, 1.5, 1)})


def test_a_neighbour_that_would_nearly_vanish_is_refused():
    with pytest.raises(RefusedImport, match=r"a reform.*90002 Tên 1 \(40% is common\)"):
        correct({0: box(0, 0, 1.6, 1)})


def test_a_hole_amid_the_city_is_refused():
    lake = shapely.difference(square(4), box(1.4, 1.4, 1.6, 1.6))
    with pytest.raises(RefusedImport, match="two wards have or none"):
        correct({4: lake})


def test_between_two_corrected_wards_a_sliver_goes_to_one_of_them():
    # they were drawn 5 m apart
    gap = 5 / LON_M / SIDE
    file, told, after = correct({0: box(0, 0, 1.1, 1), 1: box(1.1 + gap, 0, 2, 1)})
    assert told.neighbours == ()
    assert sides2(after[0]) + sides2(after[1]) == pytest.approx(2)
    assert codes(file.wards) == ["90001", "90002"]
    assert shapely.coverage_is_valid(after)


def test_ground_between_two_corrected_wards_stays_theirs_to_draw():
    notched = shapely.difference(square(1), box(1.4, 0.8, 1.6, 1))
    with pytest.raises(RefusedImport, match="two wards have or none"):
        correct({1: notched, 4: square(4)})
    _, told, after = correct({1: notched})
    assert codes(told.neighbours) == ["90005"]
    assert sides2(after[4]) == pytest.approx(1.04)


def test_another_city_is_as_the_outside():
    rows = in_force(CITY)
    for n in (1, 4):
        rows[n].city = "Bên Cạnh"
    file, told = complete(a_fix({0: box(0, 0, 1.1, 1)}), rows, CITY, "2025-07-01")
    assert codes(file.wards) == ["90001"]
    assert told.from_nobody_m2 > 0
    with pytest.raises(RefusedImport, match="Bên Cạnh and Thử"):
        complete(a_fix({0: square(0), 1: square(1)}), rows, CITY, "2025-07-01")


def cells(rng, n):
    """Voronoi cells of random places in the city's box."""
    low, high = (WEST, SOUTH), (WEST + 3 * SIDE, SOUTH + 2 * SIDE)
    places = shapely.multipoints(shapely.points(rng.uniform(low, high, (n, 2))))
    found = shapely.get_parts(shapely.voronoi_polygons(places))
    found = shapely.intersection(found, shapely.box(*low, *high))
    return np.asarray(shapely.coverage_clean(found[shapely.area(found) > 0]), dtype=object)


def warped(rng, shape, by):
    """The shape with more vertices, each moved by up to `by` degrees."""
    k = rng.uniform(0, 6, 2)

    def move(xy):
        return xy + by * np.column_stack(
            [np.sin(xy[:, 1] * 700 + k[0]), np.cos(xy[:, 0] * 700 + k[1])]
        )

    return shapely.make_valid(shapely.transform(shapely.segmentize(shape, SIDE / 10), move))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 12), st.floats(1e-7, 1e-3))
def test_whatever_is_drawn_every_place_has_one_ward_still(seed, n, by):
    rng = np.random.default_rng(seed)
    before = cells(rng, n)
    ward = int(rng.integers(len(before)))
    new = warped(rng, before[ward], by)
    joint = shapely.area(shapely.union(new, before))
    # a small cell loses half of itself, which is no correction
    left = shapely.area(shapely.difference(before, new))
    left[ward] = shapely.area(shapely.intersection(new, before[ward]))
    assume(
        (left / np.where(np.arange(len(before)) == ward, joint, shapely.area(before)) > 0.6).all()
    )
    file, told, after = correct({ward: new}, before)
    assert shapely.is_valid(after).all()
    assert shapely.coverage_is_valid(after)
    # no ground but at the city's edge came or went
    was, now = shapely.union_all(before), shapely.union_all(after)
    m2 = LON_M * LAT_M
    lost, won = (shapely.area(shapely.difference(*pair)) * m2 for pair in ((was, now), (now, was)))
    assert lost == pytest.approx(told.to_nobody_m2, rel=0.01, abs=1.0)
    assert won == pytest.approx(told.from_nobody_m2, rel=0.01, abs=1.0)
    for one in file.wards[1:]:
        k = int(one.code) - 90001
        assert shapely.area(shapely.symmetric_difference(before[k], after[k])) > 0


@pytest.mark.anyio
async def test_after_a_correction_of_a_real_ward_postgis_finds_one_ward_everywhere(
    conn, shared_data
):
    city = load.read(shared_data / "hcmc_wards_2025_clean.geojson.gz")
    await import_wards(conn, city, name="hcmc", valid_from=date(2025, 7, 1), city="Hồ Chí Minh")
    at = [ward.name for ward in city.wards].index("Sài Gòn")
    old = city.polygons[at]
    new = warped(np.random.default_rng(3), old, 4e-4)
    fix = WardFile("fix", (WardFeature(city.wards[at].code, "", None, "other", ""),), a_list([new]))
    file, told = await completed(conn, fix, date(2026, 1, 1))
    assert len(told.neighbours) >= 4
    await import_wards(conn, file, name="hcmc-fix", valid_from=date(2026, 1, 1), city="Hồ Chí Minh")
    rng = np.random.default_rng(4)
    xy = np.concatenate(
        [
            rng.uniform(*np.reshape(old.buffer(0.002).bounds, (2, 2)), (4000, 2)),
            # where it matters: along the old border and the new one
            *(shapely.get_coordinates(shapely.segmentize(p, 5e-5)) for p in (old, new)),
        ]
    )
    xy = xy + rng.uniform(-2e-5, 2e-5, xy.shape)
    counts = {}
    for day in (date(2025, 12, 31), date(2026, 1, 1)):
        asked = await conn.execute(
            text(
                """
                SELECT n, count(w.id), min(w.code)
                FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[]))
                    WITH ORDINALITY AS p (lon, lat, n)
                LEFT JOIN wards w ON w.valid @> CAST(:day AS date) AND
                    ST_Covers(w.geom, ST_SetSRID(ST_MakePoint(lon, lat), 4326))
                GROUP BY n ORDER BY n"""
            ),
            {"lon": xy[:, 0].tolist(), "lat": xy[:, 1].tolist(), "day": day},
        )
        counts[day] = asked.all()
    before, after = counts.values()
    inside = [row[1] for row in before]
    assert set(inside) == {1}
    assert [row[1] for row in after] == inside
    drawn = shapely.contains_xy(new, xy)
    assert [row[2] == city.wards[at].code for row in after] == drawn.tolist()
