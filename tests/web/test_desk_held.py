"""What the public does not see, at the desk: looked at, released or kept hidden, with a reason."""

import re

import psycopg
import pytest
from crewed import by_dialog, sign_out
from desks import account, at_desk, meanwhile, opens, row
from hostile import drawn, written
from own import Sent
from playwright.sync_api import Locator, Page, expect

import builders

pytestmark = pytest.mark.browser

LINK = "Mua sắm giá rẻ tại https://spam.example/x ngay hôm nay"
RELEASE, HIDE = "Cho hiện công khai", "Giữ ẩn"
KEPT = "JSON.stringify({ ...localStorage })"


def held_back(service: object, ward: int, text: str = LINK, **more: object) -> Sent:
    """A report that the public does not see until somebody has looked."""
    lon, lat = builders.middle(ward)
    made = Sent(service, lon=lon, lat=lat, text=text, **more)
    assert made.public.status_code == 404
    return made


def card(page: Page, report: Sent) -> Locator:
    return page.locator(f"[data-held='{report.code}']")


def decide(card: Locator, what: str, why: str) -> None:
    card.get_by_role("button", name=what, exact=True).click()
    card.get_by_role("textbox").fill(why)
    card.get_by_test_id("decide").click()


def log(service: object, report: Sent) -> list[tuple[str, str]]:
    with psycopg.connect(service.url) as db:
        said = "SELECT action, reason FROM audit_log WHERE subject = %s ORDER BY n"
        return db.execute(said, (report.code,)).fetchall()


def test_keyboard_alone_lets_the_public_see_what_was_looked_at(service, opened):
    first, second = held_back(service, 0), held_back(service, 0, f"Xem {LINK}")
    page = at_desk(service, opened, account(service, ward=builders.CODES[0], name="duyet"))
    expect(page.get_by_test_id("waiting")).to_contain_text("2 phản ánh chờ duyệt")
    page.keyboard.press("v")
    expect(page.locator("#held-title")).to_be_focused()
    expect(card(page, second)).to_contain_text("nội dung có liên kết")
    page.keyboard.press("j")
    expect(card(page, second).locator("h3")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    reason = card(page, second).get_by_role("textbox", name=f"{RELEASE}: Lý do")
    expect(reason).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(reason).to_have_attribute("aria-invalid", "true")
    page.keyboard.type("liên kết là báo chí")
    assert second.public.status_code == 404
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("held").get_by_role("status").first).to_have_text(
        f"{second.code} đang hiện công khai."
    )
    expect(card(page, first).locator("h3")).to_be_focused()
    assert second.public.status_code == 200
    assert first.public.status_code == 404
    assert log(service, second) == [("report.release", "liên kết là báo chí")]
    expect(page.get_by_test_id("waiting")).to_contain_text("1 phản ánh chờ duyệt")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("held")).to_have_count(0)
    assert page.complaints == []


def test_kept_hidden_its_sender_reads_why_and_it_can_be_shown_after_all(service, opened):
    report = held_back(service, 1)
    page = at_desk(service, opened, account(service, ward=builders.CODES[1], name="an"))
    page.get_by_test_id("waiting").click()
    decide(card(page, report), HIDE, "quảng cáo")
    expect(card(page, report)).to_contain_text("bị ẩn với công chúng")
    assert report.public.status_code == 404
    assert any("quảng cáo" in words for _, words in report.history(mine=True))
    page.get_by_role("link", name="Đã ẩn (1)").click()
    expect(card(page, report)).to_contain_text("quảng cáo")
    expect(card(page, report).get_by_role("button", name=HIDE)).to_have_count(0)
    decide(card(page, report), RELEASE, "xem lại: không phải quảng cáo")
    expect(card(page, report)).to_contain_text("đang hiện công khai")
    assert report.public.status_code == 200
    page.reload()
    expect(page.get_by_text("Không có phản ánh nào đang bị ẩn.")).to_be_visible()


def test_what_its_sender_changed_meanwhile_is_not_released_unseen(service, opened):
    report = held_back(service, 2)
    page = at_desk(service, opened, account(service, ward=builders.CODES[2], name="doi"))
    page.get_by_test_id("waiting").click()
    card(page, report).get_by_role("button", name=RELEASE, exact=True).click()
    report.done("PATCH", body={"text": "Vay nhanh tại https://spam.example/vay"})
    card(page, report).get_by_role("textbox").fill("không có gì lạ")
    card(page, report).get_by_test_id("decide").click()
    stale = page.get_by_test_id("held-stale")
    expect(stale.locator("[data-stale]")).to_be_focused()
    expect(stale.locator("del")).to_have_text(LINK)
    expect(stale.locator("ins")).to_have_text("Vay nhanh tại https://spam.example/vay")
    expect(stale).to_contain_text("không có gì lạ")
    assert report.public.status_code == 404
    assert log(service, report) == []
    stale.get_by_role("button", name="Vẫn cho hiện bản mới").click()
    expect(card(page, report)).to_contain_text("đang hiện công khai")
    assert report.public.json()["properties"]["text"].startswith("Vay nhanh")


