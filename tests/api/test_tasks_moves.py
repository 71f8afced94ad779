"""Moving a report from desk and field over HTTP: what is allowed, said, seen, and kept."""

import threading

import psycopg
import pytest
from own import Sent
from staffed import signed_in
from working import At

import builders

OWN, OTHER = builders.CODES[:2]


@pytest.fixture(scope="module")
def desk(service):
    with signed_in(service, "hotline_agent", name="moves-desk") as client:
        yield client


@pytest.fixture(scope="module")
def crew(service):
    with signed_in(service, "crew", ward=OWN, name="moves-crew") as client:
        yield client


def committee(service, ward):
    with psycopg.connect(service.url) as db:
        return db.execute(
            "SELECT code, id FROM organisations WHERE ward_code = %s", (ward,)
        ).fetchone()


def test_from_report_to_result_and_the_sender_reads_all_of_it(service, crew):
    sent = Sent(service)
    at = At(crew, sent.code)
    assert at.seen["allowed"] == ["take", "start", "wait", "resolve"]
    assert at.does("start")["status"] == "in_progress"
    told = at.does("resolve", text="Đã thông cống.", inner="Cần kiểm tra lại sau mưa.")
    assert (told["status"], told["allowed"]) == ("resolved", [])
    assert None not in (told["resolved_at"], told["replied_at"])
    assert at.lines()[2:] == [
        ("in_progress", "Work has begun.", True),
        ("resolved", "It was mended. Đã thông cống.", True),
        ("note", "Cần kiểm tra lại sau mưa.", False),
    ]
    assert [kind for kind, _ in sent.history()] == [
        *("received", "assigned", "in_progress", "resolved"),
    ]
    assert "kiểm tra lại" not in str(sent.history(mine=True))
    assert sent.public.json()["properties"]["resolved_at"] == told["resolved_at"]


def test_a_forbidden_move_names_the_allowed_ones_in_both_languages(service, crew):
    at = At(crew, Sent(service).code)
    at.does("start")
    answer = at.ask("start")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["allowed"] == ["release", "wait", "resolve"]
    assert "one can release, wait, resolve" in problem["detail"]
    assert "có thể: trả lại, tạm chờ" in problem["detail_vi"]


def test_what_only_the_desk_does_is_refused_to_a_crew(service, crew, desk):
    code = Sent(service).code
    answer = At(crew, code).ask("reject", text="Không đúng")
    assert answer.status_code == 403
    assert At(desk, code).does("reject", text="Không đúng")["status"] == "rejected"


def test_of_two_desks_at_once_one_is_told_and_nothing_of_it_is_written(service, desk, crew):
    code = Sent(service).code
    seen = At(desk, code).etag
    At(crew, code).does("start")
    answer = At(desk, code).ask("wait", etag=seen, text="Chờ vật tư")
    assert answer.status_code == 412
    assert answer.json()["version"] == At(desk, code).seen["version"]
    assert "Chờ vật tư" not in str(At(desk, code).lines())
    assert At(desk, code).ask("wait", etag=At(desk, code).etag, text="Chờ").status_code == 200


def test_ten_who_resolve_it_at_once_with_one_version_do_so_once(service, crew):
    code = Sent(service).code
    at = At(crew, code)
    seen, found = at.etag, []

    def resolve():
        found.append(at.ask("resolve", etag=seen, text="Xong").status_code)

    those = [threading.Thread(target=resolve) for _ in range(10)]
    for each in those:
        each.start()
    for each in those:
        each.join()
    assert sorted(found) == [200] + [412] * 9
    assert [kind for kind, *_ in at.lines()].count("resolved") == 1


