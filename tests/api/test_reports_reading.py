"""Lists, single reports, their history: what the public sees and what only the reporter does."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import builders

LIST = "/api/v1/reports"


def _send(service, **changes):
    answer = service.http.post(LIST, json=builders.a_report(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def _codes(service, **query):
    answer = service.http.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


@pytest.fixture(scope="module")
def told(service):
    """Six reports, one a ward, of several categories; newest last."""
    categories = (
        *("drainage.flooding", "drainage.blocked_drain", "lighting.lamp_out"),
        *("noise.karaoke", "traffic.pothole", "traffic.pothole"),
    )
    texts = ("Ngập sâu", "Cống nghẹt", "Đèn tắt", "Hát to", "Ổ gà", "Ổ gà ở Thạnh Mỹ")
    sent = []
    for n, (category, text) in enumerate(zip(categories, texts, strict=True)):
        lon, lat = builders.middle(n)
        kind = "suggestion" if n == 5 else "incident"
        sent.append(
            _send(service, category=category, text=text, lon=lon, lat=lat, kind=kind)["code"]
        )
    with psycopg.connect(service.url) as conn:
        for n, code in enumerate(sent):
            at = datetime(2026, 1, 1 + n, tzinfo=UTC)
            conn.execute("UPDATE reports SET created_at = %s WHERE code = %s", (at, code))
        conn.execute("UPDATE reports SET status = 'closed' WHERE code = %s", (sent[4],))
    return sent


YEAR = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-31T00:00:00Z"}


def test_the_list_is_geojson_newest_first(service, told):
    answer = service.http.get(LIST, params=YEAR)
    assert answer.headers["content-type"] == "application/geo+json"
    features = answer.json()["features"]
    assert [feature["id"] for feature in features] == told[::-1]
    assert features[0]["geometry"] == {
        "type": "Point",
        "coordinates": pytest.approx(builders.middle(5)),
    }
    assert features[0]["properties"]["category"] == {
        "code": "traffic.pothole",
        "name": {"vi": "Ổ gà, mặt đường hư hỏng", "en": "Pothole or broken road surface"},
        "icon": "traffic",
    }
    assert features[0]["properties"]["ward"]["name"] == "Vĩnh Thử"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"category": "drainage.flooding"}, [0]),
        ({"category": "drainage"}, [1, 0]),
        ({"category": "drainage.flooding,noise"}, [3, 0]),
        ({"category": "nonsense"}, []),
        ({"ward": "90002"}, [1]),
        ({"ward": "90002,90003,nowhere"}, [2, 1]),
        ({"status": "closed"}, [4]),
        ({"status": "received,assigned"}, [5, 3, 2, 1, 0]),
        ({"kind": "suggestion"}, [5]),
        ({"since": "2026-01-05T00:00:00Z"}, [5, 4]),
        ({"until": "2026-01-02T00:00:00Z"}, [0]),
        ({"since": "2026-01-02T07:00:00+07:00", "until": "2026-01-03T00:00:00Z"}, [1]),
        ({"q": "o ga"}, [5, 4]),
        ({"q": "THANH ổ"}, [5]),
        ({"q": "Thạnh"}, [5]),
        ({"q": "đèn"}, [2]),
        ({"q": "den"}, [2]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"bbox": "106.60,10.70,106.62,10.72"}, [0]),
        ({"bbox": "106.60,10.70,106.64,10.74"}, [4, 3, 1, 0]),
        ({"bbox": "170,10,-170,11"}, []),
        ({"bbox": "100,10,-170,11"}, [5, 4, 3, 2, 1, 0]),
        ({"category": "traffic", "status": "closed", "ward": "90005"}, [4]),
    ],
)
def test_filters_select_exactly(service, told, query, found):
    assert _codes(service, **{**YEAR, **query}) == [told[n] for n in found]


def test_search_finds_text_typed_in_nfd(service, told):
    import unicodedata

    assert _codes(service, **YEAR, q=unicodedata.normalize("NFD", "Thạnh")) == [told[5]]


def test_pages_follow_each_other_without_gap_or_repeat_and_keep_the_filters(service, told):
    answer = service.http.get(LIST, params={**YEAR, "category": "drainage,traffic", "limit": 2})
    seen = []
    for _ in range(5):
        body = answer.json()
        seen.append([feature["id"] for feature in body["features"]])
        links = {link["rel"]: link["href"] for link in body["links"]}
        if "next" not in links:
            break
        assert answer.headers["link"] == f'<{links["next"]}>; rel="next"'
        assert body["next"] == links["next"]
        answer = service.http.get(links["next"])
    assert seen == [[told[5], told[4]], [told[1], told[0]]]
    assert "link" not in answer.headers


def test_reports_of_one_moment_are_paged_without_gap_or_repeat(service):
    with psycopg.connect(service.url) as conn:
        sent = {_send(service, text="cùng lúc")["code"] for _ in range(5)}
        at = datetime(2026, 6, 1, tzinfo=UTC)
        conn.execute("UPDATE reports SET created_at = %s WHERE code = ANY (%s)", (at, list(sent)))
    url, seen = f"{LIST}?q=cùng lúc&limit=2&until=2026-07-01T00:00:00Z", []
    while url:
        body = service.http.get(url).json()
        seen += [feature["id"] for feature in body["features"]]
        url = body["next"]
    assert len(seen) == 5
    assert set(seen) == sent


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,2,3,x"}, "bbox"),
        ({"bbox": "1,2,3,nan"}, "bbox"),
        ({"bbox": "10.7,106.6,10.8,106.7"}, "bbox"),
        ({"bbox": "106,11,107,10"}, "bbox"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"since": "2026-01-01"}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"since": "1767225600"}, "since"),
        ({"until": "soon"}, "until"),
        ({"status": "done"}, "status"),
        ({"kind": "joke"}, "kind"),
        ({"categorie": "traffic"}, "categorie"),
        ({"q": "a\u0000"}, "q"),
        ({"ward": "a\u0000"}, "ward"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WzEsIngiXQ"}, "cursor"),
        ({"cursor": "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSJd"}, "cursor"),
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_named(service, query, field):
    answer = service.http.get(LIST, params=query)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.text


def test_an_offset_not_escaped_in_the_address_is_understood(service, told):
    answer = service.http.get(f"{LIST}?since=2026-01-06T07:00:00+07:00&until=2026-01-31T00:00:00Z")
    assert [feature["id"] for feature in answer.json()["features"]] == [told[5]]


def test_a_code_is_found_however_it_is_typed(service):
    code = _send(service)["code"]
    bare = code.replace("-", "")
    for typed in (code, code.lower(), bare, f" {bare[:2]} {bare[2:]} ", code.replace("-", "–")):
        answer = service.http.get(f"{LIST}/{typed}")
        assert answer.status_code == 200, typed
        assert answer.json()["id"] == code


@pytest.mark.parametrize("typed", ["nonsense", "2222-2222", "AAAA-AAAA", "%00", "ổ", "x" * 41])
def test_a_code_of_no_report_is_not_found(service, typed):
    answer = service.http.get(f"{LIST}/{typed}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.http.get(f"{LIST}/{typed}/events").status_code == answer.status_code


def test_a_list_that_has_not_changed_is_not_sent_again(service, told):
    first = service.http.get(LIST, params=YEAR)
    etag = first.headers["etag"]
    for named in (etag, f'"x", {etag}', "*", etag.removeprefix("W/")):
        again = service.http.get(LIST, params=YEAR, headers={"If-None-Match": named})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert "accept-encoding" in again.headers["vary"].lower()
    other = service.http.get(LIST, params=YEAR, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("path", "methods"), [(LIST, "GET, HEAD, POST"), ("/api/v1/categories", "GET, HEAD")]
)
def test_head_and_wrong_methods(service, path, methods):
    headed = service.http.head(path)
    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["etag"]
    answer = service.http.delete(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == methods


def test_times_end_in_z_and_carry_the_right_moment(service):
    before = datetime.now(UTC)
    code = _send(service, observed_at="2026-01-01T07:00:00+07:00" if before.year == 2026 else None)[
        "code"
    ]
    said = service.http.get(f"{LIST}/{code}").json()["properties"]
    created = datetime.fromisoformat(said["created_at"])
    assert said["created_at"].endswith("Z")
    assert abs(created - before) < timedelta(seconds=30)
    if before.year == 2026:
        assert said["observed_at"] == "2026-01-01T00:00:00Z"
