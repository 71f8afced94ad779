"""What the staff do to what a reporter writes later, and what of their reasons who reads."""

import secrets

import psycopg
import pytest
from conftest import serving
from own import Sent
from staffed import release, signed_in

import builders

QUEUE = "/api/v1/moderation/reports"
WHY = {"reason": "nêu tên người khác"}
LINE = "Đó là nhà ông Bình"
SPAM = "Vay tiền tại vay-nhanh.top"


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    with serving(clone(city_template), tmp_path_factory.mktemp("lines")) as made:
        yield made


@pytest.fixture(scope="module")
def agent(service):
    with signed_in(service, "hotline_agent") as client:
        yield client


def sent(service, text=None):
    lon, lat = builders.middle(0)
    return Sent(service, text=text or f"Nước ngập {secrets.token_hex(9)}", lon=lon, lat=lat)


def act(agent, report, what, **more):
    return agent.post(f"{QUEUE}/{report.code}/{what}", json=WHY | more)


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def everything_public(report):
    """All that whoever has no secret reads of one report."""
    get = report.service.http.get
    paths = (report.path, f"{report.path}/events", f"/r/{report.code}", f"{report.path}/export")
    return " ".join(get(path).text for path in paths)


def told_in_the_database(report, word):
    with psycopg.connect(report.service.url) as db:
        found = [
            db.execute(
                f"SELECT e::text FROM {table} e JOIN reports r ON r.id = report_id AND code = %s",
                (report.code,),
            ).fetchall()
            for table in ("report_events", "report_texts")
        ]
    return word in str(found)


def test_a_text_that_the_staff_edited_is_not_corrected_back(service, agent):
    report = sent(service, "Ông Bình ở số 5 xả rác")
    ok(act(agent, report, "text", text="Một hộ ở đây xả rác"))
    refused = report.ask("PATCH", body={"text": "Ông Bình ở số 5 xả rác"})
    assert refused.status_code == 409
    assert "add a line instead" in refused.json()["detail"]
    assert "hãy viết bổ sung" in refused.json()["detail_vi"]
    assert report.mine["text"] == "Một hộ ở đây xả rác"
    assert "Ông Bình" not in everything_public(report)
    # what it says is not in the way of all else: the same text, another category
    report.done("PATCH", body={"text": "Một hộ ở đây xả rác", "category": "waste.bin_full"})
    report.done("POST", "additions", {"text": "Vẫn còn rác"})
    # what they wrote stays theirs to read
    (before,) = report.done("GET", "export")["earlier_texts"]
    assert (before["text"], before["reason"]) == ("Ông Bình ở số 5 xả rác", WHY["reason"])
    assert act(agent, report, "text/undo").status_code == 200
    report.done("PATCH", body={"text": "Số 5 xả rác"})
    assert report.public.json()["properties"]["text"] == "Số 5 xả rác"


def test_an_edit_of_a_corrected_text_is_undone_to_the_correction(service, agent):
    report = sent(service, "Nước ngập một")
    ok(act(agent, report, "text", text="Sửa một"))
    ok(act(agent, report, "text/undo"))
    report.done("PATCH", body={"text": "Nước ngập hai"})
    told = ok(act(agent, report, "text", text="Sửa hai"))
    assert told["edited_at"]
    told = ok(act(agent, report, "text/undo"))
    assert (told["text"], told["edited_at"]) == ("Nước ngập hai", None)
    report.done("PATCH", body={"text": "Nước ngập ba"})


