"""What is not sent is missed by nobody: a photo still made small, a report that was left."""

import psycopg
import pytest
from desks import WIDE, account, at_desk, begin, done, meanwhile, opens, sent, words
from hostile import drawn, written
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import Locator, Page, Route, expect

import builders

pytestmark = pytest.mark.browser

PHOTO = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": written(drawn(64, 48), "JPEG")}
SLOW = """() => {
  const read = window.createImageBitmap.bind(window);
  window.held = [];
  window.createImageBitmap = (...all) =>
    new Promise((go) => window.held.push(go)).then(() => read(...all));
}"""


def pick(page: Page) -> Locator:
    """Choose a photo as proof; where it is shown."""
    proof = page.locator("fieldset", has=page.locator("input[type=file]"))
    proof.locator("input[type=file]").set_input_files([PHOTO])
    return proof


def pick_slowly(page: Page) -> Locator:
    """As `pick`, at a device that reads no photo until it is told to."""
    page.evaluate(SLOW)
    proof = pick(page)
    page.wait_for_function("() => window.held.length > 0")
    return proof


def go_on(page: Page) -> None:
    page.wait_for_function("() => window.held.length > 0")
    page.evaluate("() => window.held.shift()()")


def resolving(service: object, opened: object, ward: int, name: str) -> tuple[Page, str]:
    """A desk at which a report is about to be resolved, with a few words."""
    code = sent(service, ward, "Nắp hố ga vỡ.", category="drainage.open_manhole")
    page = at_desk(service, opened, account(service, ward=builders.CODES[ward], name=name))
    page.route("**/api/v1/live?**", lambda route: route.abort())
    opens(page, code)
    begin(page, "resolve")
    page.locator("#answer-text").fill("Đã thay nắp.")
    return page, code


def photos(service: object, code: str) -> int:
    with psycopg.connect(service.url) as db:
        query = "SELECT count(*) FROM photos p JOIN reports r ON r.id = p.report_id WHERE code = %s"
        return int(db.execute(query, (code,)).fetchone()[0])


