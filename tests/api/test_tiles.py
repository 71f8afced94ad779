"""HTTP of tiles, TileJSON, styles and icons, as browsers, proxies and map clients use it."""

import gzip
import struct

import httpx
import psycopg
import pytest
from conftest import serving
from drawn import decoded, put_facilities, put_hotspots, put_reports
from staffed import signed_in
from wire import raw

from builders import SIDE, SOUTH, WEST, middle
from geo.facilities.kinds import KINDS
from tiles.address import cell_of, tile_of
from tiles.layers import PUBLIC

MVT = "application/vnd.mapbox-vector-tile"
X, Y = tile_of(int(cell_of(*([part] for part in middle(0)))[0]), 12)
FULL = f"/tiles/reports/12/{X}/{Y}.mvt"
EMPTY = "/tiles/reports/12/0/0.mvt"


@pytest.fixture(scope="module")
def drawn(service):
    lon, lat = middle(0)
    places = [(lon + i * 1e-5, lat) for i in range(60)]
    put_reports(service.url, places, status=["received", "closed"] * 30)
    put_facilities(service.url, [(lon, lat, "school", "Trường A"), (lon, lat, "clinic", None)])
    put_alert(service.url, lon, lat)
    put_hotspots(service.url, [f"POLYGON(({lon} {lat}, {lon + 0.001} {lat}, {lon} {lat + 0.001}, "
                               f"{lon} {lat}))"])  # fmt: skip
    return service


def put_alert(url, lon, lat):
    with psycopg.connect(url) as db:
        db.execute(
            "INSERT INTO alerts (identifier, kind, severity, urgency, certainty, headline_vi,"
            " area_vi, area_en, ward_codes, sent_at, effective_at, expires_at, sender, sender_vi,"
            " sender_en, geom) VALUES (gen_random_uuid(), 'flood', 'severe', 'expected', 'likely',"
            " 'Ngập', 'x', 'x', '{}', now() - interval '1 h', now() - interval '1 h',"
            " now() + interval '1 h', 'x', 'x', 'x',"
            " ST_Multi(ST_Expand(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 0.01)))",
            (lon, lat),
        )


def test_a_tile_is_what_the_specification_says_and_holds_every_report(drawn):
    answer = raw(drawn, FULL)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MVT
    assert "content-encoding" not in answer.headers
    (name,) = decoded(answer.wire)
    assert name == "reports"
    assert len(decoded(answer.wire)["reports"]) == 60


def test_a_tile_is_packed_once_for_who_takes_gzip(drawn):
    plain, packed = raw(drawn, FULL), raw(drawn, FULL, **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.wire) == plain.wire
    assert len(packed.wire) < len(plain.wire)
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert int(answer.headers["content-length"]) == len(answer.wire)


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity", "br", "gzip;q=0, *;q=0"])
def test_a_tile_is_not_packed_for_who_does_not_take_gzip(drawn, accepted):
    answer = raw(drawn, FULL, **{"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert decoded(answer.wire)["reports"]


def test_the_etag_is_strong_and_another_for_other_bytes(drawn):
    plain, packed = raw(drawn, FULL), raw(drawn, FULL, **{"Accept-Encoding": "gzip"})
    tags = [answer.headers["etag"] for answer in (plain, packed)]
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
    assert tags[0] != tags[1]
    assert raw(drawn, FULL).headers["etag"] == tags[0]
    assert raw(drawn, FULL + "?status=closed").headers["etag"] != tags[0]


def test_who_has_the_tile_gets_304_with_its_headers(drawn):
    full = raw(drawn, FULL, **{"Accept-Encoding": "gzip"})
    tag = full.headers["etag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*", f'W/"a",W/{tag}'):
        answer = raw(drawn, FULL, **{"If-None-Match": said, "Accept-Encoding": "gzip"})
        assert answer.status_code == 304, said
        assert answer.wire == b""
        for name in ("etag", "cache-control", "vary"):
            assert answer.headers[name] == full.headers[name]
    for said in ('"other"', 'W/"other"', tag.strip('"')):
        assert raw(drawn, FULL, **{"If-None-Match": said}).status_code == 200


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (FULL, "public, max-age=0, s-maxage=1, stale-while-revalidate=1"),
        (EMPTY, "public, max-age=0, s-maxage=1, stale-while-revalidate=1"),
        ("/tiles/wards/6/0/0.mvt", "public, max-age=300, stale-while-revalidate=300"),
        ("/tiles/hotspots/6/0/0.mvt", "public, max-age=60, stale-while-revalidate=60"),
    ],
)
def test_a_tile_says_how_long_it_may_be_kept(drawn, path, kept):
    assert raw(drawn, path).headers["cache-control"] == kept


