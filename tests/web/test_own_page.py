"""What a report's sender does on its page, by the link that only they have."""

import psycopg
import pytest
from hostile import drawn, written
from looking import shoot
from own import Sent
from playwright.sync_api import Locator, Page, Route, expect
from reporting import LATE

import builders

pytestmark = pytest.mark.browser

DONE = "status = 'resolved', resolved_at = now()"


def theirs(opened, sent: Sent, query: str = "", **options) -> Page:
    """The page of the one who sent it."""
    page = opened(sent.service, f"/r/{sent.code}{query}#{sent.secret}", **options)
    page.get_by_test_id("own").wait_for()
    return page


def test_a_result_is_confirmed_and_rated(service, opened):
    sent = Sent(service)
    sent.becomes(DONE)
    page = theirs(opened, sent)
    shoot(page, "citizen-resolved-vi-light-phone")
    page.get_by_role("button", name="Đã xong, cảm ơn").click()
    expect(page.get_by_text("Cảm ơn bạn đã xác nhận.")).to_be_visible()
    assert sent.mine["status"] == "closed"
    page.get_by_role("radio", name="4: Hài lòng").check(force=True)
    page.get_by_role("button", name="Gửi đánh giá").click()
    expect(page.get_by_text("Cảm ơn bạn đã đánh giá.")).to_be_visible()
    assert sent.mine["rating"] == 4
    page.reload()
    expect(page.get_by_role("radio", name="4: Hài lòng")).to_be_checked()


def test_what_is_not_done_is_opened_again_and_the_reason_outlives_a_reload(service, opened):
    sent = Sent(service)
    sent.becomes(DONE)
    page = theirs(opened, sent)
    page.get_by_role("button", name="Chưa xong").click()
    page.get_by_label("Còn gì chưa ổn?").fill("Nước vẫn còn ngập.")
    page.reload()
    page.get_by_role("button", name="Chưa xong").click()
    expect(page.get_by_label("Còn gì chưa ổn?")).to_have_value("Nước vẫn còn ngập.")
    page.get_by_role("button", name="Mở lại phản ánh").click()
    expect(page.get_by_text("Phản ánh đã được mở lại.")).to_be_visible()
    assert sent.mine["status"] in ("assigned", "in_progress", "received")
    expect(page.get_by_test_id("timeline")).to_contain_text("Nước vẫn còn ngập.")


def test_it_is_corrected_while_nobody_works_on_it_and_only_added_to_later(service, opened):
    sent = Sent(service, text="Ngạp nước.")
    page = theirs(opened, sent)
    page.get_by_role("button", name="Sửa nội dung").click()
    page.get_by_label("Mô tả").fill("Ngập nước.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_text("Đã sửa.")).to_be_visible()
    assert sent.mine["text"] == "Ngập nước."
    # The page shows that it may be corrected, and somebody began meanwhile.
    page.get_by_role("button", name="Sửa nội dung").click()
    page.get_by_label("Mô tả").fill("Muộn rồi.")
    sent.becomes("status = 'in_progress'")
    # What is typed stays in sight, also when the page hears of it.
    expect(page.locator("[data-status=in_progress]")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Mô tả")).to_have_value("Muộn rồi.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("alert")).to_contain_text("Bạn có thể: viết bổ sung")
    expect(page.get_by_role("button", name="Sửa nội dung")).to_have_count(0)
    # And it can still be added.
    page.get_by_role("button", name="Viết bổ sung").click()
    expect(page.get_by_label("Có gì mới?")).to_have_value("Muộn rồi.")
    page.get_by_label("Có gì mới?").fill("Nước đang lên.")
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_test_id("timeline")).to_contain_text("Nước đang lên.")
    assert sent.mine["text"] == "Ngập nước."


def test_another_category_is_chosen_and_its_questions_are_answered(service, opened):
    sent = Sent(service)
    page = theirs(opened, sent)
    page.get_by_role("button", name="Đổi lĩnh vực").click()
    page.locator("[data-category='bus']").click()
    page.locator("[data-category='bus.late']").press("Enter")
    # The keyboard goes on from what came instead of what it was on.
    expect(page.get_by_label("Tuyến xe buýt số mấy?")).to_be_focused()
    page.get_by_role("button", name="Lưu").click()
    # It needs an answer that the former category did not ask for.
    expect(page.get_by_text("Nơi xử lý cần biết điều này.")).to_be_visible()
    assert sent.mine["category"]["code"] == "drainage.flooding"
    route = page.get_by_label("Tuyến xe buýt số mấy?")
    route.fill("150")
    page.reload()
    page.get_by_role("button", name="Đổi lĩnh vực").click()
    expect(route).to_have_value("150")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_text("Đã sửa.")).to_be_visible()
    expect(page.get_by_role("button", name="Đổi lĩnh vực")).to_be_focused()
    expect(page.locator(".category")).to_contain_text("Xe buýt trễ, bỏ chuyến")
    assert sent.mine["category"]["code"] == "bus.late"
    assert sent.mine["answers"] == {"route": "150"}


