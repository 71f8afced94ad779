"""Wards of different days narrow nobody's place down where the public sees it only roughly."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest
import shapely
from conftest import serving
from drawn import decoded

from builders import SIDE, SOUTH, WEST
from geo.reports.bulk import bulk_insert
from geo.reports.reform.apply import apply
from geo.store.database import create_engine
from geo.wards.features import WardFeature, WardFile
from geo.wards.importing import import_wards
from tiles.address import cell_of, tile_of

DAY = date(2025, 7, 1)
BEFORE = datetime(2024, 6, 1, tzinfo=UTC)
SECRET = "a secret of them all"
LIST = "/api/v1/reports"
STRIP_M = 20
# The border moves east by a strip; a report in it changes its ward.
OLD_BORDER = WEST + SIDE
NEW_BORDER = OLD_BORDER + STRIP_M / 109_000
IN_STRIP = ((OLD_BORDER + NEW_BORDER) / 2, SOUTH + SIDE / 2)
DEEP_WEST = (WEST + SIDE / 2, SOUTH + SIDE / 2)
DEEP_EAST = (WEST + 1.5 * SIDE, SOUTH + SIDE / 2)
CATEGORIES = {"blurred": "noise.neighbours", "public": "drainage.flooding"}
WARDS = (("90001", "2024-06-01"), ("90002", "2024-06-01"), ("91001", ""), ("91002", ""))


async def _fill(url):
    """What is open in the strip is moved to the west; closed in it stays in the east of its day."""
    engine = create_engine(url, pool_size=6)
    east, west = NEW_BORDER, (WEST, NEW_BORDER)
    boxes = [shapely.box(a, SOUTH, b, SOUTH + 2 * SIDE) for a, b in (west, (east, WEST + 3 * SIDE))]
    named = tuple(WardFeature(f"9100{n}", f"Mới {n}", None, "ward", str(n)) for n in (1, 2))
    n = 0

    def row(seen, what, place, status, created_at):
        nonlocal n
        n += 1
        lon, lat = place
        return {
            **{"lon": lon, "lat": lat, "text": what, "status": status},
            "category": CATEGORIES[seen],
            "created_at": created_at + timedelta(hours=n),
            **{"source": "old", "source_id": f"{seen} {what}"},
        }

    after = datetime(2025, 8, 1, tzinfo=UTC)
    for_both = [(seen, "moved", IN_STRIP, "received", BEFORE) for seen in CATEGORIES]
    for_both += [(seen, "stayed", IN_STRIP, "closed", BEFORE) for seen in CATEGORIES]
    for_both += [("blurred", "stayed's twin", DEEP_EAST, "closed", BEFORE)]
    async with engine.begin() as conn:
        await bulk_insert(conn, [row(*each) for each in for_both])
        file = WardFile("two", named, np.array(boxes, dtype=object))
        await import_wards(conn, file, name="two", valid_from=DAY, city="Thành phố Thử")
    await apply(engine, "two", today=date(2025, 8, 2), snap_m=250.0)
    async with engine.begin() as conn:
        await bulk_insert(conn, [row("blurred", "moved's twin", DEEP_WEST, "received", after)])
    await engine.dispose()


@pytest.fixture(scope="module")
def reports(clone, city_template, tmp_path_factory):
    """The service, and code and time of each report by what it is."""
    url = clone(city_template)
    asyncio.run(_fill(url))
    with psycopg.connect(url) as db:
        db.execute("UPDATE reports SET secret_hash = sha256(%s)", (SECRET.encode(),))
        rows = db.execute("SELECT source_id, code, created_at FROM reports").fetchall()
    with serving(url, tmp_path_factory.mktemp("blurred")) as service:
        yield service, {what: (code, at) for what, code, at in rows}


def _told(reports, what):
    """All that the API tells of a report's wards, whatever is asked of it."""
    service, known = reports
    code, at = known[what]
    one = {"since": at.isoformat(), "until": (at + timedelta(seconds=1)).isoformat()}
    feature = service.http.get(f"{LIST}/{code}").json()
    told = {name: feature["properties"][name] for name in ("ward", "ward_today", "organisation")}
    events = service.http.get(f"{LIST}/{code}/events").json()["events"]
    told["events"] = str([event["text"] for event in events if event["kind"] != "received"])
    x, y = tile_of(int(cell_of(*zip(feature["geometry"]["coordinates"], strict=True))[0]), 14)
    for ward, on in WARDS:
        named = {"ward": ward, **({"on": on} if on else {}), **one}
        body = service.http.get(f"/tiles/reports/14/{x}/{y}.mvt", params=named).content
        told[ward, "tile"] = len(decoded(body)["reports"]) if body else 0
        for word in ({}, {"wards": "then"}, {"wards": "today"}):
            for more in ({}, {"cell": 1}):
                found = service.http.get(LIST, params={**named, **word, **more}).json()["features"]
                told[ward, *word.values(), *more] = len(found)
            counted = service.http.get("/api/v1/statistics", params={**named, **word}).json()
            told[ward, *word.values(), "counted"] = counted["total"]["received"]
    for word in ("then", "today"):
        counted = service.http.get("/api/v1/statistics", params={**one, "wards": word}).json()
        told[word] = [row["ward"]["code"] for row in counted["rows"]]
    return told


def test_a_blurred_report_that_was_moved_is_told_of_as_any_other_of_its_ward(reports):
    moved, twin = (_told(reports, f"blurred {what}") for what in ("moved", "moved's twin"))
    assert "91001" in str(moved["ward"])
    # that a reform moved it is told, and not from where
    assert "Phường" not in moved.pop("events")
    twin.pop("events")
    assert moved == twin


def test_a_blurred_report_that_stayed_in_the_ward_of_its_day_is_told_of_as_any_other(reports):
    stayed, twin = (_told(reports, f"blurred {what}") for what in ("stayed", "stayed's twin"))
    assert "90002" in str(stayed["ward"])
    assert "91002" in str(stayed["ward_today"])
    assert stayed == twin


def test_who_sent_it_is_told_all(reports):
    service, known = reports
    for what, ward in (("moved", "91001"), ("stayed", "91001"), ("stayed's twin", "91002")):
        path = f"{LIST}/{known[f'blurred {what}'][0]}"
        mine = {"headers": {"Authorization": f"Report {SECRET}"}}
        seen = service.http.get(path, **mine).json()["properties"]
        assert seen["ward_today"]["code"] == ward, what
        events = service.http.get(f"{path}/events", **mine).json()["events"]
        assert ("Phường" in str(events)) == (what == "moved")


def test_of_a_public_one_all_wards_are_told(reports):
    moved, stayed = (_told(reports, f"public {what}") for what in ("moved", "stayed"))
    assert (moved["then"], moved["today"]) == (["90002"], ["91001"])
    assert (stayed["then"], stayed["today"]) == (["90002"], ["91001"])
    assert "→" in moved["events"]
    for word, ward in (("then", "90002"), ("today", "91001")):
        for told in (moved, stayed):
            assert told[ward, word] == told[ward, word, "cell"] == told[ward, word, "counted"] == 1
