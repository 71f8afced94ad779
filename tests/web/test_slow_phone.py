"""What one does while a slow device, network or position is still at the last thing: nothing of it
is lost, and nothing late takes its place."""

from pathlib import Path

import pytest
from looking import faults, shoot
from PIL import Image
from playwright.sync_api import Page, Route, expect
from reporting import LATE, ready, stored

import builders

pytestmark = pytest.mark.browser

REPORTS = "**/api/v1/reports"
HELD = """
    // What a store of the device answers waits until the test calls `letGo`.
    const gone = new Promise((go) => { window.letGo = go; });
    const listen = EventTarget.prototype.addEventListener;
    IDBRequest.prototype.addEventListener = function (kind, heard, ...rest) {
      const store = this.source?.objectStore?.name ?? this.source?.name;
      const waits = kind === 'success' && store && store === sessionStorage.getItem('held');
      listen.call(this, kind, waits ? (event) => gone.then(() => heard(event)) : heard, ...rest);
    };
"""


def kept_draft(page: Page) -> dict:
    return page.evaluate("JSON.parse(localStorage.getItem('pinward.draft'))")


def slow(page: Page, store: str) -> None:
    """From the next reload on, a store of the device answers when the test says so."""
    page.context.add_init_script(HELD)
    page.evaluate("(store) => sessionStorage.setItem('held', store)", store)


def let_go(page: Page) -> None:
    page.evaluate("sessionStorage.removeItem('held'); window.letGo()")


def write(page: Page, text: str) -> None:
    """Another report, by the map."""
    page.get_by_role("button", name="Báo sự cố ở đây").click()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill(text)


@pytest.fixture
def shots(tmp_path) -> list[Path]:
    made = [tmp_path / f"anh-{n}.jpg" for n in range(2)]
    for n, path in enumerate(made):
        Image.new("RGB", (60 + n, 40), "teal").save(path, "JPEG")
    return made


@pytest.fixture
def with_photos(service, opened, shots):
    """`with_photos(text)`: a page with a report written and two photos there."""

    def made(text: str) -> Page:
        page = ready(opened(service, at=builders.middle(4)), text)
        page.locator("input[type=file][multiple]").set_input_files(shots)
        expect(page.locator(".photos li[data-state=there]")).to_have_count(2)
        assert len(kept_draft(page)["photos"]) == 2
        return page

    return made


def test_photos_that_are_still_read_from_the_device_are_part_of_what_is_written(
    service, with_photos
):
    text = "Ảnh đọc lâu."
    page = with_photos(text)
    slow(page, "photos")
    page.reload()
    page.get_by_role("button", name="Viết tiếp").click()
    page.get_by_label("Mô tả").fill(f"{text} ")
    assert len(kept_draft(page)["photos"]) == 2
    # They would not go with it.
    expect(page.get_by_test_id("send")).to_be_disabled()
    let_go(page)
    expect(page.locator(".photos li")).to_have_count(2)
    page.get_by_test_id("send").click()
    code = page.get_by_test_id("code").inner_text()
    assert stored(service, text) == [(code, 2)]


def test_photos_thrown_away_while_they_are_read_go_into_no_other_report(service, with_photos):
    page = with_photos("Bỏ khi ảnh chưa đọc xong.")
    slow(page, "photos")
    page.reload()
    page.get_by_role("button", name="Bỏ", exact=True).click()
    let_go(page)
    text = "Phản ánh khác, không ảnh."
    write(page, text)
    expect(page.locator(".photos li")).to_have_count(0)
    page.get_by_test_id("send").click()
    code = page.get_by_test_id("code").inner_text()
    assert stored(service, text) == [(code, 0)]


def test_who_is_faster_than_the_device_s_memory_goes_on_with_what_was_written(service, opened):
    text = "Quay lại viết tiếp."
    page = ready(opened(service, at=builders.middle(4)), text)
    slow(page, "drafts")
    page.reload()
    expect(page.get_by_role("button", name="Viết tiếp")).to_be_visible()
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    let_go(page)
    assert kept_draft(page)["text"] == text
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    expect(page.get_by_label("Mô tả")).to_have_value(text)


def test_a_position_that_comes_late_moves_no_pin_put_by_hand(service, opened):
    page = opened(service, at=builders.middle(4))
    page.add_init_script(LATE)
    page.reload()
    page.locator("[data-ready=true]").wait_for()
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.wait_for_function("() => window.tell")
    write(page, "Ghim bằng tay.")
    before = kept_draft(page)["pin"]
    assert before["source"] == "tap"
    # Asked again, it answers after what was asked before.
    page.evaluate(
        "() => new Promise((done) => { window.tell();"
        " navigator.geolocation.getCurrentPosition(done); window.tell(); })"
    )
    assert kept_draft(page)["pin"] == before
    expect(page.get_by_label("Mô tả")).to_have_value("Ghim bằng tay.")