def test_a_pin_is_put_right_by_keyboard_on_a_map_of_its_own(service, opened):
    sent = Sent(service)
    lon, lat = builders.middle(0)
    page = theirs(opened, sent)
    page.get_by_role("button", name="Sửa vị trí").click()
    own = page.get_by_test_id("own")
    own.locator(".map[data-ready=true] canvas").wait_for()
    save = own.get_by_role("button", name="Lưu")
    expect(save).to_be_disabled()
    pin = own.get_by_role("button", name="Ghim", exact=False)
    for _ in range(3):
        pin.press("ArrowRight")
    expect(own.get_by_role("status")).to_contain_text("Phường Bến Thử")
    shoot(page, "citizen-position-vi-light-phone")
    save.click()
    expect(page.get_by_text("Đã dời ghim.")).to_be_visible()
    with psycopg.connect(service.url) as db:
        query = "SELECT ST_X(geom), ST_Y(geom) FROM reports WHERE code = %s"
        x, y = db.execute(query, [sent.code]).fetchone()
    assert lon + 0.0002 < x < lon + 0.002
    assert abs(y - lat) < 1e-4
    assert "pin_moved" in {kind for kind, _ in sent.history(mine=True)}


def test_a_pin_moved_too_far_is_refused_in_words_and_stays(service, opened):
    sent = Sent(service)
    page = theirs(opened, sent, at=builders.middle(1))
    page.get_by_role("button", name="Sửa vị trí").click()
    own = page.get_by_test_id("own")
    own.get_by_role("button", name="Vị trí của tôi").click()
    expect(own.get_by_role("status")).not_to_be_empty()
    own.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("alert")).to_contain_text("Chỉ được dời vị trí tối đa 500 m")
    assert "pin_moved" not in {kind for kind, _ in sent.history(mine=True)}


def test_a_place_that_is_found_late_does_not_move_a_pin_put_by_hand(service, opened):
    sent = Sent(service)
    page = opened(service, "/api/v1/wards", at=builders.middle(1))
    page.add_init_script(LATE)
    page.goto(f"{service.base}/r/{sent.code}#{sent.secret}")
    page.get_by_role("button", name="Sửa vị trí").click()
    own = page.get_by_test_id("own")
    own.locator(".map[data-ready=true] canvas").wait_for()
    own.get_by_role("button", name="Vị trí của tôi").click()
    page.wait_for_function("() => 'tell' in window")
    own.get_by_role("button", name="Ghim", exact=False).press("ArrowRight")
    page.evaluate("new Promise((told) => { window.tell(); setTimeout(told, 500); })")
    own.get_by_role("button", name="Lưu").click()
    # From where the device is, it would be refused as too far.
    expect(page.get_by_text("Đã dời ghim.")).to_be_visible()


def test_a_contact_is_left_and_taken_back(service, opened):
    sent = Sent(service)
    page = theirs(opened, sent)
    page.get_by_role("button", name="Để lại hoặc xoá liên hệ").click()
    page.get_by_label("Điện thoại").fill("0912 345 678")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_text("Đã lưu liên hệ.")).to_be_visible()
    assert sent.mine["reporter"]["phone"].replace(" ", "").endswith("912345678")
    page.get_by_role("button", name="Để lại hoặc xoá liên hệ").click()
    page.get_by_role("button", name="Xoá liên hệ", exact=True).click()
    expect(page.get_by_text("giờ là ẩn danh")).to_be_visible()
    assert sent.mine["reporter"] == {}


def kept_waiting(page: Page, what: str, press: Locator) -> Route:
    """Press a button on a line that carries no answer yet; the request, to let go."""
    held: list[Route] = []
    page.route(f"**/api/v1/reports/*/{what}", lambda route: held.append(route))
    with page.expect_request(f"**/api/v1/reports/*/{what}"):
        press.click()
    expect(press).to_be_disabled()
    return held[0]


