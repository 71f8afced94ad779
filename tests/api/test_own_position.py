"""Moving one's pin: all that hangs on the place follows, or nothing does."""

import psycopg
import pytest
from drawn import decoded
from listening import Listening, numbered, wait_until
from own import LIST, Sent

import builders
from builders import SIDE, SOUTH, WEST
from tiles.address import cell_of, tile_of

# 110 m west of the border between the first ward and the second, and 110 m east of it.
BORDER = WEST + SIDE
HERE, THERE = (BORDER - 1e-3, SOUTH + SIDE / 2), (BORDER + 1e-3, SOUTH + SIDE / 2)


def move(sent, place, **more):
    return sent.ask("POST", "position", {"lon": place[0], "lat": place[1], **more})


def counted(service, place, z):
    """Reports in the tile of a zoom over this place."""
    x, y = tile_of(int(cell_of([place[0]], [place[1]])[0]), z)
    answer = service.http.get(f"/tiles/reports/{z}/{x}/{y}.mvt")
    features = decoded(answer.content)["reports"] if answer.content else []
    return sum(feature["properties"]["point_count"] for feature in features)


def row(service, sent, columns):
    with psycopg.connect(service.url) as db:
        return db.execute(f"SELECT {columns} FROM reports WHERE code = %s", (sent.code,)).fetchone()


def sent_at(service, place, **changes):
    return Sent(service, lon=place[0], lat=place[1], **changes)


def test_ward_organisation_reasons_map_and_counts_follow_the_pin(service):
    sent, twin = sent_at(service, HERE), sent_at(service, THERE).mine
    assert sent.mine["ward"]["code"] == builders.CODES[0]
    wait_until(lambda: numbered(service.url))
    before = [(counted(service, HERE, z), counted(service, THERE, z)) for z in (8, 18)]
    with Listening(service.base) as heard:
        answer = move(sent, THERE, accuracy_m=12)
        assert answer.status_code == 200, answer.text
        heard.until(lambda: ("changed", sent.code) in heard.heard)
        told = next(one.data for one in heard.news if one.data.get("code") == sent.code)
    assert (told["lon"], told["lat"]) == pytest.approx(THERE)
    mine = answer.json()
    assert mine["geometry"]["coordinates"] == list(THERE)
    assert mine["properties"]["accuracy_m"] == 12
    for same in ("ward", "ward_today", "organisation", "match", "distance_m", "status", "reasons"):
        assert mine["properties"][same] == twin[same], same
    assert sent.public.json()["geometry"]["coordinates"] == list(THERE)
    name = mine["properties"]["organisation"]["name"]["en"]
    assert [words for _, words in sent.history()][-2:] == [
        "The reporter moved the pin.",
        f"Passed on to the {name}.",
    ]
    wait_until(lambda: numbered(service.url))
    after = [(counted(service, HERE, z), counted(service, THERE, z)) for z in (8, 18)]
    [(far, far_too), (here, there)] = before
    assert after == [(far, far_too), (here - 1, there + 1)]
    wards = {"ward": builders.CODES[0]}, {"ward": builders.CODES[1]}
    found = [service.http.get(LIST, params=ward).json()["features"] for ward in wards]
    assert [sent.code in [one["id"] for one in features] for features in found] == [False, True]


def test_the_pyramid_is_as_if_the_pin_had_been_there_always(service, pinward):
    sent = sent_at(service, HERE)
    assert move(sent, THERE).status_code == 200
    done = pinward("tiles", "verify", url=service.url)
    assert done.returncode == 0, done.stdout + done.stderr


def test_where_it_was_before_is_kept_nowhere(service):
    sent = sent_at(service, (106.6123456, 10.7123456), category="order.theft")
    assert move(sent, (106.6125, 10.7125)).status_code == 200
    with psycopg.connect(service.url) as db:
        for table in ("reports", "report_events"):
            kept = db.execute(f"SELECT * FROM {table}").fetchall()
            assert "106.6123456" not in str(kept)
        at = "ST_SetSRID(ST_MakePoint(106.6123456, 10.7123456), 4326)"
        same = f"SELECT count(*) FROM reports WHERE geom = {at}"
        assert db.execute(same).fetchone() == (0,)


