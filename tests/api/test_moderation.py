"""What the staff do with reports that should not stand as they are; each act can be taken back."""

import secrets
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from conftest import serving
from hostile import drawn, written
from staffed import release, signed_in

import builders
from geo import audit
from geo.store.database import create_engine

LIST = "/api/v1/reports"
QUEUE = "/api/v1/moderation/reports"
WHY = {"reason": "lý do thử"}


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moderation")
    with serving(clone(city_template), folder, PINWARD_LIMITS="yes") as made:
        yield made


@pytest.fixture(scope="module")
def agent(service):
    with signed_in(service, "hotline_agent") as client:
        yield client


def send(service, text=None, ward=0, device=None, **more):
    lon, lat = builders.middle(ward)
    answer = service.http.post(
        LIST,
        json=builders.a_report(
            text=text or f"Nước ngập {secrets.token_hex(9)}", lon=lon, lat=lat, **more
        ),
        headers={
            "Pinward-Device": device or secrets.token_hex(16),
            "X-Forwarded-For": f"198.51.{secrets.randbelow(250)}.{secrets.randbelow(250)}",
        },
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def shown(service, sent):
    return service.http.get(f"{LIST}/{sent['code']}")


def mine(service, sent, path=""):
    headers = {"Authorization": f"Report {sent['secret']}"}
    return service.http.get(f"{LIST}/{sent['code']}{path}", headers=headers).json()


def lines(service, sent):
    with psycopg.connect(service.url) as db:
        return db.execute(
            "SELECT actor, action, reason FROM audit_log WHERE subject = %s ORDER BY n",
            (sent["code"],),
        ).fetchall()


def uploaded(service):
    files = {"file": ("a", written(drawn(64, 48), "JPEG"))}
    answer = service.http.post("/api/v1/uploads", files=files, timeout=120)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def ok(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_hiding_and_showing_again_is_told_to_the_reporter_and_written_down(service, agent):
    sent = send(service)
    path = f"{QUEUE}/{sent['code']}"
    told = ok(agent.post(f"{path}/hide", json=WHY))
    assert (told["state"], told["reasons"][0]["vi"]) == ("hidden", WHY["reason"])
    assert shown(service, sent).status_code == 404
    assert mine(service, sent)["properties"]["visibility"] == "hidden"
    last = mine(service, sent, "/events")["events"][-1]
    assert last["kind"] == "hidden"
    assert WHY["reason"] in last["text"]["vi"]
    assert agent.post(f"{path}/hide", json=WHY).status_code == 409
    told = ok(release(agent, sent["code"]))
    assert (told["state"], told["reasons"]) == (None, [])
    assert shown(service, sent).status_code == 200
    assert mine(service, sent)["properties"]["visibility"] == "public"
    assert release(agent, sent["code"]).status_code == 409
    who = "hotline_agent-0-0@example.test"
    assert lines(service, sent) == [
        (who, "report.hide", WHY["reason"]),
        (who, "report.release", WHY["reason"]),
    ]


def test_a_look_that_ends_well_is_not_told_to_the_reporter(service, agent):
    sent = send(service, "xem www.example.vn")
    before = mine(service, sent, "/events")
    told = ok(release(agent, sent["code"]))
    assert [one["kind"] for one in told["events"] if not one["public"]] == ["withheld", "released"]
    assert mine(service, sent, "/events") == before
    assert shown(service, sent).status_code == 200


def test_an_edited_text_is_kept_as_it_was_and_can_be_put_back(service, agent):
    sent = send(service, "Ông Nguyễn Văn A ở số 5 xả rác")
    path = f"{QUEUE}/{sent['code']}/text"
    told = ok(agent.post(path, json={**WHY, "text": "  Một hộ ở đây xả rác "}))
    assert told["text"] == "Một hộ ở đây xả rác"
    (old,) = told["texts"]
    assert (old["n"], old["text"]) == (1, "Ông Nguyễn Văn A ở số 5 xả rác")
    assert old["replaced_by"] == "hotline_agent-0-0@example.test"
    public = shown(service, sent).json()["properties"]
    assert public["text"] == "Một hộ ở đây xả rác"
    assert public["edited_at"] == told["edited_at"] is not None
    assert "Nguyễn Văn A" not in service.http.get(f"{LIST}/{sent['code']}/events").text
    told = ok(agent.post(path, json={**WHY, "text": "Xả rác"}))
    assert [one["text"] for one in told["texts"]] == [old["text"], "Một hộ ở đây xả rác"]
    told = ok(agent.post(f"{path}/undo", json=WHY))
    assert (told["text"], len(told["texts"])) == ("Một hộ ở đây xả rác", 3)
    told = ok(agent.post(f"{path}/undo", json={**WHY, "n": 1}))
    assert told["text"] == old["text"]
    assert shown(service, sent).json()["properties"]["edited_at"] is None
    assert agent.post(f"{path}/undo", json={**WHY, "n": 99}).status_code == 422
    assert agent.post(path, json={**WHY, "text": old["text"]}).status_code == 422
    assert agent.post(path, json={**WHY, "text": "x\u0007y"}).status_code == 422
    assert agent.post(f"{QUEUE}/{send(service)['code']}/text/undo", json=WHY).status_code == 409
    assert [action for _, action, _ in lines(service, sent)] == ["report.edit"] * 4


def test_erasing_a_text_takes_its_old_versions_and_its_device_along(service, agent):
    sent = send(service, "Bí mật của tôi nằm trong câu này")
    path = f"{QUEUE}/{sent['code']}"
    ok(agent.post(f"{path}/text", json={**WHY, "text": "Không còn gì"}))
    headers = {"Authorization": f"Report {sent['secret']}"}
    gone = service.http.post(f"{LIST}/{sent['code']}/erasure", json={"text": True}, headers=headers)
    assert gone.status_code == 200, gone.text
    told = ok(agent.get(path))
    assert told["texts"] == []
    assert told["device_known"] is False
    with psycopg.connect(service.url) as db:
        for table in ("reports", "report_texts", "report_events"):
            assert "Bí mật của tôi" not in str(
                db.execute(f"SELECT t::text FROM {table} t").fetchall()
            )
    assert agent.post(f"{path}/text", json={**WHY, "text": "mới"}).status_code == 409
    assert agent.post(f"{path}/device/bar", json=WHY).status_code == 409


def test_a_barred_device_may_not_send_and_may_again(service, agent):
    device = secrets.token_hex(16)
    sent = send(service, device=device)
    path = f"{QUEUE}/{sent['code']}/device"
    ok(agent.post(f"{path}/bar", json={**WHY, "days": 3}))

    def again():
        body = builders.a_report(text=f"Nước ngập {secrets.token_hex(9)}")
        return service.http.post(LIST, json=body, headers={"Pinward-Device": device})

    refused = again()
    assert refused.status_code == 403
    told = refused.json()
    assert told["type"].endswith("/device-banned")
    ends = datetime.fromisoformat(told["until"]) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < ends <= timedelta(days=3)
    send(service)
    ok(agent.post(f"{path}/unbar", json=WHY))
    assert again().status_code == 201
    assert agent.post(f"{path}/unbar", json=WHY).status_code == 409
    # the report itself may be gone, or not name the device any more
    ok(agent.post(f"{path}/bar", json=WHY))
    (one,) = ok(agent.get("/api/v1/moderation/devices"))["devices"]
    assert device not in str(one)
    left = ok(agent.post(f"/api/v1/moderation/devices/{one['id']}/unbar", json=WHY))
    assert left == {"devices": []}
    for unknown in (one["id"], "zz", "00"):
        answer = agent.post(f"/api/v1/moderation/devices/{unknown}/unbar", json=WHY)
        assert answer.status_code == 404
    acts = [action for _, action, _ in lines(service, sent)]
    assert acts == ["device.bar", "device.unbar", "device.bar"]


def test_a_report_without_a_device_bars_nobody(service, agent):
    body = builders.a_report(text=f"Nước ngập {secrets.token_hex(9)}")
    code = service.http.post(LIST, json=body).json()["code"]
    assert ok(agent.get(f"{QUEUE}/{code}"))["device_known"] is False
    assert agent.post(f"{QUEUE}/{code}/device/bar", json=WHY).status_code == 409


def test_of_a_device_from_before_the_secret_was_replaced_nobody_is_told_that_it_is_barred(
    city_url, tmp_path
):
    old, new = "s" * 40, "t" * 40
    with serving(city_url, tmp_path, PINWARD_LIMITS="yes", PINWARD_SECRET_KEY=old) as before:
        sent = send(before)
    keys = {"PINWARD_SECRET_KEY": new, "PINWARD_OLD_SECRET_KEYS": old}
    with (
        serving(city_url, tmp_path, PINWARD_LIMITS="yes", **keys) as after,
        signed_in(after, "hotline_agent") as agent,
    ):
        refused = agent.post(f"{QUEUE}/{sent['code']}/device/bar", json=WHY)
        assert refused.status_code == 409
        assert "secret key was replaced" in refused.json()["detail"]
        assert ok(agent.get("/api/v1/moderation/devices"))["devices"] == []
        ok(agent.post(f"{QUEUE}/{send(after)['code']}/device/bar", json=WHY))


def test_a_photo_that_is_not_there_cannot_be_hidden(service, agent):
    path = f"{QUEUE}/{send(service)['code']}/photos"
    assert agent.post(f"{path}/1/hide", json=WHY).status_code == 404
    assert agent.post(f"{path}/0/hide", json=WHY).status_code == 422


def test_one_photo_is_hidden_and_shown(service, agent):
    sent = send(service)
    with psycopg.connect(service.url) as db:
        (there,) = db.execute("SELECT to_regclass('photos')::text").fetchone()
        if there is None:
            pytest.skip("no photos in this version")
        db.execute(
            "INSERT INTO photos (report_id, n, sha256, media_type, width, height) SELECT id, 1,"
            " repeat('a', 64), 'image/jpeg', 10, 10 FROM reports WHERE code = %s",
            (sent["code"],),
        )
    path = f"{QUEUE}/{sent['code']}/photos/1"
    picture = f"{LIST}/{sent['code']}/photos/1"
    ok(agent.post(f"{path}/hide", json=WHY))
    assert agent.post(f"{path}/hide", json=WHY).status_code == 409
    assert shown(service, sent).json()["properties"]["photos"] == []
    assert service.http.get(picture).status_code == 404
    ok(agent.post(f"{path}/show", json=WHY))
    assert len(shown(service, sent).json()["properties"]["photos"]) == 1


def test_who_is_to_release_it_sees_its_photos_and_which_of_them_are_hidden(service, agent):
    photos = [uploaded(service), uploaded(service)]
    sent = send(service, "giảm giá ở www.example-anh.vn", photos=photos)
    ok(agent.post(f"{QUEUE}/{sent['code']}/photos/2/hide", json=WHY))
    (one,) = (each for each in ok(agent.get(QUEUE))["reports"] if each["code"] == sent["code"])
    assert [(each["n"], each["hidden"]) for each in one["photos"]] == [(1, False), (2, True)]
    for each in one["photos"]:
        assert agent.get(each["url"]).status_code == 200
        assert service.http.get(each["url"]).status_code == 404
    # Released, the one that was hidden stays so.
    assert release(agent, sent["code"]).status_code == 200
    public = [service.http.get(each["url"]).status_code for each in one["photos"]]
    assert public == [200, 404]


def test_what_waits_is_counted_of_one_s_own_ward_alone(service, agent):
    def counts(client):
        return ok(client.get(QUEUE, params={"counts": "yes", "limit": 1}))["counts"]

    with signed_in(service, "ward_officer", ward=builders.CODES[3], name="dem") as officer:
        before, city = counts(officer), counts(agent)
        sent = [send(service, f"mua ở www.example-{n}.net", ward=3) for n in "ab"]
        send(service, "mua ở www.example-c.net", ward=4)
        ok(officer.post(f"{QUEUE}/{sent[0]['code']}/hide", json=WHY))
        after = counts(officer)
    assert (after["review"] - before["review"], after["hidden"] - before["hidden"]) == (1, 1)
    now = counts(agent)
    assert (now["review"] - city["review"], now["hidden"] - city["hidden"]) == (2, 1)
    assert "counts" not in ok(agent.get(QUEUE))


def test_the_queue_is_paged_and_holds_each_report_once(service, agent):
    sent = [send(service, f"xem www.example-{n}.vn", ward=n % 6)["code"] for n in range(7)]
    seen, cursor = [], None
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = ok(agent.get(QUEUE, params=query))
        assert len(page["reports"]) <= 3
        seen += [one["code"] for one in page["reports"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert [code for code in seen if code in sent] == sent[::-1]
    assert len(seen) == len(set(seen))
    hidden = ok(agent.get(QUEUE, params={"state": "hidden"}))["reports"]
    assert not {one["code"] for one in hidden} & set(sent)


ACTS = {
    "hide": {},
    "release": {"version": "0"},
    "text": {"text": "khác"},
    "text/undo": {},
    "device/bar": {},
    "device/unbar": {},
    "photos/1/hide": {},
    "photos/1/show": {},
    "additions/1/hide": {},
    "additions/1/show": {},
}


@pytest.mark.parametrize("role", ["crew", "planner", "citizen", "other ward", "own ward"])
def test_only_those_who_answer_for_it_moderate(service, role):
    sent = send(service, "xem www.example.vn", ward=0)
    path = f"{QUEUE}/{sent['code']}"
    if role == "citizen":
        answers = [
            service.http.post(f"{path}/{act}", json=WHY | more) for act, more in ACTS.items()
        ]
        answers += [service.http.get(path), service.http.get(QUEUE)]
        assert {answer.status_code for answer in answers} == {401}
        return
    ward = {"other ward": builders.CODES[3], "own ward": builders.CODES[0]}.get(role)
    account = {"ward": ward, "name": f"officer-{ward}"} if ward else {}
    with signed_in(service, "ward_officer" if ward else role, **account) as client:
        codes = [
            client.post(f"{path}/{act}", json=WHY | more).status_code for act, more in ACTS.items()
        ]
        codes.append(client.get(path).status_code)
        listed = client.get(QUEUE)
        devices = client.get("/api/v1/moderation/devices")
    assert devices.status_code == 403
    if role == "own ward":
        # a device sends to the whole city: to bar it is not a ward's
        assert [act for act, said in zip(ACTS, codes, strict=False) if said == 403] == [
            "device/bar",
            "device/unbar",
        ]
        assert 401 not in codes
        assert codes[0] == codes[-1] == 200
        assert all(one["ward"] == ward for one in listed.json()["reports"])
        return
    assert set(codes) == {403}
    if ward:
        assert all(one["ward"] == ward for one in listed.json()["reports"])
    else:
        assert listed.status_code == 403
    assert lines(service, sent) == []


@pytest.mark.parametrize("reason", [None, "", "ab", "x" * 201, "    "])
def test_nothing_is_done_without_a_reason(service, agent, reason):
    sent = send(service)
    body = {} if reason is None else {"reason": reason}
    said = agent.post(f"{QUEUE}/{sent['code']}/hide", json=body)
    assert said.status_code == 422
    assert "items" not in said.text
    assert shown(service, sent).status_code == 200


def test_two_who_act_at_once_do_it_once(service, agent):
    import concurrent.futures

    sent = send(service)
    url = f"{service.base}{QUEUE}/{sent['code']}/hide"
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: agent.post(url, json=WHY).status_code, range(6)))
    assert sorted(done) == [200] + [409] * 5
    assert len(lines(service, sent)) == 1


@pytest.mark.anyio
async def test_the_audit_log_is_whole_after_all_of_it(service):
    engine = create_engine(service.url)
    async with engine.connect() as conn:
        verdict = await audit.verify(conn)
    await engine.dispose()
    assert verdict.broken_at is None
    assert verdict.lines > 10