def test_nothing_can_be_typed_into_what_is_on_its_way(service, opened):
    sent = Sent(service)
    page = theirs(opened, sent)
    page.get_by_role("button", name="Viết bổ sung").click()
    field = page.get_by_label("Có gì mới?")
    field.fill("Nước đang lên.")
    form = page.locator("form", has=field)
    going = kept_waiting(page, "additions", form.locator("button.main"))
    expect(field).not_to_be_editable()
    field.focus()
    page.keyboard.type(" Nhanh lên.")
    expect(field).to_have_value("Nước đang lên.")
    # Another form is open for writing, and stays so.
    page.get_by_role("button", name="Để lại hoặc xoá liên hệ").click()
    page.get_by_label("Điện thoại").fill("0912 345 678")
    going.continue_()
    expect(page.get_by_test_id("timeline")).to_contain_text("Nước đang lên.")
    expect(page.get_by_text("Đã bổ sung.")).to_be_visible()
    expect(page.get_by_label("Điện thoại")).to_have_value("0912 345 678")
    save = page.get_by_role("button", name="Lưu")
    going = kept_waiting(page, "contact", save)
    expect(page.get_by_label("Điện thoại")).not_to_be_editable()
    going.continue_()
    expect(page.get_by_text("Đã lưu liên hệ.")).to_be_visible()


@pytest.mark.parametrize("opened_first", [True, False])
def test_a_rating_closes_no_form_in_which_somebody_types(service, opened, opened_first):
    sent = Sent(service)
    sent.becomes("status = 'closed', resolved_at = now(), closed_at = now()")
    page = theirs(opened, sent)
    page.get_by_role("radio", name="4: Hài lòng").check(force=True)

    def leave_a_number() -> None:
        page.get_by_role("button", name="Để lại hoặc xoá liên hệ").click()
        page.get_by_label("Điện thoại").fill("0912 345 678")

    if opened_first:
        leave_a_number()
    going = kept_waiting(page, "rating", page.get_by_role("button", name="Gửi đánh giá"))
    if not opened_first:
        leave_a_number()
    expect(page.get_by_label("Điện thoại")).to_be_editable()
    going.continue_()
    expect(page.get_by_text("Cảm ơn bạn đã đánh giá.")).to_be_visible()
    expect(page.get_by_label("Điện thoại")).to_have_value("0912 345 678")


def test_it_is_withdrawn_and_erased(service, opened):
    sent = Sent(service, text="Tôi ghi nhầm tên mình vào đây.")
    page = theirs(opened, sent)
    page.get_by_role("button", name="Viết bổ sung").click()
    page.get_by_label("Có gì mới?").fill("Tôi tên là Nguyễn Thị Thử.")
    typed = "() => JSON.stringify(localStorage).includes('Nguyễn Thị Thử')"
    assert page.evaluate(typed)
    page.get_by_role("button", name="Rút lại phản ánh").click()
    page.get_by_role("button", name="Rút lại", exact=True).click()
    expect(page.locator("[data-status=withdrawn]")).to_be_visible()
    page.get_by_role("button", name="Xoá dữ liệu của tôi").click()
    page.get_by_role("button", name="Xoá cả mô tả").click()
    expect(page.get_by_text("Dữ liệu của bạn đã được xoá.")).to_be_visible()
    expect(page.get_by_text("Tôi ghi nhầm tên mình vào đây.")).to_have_count(0)
    with psycopg.connect(service.url) as db:
        row = db.execute("SELECT text FROM reports WHERE code = %s", [sent.code]).fetchone()
    assert "nhầm" not in row[0]
    # Nor is what was typed and never sent left on the device.
    assert not page.evaluate(typed)


def test_photos_are_shown_to_all_and_a_hidden_report_s_to_its_sender(service, opened):
    photo = written(drawn(640, 480), "JPEG")
    answer = service.http.post("/api/v1/uploads", files={"file": ("a.jpg", photo)})
    sent = Sent(service, photos=[answer.json()["id"]])

    def seen(page: Page) -> int:
        page.get_by_test_id("gallery").locator("img").wait_for()
        width = "() => document.querySelector('[data-testid=gallery] img')?.naturalWidth"
        page.wait_for_function(width)
        return page.evaluate(width)

    assert seen(opened(service, f"/r/{sent.code}")) == 640
    sent.becomes("withheld = 'review'")
    page = theirs(opened, sent)
    assert seen(page) == 640
    page.get_by_role("button", name="Xem ảnh 1 cỡ lớn").click()
    expect(page.get_by_role("dialog", name="Ảnh 1").locator("img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_stranger_is_offered_nothing_of_it(service, opened):
    sent = Sent(service)
    sent.becomes(DONE)
    page = opened(service, f"/r/{sent.code}")
    page.get_by_test_id("timeline").wait_for()
    expect(page.get_by_test_id("own")).to_have_count(0)


def test_all_of_it_is_done_by_keyboard_alone(service, opened):
    sent = Sent(service)
    sent.becomes(DONE)
    page = theirs(opened, sent, size={"width": 1280, "height": 800})
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Chưa xong":
            break
    page.keyboard.press("Enter")
    page.keyboard.type("Chưa ai tới.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Phản ánh đã được mở lại.")).to_be_visible()
    assert builders.CODES
    assert sent.mine["status"] != "resolved"
