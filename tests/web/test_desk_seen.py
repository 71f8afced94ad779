"""Nothing is sent upon what nobody has seen: another version, a day later, one photo less."""

import psycopg
import pytest
from desks import account, at_desk, begin, done, meanwhile, opens, sent, words
from hostile import drawn, written
from playwright.sync_api import Page, Route, expect

import builders

pytestmark = pytest.mark.browser

PHOTO = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": written(drawn(64, 48), "JPEG")}


def status(service: object, code: str) -> str:
    with psycopg.connect(service.url) as db:
        return db.execute("SELECT status FROM reports WHERE code = %s", (code,)).fetchone()[0]


def hears_nothing(page: Page) -> None:
    """What the page learns of others is only what the service answers."""
    page.route("**/api/v1/live?**", lambda route: route.abort())


def two_alike(service: object, ward: int) -> tuple[str, str]:
    return (
        sent(service, ward, "Nước ngập trước chợ từ sáng."),
        sent(service, ward, "Ngập nước trước chợ.", east=0.0002),
    )


def beside(page: Page, code: str, other: str) -> None:
    """Open a report with another one laid beside it, which is to end with it."""
    opens(page, code)
    begin(page, "merge")
    page.get_by_role("radio", name=other).check()
    page.get_by_test_id("sides").wait_for()
    page.get_by_label("Phản ánh kia được gộp vào phản ánh này").check()


def test_the_other_report_does_not_end_as_another_than_was_shown(service, opened):
    other, code = two_alike(service, 0)
    page = at_desk(service, opened, account(service, ward=builders.CODES[0], name="gop-1"))
    hears_nothing(page)
    page.reload()
    beside(page, code, other)
    path = f"/api/v1/tasks/{other}/wait"
    meanwhile(service, opened, path, {"text": "Chờ bơm về."}, 0, "gop-2")
    page.bring_to_front()
    page.get_by_test_id("send").click()
    stale = page.get_by_test_id("stale-other")
    expect(stale).to_contain_text("Có người vừa thay đổi phản ánh kia")
    expect(stale).to_contain_text("Tình trạng: Đã giao xử lý → Tạm chờ")
    expect(stale).to_contain_text("Chờ bơm về.")
    expect(stale.locator("[data-stale]")).to_be_focused()
    assert status(service, other) == "waiting"
    stale.get_by_role("button", name="Vẫn gửi").click()
    expect(page.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    assert status(service, other) == "duplicate"


def test_into_a_report_that_changed_nothing_is_merged_unawares(service, opened):
    other, code = two_alike(service, 1)
    page = at_desk(service, opened, account(service, ward=builders.CODES[1], name="gop-3"))
    beside(page, code, other)
    # Heard of live, not by a refusal: the service is told of the version of the other one alone.
    path = f"/api/v1/tasks/{code}/wait"
    meanwhile(service, opened, path, {"text": "Chờ đường khô."}, 1, "gop-4")
    page.bring_to_front()
    expect(page.get_by_test_id("stale")).to_contain_text("Chờ đường khô.")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("stale").locator("[data-stale]")).to_be_focused()
    assert status(service, other) == "assigned"
    page.get_by_test_id("stale").get_by_role("button", name="Vẫn gửi").click()
    expect(page.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    assert status(service, other) == "duplicate"


def test_merged_is_merged_though_the_answer_to_the_next_question_is_lost(service, opened):
    other, code = two_alike(service, 2)
    page = at_desk(service, opened, account(service, ward=builders.CODES[2], name="gop-5"))
    beside(page, code, other)
    page.route(f"**/api/v1/tasks/{code}", lambda route: route.abort())
    page.get_by_test_id("send").click()
    expect(page.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    assert status(service, other) == "duplicate"


def test_an_answer_taken_up_again_goes_by_what_it_was_begun_on(service, opened):
    code = sent(service, 3, "Đèn nhấp nháy suốt đêm.", category="lighting.lamp_out")
    page = at_desk(service, opened, account(service, ward=builders.CODES[3], name="do-1"))
    opens(page, code)
    begin(page, "reject")
    page.locator("#answer-text").fill("Việc này thuộc điện lực.")
    kept = page.evaluate("JSON.stringify({ ...localStorage })")
    assert "thuộc điện lực" in kept
    assert "nhấp nháy" not in kept
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("task")).to_have_count(0)
    path = f"/api/v1/tasks/{code}/wait"
    meanwhile(service, opened, path, {"text": "Điện lực đã nhận, chờ."}, 3, "do-2")
    page.bring_to_front()
    page.reload()
    opens(page, code)
    stale = page.get_by_test_id("stale")
    expect(stale).to_contain_text("đã thay đổi từ khi bạn viết dở")
    expect(stale).to_contain_text("Điện lực đã nhận, chờ.")
    expect(stale).to_contain_text("Tình trạng: Đã giao xử lý → Tạm chờ")
    expect(page.locator("#answer-text")).to_have_value("Việc này thuộc điện lực.")
    page.get_by_test_id("send").click()
    expect(stale.locator("[data-stale]")).to_be_focused()
    assert status(service, code) == "waiting"
    stale.get_by_role("button", name="Tôi đã xem, viết tiếp").click()
    # Seen once, it is not told again.
    page.reload()
    expect(page.locator("#answer-text")).to_have_value("Việc này thuộc điện lực.")
    expect(page.get_by_test_id("stale")).to_have_count(0)
    done(page)
    assert "Việc này thuộc điện lực." in words(service, code)


def test_a_merge_taken_up_again_goes_by_the_other_report_as_it_was_shown(service, opened):
    other, code = two_alike(service, 4)
    page = at_desk(service, opened, account(service, ward=builders.CODES[4], name="do-3"))
    beside(page, code, other)
    path = f"/api/v1/tasks/{other}/notes"
    meanwhile(service, opened, path, {"inner": "Đã hẹn người báo."}, 4, "do-4")
    page.bring_to_front()
    page.reload()
    stale = page.get_by_test_id("stale-other")
    expect(stale).to_contain_text("Phản ánh kia đã thay đổi từ khi bạn viết dở")
    expect(stale).to_contain_text("Đã hẹn người báo.")
    page.get_by_test_id("send").click()
    expect(stale.locator("[data-stale]")).to_be_focused()
    assert status(service, other) == "assigned"


def test_a_photo_that_the_browser_cannot_keep_says_so_and_is_missed_aloud(service, opened):
    code = sent(service, 5, "Nắp hố ga vỡ.", category="drainage.open_manhole")
    page = at_desk(service, opened, account(service, ward=builders.CODES[5], name="anh"))
    page.add_init_script("indexedDB.open = () => { throw new Error('closed'); }")
    page.reload()
    opens(page, code)
    begin(page, "resolve")
    page.locator("#answer-text").fill("Đã thay nắp.")
    proof = page.locator("fieldset", has=page.locator("input[type=file]"))
    proof.locator("input[type=file]").set_input_files([PHOTO])
    expect(proof).to_contain_text("Chưa lưu")
    expect(proof.get_by_role("status")).to_contain_text("hãy để trang mở")
    # The browser asks before the page goes.
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.locator("#answer-text")).to_have_value("Đã thay nắp.")
    expect(page.get_by_role("alert")).to_contain_text("1 ảnh đã mất")
    proof.locator("input[type=file]").set_input_files([PHOTO])
    done(page)
    with psycopg.connect(service.url) as db:
        kept = "SELECT count(*) FROM photos p JOIN reports r ON r.id = p.report_id WHERE code = %s"
        assert db.execute(kept, (code,)).fetchone() == (1,)