def test_a_reason_taken_up_again_is_not_for_what_changed_since(service, opened):
    report = held_back(service, 3)
    email = account(service, ward=builders.CODES[3], name="ly-do")
    page = at_desk(service, opened, email, "/desk?withheld=review")
    card(page, report).get_by_role("button", name=RELEASE, exact=True).click()
    card(page, report).get_by_role("textbox").fill("không có gì lạ")
    # What the public may not see does not lie on the device.
    assert "không có gì lạ" in page.evaluate(KEPT)
    assert "spam.example" not in page.evaluate(KEPT)
    report.done("PATCH", body={"text": "Vay nhanh tại https://spam.example/vay"})
    report.done("POST", "additions", {"text": "Gọi 0900 000 000 để vay."})
    page.reload()
    expect(card(page, report).get_by_role("textbox")).to_have_value("không có gì lạ")
    stale = page.get_by_test_id("held-stale")
    expect(stale).to_contain_text("đã thay đổi từ khi bạn viết dở")
    expect(stale.locator("del")).to_have_text(["trước đó khác", "–"])
    expect(stale.locator("ins")).to_have_text([re.compile("Vay nhanh"), re.compile("để vay")])
    card(page, report).get_by_test_id("decide").click()
    expect(stale.locator("[data-stale]")).to_be_focused()
    assert report.public.status_code == 404
    page.get_by_role("button", name="Thôi").click()
    page.reload()
    expect(card(page, report).get_by_role("button", name=RELEASE, exact=True)).to_be_visible()


def test_who_comes_second_is_told_that_it_is_done(service, opened):
    report = held_back(service, 3)
    email = account(service, ward=builders.CODES[3], name="sau")
    page = at_desk(service, opened, email, "/desk?withheld=review")
    card(page, report).get_by_role("button", name=RELEASE, exact=True).click()
    path = f"/api/v1/moderation/reports/{report.code}"
    meanwhile(service, opened, f"{path}/hide", {"reason": "quảng cáo"}, 3, "truoc-an")
    at = {"reason": "nhầm", "version": version(service, report)}
    meanwhile(service, opened, f"{path}/release", at, 3, "truoc-hien")
    page.bring_to_front()
    card(page, report).get_by_role("textbox").fill("không có gì lạ")
    card(page, report).get_by_test_id("decide").click()
    stale = page.get_by_test_id("held-stale")
    expect(stale).to_contain_text("đã có người cho hiện")
    expect(stale.get_by_role("button")).to_have_count(1)
    stale.get_by_role("button").click()
    expect(card(page, report).get_by_role("button", name=RELEASE, exact=True)).to_have_count(0)
    # What was typed is there for what can still be done.
    assert "không có gì lạ" in page.evaluate(KEPT)
    expect(card(page, report)).to_contain_text("không có gì lạ")
    card(page, report).get_by_role("button", name=HIDE, exact=True).click()
    expect(card(page, report).get_by_role("textbox")).to_have_value("không có gì lạ")
    assert [action for action, _ in log(service, report)] == ["report.hide", "report.release"]


def version(service: object, report: Sent) -> str:
    with psycopg.connect(service.url) as db:
        newest = (
            "SELECT max(e.id) FROM report_events e JOIN reports r ON r.id = e.report_id"
            " WHERE r.code = %s"
        )
        return str(db.execute(newest, (report.code,)).fetchone()[0])


