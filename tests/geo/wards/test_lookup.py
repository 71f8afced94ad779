"""The look-up's rules, and that it answers as PostGIS does."""

import gzip
import json
import math
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import pytest
import shapely

from geo.crs import GEOD
from geo.errors import Invalid
from geo.wards.lookup import WardIndex

Objects = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]

# Three squares of 0.01 degrees in a row, 1.1 km each; B and C share an edge, A and B too.
WEST, SOUTH, SIDE = 106.70, 10.77, 0.01


def square(n: int) -> shapely.Polygon:
    return shapely.box(WEST + n * SIDE, SOUTH, WEST + (n + 1) * SIDE, SOUTH + SIDE)


@pytest.fixture(scope="module")
def row() -> WardIndex:
    # handed over out of order on purpose
    return WardIndex.from_polygons(["C", "A", "B"], [square(2), square(0), square(1)])


def ragged_city(seed: int = 7, n: int = 60) -> tuple[list[str], Objects]:
    """Wards with wavy shared borders, one with an island ward in it, one ending at a lake."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(106.5, 10.6, 106.9, 11.0)
    sites = shapely.multipoints(rng.uniform((106.5, 10.6), (106.9, 11.0), (n, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame))
    cells = shapely.intersection(shapely.segmentize(cells, 0.001), frame)

    def wave(xy: Floats) -> Floats:
        x, y = xy.T
        moved = [x + 0.001 * np.sin(900 * y + 300 * x), y + 0.001 * np.cos(700 * x - 200 * y)]
        return np.round(np.column_stack(moved), 6)

    cells = shapely.coverage_clean(shapely.transform(cells, wave))
    middle = cells[0].representative_point()
    island, lake = middle.buffer(0.004), cells[1].representative_point().buffer(0.003)
    shapes = [cells[0] - island, cells[1] - lake, *cells[2:], island]
    found = np.array(shapes, dtype=object)
    assert shapely.is_valid(found).all()
    return [f"{9000 + 7 * k}" for k in rng.permutation(len(found))], found


def trying(shapes: Objects, rng: np.random.Generator, n_random: int) -> Floats:
    """Points that a look-up gets wrong first: vertices, edge midpoints, their next neighbours in
    floating point, and points anywhere."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    middles = (xy[1:][same] + xy[:-1][same]) / 2
    edges = np.concatenate([xy, middles])
    sample = edges[rng.integers(0, len(edges), len(edges) // 4)]
    beside = np.nextafter(sample, sample + rng.choice([-1.0, 1.0], sample.shape))
    west, south, east, north = shapely.total_bounds(shapes)
    anywhere = rng.uniform((west, south), (east, north), (n_random, 2))
    points: Floats = np.unique(np.concatenate([edges, beside, anywhere]), axis=0)
    return points


def postgis_lowest(url: str, codes: list[str], shapes: Objects, points: Floats) -> list[str | None]:
    """The lowest code whose polygon covers each point, by PostGIS' ST_Covers."""
    with psycopg.connect(url) as db:
        db.execute('CREATE TEMP TABLE w (code text COLLATE "C", g geometry)')
        db.execute("CREATE TEMP TABLE p (i int, x float8, y float8)")
        with db.cursor().copy("COPY w FROM STDIN") as copy:
            for code, wkb in zip(codes, shapely.to_wkb(shapes, hex=True), strict=True):
                copy.write_row((code, wkb))
        with db.cursor().copy("COPY p FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "float8", "float8"])
            for i, (x, y) in enumerate(points.tolist()):
                copy.write_row((i, x, y))
        db.execute("CREATE INDEX ON w USING gist (g)")
        db.execute("ANALYZE w")
        found = db.execute(
            "SELECT (SELECT min(w.code) FROM w WHERE ST_Covers(w.g, ST_Point(p.x, p.y)))"
            " FROM p ORDER BY i"
        )
        return [code for (code,) in found]


def agree(url: str, codes: list[str], shapes: Objects, points: Floats) -> None:
    index = WardIndex.from_polygons(codes, list(shapes))
    got, match, distance = index.find(points[:, 0], points[:, 1], snap_m=0)
    want = postgis_lowest(url, codes, shapes, points)
    wrong = [i for i, code in enumerate(want) if code != got[i]]
    assert not wrong, [(points[i].tolist(), got[i], want[i]) for i in wrong[:5]]
    outside = np.array([code is None for code in want])
    assert {*match[outside]} <= {None}
    assert {*match[~outside]} == {"covers"}
    assert np.isnan(distance[outside]).all()
    assert (distance[~outside] == 0).all()


def test_every_vertex_and_midpoint_of_a_ragged_city_is_answered_as_by_postgis(url: str) -> None:
    codes, shapes = ragged_city()
    points = trying(shapes, np.random.default_rng(1), 20_000)
    assert len(points) > 30_000
    agree(url, codes, shapes, points)


def test_wards_that_overlap_and_leave_gaps_are_answered_as_by_postgis(url: str) -> None:
    codes, shapes = ragged_city(seed=3, n=30)
    # pushed about by up to 30 m: slivers of both kinds along every border
    rng = np.random.default_rng(5)
    pushed = [
        shapely.transform(shape, lambda xy, by=rng.uniform(-3e-4, 3e-4, 2): xy + by)
        for shape in shapes
    ]
    moved = np.array(pushed, dtype=object)
    agree(url, codes, moved, trying(moved, rng, 20_000))


@pytest.fixture(scope="module")
def real(shared_data: Path) -> tuple[list[str], Objects]:
    with gzip.open(shared_data / "hcmc_wards_2025.geojson.gz") as file:
        features = json.load(file)["features"]
    shapes = np.array([shapely.geometry.shape(f["geometry"]) for f in features], dtype=object)
    return [f["properties"]["code"] for f in features], shapes


@pytest.fixture(scope="module")
def real_index(real: tuple[list[str], Objects]) -> WardIndex:
    return WardIndex.from_polygons(real[0], list(real[1]))


def test_one_hundred_thousand_points_of_the_real_wards_are_answered_as_by_postgis(
    url: str, real: tuple[list[str], Objects]
) -> None:
    codes, shapes = real
    rng = np.random.default_rng(2)
    # All vertices and midpoints of a sample of wards, the hard ones among them: Đông Hoà and
    # Long Bình overlap most, Côn Đảo is many islands.
    hard = [codes.index(code) for code in ("25951", "26833", "26732")]
    sample = np.r_[hard, rng.choice(len(codes), 22, replace=False)]
    points = trying(shapes[sample], rng, 40_000)
    assert len(points) >= 100_000
    agree(url, codes, shapes, points)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (106.6980, 10.7725, "26743"),
        (106.7009, 10.7765, "26740"),
        (106.7220, 10.7949, "26956"),
        (106.6648, 10.8143, "26977"),
        (106.6060, 8.6830, "26732"),
    ],
)
def test_known_places_lie_in_their_real_wards(
    real_index: WardIndex, lon: float, lat: float, code: str
) -> None:
    found, match, distance = real_index.find(lon, lat)
    assert (found[0], match[0], distance[0]) == (code, "covers", 0.0)


def test_point_on_a_shared_edge_goes_to_the_lower_code(row: WardIndex) -> None:
    codes, match, _ = row.find([WEST + SIDE, WEST + 2 * SIDE], [SOUTH + 0.004, SOUTH + 0.004])
    assert codes.tolist() == ["A", "B"]
    assert match.tolist() == ["covers", "covers"]


def test_point_on_a_shared_corner_goes_to_the_lowest_code() -> None:
    four = [shapely.box(x, y, x + 1, y + 1) for x in (100, 101) for y in (10, 11)]
    index = WardIndex.from_polygons(["4", "3", "2", "1"], four)
    assert index.find(101, 11)[0].tolist() == ["1"]


def test_where_wards_overlap_the_lowest_code_answers() -> None:
    index = WardIndex.from_polygons(["B", "A"], [square(0).buffer(0.002), square(1)])
    assert index.find(WEST + 1.1 * SIDE, SOUTH + 0.005)[0].tolist() == ["A"]


def test_point_in_a_lake_goes_to_the_ward_around_it() -> None:
    lake = shapely.Point(106.75, 10.75).buffer(0.001)
    index = WardIndex.from_polygons(["A"], [shapely.box(106.7, 10.7, 106.8, 10.8) - lake])
    codes, match, distance = index.find([106.75], [10.75])
    assert (codes[0], match[0]) == ("A", "nearest")
    # 0.001 degrees of latitude here
    assert distance[0] == pytest.approx(110.6 * math.cos(math.pi / 128), abs=1.5)


def test_outside_the_nearest_ward_answers_with_the_geodesic_distance(
    row: WardIndex, url: str
) -> None:
    rng = np.random.default_rng(0)
    lon = rng.uniform(WEST - 0.004, WEST + 3 * SIDE + 0.004, 400)
    lat = SOUTH - rng.uniform(0, 0.004, 400)
    codes, match, distance = row.find(lon, lat, snap_m=300)
    with psycopg.connect(url) as db:
        for i in range(len(lon)):
            wanted = db.execute(
                "SELECT c, d FROM (SELECT c, ST_Distance(g::geometry::geography, p::geography) AS d"
                " FROM unnest(%s::text[], %s::text[]) AS w (c, g),"
                " ST_SetSRID(ST_Point(%s, %s), 4326) AS p) AS all_wards"
                " ORDER BY round(d::numeric, 3), c LIMIT 1",
                (
                    ["A", "B", "C"],
                    [
                        shapely.to_wkb(shapely.set_srid(square(n), 4326), True, include_srid=True)
                        for n in range(3)
                    ],
                    float(lon[i]),
                    float(lat[i]),
                ),
            ).fetchone()
            assert wanted is not None
            code, far = wanted
            if far > 300.001:
                assert codes[i] is None
                assert match[i] is None
                assert np.isnan(distance[i])
            else:
                assert (codes[i], match[i]) == (code, "nearest")
                assert distance[i] == pytest.approx(far, abs=0.01)


def test_the_nearest_place_of_a_slanting_border_is_nearest_on_the_ground_not_in_degrees() -> None:
    # At 60 degrees north a degree of longitude is half as long as one of latitude.
    a, b = (20.0, 60.0), (20.02, 60.02)
    index = WardIndex.from_polygons(["A"], [shapely.Polygon([a, b, (19.0, 60.02)])])
    lon, lat = 20.014, 60.010
    _, _, distance = index.find(lon, lat, snap_m=1000)
    along = np.linspace(a, b, 20_001)
    _, _, every = GEOD.inv(np.full(20_001, lon), np.full(20_001, lat), along[:, 0], along[:, 1])
    assert distance[0] == pytest.approx(min(every), abs=0.01)


def test_a_point_just_past_snap_m_has_no_ward_and_just_within_has_one(row: WardIndex) -> None:
    lon, lat, _ = GEOD.fwd(WEST + 0.005, SOUTH, 180.0, 250.0)
    assert row.find(lon, lat, snap_m=250.001)[0].tolist() == ["A"]
    assert row.find(lon, lat, snap_m=249.999)[0].tolist() == [None]


def test_at_equal_distance_the_lower_code_is_nearest(row: WardIndex) -> None:
    # straight below the corner that A and B share
    codes, match, _ = row.find(WEST + SIDE, SOUTH - 0.001)
    assert (codes[0], match[0]) == ("A", "nearest")


def test_a_place_far_from_every_ward_has_none_however_far_off_the_grid(row: WardIndex) -> None:
    codes, _, distance = row.find([0.0, -180.0, 180.0, 106.7], [0.0, -90.0, 90.0, -10.0])
    assert codes.tolist() == [None] * 4
    assert np.isnan(distance).all()


def test_wide_snapping_reaches_wards_beyond_the_grid(row: WardIndex) -> None:
    lon, lat, _ = GEOD.fwd(WEST, SOUTH + 0.005, 270.0, 40_000.0)
    codes, _, distance = row.find(lon, lat, snap_m=50_000)
    assert codes[0] == "A"
    assert distance[0] == pytest.approx(40_000, abs=1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 180.1, -500.0])
