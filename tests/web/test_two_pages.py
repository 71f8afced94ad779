"""A citizen's report in two pages, across reloads, and changed while it goes: once, and whole."""

import json
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from reporting import ready

import builders

pytestmark = pytest.mark.browser

REPORTS = "**/api/v1/reports"
NO_TEXT = {
    "type": "https://pinward.org/problems/invalid",
    "title": "invalid",
    "status": 422,
    "errors": [{"field": "text", "message": "too odd"}],
}


def stored(service, text: str) -> list[str]:
    with psycopg.connect(service.url) as db:
        found = db.execute("SELECT code FROM reports WHERE text = %s", [text]).fetchall()
    return [code for (code,) in found]


def held(page: Page, url: str, method: str) -> list[Route]:
    """The first such request, which gets no answer until somebody gives one."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == method and not waiting:
            waiting.append(route)
        else:
            route.continue_()

    page.route(url, hold)
    return waiting


def photos_kept(page: Page) -> int:
    n: int = page.evaluate(
        "new Promise((done) => { const asked = indexedDB.open('pinward'); asked.onsuccess = () => {"
        " const n = asked.result.transaction('photos').objectStore('photos').count();"
        " n.onsuccess = () => { asked.result.close(); done(n.result); }; } })"
    )
    return n


def small(path: Path) -> Path:
    Image.new("RGB", (60, 40), "teal").save(path, "JPEG")
    return path


def test_what_is_being_sent_is_no_draft_as_well_that_could_be_sent_again(service, opened):
    text = "Hết pin giữa lúc gửi."
    page = ready(opened(service, at=builders.middle(4)), text)
    waiting = held(page, REPORTS, "POST")
    with page.expect_request(REPORTS):
        page.get_by_test_id("send").click()
    # What the device holds now is what a page finds after a dead battery.
    again = page.context.new_page()
    again.goto(service.base)
    expect(again.get_by_test_id("outbox")).to_contain_text("1 phản ánh chờ gửi")
    expect(again.get_by_role("button", name="Viết tiếp")).to_have_count(0)
    waiting[0].continue_()
    code = page.get_by_test_id("code").inner_text()
    expect(again.get_by_test_id("arrived").locator("a")).to_have_text(code)
    assert stored(service, text) == [code]


def test_what_was_refused_is_a_draft_again_and_the_keyboard_is_where_it_was(service, opened):
    text = "Bị từ chối rồi tải lại."
    page = ready(opened(service, at=builders.middle(4)), text)
    waiting = held(page, REPORTS, "POST")
    with page.expect_request(REPORTS):
        page.get_by_test_id("send").click()
    # What would be typed now would go with nothing.
    expect(page.locator("#details")).to_have_attribute("inert", "")
    waiting[0].fulfill(status=422, content_type="application/json", body=json.dumps(NO_TEXT))
    page.locator("#text-error").wait_for()
    expect(page.get_by_test_id("send")).to_be_focused()
    expect(page.get_by_label("Mô tả")).to_be_editable()
    page.unroute(REPORTS)
    page.reload()
    page.get_by_role("button", name="Viết tiếp").click()
    expect(page.get_by_label("Mô tả")).to_have_value(text)
    assert stored(service, text) == []


def test_what_another_page_sent_is_told_to_the_one_that_waits(service, opened):
    text = "Trang kia gửi hộ."
    one = ready(opened(service, at=builders.middle(4)), text)
    one.route(REPORTS, lambda route: route.abort())
    one.get_by_test_id("send").click()
    one.get_by_test_id("kept").wait_for()
    two = one.context.new_page()
    two.goto(service.base)
    code = two.get_by_test_id("arrived").locator("a").inner_text()
    expect(one.get_by_test_id("code")).to_have_text(code)
    assert stored(service, text) == [code]


def go_on(page: Page, base: str) -> Page:
    """Another page with the draft that stands in this one."""
    other = page.context.new_page()
    other.goto(base)
    other.get_by_role("button", name="Viết tiếp").click()
    return other


def test_a_draft_open_in_two_pages_is_one_draft(service, opened):
    one = ready(opened(service, at=builders.middle(4)), "Viết ở một nơi.")
    two = go_on(one, service.base)
    expect(two.get_by_label("Mô tả")).to_have_value("Viết ở một nơi.")
    two.get_by_label("Mô tả").fill("Viết tiếp ở nơi kia.")
    expect(one.get_by_label("Mô tả")).to_have_value("Viết tiếp ở nơi kia.")


# A page that is told nothing of what others remember.
DEAF = """
    const real = window.addEventListener;
    window.addEventListener = (kind, ...rest) =>
      kind === 'storage' ? undefined : real.call(window, kind, ...rest);
