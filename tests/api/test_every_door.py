"""Every address that answers: none tells of what is hidden, nor where exactly what is blurred is.

`DOORS` names every GET of the service and what to ask of it; an address that is added and is not
there fails. The same is asked of a city as it is, and of one in which the hidden reports never were
and the blurred ones lie elsewhere in their squares: the answers must be the same to the byte. Of a
city that shows both openly they must differ, or the question was none.
"""

import gzip
import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import psycopg
import pytest
from conftest import command, serving
from fastapi.routing import APIRoute
from hostile import drawn, written
from own import LIST, Sent
from planted import AS_OF, put_life, put_trouble
from pmtiles.reader import MmapSource, Reader, all_tiles
from staffed import signed_in

import builders
from api.app import create_app
from api.routes import ROUTERS
from geo.settings import Settings
from tiles.address import cell_of, tile_of

HIDDEN, BLURRED = "order.drugs", "order.theft"
TEXTS = {HIDDEN: "Chuyện kín ở nhà số 7", BLURRED: "Mất xe trước nhà số 9"}
# Of a category that is public; each is withheld until somebody has looked at it.
WITHHELD = "order.gambling"
# The staff hid this line of a report, and say why.
LINE, WHY = "Thủ phạm tên là Bình", "nêu tên một người"
# Within one ward and one square of zoom 18 each, and in nobody's way.
PLACES = {HIDDEN: (106.6123457, 10.7123459), BLURRED: (106.6323461, 10.7123467)}
BOX = "106.61,10.71,106.635,10.715"
DURING = datetime(2026, 3, 20, 3, tzinfo=UTC)
TIME = {"since": "2026-01-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


class City:
    """The service on a city with hidden and blurred reports, and whom to ask for what."""

    def __init__(self, service, planner, agent, run, export):
        self.service, self.planner = service, planner
        self.run, self.export = run, export
        # What is long ago here may be the same, too.
        self._do("UPDATE categories SET duplicate_days = 366")
        self.sent = {
            name: Sent(
                service, category=name, lon=lon, lat=lat, text=TEXTS[name], photos=[_photo(service)]
            )
            for name, (lon, lat) in PLACES.items()
        }
        for sent in self.sent.values():
            sent.done("POST", "additions", {"text": f"{sent.code} còn nữa"})
            sent.done("POST", "additions", {"text": LINE})
            hide = f"/api/v1/moderation/reports/{sent.code}/additions/2/hide"
            assert agent.post(hide, json={"reason": WHY}).status_code == 200
            sent.becomes(f"created_at = '{DURING.isoformat()}', updated_at = '{DURING}'")
            self._do(
                "UPDATE report_events SET at = %s FROM reports r WHERE r.id = report_id"
                " AND code = %s",
                DURING,
                sent.code,
            )

    def _do(self, statement, *values):
        with psycopg.connect(self.service.url) as db:
            db.execute(statement, values)

    def show(self, **visibility):
        """Show categories otherwise: `hidden=… blurred=…`."""
        for name, how in visibility.items():
            category = HIDDEN if name == "hidden" else BLURRED
            self._do("UPDATE categories SET visibility = %s WHERE code = %s", how, category)
        self.withhold(visibility["hidden"] == "hidden")

    def withhold(self, withheld):
        """Keep the reports that wait for a look from the public, or not."""
        self._do(
            "UPDATE reports SET withheld = CASE WHEN %s THEN 'review' END WHERE text = %s"
            " AND category_code = %s",
            withheld,
            TEXTS[HIDDEN],
            WITHHELD,
        )

    def forget_hidden(self):
        self._do("DELETE FROM reports WHERE category_code = %s OR withheld IS NOT NULL", HIDDEN)

    def move_blurred(self):
        """Each to the north-eastern part of its square."""
        self._do(
            "UPDATE reports SET geom = ST_Translate(pinward_public_point(geom, 'blurred'), 3e-4,"
            " 2e-4) WHERE category_code = %s",
            BLURRED,
        )

    def answers(self):
        """Door → what it answers to all that is asked of it."""
        self.run()
        told = {door: [self.asked(*each) for each in ask(self)] for door, ask in DOORS.items()}
        return told | {f"pinward {name}": files for name, files in self.export().items()}

    def asked(self, path, query=None, who=None, accept="*/*"):
        client = self.planner if who == "planner" else self.service.http
        answer = client.get(path, params=query or None, headers={"Accept": accept})
        assert answer.status_code < 500, answer.text
        return f"{path} {query} {accept} {answer.status_code}", _steady(answer.content)


def _photo(service):
    """The id of an upload that a report may use."""
    files = {"file": ("a.jpg", written(drawn(), "JPEG"))}
    answer = service.http.post("/api/v1/uploads", files=files, timeout=120)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _steady(body):
    """The answer without when it was made."""
    body = re.sub(rb'"(made_at|now|started_at|finished_at|queued_at)":"[^"]+"', b"", body)
    # Of how old a report is now, too.
    return re.sub(rb'"score":[0-9.]+', b"", body)


def _tiles_in(archive):
    """All that is in a PMTiles file, without when it was made."""
    with archive.open("rb") as file:
        source = MmapSource(file)
        said = Reader(source).metadata() | {"as_of": None}
        tiles = [(at, gzip.decompress(body)) for at, body in all_tiles(source)]
    return repr((said, tiles)).encode()


def _tiles(layer, zooms):
    def ask(city):
        for z, (lon, lat) in product(zooms, PLACES.values()):
            x, y = tile_of(int(cell_of([lon], [lat])[0]), z)
            filters = [{}, {"category": "order"}, {"ward": builders.CODES[0]}]
            for chosen in filters if layer == "reports" else [{}]:
                yield f"/tiles/{layer}/{z}/{x}/{y}.mvt", chosen

    return ask


def _every_tile(city):
    yield from _tiles("reports", range(19))(city)
    for layer in ("hotspots", "wards", "facilities", "alerts"):
        yield from _tiles(layer, (6, 10, 12, 14, 16))(city)
    # For the staff, each their own.
    yield from _tiles("tasks", (12, 16))(city)


def _list(city):
    yield LIST, {"limit": 1000, "category": "order"}
    yield LIST, {"limit": 1000, **TIME}
    for name, (lon, lat) in PLACES.items():
        yield LIST, {"q": TEXTS[name]}
        yield LIST, {"category": name, "status": "received,assigned"}
        cell = int(cell_of([lon], [lat])[0])
        for level in (0, 10, 14, 16, 18, 20, 26):
            number = (1 << 2 * level) | cell >> 2 * (26 - level)
            yield LIST, {"cell": number, "category": "order"}
        for half in (1e-5, 2e-3):
            box = f"{lon - half},{lat - half},{lon + half},{lat + half}"
            yield LIST, {"bbox": box, "category": "order"}
    for ward, wards in product(builders.CODES[:2], ("then", "today")):
        yield LIST, {"ward": ward, "wards": wards, "category": "order", "limit": 1000}


def _similar(city):
    for name, (lon, lat) in PLACES.items():
        for east, north in product((-2e-3, -6e-4, 0, 6e-4), repeat=2):
            asked = {"lon": lon + east, "lat": lat + north, "text": TEXTS[name], "limit": 20}
            yield f"{LIST}/similar", asked | {"category": BLURRED}


def _statistics(city):
    for by, accept in product(
        ("ward", "category", "month", "category,ward", "organisation,channel", "family,year"),
        ("application/json", "text/csv"),
    ):
        for wards in ("then", "today"):
            yield "/api/v1/statistics", {"by": by, "wards": wards}, None, accept
    yield "/api/v1/statistics", {"category": HIDDEN}
    yield "/api/v1/statistics", {"category": "order", "ward": builders.CODES[0]}


def _hotspots(city):
    yield "/api/v1/hotspots", {"limit": 100}
    for category in (HIDDEN, BLURRED, "order"):
        yield "/api/v1/hotspots", {"category": category}


def _one_hotspot(city):
    found = city.service.http.get("/api/v1/hotspots").json()["features"]
    assert found
    return [(f"/api/v1/hotspots/{one['id']}",) for one in found]


def _expert(city):
    for method, category in (("dbscan", HIDDEN), ("dbscan", BLURRED), ("gi_star", BLURRED)):
        asked = {"method": method, "category": category, "on": AS_OF.isoformat()}
        yield "/api/v1/hotspots/expert", asked, "planner"
        yield "/api/v1/hotspots/expert", asked


def _of_each(path):
    return lambda city: [(path.format(code=sent.code),) for sent in city.sent.values()]


def _just(*paths):
    return lambda city: [(path,) for path in paths]


def _on_the_day(path):
    return lambda city: [(path,), (path, {"on": AS_OF.isoformat()})]


lon, lat = PLACES[HIDDEN]
_PLAIN = """
/healthz /readyz /openapi.json /api/v1/session /api/v1/sessions /api/v1/session/oidc /api/v1/me
/api/v1/me/reports /api/v1/moderation/reports /api/v1/moderation/devices /api/v1/tasks
/api/v1/keys /api/v1/wards /api/v1/facilities /api/v1/hotspots/runs /api/v1/alerts
/styles/sprite@2x.json /styles/sprite.json /styles/sprite@2x.png /styles/sprite.png / /favicon.svg
/crew /desk /plan /sw.js /api/v1/answer-templates /api/v1/organisations
"""
DOORS = {
    **{path: _just(path) for path in _PLAIN.split()},
    "/metrics": _just(),  # of numbers that always change; looked at by itself
    "/api/v1/session/oidc/{kind}": _just("/api/v1/session/oidc/citizen"),
    "/api/v1/session/oidc/{kind}/callback": _just("/api/v1/session/oidc/citizen/callback"),
    "/api/v1/moderation/reports/{code}": _of_each("/api/v1/moderation/reports/{code}"),
    # For those who work on them, each their own.
    "/api/v1/tasks/{code}": _of_each("/api/v1/tasks/{code}"),
    "/api/v1/tasks/nearby": _just(f"/api/v1/tasks/nearby?lon={lon}&lat={lat}"),
    "/api/v1/categories": _just(),  # tells which are hidden, as it should
    "/api/v1/reports": _list,
    "/api/v1/reports/similar": _similar,
    "/api/v1/tasks/{code}/similar": _of_each("/api/v1/tasks/{code}/similar"),
    "/api/v1/reports/{code}": _of_each("/api/v1/reports/{code}"),
    "/api/v1/reports/{code}/events": _of_each("/api/v1/reports/{code}/events"),
    "/api/v1/reports/{code}/photos": _of_each("/api/v1/reports/{code}/photos"),
    "/api/v1/reports/{code}/photos/{n}": _of_each("/api/v1/reports/{code}/photos/1"),
    "/api/v1/reports/{code}/photos/{n}/still": _of_each("/api/v1/reports/{code}/photos/1/still"),
    "/api/v1/uploads/{upload_id}": _just("/api/v1/uploads/none"),
    "/api/v1/reports/{code}/export": _of_each("/api/v1/reports/{code}/export"),
    "/api/v1/reports/{code}/contact": _of_each("/api/v1/reports/{code}/contact?why=test"),
    "/api/v1/statistics": _statistics,
    "/api/v1/wards/at": _just(f"/api/v1/wards/at?lon={lon}&lat={lat}"),
    "/api/v1/wards/{code}": _just(f"/api/v1/wards/{builders.CODES[0]}"),
    "/api/v1/facilities/nearby": _just(f"/api/v1/facilities/nearby?lon={lon}&lat={lat}"),
    "/api/v1/hotspots": _hotspots,
    "/api/v1/hotspots/beginnings": _on_the_day("/api/v1/hotspots/beginnings"),
    "/api/v1/hotspots/artefacts": _on_the_day("/api/v1/hotspots/artefacts"),
    "/api/v1/hotspots/hexagons": _on_the_day("/api/v1/hotspots/hexagons"),
    "/api/v1/hotspots/quiet": _on_the_day("/api/v1/hotspots/quiet"),
    "/api/v1/hotspots/runs/{id}": _just("/api/v1/hotspots/runs/1"),
    "/api/v1/hotspots/expert": _expert,
    "/api/v1/hotspots/{id}": _one_hotspot,
    "/api/v1/alerts/{alert_id}": _just("/api/v1/alerts/1"),
    "/tiles/{layer}.json": lambda city: [
        (f"/tiles/{layer}.json", chosen)
        for layer in ("reports", "hotspots", "wards", "facilities", "alerts", "tasks")
        for chosen in ({}, {"category": HIDDEN}, {"category": BLURRED})
        if layer == "reports" or not chosen
    ],
    "/tiles/{layer}/{z}/{x}/{y}.mvt": _every_tile,
    "/styles/{name}.json": _just("/styles/pinward.json", "/styles/pinward-dark.json"),
    "/api/v1/live": _just(),  # has no end; heard by itself (test_every_door_live)
    "/r/{code}": _of_each("/r/{code}"),
    "/{name}.webmanifest": _just("/crew.webmanifest"),
    "/assets/{name}": _just("/assets/docs.js"),
    "/docs": _just("/docs"),
}

TELLING = [
    *("/api/v1/reports", "/api/v1/reports/{code}", "/api/v1/reports/{code}/events"),
    "/api/v1/reports/similar",
    *("/api/v1/reports/{code}/photos/{n}", "/api/v1/reports/{code}/photos/{n}/still"),
    *("/api/v1/statistics", "/api/v1/hotspots", "/api/v1/hotspots/hexagons"),
    *("/api/v1/hotspots/expert", "/tiles/{layer}.json", "/tiles/{layer}/{z}/{x}/{y}.mvt"),
    *("pinward reports export", "pinward tiles export"),
]
"""Doors that tell of reports, so that they must answer otherwise where nothing is kept back."""


def _of_the_app():
    app = create_app(Settings(database_url="postgresql://none/none"))
    own = [route for route in app.routes if getattr(route, "path", None)]
    assert len(app.routes) == len(own) + len(ROUTERS), "a router that ROUTERS does not name"
    everywhere = [*own, *(route for router in ROUTERS for route in router.routes)]
    assert all(isinstance(route, APIRoute) for route in everywhere[len(own) :])
    return {route.path for route in everywhere if "GET" in route.methods}


def test_every_address_that_answers_stands_in_the_table():
    assert _of_the_app() == set(DOORS)


@pytest.fixture(scope="module")
def seen(clone, city_template, tmp_path_factory):
    """What the doors answer: as it is, shown openly, and otherwise: without the hidden, the
    blurred moved."""
    folder = tmp_path_factory.mktemp("doors")
    url = clone(city_template)
    pinward = command(folder)

    def run():
        found = ("hotspots", "run", "--as-of", str(AS_OF), "--category", "order", "--again")
        # Else the middle of the map depends on which of its counts are folded yet.
        for words in (found, ("tiles", "rebuild")):
            done = pinward(*words, url=url, timeout=600)
            assert done.returncode == 0, done.stderr

    def export():
        made = {}
        for what, names in (("reports", ("a.csv", "a.geojson")), ("tiles", ("a.pmtiles",))):
            for name in names:
                (folder / name).unlink(missing_ok=True)
                extra = ("--max-zoom", "14", "--bbox", BOX) if what == "tiles" else ()
                done = pinward(what, "export", name, *extra, url=url, timeout=600)
                assert done.returncode == 0, done.stderr
                read = _tiles_in if name.endswith(".pmtiles") else Path.read_bytes
                made.setdefault(f"{what} export", []).append((name, read(folder / name)))
        return made

    with (
        serving(url, folder) as service,
        signed_in(service, "planner") as planner,
        signed_in(service, "hotline_agent") as agent,
    ):
        put_life(url, n=1000)
        for name, place in PLACES.items():
            put_trouble(url, *place, n=60, category_code=name, text=TEXTS[name])
            put_trouble(url, *place, n=200, days=(100, 600), category_code=name, seed=9)
        put_trouble(url, *PLACES[HIDDEN], n=60, category_code=WITHHELD, text=TEXTS[HIDDEN])
        city = City(service, planner, agent, run, export)
        city.withhold(True)
        told = {"as it is": city.answers()}
        city.metrics = service.http.get("/metrics").text
        city.show(hidden="public", blurred="public")
        told["openly"] = city.answers()
        city.show(hidden="hidden", blurred="blurred")
        city.move_blurred()
        city.forget_hidden()
        told["otherwise"] = city.answers()
        yield city, told


@pytest.mark.parametrize("door", [*DOORS, "pinward reports export", "pinward tiles export"])
def test_a_door_tells_neither_what_is_hidden_nor_where_the_blurred_is(seen, door):
    city, told = seen
    as_it_is = told["as it is"][door]
    for (asked, one), (_, two) in zip(as_it_is, told["otherwise"][door], strict=True):
        assert one == two, asked
    hidden = city.sent[HIDDEN]
    everything = b"".join(body for _, body in as_it_is)
    for said in (hidden.code, TEXTS[HIDDEN], hidden.secret, LINE, WHY):
        assert said.encode() not in everything
    for x, y in PLACES.values():
        assert not (f"{x:.6f}".encode() in everything and f"{y:.6f}".encode() in everything)


@pytest.mark.parametrize("door", TELLING)
def test_a_door_would_tell_both_if_they_were_public(seen, door):
    _, told = seen
    assert told["openly"][door] != told["as it is"][door]


def test_a_blurred_report_is_at_one_and_the_same_place_everywhere(seen):
    city, told = seen
    sent = city.sent[BLURRED]
    shown = sent.public.json()["geometry"]["coordinates"]
    listed = city.service.http.get(LIST, params={"q": TEXTS[BLURRED], "limit": 1000}).json()
    assert {tuple(one["geometry"]["coordinates"]) for one in listed["features"]} >= {tuple(shown)}
    exported = dict(told["as it is"]["pinward reports export"])["a.csv"].decode()
    [line] = [each for each in exported.splitlines() if sent.code in each]
    assert all(str(degrees) in line for degrees in shown)


def test_the_metrics_name_no_report(seen):
    city, _ = seen
    for sent in city.sent.values():
        assert sent.code not in city.metrics
        assert sent.secret not in city.metrics