def test_a_coordinate_that_is_none_is_refused_with_its_place(row: WardIndex, bad: float) -> None:
    with pytest.raises(Invalid, match="point 1 "):
        row.find([106.7, bad], [10.7, 10.7])
    with pytest.raises(Invalid, match="point 1 "):
        row.find([106.7, 106.7], [10.7, bad])


def test_swapped_coordinates_are_told_as_such(row: WardIndex) -> None:
    with pytest.raises(Invalid, match="swapped"):
        row.find(10.77, 106.70)


def test_unequal_lengths_and_negative_distances_are_refused(row: WardIndex) -> None:
    with pytest.raises(Invalid, match="one length"):
        row.find([106.7, 106.8], [10.7])
    for snap_m in (-1.0, math.nan):
        with pytest.raises(Invalid, match="snap_m"):
            row.find(106.7, 10.7, snap_m=snap_m)
    with pytest.raises(Invalid, match="radius_m"):
        row.near(106.7, 10.7, -1.0)


def test_a_code_twice_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="more than once: A"):
        WardIndex.from_polygons(["A", "A", "B"], [square(0), square(1), square(2)])


def test_an_invalid_or_empty_polygon_is_refused_with_its_code_and_reason() -> None:
    bow_tie = shapely.Polygon([(106, 10), (107, 11), (107, 10), (106, 11)])
    with pytest.raises(Invalid, match=r"X \(Self-intersection"):
        WardIndex.from_polygons(["A", "X"], [square(0), bow_tie])
    with pytest.raises(Invalid, match=r"Y \(empty"):
        WardIndex.from_polygons(["Y"], [shapely.Polygon()])
    with pytest.raises(Invalid, match=r"Z \(a Point"):
        WardIndex.from_polygons(["Z"], [shapely.Point(106, 10)])


