"""Bursts that look like no people's reports: taken in, and looked at before they are public."""

import secrets

import psycopg
import pytest
from conftest import serving
from staffed import signed_in

import builders

LIST = "/api/v1/reports"
QUEUE = "/api/v1/moderation/reports"


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suspicious")
    with serving(clone(city_template), folder, 2, PINWARD_LIMITS="yes") as made:
        yield made


def send(service, n, text=None, ward=0, network=None, **more):
    """The n-th phone of a crowd, at a place of its own in the ward unless it says another."""
    lon, lat = builders.middle(ward)
    body = {"lon": lon + n * 0.0015 - 0.008, "lat": lat, **more}
    answer = service.http.post(
        LIST,
        json=builders.a_report(text=text or f"Nước ngập {secrets.token_hex(12)}", **body),
        headers={
            "Pinward-Device": secrets.token_hex(16),
            "X-Forwarded-For": network or f"198.51.100.{secrets.randbelow(250)}",
        },
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["code"]


def reasons(service, code):
    """Codes of the reasons for which a report waits; None: it does not."""
    shown = service.http.get(f"{LIST}/{code}").status_code == 200
    with psycopg.connect(service.url) as db:
        (withheld,) = db.execute("SELECT withheld FROM reports WHERE code = %s", (code,)).fetchone()
        found = db.execute(
            "SELECT data FROM report_events AS e JOIN reports AS r ON r.id = e.report_id"
            " WHERE r.code = %s AND e.kind = 'withheld'",
            (code,),
        ).fetchone()
    assert (withheld is None) == shown
    return None if shown else [one["code"] for one in found[0]["reasons"]]


def test_the_same_text_many_times_waits_from_any_device_or_network(service):
    texts = [
        "Cột điện bị đổ trước trường học, rất nguy hiểm",
        "CỘT ĐIỆN bị đổ  trước trường học rất nguy hiểm!!",
    ]
    found = [reasons(service, send(service, n, texts[n % 2])) for n in range(7)]
    assert found == [None] * 5 + [["same-text"]] * 2
    # what many say in two words is no sign of anything
    assert [reasons(service, send(service, n, "Mất điện", ward=1)) for n in range(8)] == [None] * 8


def test_many_from_one_network_about_one_spot_wait_and_others_do_not(service):
    lon, lat = builders.middle(2)
    spot = {"lon": lon, "lat": lat}
    one = [reasons(service, send(service, 0, network="203.0.113.9", **spot)) for _ in range(10)]
    assert one == [None] * 8 + [["one-spot"]] * 2
    # a flood of water has many senders
    many = [
        reasons(service, send(service, 0, network=f"203.0.113.{n}", **spot)) for n in range(20, 32)
    ]
    assert many == [None] * 12
    # and a network many places
    wide = [reasons(service, send(service, n, ward=3, network="203.0.113.10")) for n in range(10)]
    assert wide == [None] * 10


@pytest.mark.parametrize(
    "text",
    [
        "Xem tại https://example.org/a",
        "xem HTTP : //example.org",
        "vào www.example ngay",
        "nhà cái bet88.win uy tín",
        "ｓｐａｍ．ｃｏｍ giá rẻ",
        "liên hệ t.me/abc",
    ],
)
def test_a_link_waits(service, text):
    assert reasons(service, send(service, 0, text, ward=4)) == ["link"]


@pytest.mark.parametrize(
    "text",
    [
        "Hố ga hở trước số 5.Nguy hiểm quá",
        "TP.HCM ngập nặng, sâu 0.5 m",
        "Trạm biến áp 110kV.Me đường số 3",
        "Liên hệ tôi qua ten.toi@gmail.com",
        "Đèn hỏng 3/4 bóng, từ 18:00 - 5:00",
    ],
)
def test_what_only_looks_like_a_link_does_not(service, text):
    assert reasons(service, send(service, 1, text, ward=5)) is None


def test_an_answer_to_a_question_is_looked_at_too(service):
    code = send(
        service,
        2,
        "Xe bỏ trạm không dừng đón khách",
        ward=5,
        category="bus.skipped_stop",
        answers={"route": "www.spam.vn"},
    )
    assert reasons(service, code) == ["link"]


def test_the_staff_are_told_why_and_what_they_send_does_not_wait(service):
    code = send(service, 3, "Vay tiền nhanh tại vay-nhanh.top", ward=5)
    with signed_in(service, "hotline_agent") as agent:
        (item,) = [one for one in agent.get(QUEUE).json()["reports"] if one["code"] == code]
        assert item["state"] == "review"
        (why,) = item["reasons"]
        assert why == {
            "code": "link",
            "vi": "nội dung có liên kết",
            "en": "the text holds a link",
        }
        body = builders.a_report(text="Theo tin trên https://baochi.vn: ngập nặng")
        own = agent.post(LIST, json=body).json()["code"]
    assert reasons(service, own) is None
