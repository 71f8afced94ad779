"""Tiles by the wards of today hold what statistics count in them, also after a reform."""

import asyncio

import pytest
from conftest import serving
from drawn import decoded
from holding import counted, until
from reformed import YEAR, reform

from geo.store import reforms
from geo.store.database import create_engine
from tiles.address import cell_of, tile_of

EVERYWHERE = ("90001", "90002", "90003", "90004", "90002,90003")


@pytest.fixture(scope="module")
def asked(clone, city_template, tmp_path_factory):
    """The service on a city after a reform."""
    folder = tmp_path_factory.mktemp("tiles")
    url = clone(city_template)
    reform(url, folder)
    with serving(url, folder) as made:
        yield made


def in_tiles(asked, z, **query):
    """How many reports all tiles of a zoom hold around the city."""
    places = [(106.6 + 0.01 * i, 10.7 + 0.01 * j) for i in range(-2, 12) for j in range(-2, 12)]
    cells = cell_of([lon for lon, _ in places], [lat for _, lat in places])
    n = 0
    for x, y in sorted({tile_of(int(cell), z) for cell in cells}):
        answer = asked.http.get(f"/tiles/reports/{z}/{x}/{y}.mvt", params=query)
        assert answer.status_code in (200, 204), answer.text
        if answer.content:
            n += sum(f["properties"]["point_count"] for f in decoded(answer.content)["reports"])
    return n


@pytest.mark.parametrize("zoom", [0, 9, 13])
@pytest.mark.parametrize("code", EVERYWHERE)
@pytest.mark.parametrize(
    "filters",
    [{}, {"category": "drainage.flooding", **YEAR}, {"status": "closed"}],
    ids=["all", "of a year", "closed"],
)
def test_a_ward_of_today_holds_in_tiles_what_statistics_count_in_it(asked, zoom, code, filters):
    query = {**filters, "ward": code, "wards": "today"}
    number = asked.http.get("/api/v1/statistics", params=query).json()["total"]["received"]
    assert in_tiles(asked, zoom, **query) == number


def test_without_the_word_a_ward_holds_what_it_answers_for(asked):
    year = {**YEAR, "category": "drainage.flooding"}
    assert in_tiles(asked, 9, ward="90002", **year) == 0
    assert in_tiles(asked, 9, ward="90002", wards="today", **year) == 8


def test_the_word_is_carried_on_to_the_tiles_address(asked):
    told = asked.http.get("/tiles/reports.json?ward=90002&wards=today").json()
    assert told["tiles"][0].endswith("?ward=90002&wards=today")


@pytest.mark.parametrize("query", ["wards=today", "ward=90002&wards=then"])
def test_a_word_that_means_nothing_here_is_refused(asked, query):
    answer = asked.http.get(f"/tiles/reports/0/0/0.mvt?{query}")
    assert answer.status_code == 422
    assert "wards" in answer.text


def test_a_tile_in_memory_goes_when_todays_wards_are_told_anew(clone, city_template, tmp_path):
    url = clone(city_template)
    reform(url, tmp_path)

    async def forget() -> None:
        engine = create_engine(url)
        async with engine.begin() as conn:
            await reforms.write_today(conn, {}, [])
        await engine.dispose()

    query = {"ward": "90002", "wards": "today", "until": YEAR["until"]}
    with serving(url, tmp_path) as service:

        def from_memory() -> bool:
            before = counted(service.http, "pinward_tile_queries_total")
            assert in_tiles(service, 9, **query) > 0
            return counted(service.http, "pinward_tile_queries_total") == before

        until(from_memory, 30)
        asyncio.run(forget())
        # Without them it has what was given to it on its day: nothing yet.
        until(lambda: in_tiles(service, 9, **query) == 0, 10)