def test_from_the_report_one_gets_to_its_card_and_back(service, opened):
    files = {"file": ("a.jpg", written(drawn(64, 48), "JPEG"))}
    photo = service.http.post("/api/v1/uploads", files=files).json()["id"]
    report, later = held_back(service, 4, photos=[photo]), held_back(service, 4)
    page = at_desk(service, opened, account(service, ward=builders.CODES[4], name="qua-lai"))
    opens(page, report.code)
    page.get_by_role("link", name="Duyệt phản ánh này").click()
    expect(card(page, report).locator("h3")).to_be_focused()
    expect(card(page, later)).to_be_visible()
    assert f"task={report.code}" in page.url
    picture = card(page, report).get_by_role("img", name="Ảnh 1")
    width = "each => new Promise((go) => each.complete ? go(each.naturalWidth) : each.onload = go)"
    assert picture.evaluate(width)
    assert service.http.get(f"{report.path}/photos/1").status_code == 404
    decide(card(page, report), RELEASE, "không có gì lạ")
    expect(card(page, report)).to_contain_text("đang hiện công khai")
    page.get_by_role("button", name="Quay lại").click()
    expect(page.locator("#task-title")).to_be_focused()
    expect(page.get_by_role("link", name="Duyệt phản ánh này")).to_have_count(0)
    expect(page.get_by_role("link", name="Xem trang công khai")).to_be_visible()
    page.go_back()
    expect(page.locator("#held-title")).to_be_focused()


def test_a_list_that_does_not_come_is_asked_for_again_and_an_empty_one_says_so(service, opened):
    email = account(service, ward=builders.CODES[5], name="trong")
    page = at_desk(service, opened, email)
    page.route("**/api/v1/moderation/**", lambda route: route.abort())
    page.goto(f"{service.base}/desk?withheld=review")
    expect(page.get_by_role("alert")).to_contain_text("Chưa tải được danh sách.")
    page.unroute("**/api/v1/moderation/**")
    page.get_by_test_id("held").get_by_role("button", name="Thử lại").click()
    expect(page.get_by_text("Không có phản ánh nào chờ duyệt.")).to_be_visible()
    expect(page.get_by_test_id("waiting")).to_have_count(0)
    # Another ward's is none of theirs.
    report = held_back(service, 4)
    page.reload()
    expect(page.get_by_text("Không có phản ánh nào chờ duyệt.")).to_be_visible()
    assert report.code not in page.content()


def test_whoever_may_not_moderate_is_told_so(service, opened):
    # For no ward and no organisation: an officer of nobody.
    page = at_desk(service, opened, account(service, name="khong-phuong"), "/desk?withheld=review")
    expect(page.get_by_test_id("held").get_by_role("alert")).to_have_text(
        "Tài khoản này không được kiểm duyệt phản ánh."
    )
    expect(page.get_by_test_id("held").get_by_role("button", name="Thử lại")).to_have_count(0)


def test_a_lost_network_loses_no_reason(service, opened):
    report = held_back(service, 5)
    email = account(service, ward=builders.CODES[5], name="mat-mang-duyet")
    page = at_desk(service, opened, email, "/desk?withheld=review")
    card(page, report).get_by_role("button", name=HIDE, exact=True).click()
    card(page, report).get_by_role("textbox").fill("quảng cáo")
    page.context.set_offline(True)
    card(page, report).get_by_test_id("decide").click()
    expect(card(page, report).get_by_role("alert")).to_contain_text("Lý do bạn viết vẫn còn.")
    page.context.set_offline(False)
    page.reload()
    expect(card(page, report).get_by_role("textbox")).to_have_value("quảng cáo")
    card(page, report).get_by_test_id("decide").click()
    expect(card(page, report)).to_contain_text("bị ẩn với công chúng")
    assert row(page, report.code).count() == 1


def test_who_sits_down_next_finds_neither_the_count_nor_what_it_was_about(service, opened):
    report = held_back(service, 1)
    email = account(service, ward=builders.CODES[1], name="ca-sang")
    page = at_desk(service, opened, email, "/desk?withheld=review")
    expect(page.get_by_test_id("waiting")).to_be_visible()
    card(page, report).get_by_role("button", name=HIDE, exact=True).click()
    card(page, report).get_by_role("textbox").fill("quảng cáo")
    assert "marks" in page.evaluate(KEPT)
    sign_out(page)
    page.wait_for_function(f"() => !{KEPT}.includes('marks')")
    page.route("**/api/v1/moderation/**", lambda route: route.abort())
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, account(service, ward=builders.CODES[2], name="ca-chieu"))
    page.get_by_test_id("live").wait_for(state="attached")
    expect(page.get_by_test_id("waiting")).to_have_count(0)
    # Who wrote it finds the words, and that it changed since.
    sign_out(page)
    page.unroute("**/api/v1/moderation/**")
    report.done("PATCH", body={"text": "Vay nhanh tại https://spam.example/vay"})
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, email)
    page.goto(f"{service.base}/desk?withheld=review")
    expect(card(page, report).get_by_role("textbox")).to_have_value("quảng cáo")
    expect(page.get_by_test_id("held-stale")).to_contain_text("đã thay đổi từ khi bạn viết dở")
