"""Habits of recording are named; real places with many reports are not."""

import csv
import gzip
import time
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geo import crs
from geo.errors import Invalid
from geo.hotspots.artefacts import repeats as artefacts
from geo.hotspots.artefacts.repeats import (
    bulk_imports,
    coarse_grids,
    default_points,
    left_out,
    one_sender,
)
from geo.hotspots.window import Reports

LON, LAT = 106.7, 10.78
METRE = 1 / 111_195
N_CATEGORIES = 40
DAY_US = 86_400 * 1_000_000
SINCE_US = 20_500 * DAY_US


def a_city(n=20_000, seed=0):
    """`(lon, lat, categories)` of reports over 10 km, a few categories much commoner than most."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, N_CATEGORIES + 1)
    return (
        LON + rng.uniform(-5000, 5000, n) * METRE,
        LAT + rng.uniform(-5000, 5000, n) * METRE,
        rng.choice(N_CATEGORIES, n, p=share / share.sum()),
    )


def with_pile(n, categories, lon=LON, lat=LAT, seed=1, city=None):
    """A city with `n` more reports on one exact point, drawn from `categories`."""
    rng = np.random.default_rng(seed)
    there = city or a_city()
    on_it = np.full(n, lon), np.full(n, lat), rng.choice(categories, n)
    return tuple(np.concatenate(both) for both in zip(there, on_it, strict=True))


def test_a_point_that_stands_for_no_address_is_named_and_left_out():
    lon, lat, categories = with_pile(400, a_city(seed=3)[2])
    (one,) = default_points(lon, lat, categories)
    assert (one.kind, one.n, one.lon, one.lat) == ("default_location", 400, LON, LAT)
    np.testing.assert_array_equal(one.members, np.arange(20_000, 20_400))
    assert "default location" in one.why_en
    assert "vị trí mặc định: 400 phản ánh" in one.why_vi
    np.testing.assert_array_equal(np.flatnonzero(left_out([one], 20_400)), one.members)


def test_a_default_point_of_each_district_is_named():
    city = a_city()
    for k in range(3):
        city = with_pile(300 + k, a_city(seed=3)[2], lon=LON + k * 0.01, city=city)
    assert [one.n for one in default_points(*city)] == [302, 301, 300]


@pytest.mark.parametrize("n", [200, 2000])
def test_a_block_of_flats_is_no_default_point(n):
    # One address, far more reports than around it, about everything people report at home.
    lon, lat, categories = with_pile(n, np.arange(0, 36, 3))
    assert default_points(lon, lat, categories) == []


def test_a_flooded_junction_is_no_default_point():
    for kinds in ([4], [4, 11, 30]):
        lon, lat, categories = with_pile(200, kinds)
        assert default_points(lon, lat, categories) == []


def test_a_busy_square_in_a_busy_quarter_is_no_default_point():
    # Of every category, but like its neighbourhood: the market square and the streets around.
    rng = np.random.default_rng(5)
    city = a_city()
    mix = a_city(seed=3)[2]
    near = (
        LON + rng.normal(0, 100, 300) * METRE,
        LAT + rng.normal(0, 100, 300) * METRE,
        rng.choice(mix, 300),
    )
    city = tuple(np.concatenate(both) for both in zip(city, near, strict=True))
    assert default_points(*with_pile(200, mix, city=city)) == []


def test_a_small_pile_is_no_default_point():
    assert default_points(*with_pile(49, a_city(seed=3)[2])) == []


@pytest.mark.shared_data
def test_boston_has_one_default_point_and_no_other_artefact(shared_data):
    with gzip.open(shared_data / "boston_311_2015.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lon = np.array([float(row["lon"]) for row in rows])
    lat = np.array([float(row["lat"]) for row in rows])
    _, categories = np.unique([row["category"] for row in rows], return_inverse=True)
    (one,) = default_points(lon, lat, categories)
    assert (one.n, one.lon, one.lat) == (17_070, -71.0587, 42.3594)
    assert one.why_en.startswith("Likely a default location: 17,070 reports")
    assert coarse_grids(lon, lat) == []
    at = np.array([row["created"] for row in rows], dtype="datetime64[us]").astype(np.int64)
    assert bulk_imports(at, np.zeros(len(at), dtype=np.int64)) == []


def neighbour(n, sender=7, category=2, spread_m=8.0, seed=2):
    rng = np.random.default_rng(seed)
    return (
        LON + rng.normal(0, spread_m, n) * METRE,
        LAT + rng.normal(0, spread_m, n) * METRE,
        np.full(n, sender),
        np.full(n, category),
        np.arange(n)[::-1],
    )


def of_all(*parts):
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def test_one_sender_at_one_place_counts_once():
    found = one_sender(*of_all(neighbour(4, sender=8), neighbour(30)))
    (one,) = found
    assert (one.kind, one.n) == ("one_sender", 30)
    # The first by time, which is the last row, still counts.
    np.testing.assert_array_equal(one.left_out, np.arange(4, 33))
    assert abs(one.lon - LON) < 5 * METRE
    # The same words are not the same person for certain, and nobody is accused.
    assert one.why_vi.startswith("30 phản ánh cùng loại, cùng một nội dung")
    assert "có lẽ của một người" in one.why_vi
    assert "probably one person's" in one.why_en


def test_many_senders_at_one_place_are_no_artefact():
    crowd = [neighbour(3, sender=k, seed=k) for k in range(60)]
    unknown = neighbour(200, sender=-1)
    assert one_sender(*of_all(*crowd, unknown)) == []


def test_whoever_reports_every_lamp_of_a_street_is_no_artefact():
    n = 60
    lon = LON + np.arange(n) * 30 * METRE
    same = np.full(n, 7)
    assert one_sender(lon, np.full(n, LAT), same, same, np.arange(n)) == []


def test_one_sender_of_several_matters_is_no_artefact():
    assert one_sender(*of_all(*(neighbour(8, category=k, seed=k) for k in range(4)))) == []


def test_two_neighbours_of_one_house_are_two_artefacts():
    found = one_sender(*of_all(neighbour(12, sender=7), neighbour(11, sender=8)))
    assert [one.n for one in found] == [12, 11]


def test_a_desk_that_types_for_the_whole_city_is_not_one_person():
    lon, lat, categories = a_city(400)
    desk = lon, lat, np.full(400, 7), categories, np.arange(400)
    assert one_sender(*of_all(desk, neighbour(30, sender=7))) == []
    assert len(one_sender(*of_all(desk, neighbour(30, sender=8)))) == 1


@pytest.mark.parametrize(("decimals", "said"), [(2, "1,110 m"), (3, "110 m")])
def test_few_decimals_are_told_from_the_rest(decimals, said):
    lon, lat, _ = a_city()
    some = np.random.default_rng(2).choice(20_000, 900, replace=False)
    lon[some], lat[some] = lon[some].round(decimals), lat[some].round(decimals)
    (one,) = coarse_grids(lon, lat)
    np.testing.assert_array_equal(one.members, np.sort(some))
    np.testing.assert_array_equal(one.left_out, np.sort(some))
    assert said in one.why_en


@pytest.mark.parametrize("decimals", [4, 5, 6])
def test_fine_decimals_are_no_coarse_grid(decimals):
    # One in a hundred has a zero for the last of both by chance alone.
    lon, lat, _ = a_city(60_000)
    assert coarse_grids(lon.round(decimals), lat.round(decimals)) == []


def test_one_full_point_with_round_coordinates_is_no_grid():
    lon, lat, _ = with_pile(5000, [1], lon=106.7, lat=10.8)
    assert coarse_grids(lon, lat) == []


@pytest.mark.parametrize("step_m", [50, 250, 1000])
def test_a_lattice_of_metres_is_told_with_its_step(step_m):
    lon, lat, _ = a_city()
    some = np.sort(np.random.default_rng(2).choice(20_000, 2000, replace=False))
    x_m, y_m, epsg = crs.to_metres(lon, lat)
    # Knots anywhere: a cell's middle, and kept with six decimals as most systems do.
    on_x = np.rint(x_m[some] / step_m) * step_m + 13.0
    on_y = np.rint(y_m[some] / step_m) * step_m + 28.0
    lon[some], lat[some] = crs.to_degrees(on_x, on_y, epsg)
    (one,) = coarse_grids(lon.round(6), lat.round(6))
    assert set(some) <= set(one.members)
    assert one.n <= 2000 + 0.01 * 18_000
    assert f"{step_m:,} m" in one.why_en


def times(n=20_000, days=90, seed=0):
    """Microseconds, more by day than by night."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, days, n) * DAY_US
    return SINCE_US + day + (rng.beta(4, 3, n) * DAY_US).astype(np.int64)


