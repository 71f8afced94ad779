"""What a page hears of the map while it is open: everything public in its box, and nothing else."""

import json
import socket
import time

import psycopg
import pytest
from conftest import serving
from drawn import put_hotspots, put_reports
from listening import Listening, change, numbered, wait_until

from builders import middle

A, B = middle(0), middle(5)
BOX_A = f"?bbox={A[0] - 0.005},{A[1] - 0.005},{A[0] + 0.005},{A[1] + 0.005}"


@pytest.fixture(scope="module")
def live(clone, city_template, tmp_path_factory):
    """A service with short heartbeats, whose own changes are numbered."""
    url = clone(city_template)
    with serving(url, tmp_path_factory.mktemp("live"), PINWARD_LIVE_HEARTBEAT_S="0.5") as made:
        wait_until(lambda: numbered(url))
        yield made


def sweep(live, stream):
    """Wait until the stream has heard all that is committed: a hotspot run is told to all."""
    before = sum(one.name == "hotspots" for one in stream.news)
    put_hotspots(live.url, [])
    stream.until(lambda: sum(one.name == "hotspots" for one in stream.news) > before)
    return [one for one in stream.heard if one[0] != "hotspots"]


def move(url, code, place):
    change(
        url,
        "UPDATE reports SET geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE code = %s",
        *place,
        code,
    )


def test_a_report_is_heard_from_its_arrival_to_its_end(live):
    with Listening(live.base) as stream:
        (code,) = put_reports(live.url, [A])
        change(live.url, "UPDATE reports SET status = 'in_progress' WHERE code = %s", code)
        change(live.url, "UPDATE reports SET status = 'resolved' WHERE code = %s", code)
        change(live.url, "UPDATE reports SET status = 'closed' WHERE code = %s", code)
        change(live.url, "UPDATE reports SET status = 'assigned' WHERE code = %s", code)
        change(live.url, "DELETE FROM reports WHERE code = %s", code)
        stream.until(lambda: len(stream.news) == 6)
        assert [one.name for one in stream.news] == [
            *("created", "changed", "closed", "closed", "changed", "removed")
        ]
        assert {one.data["code"] for one in stream.news} == {code}
        ids = [one.id for one in stream.events]
        assert ids == sorted(set(ids))


def test_what_is_told_are_public_fields_and_no_others(live):
    with Listening(live.base) as stream:
        (code,) = put_reports(live.url, [A], ward_id=[None])
        stream.until(lambda: len(stream.news) == 1)
        told = dict(stream.news[0].data)
        assert told.pop("at") > "2026"
        assert told == {
            "code": code,
            "category": "drainage.flooding",
            "family": "drainage",
            "status": "received",
            "open": True,
            "kind": "incident",
            "lon": pytest.approx(A[0], abs=1e-7),
            "lat": pytest.approx(A[1], abs=1e-7),
            "ward": None,
            "created_at": "2026-03-01T05:00:00Z",
        }
        change(live.url, "DELETE FROM reports WHERE code = %s", code)
        stream.until(lambda: len(stream.news) == 2)
        assert stream.news[1].data == {"code": code}


def test_a_sent_report_is_heard_at_once_with_its_ward(live):
    with Listening(live.base) as stream:
        began = time.monotonic()
        body = {"category": "trees.fallen", "lon": B[0], "lat": B[1], "text": "Cây đổ"}
        sent = live.http.post("/api/v1/reports", json=body).json()
        stream.until(lambda: bool(stream.news))
        assert stream.news[0].at - began < 4.0
        assert (stream.news[0].data["code"], stream.news[0].data["ward"]) == (
            sent["code"],
            sent["ward"]["code"],
        )


def test_a_box_hears_of_what_enters_and_what_leaves_it_and_not_of_the_rest(live):
    with Listening(live.base, BOX_A) as stream:
        inside, outside = put_reports(live.url, [A, B])
        move(live.url, inside, B)
        stream.until(lambda: len(stream.news) == 2)
        assert stream.news[1].data["lon"] == pytest.approx(B[0], abs=1e-6)
        move(live.url, outside, A)
        change(live.url, "UPDATE reports SET status = 'waiting' WHERE code = %s", inside)
        assert sweep(live, stream) == [
            ("created", inside),
            ("changed", inside),
            ("changed", outside),
        ]


def test_a_box_across_the_date_line_holds_both_sides(live):
    with Listening(live.base, "?bbox=179.9,-20,-179.9,-10") as stream:
        east, west, _ = put_reports(live.url, [(179.95, -15), (-179.95, -15), (0, -15)])
        assert sweep(live, stream) == [("created", east), ("created", west)]


