"""The days of a run: the city's own, none that lies ahead, and none settled before it is over."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from drawn import put_reports
from planted import AS_OF, put_life, put_trouble

from builders import middle
from geo.errors import Invalid
from geo.hotspots import find
from geo.hotspots.days import not_ahead, starts, window
from geo.hotspots.run import run

pytestmark = pytest.mark.anyio

CITY, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
FLOODING = "drainage.flooding"
WEEK = timedelta(days=7)
DAY = timedelta(days=1)


async def said(conn, as_of, **more):
    made = await run(conn, as_of, FLOODING, zone=CITY, **more)
    return made, [spot for answer in made.answers for spot in answer.seen]


async def test_a_last_day_after_the_clocks_were_put_back_is_the_last_day(conn, city_url):
    last = date(2025, 11, 20)
    put_life(city_url, n=2000, days=230)
    lon, lat = middle(4)
    begun = datetime(2025, 11, 20, 23, tzinfo=BERLIN)
    put_reports(
        city_url,
        [(lon + i // 5 / 1600, lat + i % 5 / 1600) for i in range(25)],
        created_at=[(begun + timedelta(seconds=137 * i)).isoformat() for i in range(25)],
    )
    (answer,) = (await run(conn, last, FLOODING, zone=BERLIN)).answers
    assert answer.beginnings[0]["since"] == last


@pytest.mark.parametrize(
    ("as_of", "hours"), [(date(2025, 11, 20), 1), (date(2026, 3, 31), -1), (date(2026, 9, 1), 0)]
)
def test_each_day_of_a_window_begins_at_the_citys_midnight(as_of, hours):
    period = window(as_of, BERLIN)
    begin = starts(period, BERLIN)
    assert (begin[0], len(begin)) == (period.since, 90)
    assert begin[-1].date() == as_of
    assert {(day.hour, day.minute) for day in begin} == {(0, 0)}
    assert period.until - period.since == 90 * DAY + timedelta(hours=hours)


async def test_a_day_that_lies_ahead_is_refused(conn):
    today = datetime.now(CITY).date()
    for ahead in (today + 2 * DAY, date(2999, 1, 1)):
        with pytest.raises(Invalid, match="must not lie ahead") as refused:
            await run(conn, ahead, zone=CITY)
        assert [error["field"] for error in refused.value.errors] == ["as_of"]
    not_ahead(today, CITY)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_day_of_no_report_is_refused_by_name(conn, day):
    with pytest.raises(Invalid, match="1000 to 2999") as refused:
        await run(conn, date.fromisoformat(day), zone=CITY)
    assert [error["field"] for error in refused.value.errors] == ["as_of"]


@pytest.mark.parametrize(("day", "why"), [("2999-01-01", "lie ahead"), ("0001-01-01", "1000 to")])
async def test_a_command_with_such_a_day_says_so_and_leaves_no_run(
    conn, city_url, pinward, day, why
):
    done = pinward("hotspots", "run", "--as-of", day, url=city_url)
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert (await conn.exec_driver_sql("SELECT count(*) FROM hotspot_runs")).scalar_one() == 0


async def half(conn, as_of):
    """As if what is said of a day had been found at its noon."""
    await conn.exec_driver_sql(
        f"UPDATE hotspot_answers SET made_at = until - interval '12 h' WHERE as_of = '{as_of}'"
    )


@pytest.mark.parametrize("which", ["own", "later"])
async def test_what_was_said_of_half_a_day_settles_nothing(conn, city_url, which):
    put_life(city_url)
    codes = put_trouble(city_url, *middle(0))
    _, (found,) = await said(conn, AS_OF - DAY)
    await said(conn, AS_OF)
    rejected = ", ".join(f"'{code}'" for code in codes[::8])
    await conn.exec_driver_sql(f"UPDATE reports SET status = 'rejected' WHERE code IN ({rejected})")
    kept, (same,) = await said(conn, AS_OF - DAY)
    assert (kept.kept, same["n"]) == (1, found["n"])
    await half(conn, AS_OF - DAY if which == "own" else AS_OF)
    anew, (less,) = await said(conn, AS_OF - DAY)
    assert anew.kept == 0
    assert less["n"] < found["n"]


async def test_a_kept_answer_is_told_as_kept_with_what_was_stored(conn, city_url, pinward):
    put_life(city_url)
    put_trouble(city_url, *middle(0))
    only = ("--category", FLOODING)
    first = pinward("hotspots", "run", "--as-of", str(AS_OF - DAY), *only, url=city_url)
    again = pinward("hotspots", "run", "--as-of", str(AS_OF - DAY), *only, url=city_url)
    pinward("hotspots", "run", "--as-of", str(AS_OF), *only, url=city_url)
    assert "nothing had changed" in again.stdout
    assert "nothing had changed" not in first.stdout
    put_trouble(city_url, *middle(4), days=(2, 80))
    kept = pinward("hotspots", "run", "--as-of", str(AS_OF - DAY), *only, url=city_url)
    assert kept.returncode == 0, kept.stderr
    assert "1 kept: a later day's answer went on" in kept.stdout
    assert "nothing had changed" not in kept.stdout
    assert kept.stdout.splitlines()[:-1] == again.stdout.splitlines()[:-1]


async def test_artefacts_told_of_a_kept_day_are_those_of_then(conn, city_url):
    put_life(city_url, n=6000)
    await said(conn, AS_OF - DAY)
    await said(conn, AS_OF)
    for i, category in enumerate(
        ["lighting.lamp_out", "traffic.pothole", "waste.dumping", "trees.fallen", "water.leak",
         "power.outage", "street.parking", "noise.karaoke", FLOODING]
    ):  # fmt: skip
        put_trouble(city_url, *middle(4), n=40, radius_m=0, seed=i, category_code=category)
    now, _ = await said(conn, AS_OF)
    then, _ = await said(conn, AS_OF - DAY)
    assert [each.kind for each in now.artefacts] == ["default_location"]
    assert (then.kept, then.artefacts) == (1, [])


async def test_an_id_told_of_a_day_stays_when_an_earlier_day_is_made_later(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, *middle(0))
    _, (first,) = await said(conn, AS_OF)
    _, (earlier,) = await said(conn, AS_OF - WEEK)
    assert earlier["id"] != first["id"]
    made, (again,) = await said(conn, AS_OF)
    assert not made.unchanged
    assert (again["id"], again["seen"]) == (first["id"], "merged")
    assert again["parents"] == [earlier["id"], first["id"]]
    assert again["born_on"] == AS_OF
    rows, end = await find.through_time(conn, earlier["id"])
    assert [row.as_of for row in rows] == [AS_OF - WEEK]
    assert (end.as_of, end.into_id) == (AS_OF, first["id"])
    # and made once more, it is the same
    await conn.exec_driver_sql("UPDATE hotspot_answers SET digest = ''")
    assert (await said(conn, AS_OF))[1] == [again]
    assert [spot["id"] for spot in (await said(conn, AS_OF + DAY))[1]] == [first["id"]]


async def test_what_lies_elsewhere_bears_no_id_that_was_told_of_the_day(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, *middle(0))
    _, (first,) = await said(conn, AS_OF)
    await conn.exec_driver_sql(
        f"UPDATE reports SET geom = ST_Translate(geom, {middle(4)[0] - middle(0)[0]},"
        f" {middle(4)[1] - middle(0)[1]}) WHERE ST_DWithin(geom::geography,"
        f" ST_MakePoint{middle(0)}::geography, 150)"
    )
    _, (other,) = await said(conn, AS_OF)
    assert other["id"] != first["id"]
    assert other["seen"] == "new"


async def test_an_id_and_its_first_day_stay_where_the_day_before_is_gone(conn, city_url):
    put_life(city_url)
    put_trouble(city_url, *middle(0))
    _, (born,) = await said(conn, AS_OF - WEEK)
    await said(conn, AS_OF)
    await conn.exec_driver_sql(f"DELETE FROM hotspot_answers WHERE as_of = '{AS_OF - WEEK}'")
    made, (again,) = await said(conn, AS_OF)
    assert not made.unchanged
    assert (again["id"], again["born_on"]) == (born["id"], AS_OF - WEEK)
