"""Alerts as CAP 1.2: what the standard's schema wants, in the order it wants it."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
import schemathesis
import shapely
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from staffed import signed_in

from builders import CODES, middle, square

ALERTS = "/api/v1/alerts"
CAP = {"Accept": "application/cap+xml"}
NS = {"cap": "urn:oasis:names:tc:emergency:cap:1.2", "atom": "http://www.w3.org/2005/Atom"}
LON, LAT = middle(0)

# The sequences of the schema of CAP 1.2 (OASIS, CAP-v1.2.xsd), "*" where any number may come.
ALERT = (
    "identifier sender sent status msgType source scope restriction addresses code* note "
    "references incidents info*"
)
INFO = (
    "language category* event responseType* urgency severity certainty audience eventCode* "
    "effective onset expires senderName headline description instruction web contact parameter* "
    "resource* area*"
)
AREA = "areaDesc polygon* circle* geocode* altitude ceiling"
# Its dateTime: seconds, an offset, no fraction and no Z.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def in_order(element, sequence):
    wanted = [name.rstrip("*") for name in sequence.split()]
    several = {name.rstrip("*") for name in sequence.split() if name.endswith("*")}
    names = [child.tag.removeprefix(f"{{{NS['cap']}}}") for child in element]
    places = [wanted.index(name) for name in names]
    assert places == sorted(places), names
    assert all(names.count(name) == 1 for name in names if name not in several), names


def text(element, path):
    return element.findtext(path, namespaces=NS)


def check(alert):
    """What every CAP alert must be; the polygons of its first info as shapely ones."""
    assert alert.tag == f"{{{NS['cap']}}}alert"
    in_order(alert, ALERT)
    for name in ("identifier", "sender"):
        assert not re.search(r"[\s,<&]", text(alert, f"cap:{name}"))
    assert text(alert, "cap:status") == "Actual"
    assert text(alert, "cap:scope") == "Public"
    assert TIME.fullmatch(text(alert, "cap:sent"))
    polygons = []
    for info in alert.findall("cap:info", NS):
        in_order(info, INFO)
        assert text(info, "cap:urgency") in ("Immediate", "Expected", "Future", "Past", "Unknown")
        assert text(info, "cap:severity") in ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
        assert text(info, "cap:certainty") in (
            *("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
        )
        assert text(info, "cap:category") in ("Met", "Fire", "Infra", "Other")
        for name in ("effective", "expires"):
            assert TIME.fullmatch(text(info, f"cap:{name}"))
        for area in info.findall("cap:area", NS):
            in_order(area, AREA)
            assert text(area, "cap:areaDesc")
            polygons = []
            for said in area.findall("cap:polygon", NS):
                pairs = [tuple(map(float, pair.split(","))) for pair in said.text.split(" ")]
                assert len(pairs) >= 4
                assert pairs[0] == pairs[-1]
                polygons.append(shapely.Polygon([(lon, lat) for lat, lon in pairs]))
    return polygons


@pytest.fixture(scope="module")
def planner(service):
    with signed_in(service, "planner") as client:
        yield client


def sent(planner, **changes):
    body = {
        "kind": "storm",
        "severity": "extreme",
        "headline": {"vi": "Bão số 9 <gần bờ> & mưa to"},
        "wards": [CODES[0]],
        "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        **changes,
    }
    answer = planner.post(ALERTS, json={k: v for k, v in body.items() if v is not None})
    assert answer.status_code == 201, answer.text
    return answer.json()


def cap_of(service, made):
    answer = service.http.get(f"{ALERTS}/{made['id']}", headers=CAP)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/cap+xml")
    assert "accept" in answer.headers["vary"].lower()
    assert answer.content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    return ET.fromstring(answer.content)


def test_an_alert_is_a_cap_document_of_the_same_content(service, planner):
    made = sent(
        planner,
        headline={"vi": "Bão số 9 <gần bờ> & mưa to", "en": "Storm 9"},
        description={"vi": "Ở trong nhà.", "en": "Stay inside."},
    )
    alert = cap_of(service, made)
    (polygon,) = check(alert)
    assert text(alert, "cap:msgType") == "Alert"
    assert text(alert, "cap:identifier") == made["properties"]["identifier"]
    assert text(alert, "cap:sender") == service.base.removeprefix("http://")
    vi, en = alert.findall("cap:info", NS)
    assert (text(vi, "cap:language"), text(en, "cap:language")) == ("vi-VN", "en")
    assert text(vi, "cap:headline") == "Bão số 9 <gần bờ> & mưa to"
    assert text(en, "cap:headline") == "Storm 9"
    assert (text(vi, "cap:event"), text(en, "cap:event")) == ("Giông bão", "Storm")
    assert text(en, "cap:description") == "Stay inside."
    assert text(vi, "cap:area/cap:areaDesc") == "Phường Bến Thử"
    assert text(vi, "cap:area/cap:geocode/cap:value") == CODES[0]
    assert datetime.fromisoformat(text(vi, "cap:expires")) == (
        datetime.fromisoformat(made["properties"]["expires_at"]).replace(microsecond=0)
    )
    assert text(vi, "cap:expires").endswith("+07:00")
    assert shapely.area(polygon ^ square(0)) < 1e-4 * square(0).area


def test_without_english_there_is_one_info_and_no_empty_element(service, planner):
    alert = cap_of(service, sent(planner))
    check(alert)
    assert len(alert.findall("cap:info", NS)) == 1
    assert alert.find("cap:info/cap:description", NS) is None
    assert all(element.text for element in alert.iter() if not len(element))


def test_parts_are_polygons_of_their_own_and_a_hole_is_warned_too(service, planner):
    outer = square(0).buffer(-0.002).exterior.coords
    hole = square(0).buffer(-0.006).exterior.coords
    other = square(4).buffer(-0.002).exterior.coords
    area = {
        "type": "MultiPolygon",
        "coordinates": [[[*map(list, outer)], [*map(list, hole)]], [[*map(list, other)]]],
    }
    polygons = check(cap_of(service, sent(planner, wards=None, area=area)))
    assert [p.area for p in polygons] == pytest.approx(
        [shapely.Polygon(ring).area for ring in (outer, other)], rel=1e-3
    )


def test_a_cancellation_is_a_message_of_its_own_that_refers_to_the_first(service, planner):
    made = sent(planner)
    first = cap_of(service, made)
    planner.post(f"{ALERTS}/{made['id']}/cancel")
    second = cap_of(service, made)
    check(second)
    assert text(second, "cap:msgType") == "Cancel"
    assert text(second, "cap:identifier") != text(first, "cap:identifier")
    assert text(second, "cap:references") == ",".join(
        text(first, f"cap:{name}") for name in ("sender", "identifier", "sent")
    )
    assert text(cap_of(service, made), "cap:identifier") == text(second, "cap:identifier")


def test_the_list_is_a_feed_with_a_whole_document_in_each_entry(service, planner):
    made = sent(planner)
    answer = service.http.get(ALERTS, headers=CAP)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    assert feed.tag == f"{{{NS['atom']}}}feed"
    for name in ("id", "title", "updated"):
        assert text(feed, f"atom:{name}")
    entries = feed.findall("atom:entry", NS)
    listed = service.http.get(ALERTS).json()["features"]
    assert len(entries) == len(listed)
    for entry in entries:
        check(entry.find("atom:content/cap:alert", NS))
    link = entries[0].find("atom:link[@rel='alternate']", NS).get("href")
    assert link == f"{service.base}{ALERTS}/{made['id']}"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/geo+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/geo+json"),
        ("text/html", "application/geo+json"),
        ("application/json;q=0.5, application/cap+xml", "application/cap+xml"),
        ("application/cap+xml;q=0.2, application/geo+json", "application/geo+json"),
        ("application/cap+xml;q=0, */*", "application/geo+json"),
        ("application/cap+xml;q=x", "application/geo+json"),
        ("APPLICATION/CAP+XML", "application/cap+xml"),
    ],
)
def test_the_client_chooses_the_format(service, planner, accept, kind):
    made = sent(planner)
    answer = service.http.get(f"{ALERTS}/{made['id']}", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(kind)


def test_who_has_the_document_gets_304(service, planner):
    made = sent(planner)
    first = service.http.get(f"{ALERTS}/{made['id']}", headers=CAP)
    again = service.http.get(
        f"{ALERTS}/{made['id']}", headers={**CAP, "If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    other = service.http.get(
        f"{ALERTS}/{made['id']}", headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ALERTS),
        ("POST", ALERTS),
        ("GET", f"{ALERTS}/{{alert_id}}"),
        ("POST", f"{ALERTS}/{{alert_id}}/cancel"),
    ],
)
def test_whatever_is_sent_is_answered_as_documented(service, planner, method, path):
    described = schemathesis.openapi.from_url(f"{service.base}/openapi.json")
    cookies = dict(planner.cookies)

    @given(case=described[path][method].as_strategy())
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check_one(case):
        # An alert may be shaped right and still lie outside the city.
        answer = case.call_and_validate(
            cookies=cookies, excluded_checks=[checks.positive_data_acceptance]
        )
        assert answer.status_code != 401

    check_one()