def test_a_category_is_heard_with_its_family_and_so_is_leaving_it(live):
    with (
        Listening(live.base, "?category=drainage") as family,
        Listening(live.base, "?category=trees.fallen,trees.dead") as trees,
    ):
        (code, other) = put_reports(
            live.url, [A, A], category_code=["drainage.canal", "noise.karaoke"]
        )
        change(live.url, "UPDATE reports SET category_code = 'trees.dead' WHERE code = %s", code)
        change(live.url, "DELETE FROM reports WHERE code = ANY(%s)", [code, other])
        trees.until(lambda: len(trees.news) == 2)
        assert trees.heard == [("changed", code), ("removed", code)]
        assert sweep(live, family) == [("created", code), ("changed", code)]
        # The run that ended the wait was one of drainage: not for who listens to trees.
        assert [one.name for one in trees.news] == ["changed", "removed"]


def test_a_hidden_report_is_never_heard_of(live):
    with Listening(live.base) as stream:
        (code,) = put_reports(live.url, [A], category_code="order.drugs")
        change(live.url, "UPDATE reports SET status = 'closed' WHERE code = %s", code)
        move(live.url, code, B)
        change(live.url, "DELETE FROM reports WHERE code = %s", code)
        assert sweep(live, stream) == []


def test_a_blurred_report_is_heard_of_where_the_public_sees_it(live):
    with Listening(live.base) as stream:
        (code,) = put_reports(live.url, [A], category_code="noise.neighbours")
        stream.until(lambda: bool(stream.news))
        told = stream.news[0].data
        listed = live.http.get("/api/v1/reports?category=noise.neighbours").json()["features"]
        (shown,) = [one["geometry"]["coordinates"] for one in listed if one["id"] == code]
        assert [told["lon"], told["lat"]] == pytest.approx(shown, abs=1e-7)
        assert [told["lon"], told["lat"]] != pytest.approx(A, abs=1e-5)
    # Ever smaller boxes around the true place must not find it.
    tiny = f"?bbox={A[0] - 1e-5},{A[1] - 1e-5},{A[0] + 1e-5},{A[1] + 1e-5}"
    with Listening(live.base, tiny) as stream:
        put_reports(live.url, [A], category_code="noise.neighbours")
        assert sweep(live, stream) == []


def test_a_report_recategorised_out_of_sight_is_removed_and_back_is_created(live):
    with Listening(live.base) as stream:
        (code,) = put_reports(live.url, [A])
        for category in ("order.drugs", "drainage.canal"):
            change(
                live.url, "UPDATE reports SET category_code = %s WHERE code = %s", category, code
            )
        stream.until(lambda: len(stream.news) == 3)
        assert [one.name for one in stream.news] == ["created", "removed", "created"]


def test_a_category_made_hidden_removes_its_reports_and_tells_nothing_else_of_them(live):
    with Listening(live.base) as stream:
        codes = set(put_reports(live.url, [A, B], category_code="bus.late"))
        stream.until(lambda: len(stream.news) == 2)
    with Listening(live.base) as stream:
        change(live.url, "UPDATE categories SET visibility = 'hidden' WHERE code = 'bus.late'")
        stream.until(lambda: len(stream.news) == 2)
        assert {(one.name, one.data["code"]) for one in stream.news} == {
            ("removed", code) for code in codes
        }
        assert all(set(one.data) == {"code"} for one in stream.news)


def test_hotspot_runs_and_alerts_are_heard(live):
    with Listening(live.base, BOX_A) as stream:
        put_hotspots(live.url, [], category="lighting.lamp_out")
        change(live.url, "INSERT INTO changes (topic, subject) VALUES ('alert', 'one-id')")
        stream.until(lambda: len(stream.news) == 2)
        assert [(one.name, one.data) for one in stream.news] == [
            ("hotspots", {"category": "lighting.lamp_out"}),
            ("alert", {"id": "one-id"}),
        ]


def test_all_reports_gone_at_once_is_a_reset(live):
    put_reports(live.url, [A])
    with Listening(live.base) as stream:
        change(live.url, "TRUNCATE reports CASCADE")
        stream.until(lambda: bool(stream.news))
        assert [(one.name, one.data) for one in stream.news] == [
            ("reset", {"seq": stream.news[0].id})
        ]


def test_a_silent_stream_has_a_pulse_that_carries_how_far_it_is(live):
    with Listening(live.base, BOX_A) as stream:
        stream.until(lambda: len(stream.comments) >= 2, 5)
        start = stream.last
        put_reports(live.url, [B])
        # Nothing for this box: coming back from here need not look through what was not for it.
        stream.until(lambda: stream.last > start, 5)
        assert stream.news == []


