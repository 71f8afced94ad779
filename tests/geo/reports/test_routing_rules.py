"""Rules of routing: the first that fits, by what, place, hour and what stands near."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import GEOD
from geo.errors import Invalid
from geo.reports.events import words
from geo.reports.routing.rules import (
    Case,
    FacilityIndex,
    Fit,
    Organisation,
    Router,
    Rule,
    Zone,
    check,
)

CITY = "Asia/Ho_Chi_Minh"
HCMC = ZoneInfo(CITY)
DRAINS = Organisation(7, "drainage", "Công ty Thoát nước", "Drainage Company")
INNER = Zone("inner", "Nội thành", "Inner city", shapely.box(106.6, 10.7, 106.7, 10.8))


def a_case(category="drainage.flooding", family="drainage", at="2026-11-23 10:00", **more):
    given_ = {"ward_code": "1", "lon": 106.65, "lat": 10.75, **more}
    return Case(category, family, at=datetime.fromisoformat(at).replace(tzinfo=HCMC), **given_)


def a_rule(code="a", position=1, **more):
    return Rule(code, position, organisation=DRAINS, **more)


def fits(rule, case, **ground):
    found = Router(CITY, [rule], **ground).fit(case)
    return found is not None


def test_the_first_by_position_and_code_counts():
    rules = [a_rule("b", 2), a_rule("c", 1), a_rule("a", 2, category="drainage"), a_rule("d", 1)]
    assert Router(CITY, rules).fit(a_case()) == Fit(rules[1])
    assert Router(CITY, rules[:1] + rules[2:3]).fit(a_case()).rule.code == "a"
    assert Router(CITY, rules[:1] + rules[2:3]).fit(a_case("water.leak", "water")).rule.code == "b"
    assert Router(CITY, []).fit(a_case()) is None


def test_a_family_is_meant_with_its_children_and_a_child_alone():
    assert fits(a_rule(category="drainage"), a_case())
    assert fits(a_rule(category="drainage.flooding"), a_case())
    assert not fits(a_rule(category="drainage.odour"), a_case())
    assert not fits(a_rule(category="drainage"), a_case("water.leak", "water"))
    assert fits(a_rule(category="drainage"), a_case("drainage", None))


def test_wards_and_zones_the_edge_is_inside():
    assert fits(a_rule(wards=frozenset("12")), a_case())
    assert not fits(a_rule(wards=frozenset("23")), a_case())
    for lon, lat, inside in (
        (106.65, 10.75, True),
        (106.7, 10.75, True),
        (106.7, 10.8, True),
        (106.7000001, 10.75, False),
    ):
        assert fits(a_rule(zone=INNER), a_case(lon=lon, lat=lat)) is inside


@pytest.mark.parametrize(
    ("times", "weekdays", "at", "inside"),
    [
        ((time(6), time(18)), None, "2026-11-23 06:00", True),
        ((time(6), time(18)), None, "2026-11-23 18:00", False),
        ((time(22), time(5)), None, "2026-11-23 23:00", True),
        ((time(22), time(5)), None, "2026-11-24 04:59", True),
        ((time(22), time(5)), None, "2026-11-24 05:00", False),
        # around the clock
        ((time(0), time(0)), None, "2026-11-24 05:00", True),
        ((time(7), time(7)), {6}, "2026-11-22 06:59", True),
        ((time(7), time(7)), {6}, "2026-11-22 07:00", False),
        (None, {6, 7}, "2026-11-22 10:00", True),
        (None, {6, 7}, "2026-11-23 10:00", False),
        # the night of Saturday, which is Sunday's morning by the calendar
        ((time(22), time(5)), {6}, "2026-11-22 03:00", True),
        ((time(22), time(5)), {6}, "2026-11-21 03:00", False),
        ((time(22), time(5)), {7}, "2026-11-23 03:00", True),
    ],
)
def test_hours_of_the_day_and_days_of_the_week(times, weekdays, at, inside):
    rule = a_rule(times=times, weekdays=weekdays and frozenset(weekdays))
    assert fits(rule, a_case(at=at)) is inside


def test_days_on_which_it_is_in_force():
    rule = a_rule(since=date(2026, 11, 23), until=date(2026, 11, 25))
    days = ["2026-11-22 23:59", "2026-11-23 00:00", "2026-11-24 23:59", "2026-11-25 00:00"]
    assert [fits(rule, a_case(at=at)) for at in days] == [False, True, True, False]


def test_a_school_near_by_is_named_with_its_distance():
    schools = FacilityIndex([106.65, 106.66], [10.7505, 10.75], ["Trường Một", "Trường Hai"])
    router = Router(CITY, [a_rule(near=("school", 100.0))], {"school": schools})
    found = router.fit(a_case())
    name, kind, metres = found.near
    assert (name, kind, round(metres, 1)) == ("Trường Một", "school", 55.3)
    assert router.fit(a_case(lat=10.7494)) is None
    assert router.kinds() == {"school"}
    # Five metres beyond, at the corner of the box in which it is looked for.
    lon, lat, _ = GEOD.fwd(106.65, 10.7505, 45, 105)
    assert router.fit(a_case(lon=lon, lat=lat)) is None
    assert schools.nearest(lon, lat, 106)[0] == "Trường Một"
    assert not fits(a_rule(near=("clinic", 100.0)), a_case(), facilities={"school": schools})


@given(
    lat=st.floats(-70, 70),
    within=st.floats(1, 5000),
    away=st.lists(st.tuples(st.floats(0, 360), st.floats(0, 6000)), min_size=1, max_size=8),
)
@settings(max_examples=100, deadline=None)
def test_the_nearest_facility_is_that_of_geodesic_metres(lat, within, away):
    bearings, metres = np.array(away).T
    at = np.full(len(away), 106.7), np.full(len(away), lat)
    lon2, lat2, _ = GEOD.fwd(*at, bearings, metres)
    names = [str(n) for n in range(len(away))]
    found = FacilityIndex(lon2, lat2, names).nearest(106.7, lat, within)
    nearest = metres.min()
    if abs(nearest - within) > 1e-3:
        assert (found is not None) == (nearest < within)
    if found:
        assert abs(found[1] - nearest) < 1e-3
        assert abs(metres[int(found[0])] - nearest) < 1e-3


SAID = words("Tệp", "The file")


@pytest.mark.parametrize(
    ("first", "then", "never"),
    [
        ({}, {"category": "drainage"}, True),
        ({"category": "drainage"}, {}, False),
        ({"wards": frozenset("12")}, {"wards": frozenset("1")}, True),
        ({"wards": frozenset("1")}, {"wards": frozenset("12")}, False),
        ({"near": ("school", 100)}, {"near": ("school", 50)}, True),
        ({"near": ("school", 50)}, {"near": ("school", 100)}, False),
        ({"until": date(2026, 1, 1)}, {}, False),
        ({"zone": INNER}, {"zone": INNER, "category": "water"}, True),
        ({"times": (time(6), time(18))}, {}, False),
        ({"weekdays": frozenset({6, 7})}, {"weekdays": frozenset({6})}, True),
        ({"weekdays": frozenset({6, 7})}, {}, False),
    ],
)
def test_a_rule_behind_one_that_fits_all_it_does_is_named(first, then, never):
    rules = [a_rule("then", 2, **then), a_rule("first", 1, **first)]
    if not never:
        return check(rules, SAID)
    with pytest.raises(Invalid, match="then can never count: first comes first"):
        check(rules, SAID)