def test_an_answer_sent_by_a_key_takes_the_photo_along_that_is_still_made_small(service, opened):
    page, code = resolving(service, opened, 0, "anh-phim")
    pick_slowly(page)
    page.locator("#answer-text").press("Control+Enter")
    expect(page.get_by_test_id("send")).to_be_disabled()
    # It is this answer that goes, and no other.
    expect(page.locator("[data-move='wait']")).to_be_disabled()
    go_on(page)
    expect(page.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    assert photos(service, code) == 1


def test_sent_all_the_same_it_takes_along_what_was_picked_twice(service, opened):
    page, code = resolving(service, opened, 1, "anh-hai")
    path = f"/api/v1/tasks/{code}/notes"
    meanwhile(service, opened, path, {"inner": "Đã hẹn."}, 1, "anh-ben")
    page.bring_to_front()
    page.get_by_test_id("send").click()
    stale = page.get_by_test_id("stale")
    expect(stale).to_contain_text("Đã hẹn.")
    pick_slowly(page)
    proof = pick(page)
    go_on(page)
    expect(proof.locator("img")).to_have_count(1)
    stale.get_by_role("button", name="Vẫn gửi").click()
    go_on(page)
    expect(page.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    assert photos(service, code) == 2


def test_an_answer_that_waits_for_a_photo_does_not_go_without_it(service, opened):
    page, code = resolving(service, opened, 2, "anh-hong")
    pick_slowly(page)
    page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (told) => told(null); }")
    page.locator("#answer-text").press("Control+Enter")
    go_on(page)
    unsent = page.get_by_role("alert").filter(has_text="Chưa gửi được.")
    expect(unsent).to_contain_text("Không dùng được ảnh này")
    assert "Đã thay nắp." not in words(service, code)
    # Said, it is for whoever writes to send it without.
    done(page)
    assert "Đã thay nắp." in words(service, code)


def test_a_photo_made_small_too_late_goes_with_its_own_report_and_no_other(service, opened):
    page, code = resolving(service, opened, 3, "anh-lac")
    page.locator("#answer-text").fill("")
    other = sent(service, 3, "Cống nghẹt.", east=0.002)
    page.get_by_role("button", name="Tải lại danh sách").click()
    pick_slowly(page)
    opens(page, other)
    begin(page, "resolve")
    go_on(page)
    page.wait_for_function(
        """(code) => Object.entries(localStorage).some(
          ([name, kept]) => name.endsWith(code) && JSON.parse(kept).photos?.length === 1)""",
        arg=code,
    )
    proof = page.locator("fieldset", has=page.locator("input[type=file]"))
    expect(proof.locator("img")).to_have_count(0)
    opens(page, code)
    expect(proof.locator("img")).to_have_count(1)
    page.locator("#answer-text").fill("Đã thay nắp.")
    done(page)
    assert (photos(service, code), photos(service, other)) == (1, 0)


def waits(page: Page, code: str, move: str) -> list[Route]:
    """Send what is written, on a line that carries no answer yet."""
    held: list[Route] = []
    page.route(f"**/api/v1/tasks/{code}/{move}", lambda route: held.append(route))
    with page.expect_request(f"**/api/v1/tasks/{code}/{move}"):
        page.get_by_test_id("send").click()
    expect(page.get_by_test_id("send")).to_be_disabled()
    assert len(held) == 1
    return held


@pytest.mark.parametrize(
    ("lang", "theme", "size"),
    [("vi", "light", WIDE), ("en", "dark", {"width": 360, "height": 740})],
)
def test_an_answer_refused_after_its_report_was_left_is_told(service, opened, lang, theme, size):
    code = sent(service, 4, f"Đèn tắt, {lang}.", category="traffic.sidewalk")
    other = sent(service, 4, f"Nước ngập, {lang}.", east=0.002)
    email = account(service, ward=builders.CODES[4], name=f"roi-{lang}")
    page = at_desk(
        service, opened, email, f"/desk?lang={lang}&task={code}", size=size, color_scheme=theme
    )
    page.route("**/api/v1/live?**", lambda route: route.abort())
    begin(page, "wait")
    page.locator("#answer-text").fill("Chờ bóng đèn mới.")
    held = waits(page, code, "wait")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    opens(page, other)
    path = f"/api/v1/tasks/{code}/notes"
    meanwhile(service, opened, path, {"inner": "Đã có đèn."}, 4, f"truoc-{lang}")
    page.bring_to_front()
    held[0].continue_()
    lost = page.get_by_test_id("lost")
    expect(lost).to_contain_text(code)
    expect(lost).to_have_attribute("role", "alert")
    expect(page.locator("#task-title")).to_contain_text(other)
    shoot(page, f"desk-lost-{lang}-{theme}-{size['width']}")
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)
    lost.get_by_role("button", name=code).click()
    expect(page.locator("#task-title")).to_contain_text(code)
    expect(page.locator("#answer-text")).to_have_value("Chờ bóng đèn mới.")
    expect(page.get_by_test_id("stale")).to_contain_text("Đã có đèn.")
    expect(lost).to_have_count(0)
    assert "Chờ bóng đèn" not in words(service, code)
    assert page.complaints == []


def test_an_answer_that_does_not_arrive_is_told_wherever_its_writer_is_by_then(service, opened):
    page, code = resolving(service, opened, 5, "noi-khac")
    held = waits(page, code, "resolve")
    page.get_by_role("link", name="Câu mẫu", exact=True).click()
    page.get_by_test_id("templates").wait_for()
    held[0].abort()
    lost = page.get_by_test_id("lost")
    expect(lost).to_contain_text(f"Trả lời cho {code} chưa gửi được")
    lost.get_by_role("button", name=f"Mở {code}").click()
    unsent = page.get_by_test_id("task").get_by_role("alert")
    expect(unsent).to_contain_text("Chưa gửi được.")
    expect(lost).to_have_count(0)
    # Left and opened anew before the answer came.
    page.unroute(f"**/api/v1/tasks/{code}/resolve")
    held = waits(page, code, "resolve")
    page.get_by_role("button", name="Về danh sách").click()
    opens(page, code)
    expect(unsent).to_have_count(0)
    held[0].abort()
    expect(unsent).to_contain_text("Chưa gửi được.")
    expect(page.locator("#answer-text")).to_have_value("Đã thay nắp.")