def test_a_photo_hidden_from_the_public_is_marked_at_the_desk(service, opened):
    files = {"file": ("a.jpg", PHOTO["buffer"])}
    ids = [service.http.post("/api/v1/uploads", files=files).json()["id"] for _ in range(2)]
    code = sent(service, 5, "Rác đổ trộm.", category="waste.missed_collection", photos=ids)
    path = f"/api/v1/moderation/reports/{code}/photos/2/hide"
    meanwhile(service, opened, path, {"reason": "có mặt người"}, 5, "anh-an")
    page = at_desk(service, opened, account(service, ward=builders.CODES[5], name="anh-xem"))
    shown: list[int] = []

    def see(route: Route) -> None:
        answer = route.fetch()
        shown.append(answer.status)
        route.fulfill(response=answer)

    page.route(f"**/api/v1/reports/{code}/photos/*", see)
    pane = opens(page, code)
    expect(pane.get_by_test_id("photos").locator("li")).to_have_count(2)
    marked = pane.get_by_test_id("photos").locator("li", has_text="Ẩn với công chúng")
    expect(marked).to_have_count(1)
    expect(marked.get_by_role("img", name="Ảnh 2: Ẩn với công chúng")).to_be_visible()
    width = "each => new Promise((go) => each.complete ? go(each.naturalWidth) : each.onload = go)"
    assert marked.locator("img").evaluate(width)
    assert set(shown) == {200}
    assert service.http.get(f"/api/v1/reports/{code}/photos/2").status_code == 404
    assert len(service.http.get(f"/api/v1/reports/{code}").json()["properties"]["photos"]) == 1