def test_a_batch_is_named_and_keeps_its_place_in_hotspots():
    at = times()
    # 300 in a minute and a half.
    at[:300] = SINCE_US + 40 * DAY_US + np.arange(300) * 300_000
    at[300:340] = SINCE_US + 60 * DAY_US + 5_000_000
    large, small = bulk_imports(at, np.zeros(len(at), dtype=np.int64), ZoneInfo("Asia/Ho_Chi_Minh"))
    assert set(range(300)) <= set(large.members)
    assert large.n < 310
    assert set(range(300, 340)) <= set(small.members)
    assert len(large.left_out) == 0
    assert "07:00 28/03/2026 (+07)" in large.why_vi


def test_a_storm_is_no_batch():
    # 3,000 calls within two hours, on a channel of 220 a day.
    rng = np.random.default_rng(4)
    storm = SINCE_US + 40 * DAY_US + rng.integers(0, DAY_US // 12, 3000)
    at = np.concatenate([times(), storm])
    assert bulk_imports(at, np.zeros(len(at), dtype=np.int64)) == []


def test_dates_without_a_time_are_told_once_and_not_as_batches():
    at = times()
    dated = times(4000, seed=1) // DAY_US * DAY_US - 7 * 3_600_000_000
    channels = np.concatenate([np.zeros(20_000, np.int64), np.ones(4000, np.int64)])
    (one,) = bulk_imports(np.concatenate([at, dated]), channels)
    np.testing.assert_array_equal(one.members, np.arange(20_000, 24_000))
    assert "no time" in one.why_en


def test_no_reports_have_no_artefacts():
    none = np.empty(0)
    numbers = np.empty(0, dtype=np.int64)
    assert default_points(none, none, numbers) == []
    assert one_sender(none, none, numbers, numbers, numbers) == []
    assert coarse_grids(none, none) == []
    assert bulk_imports(numbers, numbers) == []
    assert left_out([], 3).tolist() == [False] * 3


def test_columns_that_do_not_go_together_are_refused():
    with pytest.raises(Invalid, match="of one length"):
        coarse_grids([1.0], [1.0, 2.0])
    with pytest.raises(Invalid, match="degrees"):
        coarse_grids([np.nan], [1.0])
    with pytest.raises(Invalid, match="categories must be 1 whole numbers"):
        default_points([1.0], [1.0], [1, 2])
    with pytest.raises(Invalid, match="senders must be"):
        one_sender([1.0], [1.0], [0.5], [1], [1])
    with pytest.raises(Invalid, match="one time a report"):
        one_sender([1.0], [1.0], [1], [1], [1, 2])
    with pytest.raises(Invalid, match="channels"):
        bulk_imports([1], [1, 2])


def test_a_million_reports_take_seconds():
    lon, lat, categories = a_city(1_000_000)
    lon[:50_000], lat[:50_000] = LON, LAT
    senders = np.random.default_rng(1).integers(-1, 300_000, len(lon))
    began = time.process_time()
    assert artefacts.default_points(lon, lat, categories)
    one_sender(lon, lat, senders, categories, senders)
    coarse_grids(lon, lat)
    bulk_imports(times(len(lon)), categories)
    assert time.process_time() - began < 20


def test_what_hidden_or_blurred_reports_make_is_left_out_and_not_told():
    n = 14
    rows = {
        "number": np.arange(2 * n),
        "lon": np.repeat([106.70123, 106.71], n),
        "lat": np.repeat([10.77543, 10.78], n),
        "at_us": np.arange(2 * n) * 5 * DAY_US,
        "category": np.repeat([7, 8], n),
        "open": np.ones(2 * n, bool),
        "channel": np.zeros(2 * n, np.int64),
        "sender": np.repeat([1, 2], n),
        "flagged": np.zeros(2 * n, bool),
    }
    open_ = Reports.of(rows)
    assert [each.kind for each in open_.artefacts] == ["one_sender", "one_sender"]
    for secret in ({"hidden": [7]}, {"blurred": [7]}):
        reports = Reports.of(rows, **secret)
        (told,) = reports.artefacts
        assert told.members.tolist() == list(range(n, 2 * n))
        assert (told.lon, told.lat) == (106.71, 10.78)
        assert reports.kept_hidden.tolist() == open_.kept.tolist()
        # Of the public's hotspots hidden ones are no part, whether left out or not.
        asked = slice(n if "hidden" in secret else 0, None)
        assert reports.kept[asked].tolist() == open_.kept[asked].tolist()
        assert reports.kept_hidden.sum() == 2


def test_a_default_point_is_seen_in_a_city_of_few_categories_too():
    rng = np.random.default_rng(4)
    lon, lat = LON + rng.uniform(-0.05, 0.05, 3000), LAT + rng.uniform(-0.05, 0.05, 3000)
    lon[:800], lat[:800] = LON, LAT
    (found,) = default_points(lon, lat, rng.integers(0, 5, 3000))
    assert found.n == 800
    # Two categories on one point are a house with two troubles.
    assert default_points(lon, lat, rng.integers(0, 2, 3000)) == []


def smeared(n, categories, spread_m, seed=4):
    """A city of 5 categories with `n` reports of some of them some metres around a point."""
    rng = np.random.default_rng(seed)
    lon, lat = LON + rng.uniform(-0.05, 0.05, 3000), LAT + rng.uniform(-0.05, 0.05, 3000)
    lon[:n], lat[:n] = (middle + rng.normal(0, spread_m, n) * METRE for middle in (LON, LAT))
    kinds = rng.integers(0, 5, 3000)
    kinds[:n] = rng.choice(categories, n)
    return lon, lat, kinds


def test_a_default_point_that_is_blurred_by_some_metres_is_named_too():
    (found,) = default_points(*smeared(800, range(5), 5.0))
    assert 790 <= found.n <= 802
    assert np.hypot(found.lon - LON, found.lat - LAT) < 3 * METRE
    assert "within a few metres" in found.why_en
    # One trouble, a house's two, or a quarter's centre are none.
    assert default_points(*smeared(800, [1], 5.0)) == []
    assert default_points(*smeared(800, [1, 3], 5.0)) == []
    assert default_points(*smeared(800, range(5), 40.0)) == []


def test_nobody_hides_a_trouble_by_reporting_everything_else_there():
    rng = np.random.default_rng(1)
    lon, lat = 106.6 + rng.uniform(0, 0.2, 20_000), 10.7 + rng.uniform(0, 0.2, 20_000)
    made_up = 106.7 + rng.normal(0, 6e-5, 60), 10.8 + rng.normal(0, 6e-5, 60), np.arange(60) % 20
    trouble = 106.7 + rng.normal(0, 6e-5, 40), 10.8 + rng.normal(0, 6e-5, 40), np.full(40, 3)
    city = lon, lat, rng.integers(0, 20, 20_000)
    alone = [np.concatenate(each) for each in zip(city, made_up, strict=True)]
    assert len(default_points(*alone)) == 1
    both = [np.concatenate(each) for each in zip(city, made_up, trouble, strict=True)]
    assert default_points(*both) == []


def test_places_that_were_blurred_by_ourselves_are_no_artefact():
    rng = np.random.default_rng(6)
    n = 600
    grid = rng.integers(0, 30, (n, 2)) / 100
    grid[:300] = 0.15
    rows = {
        "number": np.arange(n),
        "lon": (106.5 + grid[:, 0]).round(2),
        "lat": (10.6 + grid[:, 1]).round(2),
        "at_us": np.sort(rng.integers(0, 90 * DAY_US, n)),
        "category": rng.integers(0, 5, n),
        "open": np.ones(n, bool),
        "channel": np.zeros(n, np.int64),
        "sender": np.full(n, -1),
        "flagged": np.zeros(n, bool),
    }
    kinds = [each.kind for each in Reports.of(rows).artefacts]
    assert kinds == ["default_location", "coarse_grid"]
    blurred = Reports.of(rows, blurred=range(5))
    assert blurred.artefacts == []
    assert blurred.kept.all()