def test_polygons_in_metres_are_refused() -> None:
    with pytest.raises(Invalid, match="WGS 84"):
        WardIndex.from_polygons(["A"], [shapely.box(685_000, 1_191_000, 686_000, 1_192_000)])


def test_no_wards_at_all_answer_none() -> None:
    index = WardIndex.from_polygons([], [])
    assert index.find(106.7, 10.7)[0].tolist() == [None]
    assert index.near(106.7, 10.7, 100.0) == []
    assert index.find([], [])[0].tolist() == []


def test_the_circle_touches_the_wards_that_a_buffer_on_the_ground_touches(row: WardIndex) -> None:
    # 55 m west of the edge between A and B; C is a kilometre further
    lon, lat = WEST + SIDE - 0.0005, SOUTH + 0.005
    _, _, to_edge = GEOD.inv(lon, lat, WEST + SIDE, lat)
    assert row.near(lon, lat, 50) == [("A", 0.0)]
    found = row.near(lon, lat, 60)
    assert [code for code, _ in found] == ["A", "B"]
    assert found[1][1] == pytest.approx(to_edge, abs=0.001)
    assert [code for code, _ in row.near(lon, lat, 1200)] == ["A", "B", "C"]


def test_a_circle_around_a_point_on_an_edge_holds_both_wards_at_zero_metres(
    row: WardIndex,
) -> None:
    assert row.near(WEST + SIDE, SOUTH + 0.005, 0) == [("A", 0.0), ("B", 0.0)]