def test_a_stream_waits_without_a_database_connection(live):
    def connections():
        with psycopg.connect(live.url) as db:
            (n,) = db.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND state <> 'idle' AND pid <> pg_backend_pid()"
            ).fetchone()
            return n

    streams = [Listening(live.base, "?category=trees", last=1) for _ in range(25)]
    try:
        wait_until(lambda: connections() == 0, 5)
        # More streams than there are connections, and others are still served.
        assert live.http.get("/api/v1/reports").status_code == 200
        assert "pinward_live_streams 25.0" in live.http.get("/metrics").text
    finally:
        for stream in streams:
            stream.close()
    wait_until(lambda: "pinward_live_streams 0.0" in live.http.get("/metrics").text, 5)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=106,11,107,10", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("category=drainage,nonsense", "category"),
        ("last_event_id=abc", "last_event_id"),
        ("last_event_id=-1", "last_event_id"),
        ("last_event_id=99999999999999999999", "last_event_id"),
        ("box=1,2,3,4", "box"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(live, query, field):
    answer = live.http.get(f"/api/v1/live?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_a_bad_last_event_id_header_is_refused(live):
    answer = live.http.get("/api/v1/live", headers={"Last-Event-ID": "1e3"})
    assert answer.status_code == 422


def test_the_answer_is_a_stream_nobody_keeps_packs_or_holds_up(live):
    headers = {"Origin": "https://elsewhere.example", "Accept-Encoding": "gzip"}
    with live.http.stream("GET", "/api/v1/live", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in answer.headers
        assert next(answer.iter_lines()).startswith("retry: ")
    asked = live.http.head("/api/v1/live")
    assert asked.status_code == 200
    assert asked.headers["content-type"].startswith("text/event-stream")
    assert live.http.post("/api/v1/live").status_code == 405
    wish = {"Origin": "https://x.example", "Access-Control-Request-Method": "GET"}
    wish["Access-Control-Request-Headers"] = "Last-Event-ID"
    assert live.http.options("/api/v1/live", headers=wish).status_code == 200


def test_the_document_says_what_kind_of_answer_it_is(live):
    about = live.http.get("/openapi.json").json()["paths"]["/api/v1/live"]["get"]
    assert "text/event-stream" in about["responses"]["200"]["content"]
    assert "503" in about["responses"]
    names = {(one["in"], one["name"].lower()) for one in about["parameters"]}
    assert names == {
        *(("query", name) for name in ("bbox", "category", "last_event_id")),
        ("header", "last-event-id"),
    }


def test_a_reader_that_does_not_read_is_cut_off_and_the_others_are_not(live):
    port = int(live.base.rsplit(":", 1)[1])
    asleep = socket.socket()
    asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asleep.connect(("127.0.0.1", port))
    asleep.sendall(b"GET /api/v1/live HTTP/1.1\r\nHost: x\r\n\r\n")
    with Listening(live.base) as stream:
        for _ in range(8):
            # 2 MB of events in all, in steps that a reader can follow
            put_reports(live.url, [A] * 1000)
            time.sleep(0.4)
        stream.until(lambda: len(stream.news) == 8000, 30)
        wait_until(lambda: "pinward_live_dropped_total 1.0" in live.http.get("/metrics").text)
        wait_until(lambda: "pinward_live_streams 1.0" in live.http.get("/metrics").text)
        assert not stream.ended
    # Really cut off: the connection is gone, what the system had taken is all there is.
    asleep.settimeout(5)
    taken, cut = 0, False
    while not cut:
        try:
            part = asleep.recv(65536)
        except ConnectionResetError:
            part = b""
        taken, cut = taken + len(part), not part
    assert taken < 1_000_000
    asleep.close()


def test_more_streams_than_may_be_are_told_when_to_come_again(city_url, tmp_path):
    with serving(city_url, tmp_path, 1, "--no-worker", PINWARD_LIVE_STREAMS="2") as service:
        first = Listening(service.base)
        with Listening(service.base):
            answer = service.http.get("/api/v1/live")
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert "(2)" in answer.json()["detail"]
            first.close()
            wait_until(lambda: service.http.head("/api/v1/live").status_code == 200, 5)


def test_ending_the_service_ends_its_streams_at_once(city_url, tmp_path):
    with serving(city_url, tmp_path, 2, "--no-worker") as service:
        streams = [Listening(service.base) for _ in range(5)]
        began = time.monotonic()
    # With streams open, granian alone would wait until it is killed.
    assert time.monotonic() - began < 5
    for stream in streams:
        stream.until(lambda stream=stream: stream.ended, 2)
    assert json.dumps([one.heard for one in streams]) == "[[], [], [], [], []]"
