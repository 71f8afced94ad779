from datetime import date

import numpy as np
import pytest

import builders
from geo.errors import Invalid, NotFound, OutsideCoverage
from geo.wards.directory import WardDirectory
from geo.wards.fields import plain
from geo.wards.search import ranked

pytestmark = pytest.mark.anyio
TODAY = date(2026, 1, 1)
DEGREE_M = 109_300  # of longitude at 10.7 degrees north


@pytest.fixture
async def wards(conn):
    return await WardDirectory.load(conn, TODAY)


async def test_a_point_on_a_shared_edge_goes_to_the_lower_code(wards):
    edge = builders.WEST + builders.SIDE
    answer = wards.at(edge, builders.SOUTH + 0.01, TODAY)
    assert (answer.ward.code, answer.match, answer.distance_m) == ("90001", "covers", 0)


async def test_a_point_just_outside_goes_to_the_nearest_ward_with_its_distance(wards):
    answer = wards.at(builders.WEST - 100 / DEGREE_M, builders.SOUTH + 0.01, TODAY)
    assert (answer.ward.code, answer.match) == ("90001", "nearest")
    assert answer.distance_m == pytest.approx(100, rel=0.01)


async def test_a_point_far_outside_is_refused_naming_the_city(wards):
    with pytest.raises(OutsideCoverage, match="Thành phố Thử"):
        wards.at(builders.WEST - 300 / DEGREE_M, builders.SOUTH + 0.01, TODAY)


async def test_the_accuracy_circle_names_the_wards_it_touches_nearest_first(wards):
    lon = builders.WEST + builders.SIDE - 30 / DEGREE_M
    answer = wards.at(lon, builders.SOUTH + builders.SIDE - 0.0005, TODAY, accuracy_m=80)
    assert answer.ward.code == "90001"
    assert [ward.code for ward, _ in answer.ambiguous_with] == ["90002", "90004", "90005"]
    assert answer.ambiguous_with[0][1] == pytest.approx(30, abs=1)
    assert wards.at(lon, builders.SOUTH + 0.01, TODAY).ambiguous_with == ()


async def test_before_the_first_set_nobody_answers(wards):
    with pytest.raises(OutsideCoverage, match="2019"):
        wards.at(*builders.middle(0), on=date(2019, 12, 31))
    with pytest.raises(NotFound):
        wards.named("90001", date(2019, 12, 31))


async def test_many_points_get_the_answers_that_one_gets(wards):
    rng = np.random.default_rng(5)
    lon = rng.uniform(builders.WEST - 0.004, builders.WEST + 0.064, 500)
    lat = rng.uniform(builders.SOUTH - 0.004, builders.SOUTH + 0.044, 500)
    days = np.where(rng.random(500) < 0.1, "2019-05-05", "2024-05-05").astype("datetime64[D]")
    many = wards.assign(lon, lat, days)
    seen = set()
    for i in range(500):
        try:
            one = wards.at(lon[i], lat[i], days[i].item())
        except OutsideCoverage:
            assert many.position[i] == -1
            assert many.match[i] is None
            assert np.isnan(many.distance_m[i])
            continue
        seen.add(one.match)
        assert wards.wards[many.position[i]] == one.ward
        assert many.match[i] == one.match
        assert many.distance_m[i] == pytest.approx(one.distance_m)
    assert seen == {"covers", "nearest"}


async def test_coordinates_that_are_none_are_refused(wards):
    with pytest.raises(Invalid):
        wards.at(float("nan"), 10.7, TODAY)


async def test_a_name_is_found_without_marks_but_exact_marks_come_first(wards):
    today = wards.in_force(TODAY)
    assert [item.ward.name for item in ranked(today, "thanh")] == ["Thạnh Mẫu"]
    assert next(item.ward.name for item in ranked(today, "mẫu")) == "Đa Mẫu"
    assert [item.ward.name for item in ranked(today, "da mau")] == ["Đa Mẫu"]
    assert [item.ward.code for item in ranked(today, "90003")] == ["90003"]
    assert ranked(today, "nowhere") == []


def test_plain_text_is_that_of_the_database(city_url):
    import psycopg

    with psycopg.connect(city_url) as conn:
        for text in ("Đa Kao", "Thạnh Mỹ Tây", "HÒA BÌNH", "Ươ ƠƯ ắằẳẵặ", "Thạnh"):
            assert conn.execute("SELECT pinward_plain(%s)", [text]).fetchone() == (plain(text),)
