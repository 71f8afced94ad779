"""A report that waits for a look, or was hidden, is behind no public door, counts and all."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
import shapely
from conftest import command, serving
from drawn import decoded
from listening import Listening, numbered, wait_until
from staffed import release, signed_in

import builders
from geo.period import Period
from geo.store import hotspot_inputs
from geo.store.database import create_engine
from tiles.address import cell_of, tile_of
from tiles.pyramid import fold

LIST = "/api/v1/reports"
PLACE = builders.middle(1)
LINK = "Mua sắm giá rẻ tại https://spam.example/x ngay hôm nay"
_CELL = int(cell_of([PLACE[0]], [PLACE[1]])[0])
# In one square of zoom 18 with the others, but not in one of zoom 20: one event more.
BESIDE = next(
    lon
    for lon in (PLACE[0] + n * 1e-4 for n in (*range(4, 12), *range(-12, -4)))
    if int(cell_of([lon], [PLACE[1]])[0]) >> 16 == _CELL >> 16
    and int(cell_of([lon], [PLACE[1]])[0]) >> 12 != _CELL >> 12
)
WHY = {"reason": "quảng cáo"}
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    with serving(clone(city_template), tmp_path_factory.mktemp("withheld")) as made:
        for n in range(5):
            send(made, "Nước ngập", lon=PLACE[0] + n * 1e-5)
        settle(made)
        yield made


def send(service, text, **more):
    lon, lat = PLACE
    body = builders.a_report(**{"text": text, "lon": lon, "lat": lat, **more})
    answer = service.http.post(LIST, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def settle(service):
    """All that happened has its number, and is folded into the pyramid."""
    wait_until(lambda: numbered(service.url), 30)

    async def now():
        engine = create_engine(service.url)
        await fold.fold(engine)
        await engine.dispose()

    asyncio.run(now())


def doors(service, tmp_path):
    """What each public door says, in a form that can be compared."""
    get = service.http.get
    lon, lat = PLACE
    cell = int(cell_of([lon], [lat])[0])
    box = f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"
    parts = {"all": {}, "box": {"bbox": box}, "ward": {"ward": builders.CODES[1]}}
    parts |= {"word": {"q": "giá rẻ"}, "cell": {"cell": (1 << 36) | cell >> 16}}
    found = {}
    for name, query in parts.items():
        answer = get(LIST, params=query)
        found[f"list by {name}"] = sorted(one["id"] for one in answer.json()["features"])
    for by in ("ward", "category", "month"):
        answer = get("/api/v1/statistics", params={"by": by})
        assert answer.status_code == 200, answer.text
        said = answer.json()
        found[f"statistics by {by}"] = json.dumps(said.get("rows") or said.get("groups") or said)
    hour = (NOW - timedelta(hours=5)).replace(minute=7, second=0, microsecond=0).isoformat()
    for z in (0, 9, 16, 18):
        x, y = tile_of(cell, z)
        for filtered in ("", f"?since={hour.replace('+', '%2B')}"):
            answer = get(f"/tiles/reports/{z}/{x}/{y}.mvt{filtered}")
            layers = decoded(answer.content) if answer.content else {}
            counts = [f["properties"]["point_count"] for f in layers.get("reports", [])]
            found[f"tile {z}{filtered[:6]}"] = sum(counts)
    path = tmp_path / "out.csv"
    done = command(tmp_path)("reports", "export", path, url=service.url)
    assert done.returncode == 0, done.stderr
    found["export"] = sorted(line.split(",")[0] for line in path.read_text().splitlines())
    found |= asyncio.run(hotspots(service.url))
    return found


async def hotspots(url):
    """What hotspots are made of."""
    engine = create_engine(url)
    period = Period(NOW - timedelta(days=30), NOW + timedelta(days=1))
    hull = shapely.Point(*PLACE).buffer(0.002)
    async with engine.connect() as conn:
        rows = await hotspot_inputs.rows(conn, period)
        mine, others = await hotspot_inputs.history(
            conn, "drainage.flooding", "public", [hull], [period.since, period.until]
        )
        counted = await hotspot_inputs.count(conn, period)
    await engine.dispose()
    return {
        "hotspots' reports": np.sort(rows["number"]).tolist(),
        "hotspots' history": (mine.tolist(), others.tolist()),
        "expert's count": counted,
    }


def differing(one, other):
    return {name for name in one if one[name] != other[name]}


def test_it_is_behind_no_door_until_it_is_released_and_again_when_it_is_hidden(service, tmp_path):
    before = doors(service, tmp_path)
    with Listening(service.base) as stream, signed_in(service, "hotline_agent") as agent:
        sent = send(service, LINK, lon=BESIDE)
        code = sent["code"]
        path = f"{LIST}/{code}"
        moderation = f"/api/v1/moderation/reports/{code}"
        settle(service)
        assert differing(before, doors(service, tmp_path)) == set()
        for door in (path, f"{path}/events"):
            assert service.http.get(door).status_code == 404
        wrong = service.http.get(path, headers={"Authorization": "Report wrong"})
        assert wrong.status_code == 404

        assert release(agent, code).status_code == 200
        settle(service)
        released = doors(service, tmp_path)
        assert differing(before, released) == before.keys()
        assert service.http.get(path).status_code == 200
        stream.until(lambda: ("created", code) in stream.heard)

        assert agent.post(f"{moderation}/hide", json=WHY).status_code == 200
        settle(service)
        assert differing(before, doors(service, tmp_path)) == set()
        assert service.http.get(path).status_code == 404
        stream.until(lambda: ("removed", code) in stream.heard)
        assert stream.heard == [("created", code), ("removed", code)]
    verified = command(tmp_path)("tiles", "verify", url=service.url)
    assert verified.returncode == 0, verified.stderr + verified.stdout


def test_nothing_that_happens_to_it_meanwhile_is_told(service):
    with Listening(service.base) as stream:
        code = send(service, LINK)["code"]
        with psycopg.connect(service.url) as db:
            for change in ("status = 'closed'", "category_code = 'water.leak'", "text = 'khác'"):
                db.execute(f"UPDATE reports SET {change} WHERE code = %s", (code,))
        with psycopg.connect(service.url) as db:
            # its category goes out of sight and comes back
            for visibility in ("hidden", "blurred", "public"):
                db.execute(
                    "UPDATE categories SET visibility = %s WHERE code = 'water.leak'", (visibility,)
                )
        with psycopg.connect(service.url) as db:
            db.execute("DELETE FROM reports WHERE code = %s", (code,))
        public = send(service, "Nước ngập ở đây")["code"]
        stream.until(lambda: ("created", public) in stream.heard)
        assert stream.heard == [("created", public)]


def test_a_stream_that_was_away_hears_nothing_of_what_was_hidden_since(service):
    with Listening(service.base) as stream:
        last = stream.last
    code = send(service, "Nước ngập lúc sáng")["code"]
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET withheld = 'hidden' WHERE code = %s", (code,))
        # what was told a moment ago may still be told
        db.execute("UPDATE changes SET at = at - interval '1 hour' WHERE subject = %s", (code,))
    after = send(service, "Nước ngập lúc chiều")["code"]
    with Listening(service.base, last=last) as stream:
        stream.until(lambda: ("created", after) in stream.heard)
        told = [one for one in stream.news if one.data.get("code") == code]
        assert not any("lon" in one.data for one in told)
        assert {one.name for one in told} <= {"removed"}


def test_its_reporter_sees_it_as_every_other(service):
    sent = send(service, LINK)
    usual = send(service, "Nước ngập ngang bánh xe")
    assert sent.keys() == usual.keys()
    assert sent["status"] == usual["status"]
    seen = {}
    for name, said in (("waits", sent), ("usual", usual)):
        mine = {"Authorization": f"Report {said['secret']}"}
        feature = service.http.get(f"{LIST}/{said['code']}", headers=mine).json()
        events = service.http.get(f"{LIST}/{said['code']}/events", headers=mine).json()["events"]
        properties = feature["properties"]
        for own in ("code", "text", "created_at", "updated_at", "due_at", "correctable_until"):
            properties.pop(own)
        seen[name] = (properties, [(one["kind"], one["text"]) for one in events])
    assert seen["waits"] == seen["usual"]


def test_a_report_sent_again_is_still_the_same_one(service):
    key = builders.a_key()
    body = builders.a_report(text=LINK)
    first = service.http.post(LIST, json=body, headers=key)
    again = service.http.post(LIST, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