def test_a_pickled_index_is_small_and_answers_alike() -> None:
    codes, shapes = ragged_city()
    index = WardIndex.from_polygons(codes, list(shapes))
    packed = pickle.dumps(index)
    assert len(packed) < 2 * sum(len(wkb) for wkb in shapely.to_wkb(shapes))
    points = np.random.default_rng(4).uniform((106.4, 10.5), (107.0, 11.1), (5000, 2))
    again = pickle.loads(packed).find(points[:, 0], points[:, 1])
    for got, want in zip(again, index.find(points[:, 0], points[:, 1]), strict=True):
        np.testing.assert_array_equal(got, want)


def test_borders_of_very_different_lengths_are_answered_as_by_geos() -> None:
    """Long straight edges, many short ones, and thin triangles, in one grid."""
    rng = np.random.default_rng(11)
    strips = [shapely.box(100 + k, 5, 100 + k + 1, 15) for k in range(5)]
    star_angles = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    radius = 0.2 + 0.1 * rng.random(4000)
    star = shapely.Polygon(
        np.column_stack([102.5 + radius * np.cos(star_angles), 10 + radius * np.sin(star_angles)])
    )
    needle = shapely.Polygon([(99.0, 3.0), (106.0, 17.0), (106.0, 17.000001)])
    shapes = np.array([*strips, star, needle], dtype=object)
    points = trying(shapes, rng, 50_000)
    index = WardIndex.from_polygons(list("ABCDEFG"), list(shapes))
    covered = np.array([shapely.intersects_xy(s, points[:, 0], points[:, 1]) for s in shapes])
    want = np.where(covered.any(axis=0), covered.argmax(axis=0), -1)
    np.testing.assert_array_equal(index.locate(*points.T, snap_m=0).label, want)


def test_the_one_ward_of_a_point_is_said_only_where_no_other_is_near() -> None:
    codes, shapes = ragged_city()
    index = WardIndex.from_polygons(codes, list(shapes))
    points = np.random.default_rng(9).uniform((106.4, 10.5), (107.0, 11.1), (3000, 2)).tolist()
    points += shapely.get_coordinates(shapes)[::7].tolist()
    said = 0
    for lon, lat in points:
        for radius_m in (0.0, 40.0):
            if (only := index.alone_at(lon, lat, radius_m)) is not None:
                said += 1
                _, ward, far = index.around(lon, lat, radius_m)
                assert [(index.codes[n], m) for n, m in zip(ward, far, strict=True)] == [(only, 0)]
    assert said > 2000
    assert index.alone_at(float("nan"), 10.7) is None
    assert index.alone_at(10.7, 106.6) is None