@pytest.mark.parametrize(
    ("move", "body", "field"),
    [
        ("resolve", {}, "text"),
        ("resolve", {"text": "   "}, "text"),
        ("wait", {}, "text"),
        ("resolve", {"text": "x" * 2001}, "text"),
        ("resolve", {"text": "Xong", "photos": ["none"]}, "photos.0"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_half_done(service, crew, move, body, field):
    at = At(crew, Sent(service).code)
    before = at.seen
    answer = at.ask(move, **body)
    assert answer.status_code == 422
    assert field in str(answer.json()["errors"])
    assert at.seen == before


def test_an_unknown_move_and_an_unknown_report_are_told_apart(service, crew):
    at = At(crew, Sent(service).code)
    assert at.ask("explode").status_code == 422
    assert At(crew, "2222-2222").ask("start").status_code == 404
    assert crew.get("/api/v1/tasks/2222-2222").status_code == 404


def test_passing_on_takes_it_out_of_one_s_hands_and_says_so(service, desk):
    code = Sent(service).code
    to, to_id = committee(service, OTHER)
    told = At(desk, code).does("assign", text="Thuộc tuyến của bên kia.", organisation=to)
    assert told["organisation"]["code"] == to
    assert told["reasons"][-1]["vi"].startswith("Cán bộ chuyển đến UBND")
    assert told["reasons"][-1]["vi"].endswith("Thuộc tuyến của bên kia.")
    with signed_in(service, "crew", organisation=to_id, name="moves-other") as other:
        assert At(other, code).does("start")["status"] == "in_progress"
    nobody = At(desk, code).ask("assign", text="Thử", organisation="no-such")
    assert nobody.status_code == 422
    assert nobody.json()["errors"][0]["field"] == "organisation"


def test_a_category_that_wants_proof_gets_a_photo_that_is_added_to_those_it_has(service, crew):
    from hostile import drawn, written

    def upload(n):
        files = {"file": ("a", written(drawn(40 + n, 30), "JPEG"))}
        return service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]

    sent = Sent(service, photos=[upload(1)])
    at = At(crew, sent.code)
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE categories SET photo_wanted = true WHERE code = 'drainage.flooding'")
    try:
        answer = at.ask("resolve", text="Xong")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "photos"
        told = at.does("resolve", text="Xong", photos=[upload(2), upload(3)])
    finally:
        with psycopg.connect(service.url) as db:
            db.execute("UPDATE categories SET photo_wanted = false")
    assert [photo["width"] for photo in told["photos"]] == [41, 42, 43]
    assert told["events"][-1]["data"]["photos"] == [2, 3]
    assert len(sent.public.json()["properties"]["photos"]) == 3


def test_a_note_is_for_the_staff_and_changes_nothing_else(service, desk):
    sent = Sent(service)
    at = At(desk, sent.code)
    before = at.seen
    after = at.does("notes", inner="Gọi lại sau 17 giờ")
    assert after["events"][-1]["by"] == "Người Thử"
    assert {**before, "version": 0, "events": 0} == {**after, "version": 0, "events": 0}
    assert at.ask("notes", inner=" ").status_code == 422
    assert "17 giờ" not in str(sent.history(mine=True))


def test_what_its_sender_sends_elsewhere_by_a_correction_is_in_nobody_s_hand(service, crew):
    """Else those who answer from now on could not take it, nor who had it put it down."""
    sent = Sent(service)
    At(crew, sent.code).does("take")
    sent.done("PATCH", body={"text": "Ngập sâu"})
    sent.done("PATCH", body={"category": "lighting.lamp_out"})
    assert At(crew, sent.code).seen["holder"]["mine"]
    # The pin was a wrong tap; it lies in the next ward.
    lon, lat = builders.middle(1)
    sent.becomes(f"geom = ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326)")
    sent.done("POST", "position", {"lon": lon, "lat": lat + 0.0001})
    with signed_in(service, "crew", ward=OTHER, name="moves-takes-over") as other:
        assert At(other, sent.code).seen["holder"] is None
        assert At(other, sent.code).does("take")["holder"]["mine"]


def test_whoever_is_of_another_ward_neither_sees_nor_moves_it(service):
    code = Sent(service).code
    with signed_in(service, "ward_officer", ward=OTHER, name="moves-afar") as other:
        assert other.get(f"/api/v1/tasks/{code}").status_code == 403
        assert At(other, code).ask("start").status_code == 403
