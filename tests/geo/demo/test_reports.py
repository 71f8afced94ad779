from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest
import shapely

from geo import crs
from geo.demo import city, moves, terrain, texts
from geo.demo.city import City
from geo.demo.profiles import PROFILES
from geo.demo.reports import Reports
from geo.demo.rhythm import utc
from geo.reports import categories


def local_hours(times):
    """Hour of the day and weekday (Monday is 0) by the city's clock, seven hours ahead of UTC."""
    local = times.astype("datetime64[h]") + np.timedelta64(7, "h")
    day = local.astype("datetime64[D]")
    return (local - day).astype(np.int64), (day.astype(np.int64) + 3) % 7


@pytest.fixture(scope="module")
def reports(demo_city: City) -> Reports:
    return demo_city.reports


@pytest.fixture(scope="module")
def family(reports: Reports) -> np.ndarray:
    return np.array([code.split(".")[0] for code in reports.category])


@pytest.fixture(scope="module")
def unplanted(demo_city: City) -> np.ndarray:
    """Reports that no planted hotspot added: not of its category within its radius."""
    reports = demo_city.reports
    free = np.ones(len(reports), dtype=bool)
    for spot in demo_city.hotspots:
        away = _away_m(reports, spot.lon, spot.lat)
        free &= ~((reports.category == spot.category) & (away < spot.radius_m + 30))
    return free


def _away_m(reports: Reports, lon: float, lat: float) -> np.ndarray:
    n = len(reports)
    return crs.GEOD.inv(reports.lon, reports.lat, np.full(n, lon), np.full(n, lat))[2]


def _season(reports: Reports) -> np.ndarray:
    local = reports.created + np.timedelta64(7, "h")
    month = local.astype("datetime64[M]").astype(int) % 12 + 1
    return (month >= 5) & (month <= 11)


def test_there_are_as_many_as_asked_for(reports: Reports) -> None:
    assert len(reports) == city.REPORTS


def test_they_fill_the_year_before_now_and_not_a_moment_more(
    reports: Reports, now: datetime
) -> None:
    assert reports.created.max() <= utc(now)
    assert reports.created.min() >= utc(now - timedelta(days=365))
    by_month = Counter(str(m) for m in reports.created.astype("datetime64[M]"))
    assert len(by_month) == 13
    assert min(n for month, n in by_month.items() if month[-2:] != "11") > 1800


def test_none_lies_in_the_water(demo_city: City) -> None:
    reports = demo_city.reports
    whole = shapely.union_all([w.shape for w in demo_city.wards])
    shapely.prepare(whole)
    assert shapely.covers(whole, shapely.points(reports.lon, reports.lat)).all()


def test_every_category_is_one_that_the_city_offers(reports: Reports) -> None:
    offered = {row["code"] for row in categories.shipped() if row["parent_code"]}
    assert set(PROFILES) == offered
    assert set(reports.category) <= offered


def test_shares_are_those_of_the_hotline(family: np.ndarray, unplanted: np.ndarray) -> None:
    share = {f: np.mean(family[unplanted] == f) for f in np.unique(family)}
    infrastructure = sum(share[f] for f in ("traffic", "lighting", "power", "telecom"))
    assert infrastructure == pytest.approx(0.31, abs=0.02)
    assert share["noise"] == pytest.approx(0.18, abs=0.015)
    assert share["order"] == pytest.approx(0.11, abs=0.015)


def test_floods_come_in_the_rain_season_of_an_afternoon(
    reports: Reports, unplanted: np.ndarray
) -> None:
    flood = unplanted & (reports.category == "drainage.flooding")
    season = _season(reports)
    hour, _ = local_hours(reports.created)
    assert np.mean(season[flood]) > 0.9
    assert np.mean(season[unplanted & ~flood]) < 0.7
    assert np.mean((hour[flood] >= 13) & (hour[flood] <= 20)) > 0.7


def test_floods_lie_low(demo_city: City, unplanted: np.ndarray) -> None:
    from geo.demo.units import sites
    from geo.demo.wiggle import Wiggle

    reports = demo_city.reports
    ground = terrain.draw(Wiggle(np.random.default_rng(0), sites().points_m))
    flood = unplanted & (reports.category == "drainage.flooding")
    theft = reports.category == "order.theft"
    low = [
        ground.lowness(_metres(reports.lon[rows], reports.lat[rows])).mean()
        for rows in (flood, theft)
    ]
    assert low[0] > low[1] + 0.12


def test_karaoke_is_sung_at_night_and_at_weekends(reports: Reports, unplanted: np.ndarray) -> None:
    hour, weekday = local_hours(reports.created)
    karaoke = unplanted & (reports.category == "noise.karaoke")
    office = np.isin(reports.category, ["construction.no_permit", "trees.pruning"])
    night = (hour >= 19) | (hour < 2)
    weekend = weekday >= 5
    assert np.mean(night[karaoke]) > 0.65 > 0.2 > np.mean(night[office])
    assert np.mean(weekend[karaoke]) > 0.4 > 0.22 > np.mean(weekend[office])


