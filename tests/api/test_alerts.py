"""Alerts: who may send which, what is refused, when they are in force, and what the log says."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import shapely
from staffed import signed_in

from builders import CODES, SIDE, WEST, middle, square

ALERTS = "/api/v1/alerts"
NOW = datetime.now(UTC)


def box(west, south, east, north):
    return {
        "type": "Polygon",
        "coordinates": [
            [[west, south], [east, south], [east, north], [west, north], [west, south]]
        ],
    }


LON, LAT = middle(0)
IN_WARD = box(LON - 0.002, LAT - 0.002, LON + 0.002, LAT + 0.002)


def an_alert(**changes):
    body = {
        "kind": "flood",
        "severity": "severe",
        "headline": {"vi": "Triều cường, ngập sâu", "en": "High tide"},
        "description": {"vi": "Không để xe dưới hầm.\nTránh đường ven sông."},
        "area": IN_WARD,
        "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture(scope="module")
def planner(service):
    with signed_in(service, "planner") as client:
        yield client


@pytest.fixture(scope="module")
def officer(service):
    with signed_in(service, "ward_officer", ward=CODES[0]) as client:
        yield client


def sent(client, **changes):
    answer = client.post(ALERTS, json=an_alert(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def ids(service, **query):
    answer = service.http.get(ALERTS, params=query)
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def refusal(client, status=422, **changes):
    answer = client.post(ALERTS, json=an_alert(**changes))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_an_alert_is_answered_as_it_was_meant_and_listed_at_once(service, planner):
    answer = planner.post(ALERTS, json=an_alert(urgency="immediate", certainty="observed"))
    assert answer.status_code == 201
    made = answer.json()
    properties = made["properties"]
    assert answer.headers["location"] == f"{ALERTS}/{made['id']}"
    told, meant = (shapely.geometry.shape(g) for g in (made["geometry"], IN_WARD))
    assert told.hausdorff_distance(meant) < 1e-6
    assert properties["headline"] == {"vi": "Triều cường, ngập sâu", "en": "High tide"}
    assert properties["description"]["vi"].startswith("Không để xe dưới hầm.\n")
    assert properties["wards"] == [CODES[0]]
    assert properties["area"] == {"vi": "Phường Bến Thử", "en": "Bến Thử Ward"}
    assert (properties["urgency"], properties["certainty"]) == ("immediate", "observed")
    assert properties["sender"]["vi"] == "Thành phố Hồ Chí Minh"
    assert service.http.get(f"{ALERTS}/{made['id']}").json() == made
    assert made["id"] in ids(service)


def test_wards_by_code_become_one_area_without_inner_borders(planner):
    made = sent(planner, area=None, wards=[CODES[0], CODES[1], CODES[0]])
    area = shapely.geometry.shape(made["geometry"])
    assert made["properties"]["wards"] == [CODES[0], CODES[1]]
    assert len(area.geoms) == 1
    assert len(area.geoms[0].interiors) == 0
    wanted = shapely.union_all([square(0), square(1)])
    assert shapely.area(area ^ wanted) < 1e-4 * wanted.area


def test_an_alert_over_several_wards_names_the_largest_part_first(planner):
    made = sent(planner, area=box(WEST + SIDE - 0.002, LAT, WEST + SIDE + 0.006, LAT + 0.004))
    assert made["properties"]["wards"] == [CODES[1], CODES[0]]
    assert made["properties"]["area"]["vi"] == "Phường Chợ Nhỏ, phường Bến Thử"


def test_a_common_edge_does_not_make_a_neighbour_concerned(planner):
    made = sent(planner, area=box(*square(1).bounds))
    assert made["properties"]["wards"] == [CODES[1]]


def test_outer_rings_leave_anticlockwise_however_they_came(planner):
    ring = IN_WARD["coordinates"][0][::-1]
    made = sent(planner, area={"type": "Polygon", "coordinates": [ring]})
    (outer,) = made["geometry"]["coordinates"][0]
    assert shapely.LinearRing(outer).is_ccw


WITHOUT = {"type": "Polygon", "coordinates": [[*IN_WARD["coordinates"][0][:-1], [LON, LAT]]]}
BOW_TIE = {
    "type": "Polygon",
    "coordinates": [
        [[LON, LAT], [LON + 0.002, LAT + 0.002], [LON + 0.002, LAT], [LON, LAT + 0.002], [LON, LAT]]
    ],
}
RING = shapely.Point(LON, LAT).buffer(0.004, quad_segs=2500).exterior.coords


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"area": box(105.8, 21.0, 105.9, 21.1)}, "at least 50% of it"),
        ({"area": box(WEST - 0.05, LAT, WEST + 0.01, LAT + 0.01)}, "only 17% of it"),
        ({"area": BOW_TIE}, "Self-intersection"),
        ({"area": WITHOUT}, "not closed"),
        ({"area": {"type": "Polygon", "coordinates": [[[LON, LAT]] * 4]}}, "no valid polygon"),
        ({"area": {"type": "Polygon", "coordinates": []}}, "coordinates"),
        ({"area": {"type": "Polygon", "coordinates": [list(map(list, RING))]}}, "10001 vertices"),
        ({"area": box(10.7, 106.6, 10.8, 106.7)}, "past 85 degrees"),
        ({"area": {"type": "Point", "coordinates": [LON, LAT]}}, "area"),
        ({"area": {**IN_WARD, "crs": "EPSG:3405"}}, "crs"),
        ({"area": None}, "one of them"),
        ({"wards": [CODES[0]]}, "one of them"),
        ({"area": None, "wards": []}, "wards"),
        ({"area": None, "wards": [CODES[0], "99999"]}, "99999"),
        ({"headline": {"en": "High tide"}}, "headline.vi"),
        ({"headline": {"vi": " \u200b "}}, "no visible character"),
        ({"headline": {"vi": "a\nb"}}, "one line"),
        ({"headline": {"vi": "a" * 161}}, "at most 160"),
        ({"headline": {"vi": "a\uffff"}}, "U+FFFF"),
        ({"headline": {"vi": "a\u0007b"}}, "control characters"),
        ({"kind": "earthquake"}, "kind"),
        ({"severity": "Severe"}, "severity"),
        ({"expires_at": None}, "expires_at"),
        ({"expires_at": "2026-10-05T18:00:00"}, "expires_at"),
        ({"expires_at": 1790000000}, "expires_at"),
        ({"expires_at": (NOW - timedelta(minutes=1)).isoformat()}, "expires_at"),
        ({"expires_at": (NOW + timedelta(days=400)).isoformat()}, "at most 366 days"),
        ({"effective_at": (NOW + timedelta(hours=12)).isoformat()}, "later than"),
        ({"effective_at": (NOW - timedelta(days=8)).isoformat()}, "days back"),
        ({"sender": "me"}, "sender"),
    ],
)
def test_what_is_wrong_is_refused_and_named(service, planner, changes, said):
    before = ids(service)
    assert said in refusal(planner, **changes)
    assert ids(service) == before


def test_exactly_ten_thousand_vertices_are_taken(planner):
    ring = [list(spot) for spot in RING[:-2]] + [list(RING[-1])]
    assert len(ring) == 10_000
    made = sent(planner, area={"type": "Polygon", "coordinates": [ring]})
    assert len(made["geometry"]["coordinates"][0][0]) == 10_000


def test_an_endless_body_is_refused_before_it_is_read(planner):
    answer = planner.post(ALERTS, json=an_alert(description={"vi": "a" * 1_100_000}))
    assert answer.status_code == 413


def test_nobody_and_those_without_the_role_may_not_warn(service):
    made = ids(service)
    for answer in (
        service.http.post(ALERTS, json=an_alert()),
        service.http.post(f"{ALERTS}/1/cancel"),
    ):
        assert answer.status_code == 401
    for role in ("crew", "hotline_agent"):
        with signed_in(service, role, ward=CODES[0]) as client:
            assert client.post(ALERTS, json=an_alert()).status_code == 403
            assert client.post(f"{ALERTS}/1/cancel").status_code == 403
    assert ids(service) == made


def test_an_officer_warns_the_own_ward_only(officer):
    assert sent(officer)["properties"]["wards"] == [CODES[0]]
    assert sent(officer, area=None, wards=[CODES[0]])
    # drawn by hand, a little over the border
    assert sent(officer, area=box(LON, LAT, WEST + SIDE + 0.001, LAT + 0.004))
    assert CODES[1] in refusal(officer, 403, area=None, wards=[CODES[0], CODES[1]])
    assert CODES[1] in refusal(officer, 403, area=box(*square(1).bounds))
    assert CODES[0] in refusal(officer, 403, area=None, wards=[CODES[1]])


def test_an_officer_calls_off_the_own_but_not_the_citys(service, officer, planner):
    own, citys = sent(officer), sent(planner, area=None, wards=list(CODES))
    assert officer.post(f"{ALERTS}/{own['id']}/cancel").status_code == 200
    assert officer.post(f"{ALERTS}/{citys['id']}/cancel").status_code == 403
    assert citys["id"] in ids(service)


def test_a_cancelled_alert_is_over_at_once_and_stays_readable(service, planner):
    made = sent(planner)
    answer = planner.post(f"{ALERTS}/{made['id']}/cancel")
    assert answer.status_code == 200
    at = answer.json()["properties"]["cancelled_at"]
    assert made["id"] not in ids(service)
    # a second time changes nothing, not even the moment
    again = planner.post(f"{ALERTS}/{made['id']}/cancel")
    assert again.status_code == 200
    assert again.json()["properties"]["cancelled_at"] == at
    kept = service.http.get(f"{ALERTS}/{made['id']}").json()
    assert kept["properties"]["cancelled_at"] == at


def test_an_alert_that_ran_out_cannot_be_called_off(service, planner):
    made = sent(planner)
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE alerts SET effective_at = now() - interval '2 h',"
            " expires_at = now() - interval '1 h' WHERE id = %s",
            (made["id"],),
        )
    assert made["id"] not in ids(service)
    assert planner.post(f"{ALERTS}/{made['id']}/cancel").status_code == 409
    assert planner.post(f"{ALERTS}/999999/cancel").status_code == 404


def test_an_alert_is_in_force_from_its_beginning_to_its_end(service, planner):
    now = datetime.now(UTC)
    begin, end = now + timedelta(hours=2), now + timedelta(hours=5)
    made = sent(planner, effective_at=begin.isoformat(), expires_at=end.isoformat())
    instant = timedelta(microseconds=1)
    for at, there in (
        (begin - instant, False),
        (begin, True),
        (end - instant, True),
        (end, False),
    ):
        assert (made["id"] in ids(service, at=at.isoformat())) is there, at
    assert made["id"] not in ids(service)


def test_a_day_is_the_citys_day(service, planner):
    # 17:00 UTC is midnight in Ho Chi Minh City
    midnight = (NOW + timedelta(days=3)).replace(hour=17, minute=0, second=0, microsecond=0)
    made = sent(
        planner,
        effective_at=midnight.isoformat(),
        expires_at=(midnight + timedelta(hours=1)).isoformat(),
    )
    day = (midnight + timedelta(hours=7)).date()
    for on, there in ((day - timedelta(1), False), (day, True), (day + timedelta(1), False)):
        assert (made["id"] in ids(service, on=on.isoformat())) is there, on
    both = service.http.get(ALERTS, params={"on": "2026-01-01", "at": "2026-01-01T00:00:00Z"})
    assert both.status_code == 422
    for edge in ("0001-01-01", "9999-12-31"):
        assert service.http.get(ALERTS, params={"on": edge}).status_code in (200, 422)


def test_a_box_and_a_kind_choose(service, planner):
    here = sent(planner, kind="heat")
    there = sent(planner, kind="heat", area=box(*square(5).bounds))
    west, south, east, north = square(0).bounds
    inner = f"{west + 0.001},{south + 0.001},{east - 0.001},{north - 0.001}"
    found = ids(service, bbox=inner, kind="heat")
    assert here["id"] in found
    assert there["id"] not in found
    assert set(ids(service, kind="heat,fire")) == {here["id"], there["id"]}
    assert service.http.get(ALERTS, params={"kind": "rain"}).status_code == 422
    assert service.http.get(ALERTS, params={"category": "flood"}).status_code == 422


def test_pages_bring_each_alert_once(service, planner):
    for _ in range(3):
        sent(planner, kind="works")
    everything = ids(service, kind="works")
    found, path = [], f"{ALERTS}?kind=works&limit=2"
    while path:
        page = service.http.get(path).json()
        found += [feature["id"] for feature in page["features"]]
        path = page["next"]
    assert found == everything == sorted(found, reverse=True)


def test_every_write_is_in_the_log_of_changes_in_its_transaction(service, planner):
    with psycopg.connect(service.url, autocommit=True) as db:
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM changes").fetchone()
        made = sent(planner)
        planner.post(f"{ALERTS}/{made['id']}/cancel")
        refusal(planner, severity="none")
        rows = db.execute(
            "SELECT topic, subject FROM changes WHERE id > %s ORDER BY id", (last,)
        ).fetchall()
    assert rows == [("alert", str(made["id"])), ("alerts", None)] * 2


def test_who_sent_it_is_not_public(service, planner):
    made = sent(planner)
    said = service.http.get(f"{ALERTS}/{made['id']}").text
    assert "user_id" not in said
    assert "example.test" not in said