"""


@pytest.mark.parametrize("how", ["hears", "comes back", "sends"])
def test_a_draft_open_in_two_pages_is_sent_by_one_of_them(service, opened, how):
    text = f"Một phản ánh, hai trang: {how}."
    one = opened(service, "/api/v1/wards", at=builders.middle(4))
    if how != "hears":  # asleep, as phones keep pages in the background
        one.add_init_script(DEAF)
    one.goto(service.base)
    ready(one, text)
    two = go_on(one, service.base)
    two.get_by_test_id("send").click()
    code = two.get_by_test_id("code").inner_text()
    if how != "hears":
        # What it keeps of a report that is gone is no draft to anybody.
        one.get_by_label("Mô tả").press_sequentially("!")
        two.goto(service.base)
        two.get_by_role("button", name="Báo sự cố ở đây").wait_for()
        expect(two.get_by_role("button", name="Viết tiếp")).to_have_count(0)
    if how == "comes back":
        one.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    elif how == "sends":
        one.get_by_test_id("send").click()
    expect(one.get_by_text("đã được gửi hoặc bỏ ở một cửa sổ khác")).to_be_visible()
    expect(one.get_by_role("button", name="Viết tiếp")).to_have_count(0)
    assert stored(service, text) == [code]
    # Nothing of what is over is left on the device.
    if how == "hears":
        assert not one.evaluate("(text) => JSON.stringify(localStorage).includes(text)", text)
    assert not one.evaluate("(text) => JSON.stringify(sessionStorage).includes(text)", text)


def test_another_draft_in_another_page_stays_when_one_is_sent(service, opened):
    mine = "Chuyện thứ nhất."
    one = opened(service, at=builders.middle(4))
    two = one.context.new_page()
    two.goto(service.base)
    ready(one, mine)
    ready(two, "Chuyện thứ hai.")
    two.get_by_test_id("send").click()
    two.get_by_test_id("code").wait_for()
    expect(one.get_by_label("Mô tả")).to_have_value(mine)
    one.get_by_test_id("send").click()
    code = one.get_by_test_id("code").inner_text()
    assert stored(service, mine) == [code]


@pytest.mark.parametrize("ended", ["sent", "dropped"])
def test_what_one_page_sends_or_drops_takes_no_other_page_s_draft_along(service, opened, ended):
    one = opened(service, at=builders.middle(4))
    two = one.context.new_page()
    two.goto(service.base)
    ready(two, "Chuyện ở trang kia.")
    ready(one, "Chuyện ở trang này, viết sau.")
    if ended == "sent":
        two.get_by_test_id("send").click()
        two.get_by_test_id("code").wait_for()
        two.get_by_role("button", name="Báo việc khác").click()
    else:
        two.reload()
        # Each page goes on with its own.
        two.get_by_role("button", name="Viết tiếp").click()
        expect(two.get_by_label("Mô tả")).to_have_value("Chuyện ở trang kia.")
        two.reload()
        two.get_by_role("button", name="Bỏ", exact=True).click()
    expect(two.get_by_role("heading", name="Có gì cần sửa?")).to_be_visible()
    one.close()
    again = two.context.new_page()
    again.goto(service.base)
    again.get_by_role("button", name="Viết tiếp").click()
    expect(again.get_by_label("Mô tả")).to_have_value("Chuyện ở trang này, viết sau.")


def test_links_of_reports_from_two_pages_are_both_kept(service, opened):
    one = opened(service, at=builders.middle(4))
    two = one.context.new_page()
    two.goto(service.base)
    codes = set()
    for n, page in enumerate((two, one)):
        ready(page, f"Từ trang số {n}.")
        page.get_by_test_id("send").click()
        codes.add(page.get_by_test_id("code").inner_text())
    known = one.evaluate("JSON.parse(localStorage.getItem('pinward.mine'))")
    assert {each["code"] for each in known} == codes


def test_a_photo_taken_away_on_its_way_does_not_come_back(service, opened, tmp_path):
    page = ready(opened(service, at=builders.middle(4)), "Bỏ ảnh giữa chừng.")
    waiting = held(page, "**/api/v1/uploads/*", "PATCH")
    chosen = page.locator("input[type=file][multiple]")
    with page.expect_request(lambda asked: asked.method == "PATCH"):
        chosen.set_input_files(small(tmp_path / "một.jpg"))
    page.locator(".photos li button").click()
    waiting[0].continue_()
    # It is sent after the other, whatever became of that.
    chosen.set_input_files(small(tmp_path / "hai.jpg"))
    page.locator(".photos li[data-state=there]").wait_for()
    assert photos_kept(page) == 1


@pytest.mark.parametrize("path", ["/desk", "/plan"])
def test_a_page_whose_part_does_not_come_says_so_and_does_not_go_round(service, opened, path):
    page = opened(service, "/favicon.svg")
    page.route("**/assets/*Page-*.js", lambda route: route.abort())
    page.goto(service.base + path)
    page.get_by_role("button", name="Thử lại").wait_for()
    loaded = [r for r in page.asked if r.is_navigation_request()]
    assert len(loaded) == 2  # the picture, the page


def test_a_page_older_than_the_service_is_loaded_anew(service, opened):
    page = opened(service, "/favicon.svg")
    loads: list[str] = []

    def older(route: Route) -> None:
        """The document of a build whose entry had another name."""
        loads.append(route.request.url)
        route.continue_()

    def renamed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("/assets/index-", "/assets/neu-"))

    def gone(route: Route) -> None:
        if len(loads) < 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/assets/DeskPage-*.js", gone)
    page.route("**/?fresh", renamed)
    page.route("**/desk", older)
    page.goto(service.base + "/desk")
    page.get_by_role("heading", level=1).wait_for()
    assert len(loads) == 2