def test_tiles_for_signed_in_staff_are_theirs_alone_and_kept_nowhere(drawn):
    path = FULL.replace("reports", "tasks")
    with signed_in(drawn, "admin") as staff:
        for _ in range(2):
            answer = staff.get(path)
            assert answer.status_code in (200, 204)
            assert answer.headers["cache-control"] == "private, no-store"
            assert "cookie" in answer.headers["vary"].lower()
            for at in (path, "/tiles/tasks.json"):
                assert (at, raw(drawn, at).status_code) == (at, 401)
        described = staff.get("/tiles/tasks.json")
        assert described.status_code == 200
        assert described.headers["cache-control"] == "private, no-store"


def test_an_empty_tile_is_204_that_may_be_kept_and_read_anywhere(drawn):
    answer = raw(drawn, EMPTY, Origin="https://desk.example")
    assert answer.status_code == 204
    assert answer.wire == b""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "public" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/reports/19/0/0.mvt",
        "/tiles/reports/1/2/0.mvt",
        "/tiles/reports/1/0/2.mvt",
        "/tiles/reports/1/-1/0.mvt",
        "/tiles/reports/1/x/0.mvt",
        f"/tiles/reports/1/{10**30}/0.mvt",
        f"/tiles/reports/{'1' * 5000}/0/0.mvt",
        "/tiles/reports/1/٠/0.mvt",
        "/tiles/reports/1/0.0/0.mvt",
        "/tiles/wards/2/0/0.mvt",
        "/tiles/wards/15/0/0.mvt",
        "/tiles/castles/1/0/0.mvt",
        "/tiles/castles.json",
        "/styles/castle.json",
    ],
)
def test_what_does_not_exist_is_404_that_a_page_elsewhere_can_read(drawn, path):
    answer = drawn.http.get(path, headers={"Origin": "https://desk.example"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [FULL, EMPTY, "/tiles/reports.json", "/styles/pinward.json"])
def test_head_answers_like_get_without_a_body(drawn, path):
    got, headed = drawn.http.get(path), drawn.http.head(path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    for name in ("etag", "content-type", "cache-control"):
        assert headed.headers.get(name) == got.headers.get(name)


def test_other_methods_are_405(drawn):
    answer = drawn.http.post(FULL)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("status=open", "status", "open"),
        ("category=castle,drainage", "category", "castle"),
        ("kind=school", "kind", "school"),
        ("ward=99999", "ward", "99999"),
        ("since=yesterday", "since", "time"),
        ("since=2026-01-01", "since", "zone"),
        ("colour=red", "colour", ""),
        ("on=2026-01-01", "on", "no filter of reports"),
        ("on=0", "on", "day"),
        ("on=1767225600", "on", "day"),
        ("on=2026-01-01T00:00:00", "on", "day"),
        ("since=2026-01-01T00:00:00Z&since=2027-01-01T00:00:00Z", "since", "more than once"),
    ],
)
def test_an_unknown_filter_is_422_that_names_it(drawn, query, field, said):
    for path in (FULL, "/tiles/reports.json"):
        answer = drawn.http.get(f"{path}?{query}")
        assert answer.status_code == 422, path
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert said in error["message"]


def test_a_filter_leaves_its_reports_only(drawn):
    found = decoded(drawn.http.get(FULL + "?status=closed&category=drainage&v=7").content)
    assert {feature["properties"]["status"] for feature in found["reports"]} == {"closed"}
    assert len(found["reports"]) == 30
    assert drawn.http.get(FULL + "?category=noise").status_code == 204