def test_one_addition_is_hidden_and_shown(service, agent):
    report = sent(service)
    for text in ("Ngập sâu hơn", LINE, "Đã rút một phần"):
        report.done("POST", "additions", {"text": text})
    before, changes = everything_public(report), report.changes()
    assert LINE in before
    told = ok(act(agent, report, "additions/2/hide"))
    assert [(one["n"], one["public"]) for one in told["additions"]] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    assert LINE in told["additions"][1]["text"]["vi"]
    assert report.changes() == changes + 1
    public = everything_public(report)
    assert LINE not in public
    assert WHY["reason"] not in public
    assert [kind for kind, _ in report.history()][-2:] == ["added", "added"]
    # its reporter still has it, and reads why the others do not
    mine = report.history(mine=True)
    assert ("added", f"The reporter added: {LINE}") in mine
    assert mine[-1] == ("addition_hidden", f"The city hid addition 2. Reason: {WHY['reason']}")
    exported = report.ask("GET", "export").text
    assert LINE in exported
    assert WHY["reason"] in exported
    assert act(agent, report, "additions/2/hide").status_code == 409
    assert act(agent, report, "additions/1/show").status_code == 409
    assert act(agent, report, "additions/4/hide").status_code == 404
    assert act(agent, report, "additions/0/hide").status_code == 422
    # hidden ones count, so that hiding is no way to write more
    assert report.done("POST", "additions", {"text": "Hết ngập"})["left"] == 16
    ok(act(agent, report, "additions/2/show"))
    assert LINE in everything_public(report)
    assert WHY["reason"] not in everything_public(report)
    with psycopg.connect(service.url) as db:
        acts = db.execute(
            "SELECT action, reason FROM audit_log WHERE subject = %s ORDER BY n", (report.code,)
        ).fetchall()
    assert acts[-2:] == [
        ("report.addition.hide", WHY["reason"]),
        ("report.addition.show", WHY["reason"]),
    ]


@pytest.mark.parametrize("what", ["additions", "text", "text of a hidden line"])
def test_what_the_staff_took_out_does_not_come_back_unseen(service, agent, what):
    report = sent(service, "Ông Bình ở số 5 xả rác")
    if what == "text":
        ok(act(agent, report, "text", text="Một hộ ở đây"))
        ok(act(agent, report, "text", text="Một hộ ở đây xả rác"))
    else:
        report.done("POST", "additions", {"text": "Ông Bình làm đấy"})
        ok(act(agent, report, "additions/1/hide"))
    # what has nothing to do with it does not wait
    report.done("POST", "additions", {"text": "Một hộ ở đây xả rác, vẫn còn"})
    assert report.public.status_code == 200
    again = {"additions": "ÔNG BÌNH, làm đấy!!!", "text": "Xin nhắc: ông Bình ở số 5, xả rác."}
    if what in again:
        report.done("POST", "additions", {"text": again[what]})
    else:
        report.done("PATCH", body={"text": f"{again['additions']} Số 5"})
    assert report.public.status_code == 404
    told = ok(agent.get(f"{QUEUE}/{report.code}"))
    assert (told["state"], [one["code"] for one in told["reasons"]]) == ("review", ["taken-out"])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("text", "Là ông Bình, số 5"),
        ("additions", "0912345678 ông Bình"),
        ("additions", "Gọi 0912.345.678"),
    ],
)
def test_a_part_of_it_waits_and_an_honest_line_does_not(service, agent, what, said):
    report = sent(service, "Ông Bình ở số 5 xả rác" if what == "text" else "Rác ở đầu hẻm")
    if what == "text":
        ok(act(agent, report, "text", text="Một hộ ở đây xả rác"))
    else:
        for n, line in enumerate(("Vẫn còn ngập", f"{LINE}, sđt 0912345678"), 1):
            report.done("POST", "additions", {"text": line})
            ok(act(agent, report, f"additions/{n}/hide"))
    for honest in ("hôm nay vẫn còn ngập sâu", "Nhà ông hàng xóm cũng thế"):
        report.done("POST", "additions", {"text": honest})
        assert report.public.status_code == 200
    report.done("POST", "additions", {"text": said})
    assert report.public.status_code == 404


def test_why_it_was_hidden_is_for_its_reporter_and_not_for_the_public(service, agent):
    report = sent(service)
    before = report.history()
    ok(act(agent, report, "hide"))
    assert report.history(mine=True)[-1] == (
        "hidden",
        f"The city hid this report. Reason: {WHY['reason']}",
    )
    ok(release(agent, report.code, why=WHY["reason"]))
    assert report.history() == before
    ok(act(agent, report, "text", text="Sửa lại"))
    assert WHY["reason"] not in everything_public(report)
    assert [kind for kind, _ in report.history(mine=True)[-3:]] == ["hidden", "shown", "edited"]