def test_lamps_are_reported_after_dark_and_rubbish_in_the_morning(
    reports: Reports, family: np.ndarray
) -> None:
    hour, _ = local_hours(reports.created)
    lamps = reports.category == "lighting.lamp_out"
    assert np.mean((hour[lamps] >= 18) | (hour[lamps] < 5)) > 0.65
    waste = family == "waste"
    assert np.mean((hour[waste] >= 5) & (hour[waste] <= 10)) > 0.55


def test_lamps_stand_along_streets(demo_city: City) -> None:
    reports, streets = demo_city.reports, demo_city.streets
    lamps = np.flatnonzero(reports.category == "lighting.lamp_out")[:600]
    points = shapely.points(_metres(reports.lon[lamps], reports.lat[lamps]))
    tree = shapely.STRtree(streets.lines)
    away_m = tree.query_nearest(points, return_distance=True, all_matches=False)[1]
    assert np.quantile(away_m, 0.95) < 25.0


def test_the_core_reports_more_than_the_fields(demo_city: City) -> None:
    reports = demo_city.reports
    core = _away_m(reports, 106.698, 10.7725) < 8_000
    assert 0.3 < np.mean(core) < 0.75
    # and yet nobody is left out
    shapes = np.array([w.shape for w in demo_city.wards])
    _, ward = shapely.STRtree(shapes).query(
        shapely.points(reports.lon, reports.lat), predicate="intersects"
    )
    assert np.bincount(ward, minlength=168).min() >= 5


def test_a_list_of_fifty_does_not_look_repeated(reports: Reports) -> None:
    for start in range(0, 40_000, 4_000):
        assert len(set(reports.text[start : start + 50])) >= 49


def test_texts_have_no_slot_left_open(reports: Reports) -> None:
    assert not [text for text in reports.text if "{" in text or "}" in text or not text.strip()]


def test_some_write_english_some_without_marks_and_some_propose(reports: Reports) -> None:
    plain = np.array([text == texts.without_marks(text) for text in reports.text])
    english = np.array([" the " in text.lower() for text in reports.text])
    assert 0.01 < english.mean() < 0.04
    assert 0.04 < plain.mean() < 0.12
    assert 0.01 < reports.idea.mean() < 0.04


def test_echoes_come_after_what_they_repeat_and_near_it(reports: Reports) -> None:
    echo = np.flatnonzero(reports.parent >= 0)
    parent = reports.parent[echo]
    assert 0.05 < len(echo) / len(reports) < 0.12
    assert (parent < echo).all()
    assert (reports.created[echo] >= reports.created[parent]).all()
    assert (reports.category[echo] == reports.category[parent]).all()
    away_m = crs.GEOD.inv(
        reports.lon[echo], reports.lat[echo], reports.lon[parent], reports.lat[parent]
    )[2]
    assert np.quantile(away_m, 0.99) < 40.0


def test_old_reports_are_done_with_and_new_ones_are_not(reports: Reports, now: datetime) -> None:
    status, age = reports.moves.status, utc(now) - reports.created
    done = np.isin(status, ["closed", "resolved", "rejected", "duplicate", "withdrawn"])
    assert done[age > np.timedelta64(90, "D")].mean() > 0.97
    assert done[age < np.timedelta64(12, "h")].mean() < 0.5
    count = Counter(status.tolist())
    for name in ("assigned", "in_progress", "waiting", "resolved", "closed", "rejected"):
        assert count[name] > 10, name
    assert count["duplicate"] > 1000


def test_no_step_is_taken_before_the_one_before_it_or_after_now(
    reports: Reports, now: datetime
) -> None:
    at = reports.moves.at
    assert not (at > utc(now)).any()
    for name in moves.STEPS[1:]:
        taken = ~np.isnat(reports.moves.step(name))
        earlier = at[taken][:, : moves.STEPS.index(name)]
        last = np.fmax.reduce(earlier, axis=1)
        assert (reports.moves.step(name)[taken] >= last).all(), name


def test_equal_seeds_make_equal_cities_and_others_do_not(now: datetime) -> None:
    one, two, other = (city.build(now, 600, seed) for seed in (1, 1, 2))
    assert [w.shape for w in one.wards] == [w.shape for w in two.wards]
    assert one.reports.text == two.reports.text
    assert np.array_equal(one.reports.lon, two.reports.lon)
    assert one.facilities == two.facilities
    assert one.reports.text != other.reports.text
    assert one.wards[0].shape != other.wards[0].shape


def test_a_handful_of_reports_is_enough_for_a_city(now: datetime) -> None:
    small = city.build(now, 50)
    assert len(small.reports) == 50
    assert small.hotspots == []


def _metres(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    x, y, _ = crs.to_metres(lon, lat, terrain.EPSG)
    return np.column_stack([x, y])