@pytest.mark.parametrize("layer", PUBLIC)
def test_the_tilejson_is_true(drawn, layer):
    answer = drawn.http.get(f"/tiles/{layer}.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["tilejson"] == "3.0.0"
    assert found["tiles"] == [f"{drawn.base}/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"]
    assert found["attribution"]
    west, south, east, north = found["bounds"]
    lon, lat, zoom = found["center"]
    assert west <= lon <= east
    assert south <= lat <= north
    assert found["minzoom"] <= zoom <= found["maxzoom"]
    for z in (found["minzoom"] - 1, found["maxzoom"] + 1):
        assert drawn.http.get(f"/tiles/{layer}/{z}/0/0.mvt").status_code == 404
    # the tile at the named centre holds the named layers, with no field that is not named
    x, y = tile_of(int(cell_of([lon], [lat])[0]), found["maxzoom"])
    named = {part["id"]: part for part in found["vector_layers"]}
    tile = drawn.http.get(found["tiles"][0].format(z=found["maxzoom"], x=x, y=y))
    for name, features in (decoded(tile.content) if tile.status_code == 200 else {}).items():
        for feature in features:
            assert set(feature["properties"]) <= set(named[name]["fields"])


def test_the_wards_bounds_are_the_citys(drawn):
    bounds = drawn.http.get("/tiles/wards.json").json()["bounds"]
    wanted = [WEST, SOUTH, WEST + 3 * SIDE, SOUTH + 2 * SIDE]
    assert bounds == pytest.approx(wanted, abs=2e-6)


def test_an_empty_layer_claims_no_place(url, tmp_path):
    with serving(url, tmp_path) as bare:
        for layer in PUBLIC:
            found = bare.http.get(f"/tiles/{layer}.json").json()
            assert "bounds" not in found
            assert "center" not in found
        assert bare.http.get("/styles/pinward.json").status_code == 200


def test_the_tilejson_carries_its_filter_on_to_the_tiles(drawn):
    query = "category=noise,drainage&status=closed&since=2026-01-01T00:00:00%2B07:00"
    (template,) = drawn.http.get(f"/tiles/reports.json?{query}").json()["tiles"]
    assert template.endswith("?category=noise,drainage&status=closed&since=2025-12-31T17:00:00Z")
    answer = drawn.http.get(template.format(z=12, x=X, y=Y))
    assert len(decoded(answer.content)["reports"]) == 30


def test_addresses_are_those_the_proxy_was_asked_for(drawn):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "map.city.example"}
    answer = drawn.http.get("/tiles/wards.json", headers=headers)
    assert answer.json()["tiles"][0].startswith("https://map.city.example/tiles/wards/")
    assert "x-forwarded-host" in answer.headers["vary"].lower()
    for host in ("evil.example/x?", 'a"b', "a b", ""):
        bad = drawn.http.get("/tiles/wards.json", headers={"X-Forwarded-Host": host})
        assert bad.json()["tiles"][0].startswith(drawn.base)


def test_a_told_address_is_used_whatever_the_request_says(city_url, tmp_path):
    with serving(city_url, tmp_path, PINWARD_PUBLIC_URL="https://pinward.example/") as told:
        headers = {"X-Forwarded-Host": "other.example"}
        found = told.http.get("/tiles/wards.json", headers=headers).json()
        assert found["tiles"][0].startswith("https://pinward.example/tiles/wards/")
        style = told.http.get("/styles/pinward.json").json()
        assert style["sources"]["reports"]["url"] == "https://pinward.example/tiles/reports.json"


def test_the_facilities_name_whom_their_licence_wants_named(drawn):
    said = drawn.http.get("/tiles/facilities.json").json()["attribution"]
    assert "OpenStreetMap</a> contributors" in said


@pytest.mark.parametrize("name", ["pinward", "pinward-dark"])
def test_a_styles_sources_can_be_fetched(drawn, name):
    style = drawn.http.get(f"/styles/{name}.json?lang=en").json()
    for source in style["sources"].values():
        assert httpx.get(source["url"]).status_code == 200
    index = httpx.get(f"{style['sprite']}@2x.json").json()
    assert set(index) >= set(KINDS)
    for ratio in ("", "@2x"):
        picture = httpx.get(f"{style['sprite']}{ratio}.png")
        assert picture.headers["content-type"] == "image/png"
        assert picture.content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", picture.content[16:24])
        icons = httpx.get(f"{style['sprite']}{ratio}.json").json().values()
        assert max(icon["x"] + icon["width"] for icon in icons) == width
        assert {icon["height"] for icon in icons} == {height}


def test_a_style_opens_where_the_reports_are(drawn):
    style = drawn.http.get("/styles/pinward.json").json()
    lon, lat = style["center"]
    assert abs(lon - middle(0)[0]) < 0.02
    assert abs(lat - middle(0)[1]) < 0.02


def test_a_style_in_an_unknown_language_is_refused(drawn):
    assert drawn.http.get("/styles/pinward.json?lang=fr").status_code == 422


def test_every_layers_tiles_and_tilejson_are_in_the_api_document(drawn):
    paths = drawn.http.get("/openapi.json").json()["paths"]
    assert "/tiles/{layer}/{z}/{x}/{y}.mvt" in paths
    assert "/tiles/{layer}.json" in paths
    assert "/styles/{name}.json" in paths
