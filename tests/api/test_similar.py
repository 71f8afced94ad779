"""What is like a report: before it is sent, and on the desk."""

import re

import psycopg
import pytest
from own import LIST, Sent
from staffed import signed_in

import builders
from geo.store.cells import around

SIMILAR = f"{LIST}/similar"
# Some metres east, in degrees of longitude here.
METRE = 1 / 109_300
SAID = "Nước ngập ngang bánh xe trước chợ."
AGE = re.compile(r'"score":[0-9.]+')
"""What falls as time goes by."""


def spot(n):
    """A place of its own for each test: what others sent is out of reach."""
    lon, lat = builders.middle(1)
    return round(lon - 0.008 + 0.004 * (n % 5), 6), round(lat - 0.008 + 0.004 * (n // 5), 6)


def ask(service, lon, lat, category="drainage.flooding", **more):
    answer = service.http.get(
        SIMILAR, params={"lon": lon, "lat": lat, "category": category, **more}
    )
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["properties"] for one in answer.json()["features"]}


def test_what_is_near_fresh_and_says_the_same_is_offered_and_comes_first(service):
    lon, lat = spot(0)
    far = Sent(service, lon=lon + 80 * METRE, lat=lat, text="Nắp cống bị mất ở ngã tư")
    same = Sent(service, lon=lon + 10 * METRE, lat=lat, text=SAID)
    found = ask(service, lon, lat, text="nuoc ngap ngang banh xe, truoc cho")
    assert list(found) == [same.code, far.code]
    assert found[same.code]["offered"]
    assert not found[far.code]["offered"]
    assert found[same.code]["likeness"] > 0.9
    assert found[same.code]["distance_m"] == pytest.approx(10, abs=0.2)
    assert found[same.code]["text"] == SAID
    assert ask(service, lon, lat)[same.code]["likeness"] is None


@pytest.mark.parametrize(
    ("n", "other", "sets"),
    [
        (1, {"category": "lighting.lamp_out"}, ""),
        (2, {}, "status = 'resolved'"),
        (3, {}, "status = 'duplicate'"),
        (4, {}, "created_at = now() - interval '31 days'"),
        (5, {}, "withheld = 'review'"),
        (6, {"lon": spot(6)[0] + 101 * METRE}, ""),
    ],
    ids=["of another family", "resolved", "merged", "old", "withheld", "far"],
)
def test_what_cannot_be_the_same_or_is_not_to_be_seen_is_not_told(service, n, other, sets):
    lon, lat = spot(n)
    told = Sent(service, lon=lon + 5 * METRE, lat=lat)
    hushed = Sent(service, **{"lon": lon + 5 * METRE, "lat": lat, **other})
    if sets:
        hushed.becomes(sets)
    assert list(ask(service, lon, lat, text=SAID)) == [told.code]


def test_of_the_same_family_it_is_told_but_after_one_of_the_same_category(service):
    lon, lat = spot(7)
    kin = Sent(service, lon=lon, lat=lat, category="drainage.blocked_drain")
    same = Sent(service, lon=lon + 20 * METRE, lat=lat)
    assert list(ask(service, lon, lat, text=SAID)) == [same.code, kin.code]


def test_a_category_may_look_farther_and_longer(service):
    lon, lat = spot(8)
    there = Sent(service, lon=lon + 180 * METRE, lat=lat, category="water.leak")
    there.becomes("created_at = now() - interval '40 days'")
    assert not ask(service, lon, lat, "water.leak", text=SAID)
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE categories SET duplicate_radius_m = 300, duplicate_days = 90"
            " WHERE code = 'water.leak'"
        )
    assert list(ask(service, lon, lat, "water.leak", text=SAID)) == [there.code]


def test_no_number_of_shifted_questions_tells_where_in_its_square_a_blurred_one_is(service):
    lon, lat = spot(9)
    blurred = Sent(service, lon=lon, lat=lat, category="order.theft")
    Sent(service, lon=lon, lat=lat, category="order.drugs")

    def answers():
        return [
            AGE.sub(
                "",
                service.http.get(
                    SIMILAR,
                    params={
                        "lon": lon + x * 20 * METRE,
                        "lat": lat + y * 20 * METRE,
                        "category": "order.theft",
                        "text": SAID,
                        "limit": 20,
                    },
                ).text,
            )
            for x in range(-12, 13)
            for y in (-9, -5, 0, 5, 9)
        ]

    before = answers()
    assert any(blurred.code in one for one in before)
    assert not all(blurred.code in one for one in before)
    shown = blurred.public.json()["geometry"]["coordinates"]
    for aside in (-6e-4, 6e-4):
        blurred.becomes(
            "geom = ST_Translate(pinward_public_point(geom, 'blurred'),"
            f" {aside}, {aside}), updated_at = updated_at"
        )
        assert blurred.public.json()["geometry"]["coordinates"] == shown
        assert answers() == before


def test_squares_cover_a_box_wherever_it_lies(service):
    """Also across the borders of squares of every size, and at the ends of the world."""
    boxes = [
        (lon - half, lat - half, lon + half, lat + half)
        for lon, lat in ((106.7, 10.7), (0.0, 0.0), (-179.9, 84.9), (179.9, -84.9), (90.0, 0.0))
        for half in (1e-6, 2e-3, 0.05)
    ]
    with psycopg.connect(service.url) as db:
        for west, south, east, north in boxes:
            ranges = around(west, south, east, north)
            assert len(ranges) <= 4
            for lon in (west, (west + east) / 2, east):
                for lat in (south, (south + north) / 2, north):
                    (cell,) = db.execute("SELECT pinward_cell(%s, %s)", (lon, lat)).fetchone()
                    assert any(low <= cell <= high for low, high in ranges)


def test_a_family_that_is_not_there_is_named_as_the_mistake(service):
    asked = {"lon": 106.6, "lat": 10.7, "category": "drainage.flod"}
    answer = service.http.get(SIMILAR, params=asked)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "category"


def test_the_desk_sees_its_own_at_exact_places_also_what_the_public_does_not(service):
    lon, lat = spot(11)
    asked = Sent(service, lon=lon, lat=lat, category="order.theft")
    hidden = Sent(service, lon=lon + 10 * METRE, lat=lat, category="order.drugs")
    elsewhere = Sent(service, lon=lon + 10 * METRE, lat=lat, category="order.theft")
    elsewhere.becomes("ward_id = (SELECT id FROM wards WHERE code = '90001')")
    with signed_in(service, "ward_officer", ward=builders.CODES[1]) as officer:
        answer = officer.get(f"/api/v1/tasks/{asked.code}/similar")
        assert answer.status_code == 200, answer.text
        [one] = answer.json()["features"]
        assert one["id"] == hidden.code
        assert one["geometry"]["coordinates"] == pytest.approx([lon + 10 * METRE, lat], abs=1e-6)
        assert one["properties"]["visibility"] == "hidden"
        assert officer.get(f"/api/v1/tasks/{elsewhere.code}/similar").status_code == 403
        assert officer.get("/api/v1/tasks/2222-2222/similar").status_code == 404
    assert service.http.get(f"/api/v1/tasks/{asked.code}/similar").status_code == 401