@pytest.mark.parametrize("text", [True, False])
def test_an_erasure_takes_the_staffs_reasons_along(service, agent, text):
    report = sent(service)
    report.done("POST", "additions", {"text": LINE})
    for what in ("hide", "additions/1/hide", "additions/1/show", "additions/1/hide"):
        ok(act(agent, report, what))
    ok(act(agent, report, "text", text="Sửa lại"))
    assert told_in_the_database(report, WHY["reason"])
    report.done("POST", "erasure", {"text": text})
    assert not told_in_the_database(report, WHY["reason"])
    assert not told_in_the_database(report, LINE)
    kinds = [kind for kind, _ in report.history(mine=True)]
    assert kinds[-7:] == [
        *("added", "hidden", "addition_hidden", "addition_shown", "addition_hidden"),
        *("edited", "erased"),
    ]
    # still hidden, and the staff see so much of it
    told = ok(agent.get(f"{QUEUE}/{report.code}"))
    assert (told["state"], told["reasons"]) == ("hidden", [])
    ok(act(agent, report, "additions/1/show"))
    assert LINE not in report.ask("GET", "events").text
    if not text:
        assert ok(act(agent, report, "text/undo"))["edited_at"] is None


CHANGES = {
    "corrected": ("PATCH", "", {"text": f"Xin xem {SPAM}"}),
    "added": ("POST", "additions", {"text": SPAM}),
    "moved": ("POST", "position", None),
}


@pytest.mark.parametrize("state", ["review", "hidden"])
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_released_that_changed_since_it_was_looked_at(service, agent, change, state):
    report = sent(service, SPAM)
    if state == "hidden":
        ok(act(agent, report, "hide"))
    (seen,) = [
        one
        for one in ok(agent.get(QUEUE, params={"state": state}))["reports"]
        if one["code"] == report.code
    ]
    method, what, body = CHANGES[change]
    lon, lat = builders.middle(0)
    report.done(method, what, body or {"lon": lon + 0.001, "lat": lat})
    refused = act(agent, report, "release", version=seen["version"])
    assert refused.status_code == 412
    assert "look again" in refused.json()["detail"]
    assert "hãy xem lại" in refused.json()["detail_vi"]
    assert report.public.status_code == 404
    again = ok(agent.get(f"{QUEUE}/{report.code}"))
    assert again["version"] != seen["version"]
    ok(act(agent, report, "release", version=again["version"]))
    assert report.public.status_code == 200


def test_what_another_moderator_did_meanwhile_counts_too(service, agent):
    report = sent(service, SPAM)
    seen = ok(agent.get(f"{QUEUE}/{report.code}"))
    with signed_in(service, "admin") as other:
        ok(act(other, report, "hide"))
    assert act(agent, report, "release", version=seen["version"]).status_code == 412
    assert act(agent, report, "text", text="Sửa", version=seen["version"]).status_code == 412
    # what they do themselves they have seen
    told = ok(act(agent, report, "text", text="Sửa", version=ok_version(agent, report)))
    ok(act(agent, report, "release", version=told["version"]))


def ok_version(agent, report):
    return ok(agent.get(f"{QUEUE}/{report.code}"))["version"]


def test_what_does_not_concern_the_public_is_no_change(service, agent):
    report = sent(service, SPAM)
    seen = ok_version(agent, report)
    report.done("PUT", "contact", {"phone": "0912 345 678"})
    ok(act(agent, report, "release", version=seen))


@pytest.mark.parametrize("body", [WHY, {**WHY, "version": None}, {**WHY, "version": ""}])
def test_nothing_is_released_unseen(service, agent, body):
    report = sent(service, SPAM)
    answer = agent.post(f"{QUEUE}/{report.code}/release", json=body)
    assert answer.status_code in (412, 422)
    assert report.public.status_code == 404