def test_a_blurred_report_moves_on_the_public_map_from_square_to_square_only(service):
    sent = sent_at(service, HERE, category="order.theft")
    first = sent.public.json()["geometry"]
    near = HERE[0] - 1e-5, HERE[1]
    assert move(sent, near).status_code == 200
    assert sent.public.json()["geometry"] == first
    assert move(sent, THERE).status_code == 200
    seen = sent.public.json()["geometry"]
    assert seen != first
    assert seen == sent_at(service, THERE, category="order.theft").public.json()["geometry"]
    assert sent.mine["visibility"] == "blurred"
    # Its history names neither how far nor which ward.
    assert [words for _, words in sent.history()][2:] == [
        "The reporter moved the pin.",
        "The reporter moved the pin.",
        "Passed on to those who answer for it.",
    ]
    events = service.http.get(f"{sent.path}/events").text
    assert "moved_m" not in events


def test_outside_the_city_nothing_is_half_done(service):
    edge = (WEST + 1e-4, SOUTH + SIDE / 2)
    outside = (WEST - 4e-3, SOUTH + SIDE / 2)
    sent = sent_at(service, edge)
    before = sent.done("GET"), sent.history(), sent.changes(), row(service, sent, "*")
    answer = move(sent, outside, accuracy_m=5)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/outside-coverage")
    assert (sent.done("GET"), sent.history(), sent.changes(), row(service, sent, "*")) == before
    # Near enough is the nearest ward's.
    assert move(sent, (WEST - 1e-4, edge[1])).status_code == 200
    assert sent.mine["match"] == "nearest"


def test_half_a_kilometre_is_all_however_many_steps_it_takes(service):
    lon, lat = builders.middle(0)
    sent = Sent(service)
    answer = move(sent, (lon + 0.005, lat))
    assert answer.status_code == 422
    assert "500 m are left; this is 547 m" in answer.json()["detail"]
    assert "tối đa 500 m" in answer.json()["detail_vi"]
    for n in range(1, 5):
        assert move(sent, (lon + n * 0.001, lat)).status_code == 200
    told = move(sent, (lon + 0.005, lat))
    assert (told.status_code, "of which 62 m are left" in told.json()["detail"]) == (422, True)
    # Nor back and forth, nor after an erasure, which leaves how far it was moved.
    assert move(sent, (lon, lat)).status_code == 422
    sent.done("POST", "erasure", {})
    assert move(sent, (lon, lat)).status_code == 422
    assert sent.done("GET")["geometry"]["coordinates"] == pytest.approx([lon + 0.004, lat])


@pytest.mark.parametrize(
    "body", [{"lon": 106.61}, {"lon": 181, "lat": 0}, {"lon": "106.6", "lat": 10.7}, {}]
)
def test_a_place_that_is_none_is_refused(service, body):
    assert Sent(service).ask("POST", "position", body).status_code == 422


def test_a_pin_that_stays_is_no_change(service):
    sent = Sent(service)
    before = sent.done("GET"), sent.history()
    assert move(sent, builders.middle(0)).status_code == 200
    assert (sent.done("GET"), sent.history()) == before


def test_what_a_reform_noted_of_the_place_of_before_is_forgotten(service):
    sent = sent_at(service, HERE)
    with psycopg.connect(service.url) as db:
        set_id, ward_id = db.execute("SELECT set_id, id FROM wards ORDER BY id DESC").fetchone()
        (reform,) = db.execute(
            "INSERT INTO reforms (set_id, state, in_force_on) VALUES (%s, 'applied', '2020-01-01')"
            " RETURNING id",
            (set_id,),
        ).fetchone()
        db.execute(
            "INSERT INTO reform_moves SELECT id, %s, %s, NULL, NULL, '{}', NULL, '[]', status,"
            " ward_id, NULL, status, NULL FROM reports WHERE code = %s",
            (reform, ward_id, sent.code),
        )
        db.execute(
            "INSERT INTO reports_today SELECT id, %s FROM reports WHERE code = %s",
            (ward_id, sent.code),
        )
    assert sent.mine["ward_today"]["code"] == builders.CODES[5]
    assert move(sent, THERE).status_code == 200
    assert sent.mine["ward_today"]["code"] == builders.CODES[1]
    then = service.http.get(LIST, params={"ward": builders.CODES[1], "wards": "then"}).json()
    assert sent.code in [one["id"] for one in then["features"]]
