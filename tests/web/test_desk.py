"""The desk, as one who works at it: finding what is next, answering it, being interrupted."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pyotp
import pytest
from desks import WIDE, account, at_desk, begin, done, listed, opens, row, sent
from playwright.sync_api import Page, expect
from staffed import PASSWORD
from tasked import organisations, put_tasks

import builders

pytestmark = pytest.mark.browser


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.dataset.code ?? document.activeElement.id")


def test_keyboard_alone_leads_from_the_door_to_a_resolved_report(service, opened):
    first = sent(service, 0, "Đèn tắt ở đầu hẻm.")
    code = sent(service, 0, "Nước ngập trước cổng trường.", east=0.002)
    email = account(service, ward=builders.CODES[0], name="ban-phim")
    page = opened(service, "/desk", size=WIDE)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('main') !== null"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    row(page, code).wait_for()
    page.keyboard.press("j")
    while focused(page) != code:
        before = focused(page)
        page.keyboard.press("j")
        assert focused(page) != before, "the last line, and it was not there"
    page.keyboard.press("Enter")
    expect(page.locator("#task-title")).to_be_focused()
    page.get_by_test_id("history").wait_for()
    page.keyboard.press("r")
    expect(page.locator("#answer-text")).to_be_focused()
    page.keyboard.type("Đã hút nước, khơi cống xong.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("status")).to_have_text("Đã xử lý")
    expect(page.locator("#task-title")).to_be_focused()
    page.keyboard.press("Escape")
    assert focused(page) == code
    told = service.http.get(f"/api/v1/reports/{code}/events").json()["events"]
    assert "khơi cống xong" in told[-1]["text"]["vi"]
    assert first in listed(page)
    assert page.complaints == []


def test_keys_do_nothing_while_somebody_types_or_once_they_are_switched_off(service, opened):
    code = sent(service, 1, "Cây nghiêng ra đường.")
    email = account(service, ward=builders.CODES[1], name="phim-tat")
    page = at_desk(service, opened, email)
    opens(page, code)
    page.keyboard.press("n")
    expect(page.locator("#answer-inner")).to_be_focused()
    page.keyboard.type("rstx?/jk.")
    expect(page.locator("#answer-inner")).to_have_value("rstx?/jk.")
    expect(page.locator("[data-move=notes]")).to_have_attribute("aria-pressed", "true")
    assert page.locator("dialog[open]").count() == 0
    # Out of the field, then they work; out of the report.
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    switch = page.get_by_role("switch", name="Dùng phím tắt một chữ")
    switch.uncheck()
    page.keyboard.press("Escape")
    page.locator("#task-title").focus()
    page.keyboard.press("r")
    expect(page.locator("[data-move=notes]")).to_have_attribute("aria-pressed", "true")
    page.reload()
    page.get_by_test_id("history").wait_for()
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 0
    # What is no letter still works.
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("task")).to_have_count(0)


def test_every_view_is_a_link_and_back_leads_to_the_one_before(service, opened):
    mine = sent(service, 2, "Rác đổ ở bờ kênh.", category="waste.missed_collection")
    other = sent(service, 2, "Nước ngập cả hẻm.", east=0.003)
    email = account(service, ward=builders.CODES[2], name="dia-chi")
    page = at_desk(service, opened, email)
    expect(row(page, mine)).to_be_visible()
    expect(row(page, other)).to_be_visible()
    page.get_by_role("button", name="Bộ lọc").click()
    page.get_by_label("Loại", exact=True).select_option("waste")
    expect(row(page, other)).to_have_count(0)
    page.get_by_label("Tìm trong nội dung").fill("bo kenh")
    page.get_by_label("Tìm trong nội dung").press("Enter")
    page.get_by_label("Thứ tự").select_option("newest")
    opens(page, mine)
    said = parse_qs(urlsplit(page.url).query)
    assert said == {"category": ["waste"], "q": ["bo kenh"], "order": ["newest"], "task": [mine]}
    page.reload()
    expect(page.locator("#task-title")).to_contain_text(mine)
    expect(page.get_by_label("Tìm trong nội dung")).to_have_value("bo kenh")
    expect(page.get_by_label("Thứ tự")).to_have_value("newest")
    expect(row(page, mine)).to_be_visible()
    assert listed(page) == [mine]
    page.go_back()
    expect(page.get_by_test_id("task")).to_have_count(0)
    for _ in range(3):
        page.go_back()
    expect(row(page, other)).to_be_visible()
    assert "category" not in page.url
    page.go_forward()
    expect(row(page, other)).to_have_count(0)
    # What the address has wrong is left out, not asked for.
    page.goto(f"{service.base}/desk?status=nonsense,assigned&priority=9&order=worst")
    expect(row(page, mine)).to_be_visible()
    asked = [r.url for r in page.asked if "/api/v1/tasks?" in r.url][-1]
    assert parse_qs(urlsplit(asked).query)["status"] == ["assigned"]
    assert "priority" not in asked


def test_the_deadline_that_is_next_is_told_in_words_and_marked(service, opened):
    now = datetime.now(UTC)
    committee = organisations(service.url)[3]
    lon, lat = builders.middle(3)

    def put(**columns: object) -> str:
        given = {"created_at": now - timedelta(days=9), "organisation_id": committee, **columns}
        return put_tasks(service.url, [(lon, lat)], **given)[0]

    hours = lambda n: now + timedelta(hours=n)  # noqa: E731
    codes = {
        "late": put(due_at=hours(-50), replied_at=now),
        "first late": put(first_due_at=hours(-3), due_at=hours(90)),
        "first": put(first_due_at=hours(5), due_at=hours(90)),
        "soon": put(due_at=hours(30), replied_at=now, escalated=1),
        "fine": put(due_at=hours(80), replied_at=now),
        "paused": put(due_at=hours(-1), status="waiting", waits_since=hours(-2)),
        "none": put(),
    }
    email = account(service, "hotline_agent", organisation=committee, name="han")
    page = at_desk(service, opened, email)
    row(page, codes["none"]).wait_for()

    def due(name: str) -> tuple[str, str]:
        chip = row(page, codes[name]).locator("[data-due]")
        return chip.get_attribute("data-due"), chip.inner_text()

    assert due("late") == ("late", "Xử lý xong: quá hạn 2 ngày")
    assert due("first late") == ("late", "Trả lời lần đầu: quá hạn 3 giờ")
    assert due("first") == ("fine", "Trả lời lần đầu: còn 5 giờ")
    assert due("soon") == ("soon", "Xử lý xong: sắp hết hạn, còn 30 giờ")
    assert due("fine") == ("fine", "Xử lý xong: còn 3 ngày")
    assert due("paused")[0] == "paused"
    assert due("paused")[1].startswith("Tạm dừng tính hạn từ")
    assert due("none") == ("none", "Không có hạn")
    expect(page.get_by_test_id("counts")).to_have_text("7 việc đang mở · 1 quá hạn")


def test_a_report_tells_why_it_is_here_and_what_only_the_staff_read(service, opened):
    code = sent(service, 4, "Loa hát ồn suốt đêm.", category="noise.neighbours")
    email = account(service, ward=builders.CODES[4], name="vi-sao")
    page = at_desk(service, opened, email)
    pane = opens(page, code)
    expect(pane.get_by_text("Vì sao giao cho nơi này")).to_be_visible()
    begin(page, "notes")
    page.get_by_label("Ghi chú nội bộ").fill("Đã gọi công an phường, chờ trả lời.")
    done(page)
    line = page.get_by_test_id("history").locator("li").first
    expect(line).to_contain_text("Nội bộ")
    expect(line).to_contain_text("Người Thử")
    public = service.http.get(f"/api/v1/reports/{code}/events").text
    assert "công an" not in public


def test_contact_is_shown_only_when_asked_for_and_each_look_is_a_line_of_the_log(service, opened):
    code = sent(service, 4, "Cống nghẹt.", reporter={"name": "Bà Tư", "phone": "0912 345 678"})
    email = account(service, ward=builders.CODES[4], name="lien-he")
    page = at_desk(service, opened, email)
    opens(page, code)
    assert not [r for r in page.asked if r.url.endswith("/contact") or "/contact?" in r.url]
    page.get_by_role("button", name="Xem liên hệ").click()
    expect(page.locator("#contact-wrong")).to_contain_text("lý do")
    page.get_by_label("Cần liên hệ để làm gì?").fill("hỏi lại địa chỉ")
    page.get_by_role("button", name="Xem liên hệ").click()
    expect(page.get_by_test_id("contact")).to_contain_text("0912 345 678")
    with psycopg.connect(service.url) as db:
        told = db.execute("SELECT count(*) FROM audit_log WHERE actor = %s", (email,)).fetchone()
    assert told == (1,)


def test_given_away_it_is_another_s_and_says_to_whom(service, opened):
    code = sent(service, 5, "Đường sụt.", category="traffic.pothole")
    email = account(service, ward=builders.CODES[5], name="chuyen")
    page = at_desk(service, opened, email)
    opens(page, code)
    page.keyboard.press("p")
    page.get_by_label("Chuyển đến: Lọc theo tên").fill("da mau")
    page.get_by_label("Chuyển đến", exact=True).select_option("ward-90003")
    page.get_by_test_id("send").click()
    expect(page.locator("#answer-text-wrong")).to_contain_text("lý do")
    page.locator("#answer-text").fill("Đoạn này do phường Đa Mẫu quản lý.")
    done(page)
    expect(page.get_by_test_id("task").locator("dl")).to_contain_text("UBND phường Đa Mẫu")


def test_another_category_is_given_with_its_reason(service, opened):
    code = sent(service, 5, "Rác trôi bít miệng cống.")
    email = account(service, ward=builders.CODES[5], name="doi-loai")
    page = at_desk(service, opened, email)
    opens(page, code)
    page.keyboard.press("c")
    page.get_by_label("Loại mới").select_option("waste.missed_collection")
    page.locator("#answer-text").fill("Vấn đề là rác chưa thu gom.")
    done(page)
    told = service.http.get(f"/api/v1/reports/{code}").json()["properties"]
    assert told["category"]["code"] == "waste.missed_collection"


def test_whoever_does_not_work_here_is_told_where_they_do(service, opened):
    page = opened(service, "/desk", size=WIDE)
    expect(page.get_by_role("heading", level=1, name="Bàn điều phối")).to_be_visible()
    email = account(service, "crew", ward=builders.CODES[0], name="doi")
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Thư điện tử").fill(email)
    dialog.get_by_label("Mật khẩu").fill(PASSWORD)
    dialog.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("link", name=re.compile("đội hiện trường"))).to_be_visible()
    assert not [r for r in page.asked if "/api/v1/tasks" in r.url]


def test_a_second_step_is_asked_for_and_leads_in(service, opened):
    email = account(service, ward=builders.CODES[0], name="hai-buoc")
    said = {"email": email, "password": PASSWORD}
    meant = {"Pinward-Request": "1"}
    with httpx.Client(base_url=service.base, headers=meant) as own:
        own.post("/api/v1/session", json=said)
        secret = own.post("/api/v1/session/totp", json={"password": PASSWORD}).json()["secret"]
        code = {"code": pyotp.TOTP(secret).now()}
        assert own.put("/api/v1/session/totp", json=code).status_code == 200
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE users SET totp_step = 0 WHERE email = %s", (email,))
    page = opened(service, "/desk", size=WIDE)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Thư điện tử").fill(email)
    dialog.get_by_label("Mật khẩu").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Mã xác nhận")).to_be_focused()
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Mã chưa đúng")
    dialog.get_by_label("Mã xác nhận").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Việc cần xử lý")).to_be_focused()