def test_a_report_left_while_it_is_sent_goes_and_the_next_one_stays(service, with_photos):
    text = "Bỏ đi lúc đang gửi."
    page = with_photos(text)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST" and not waiting:
            waiting.append(route)
        else:
            route.continue_()

    page.route(REPORTS, hold)
    with page.expect_request(REPORTS):
        page.get_by_test_id("send").click()
    page.go_back()
    page.get_by_role("button", name="Bỏ ghim").click()
    page.get_by_role("button", name="Bỏ", exact=True).click()
    write(page, "Phản ánh sau.")
    assert kept_draft(page)["text"] == "Phản ánh sau."
    with page.expect_response(REPORTS):
        waiting[0].continue_()
    page.wait_for_function("() => localStorage.getItem('pinward.mine')")
    expect(page.get_by_label("Mô tả")).to_have_value("Phản ánh sau.")
    page.get_by_label("Mô tả").fill("Phản ánh sau, viết thêm.")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("code")).to_be_visible()
    assert [n for _, n in stored(service, text)] == [2]
    assert [n for _, n in stored(service, "Phản ánh sau, viết thêm.")] == [0]


def test_what_was_dropped_while_the_list_was_read_is_not_sent(service, opened):
    text = "Xoá đúng lúc có mạng."
    page = ready(opened(service, at=builders.middle(4)), text)
    page.route(REPORTS, lambda route: route.abort())
    page.get_by_test_id("send").click()
    page.get_by_test_id("kept").wait_for()
    page.unroute(REPORTS)
    page.go_back()
    page.evaluate(HELD)
    page.evaluate("sessionStorage.setItem('held', 'reports')")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    waits = page.get_by_test_id("outbox")
    waits.get_by_role("button", name="Xoá").click()
    waits.get_by_role("button", name="Xoá").click()
    expect(waits).to_have_count(0)
    asked = len(page.asked)
    let_go(page)
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    page.get_by_role("button", name=builders.NAMES[3]).wait_for()
    page.get_by_role("button", name="Quay lại").click()
    expect(waits).to_have_count(0)
    assert not [one for one in page.asked[asked:] if one.method == "POST"]
    assert stored(service, text) == []


def test_to_take_the_pin_off_throws_nothing_away_that_was_written(service, opened):
    text = "Viết rồi mới sửa ghim."
    page = ready(opened(service, at=builders.middle(4)), text)
    page.get_by_role("button", name="Quay lại").click()
    page.get_by_role("button", name="Bỏ ghim").click()
    page.get_by_role("button", name="Viết tiếp").click()
    expect(page.get_by_label("Mô tả")).to_have_value(text)


def test_what_is_written_stays_in_hand_when_the_one_before_arrives(service, opened):
    text = "Gửi khi không có mạng."
    page = ready(opened(service, at=builders.middle(4)), text)
    page.wait_for_function("() => localStorage.getItem('pinward.wards')")
    page.context.set_offline(True)
    page.get_by_test_id("send").click()
    page.get_by_test_id("kept").wait_for()
    page.go_back()
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    page.get_by_role("button", name=builders.NAMES[3]).click()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill("Phản ánh thứ hai.")
    page.context.set_offline(False)
    page.wait_for_function("() => localStorage.getItem('pinward.mine')")
    assert len(stored(service, text)) == 1
    expect(page.get_by_label("Mô tả")).to_have_value("Phản ánh thứ hai.")
    expect(page.get_by_label("Mô tả")).to_be_visible()


def test_one_that_waits_is_not_edited_over_another_that_is_being_written(service, opened):
    page = ready(opened(service, at=builders.middle(4)), "Đang chờ mạng.")
    page.context.set_offline(True)
    page.get_by_test_id("send").click()
    page.get_by_test_id("kept").wait_for()
    page.go_back()
    waits = page.get_by_test_id("outbox")
    expect(waits.get_by_role("button", name="Sửa nội dung")).to_be_enabled()
    write(page, "Đang viết dở.")
    page.get_by_role("button", name="Quay lại").click()
    page.get_by_role("button", name="Bỏ ghim").click()
    expect(waits.get_by_role("button", name="Sửa nội dung")).to_be_disabled()
    expect(waits).to_contain_text("gửi hoặc bỏ nó rồi mới sửa được")
    shoot(page, "citizen-one-at-a-time-vi-light-phone")
    assert faults(page) == []


def test_answers_go_though_the_categories_have_not_come_again(service, opened):
    page = opened(service, at=builders.middle(4))
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    page.locator("[data-category='bus']").click()
    page.locator("[data-category='bus.late']").click()
    page.get_by_label("Tuyến xe buýt số mấy?").fill("152")
    page.get_by_label("Mô tả").fill("Xe trễ nửa giờ.")
    waiting: list[Route] = []
    page.route("**/api/v1/categories*", lambda route: waiting.append(route))
    page.reload()
    page.get_by_role("button", name="Viết tiếp").click()
    with page.expect_request(lambda r: r.method == "POST" and "/reports" in r.url) as posted:
        page.get_by_test_id("send").click()
    assert posted.value.post_data_json["answers"] == {"route": "152"}
    assert waiting


def test_a_ward_asked_for_before_the_list_came_is_not_chosen_after_one_left(service, opened):
    page = opened(service, at=builders.middle(4))
    waiting: list[Route] = []
    page.route("**/api/v1/wards*", lambda route: waiting.append(route))
    page.reload()
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    page.get_by_role("searchbox").fill(builders.NAMES[3])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Quay lại").click()
    write(page, "Nơi khác.")
    before = kept_draft(page)["pin"]
    with page.expect_response("**/api/v1/wards*"):
        waiting[0].continue_()
    page.wait_for_function("() => localStorage.getItem('pinward.wards')")
    assert kept_draft(page)["pin"] == before
