"""The citizen's page, as people use it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect
from watching import standing

import builders
from api.auth import passwords
from geo.facilities import load
from geo.facilities.load import Facility
from geo.store import users

pytestmark = pytest.mark.browser

WARD = "[data-testid=ward]"
DESKTOP = {"width": 1280, "height": 800}


def drawn(page: Page) -> Page:
    """Wait until the map can be tapped."""
    page.locator(".map[data-ready=true] canvas").wait_for()
    return page


def middle_in_sight(page: Page) -> tuple[float, float]:
    """The pixel in the middle of what the panel leaves of the map."""
    size = page.viewport_size
    panel = page.locator(".sheet").bounding_box()
    if size["width"] >= 840:
        return (panel["x"] + panel["width"] + size["width"]) / 2, size["height"] / 2
    return size["width"] / 2, (60 + panel["y"]) / 2


def looked_up(page: Page) -> tuple[float, float]:
    """Lon, lat of the page's last look-up of a ward."""
    last = [r.url for r in page.asked if "/api/v1/wards/at?" in r.url][-1]
    asked = parse_qs(urlsplit(last).query)
    return float(asked["lon"][0]), float(asked["lat"][0])


def name_at(lon: float, lat: float) -> str:
    """Name of the small city's ward at a place."""
    column = int((lon - builders.WEST) / builders.SIDE)
    row = int((lat - builders.SOUTH) / builders.SIDE)
    return builders.NAMES[row * 3 + column]


def pin_by_location(page: Page) -> None:
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator(f"{WARD}[data-state=found]").wait_for()


def pick_category(page: Page, code: str = "drainage.flooding", text: str = "Thử.") -> None:
    page.locator(f"[data-category='{code.split('.')[0]}']").click()
    page.locator(f"[data-category='{code}']").click()
    page.get_by_label("Mô tả").fill(text)


def send(page: Page) -> str:
    """Press send and read the code of the report."""
    page.get_by_test_id("send").click()
    return page.get_by_test_id("code").inner_text()


def test_tapping_the_map_names_the_ward_that_lies_there(service, opened):
    page = drawn(opened(service))
    page.mouse.click(*middle_in_sight(page))
    page.locator(f"{WARD}[data-state=found]").wait_for()
    expect(page.locator(WARD)).to_contain_text(f"Phường {name_at(*looked_up(page))}")
    expect(page.locator(WARD)).to_contain_text("sẽ trả lời")


def test_a_dragged_pin_asks_again_for_the_ward_beneath_it(service, opened):
    page = drawn(opened(service, at=builders.middle(0)))
    pin_by_location(page)
    expect(page.locator(WARD)).to_contain_text(builders.NAMES[0])
    page.wait_for_load_state("networkidle")
    standing(page)
    box = page.locator(".pin:visible").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y - 40, steps=6)
    before = looked_up(page)
    with page.expect_response(re.compile("/wards/at")):
        page.mouse.up()
    moved = looked_up(page)
    assert moved[0] > before[0]
    assert moved[1] > before[1]


def test_a_place_far_from_every_ward_is_answered_kindly(service, opened):
    page = drawn(opened(service, at=(109.5, 9.0)))
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    expect(page.locator(WARD)).to_contain_text("chưa thuộc vùng phục vụ")
    assert page.get_by_test_id("send").count() == 0


def test_a_doubtful_position_near_a_boundary_warns_of_the_neighbour(service, opened):
    lon, lat = builders.middle(0)
    edge = builders.WEST + builders.SIDE - 0.0001
    page = drawn(opened(service, at=(edge, lat)))
    pin_by_location(page)
    assert any("accuracy_m=20" in request.url for request in page.asked)
    expect(page.locator(WARD)).to_contain_text(builders.NAMES[1])
    expect(page.locator(WARD)).to_contain_text("sát ranh")
    assert lon < edge


def test_a_ward_is_found_in_the_list_without_accents_and_places_the_pin(service, opened):
    page = drawn(opened(service))
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    page.get_by_label("Tìm theo tên").fill("da mau")
    page.get_by_role("button", name="Phường Đa Mẫu").click()
    expect(page.locator(WARD)).to_contain_text("Phường Đa Mẫu")
    assert name_at(*looked_up(page)) == "Đa Mẫu"


def test_a_report_is_sent_and_followed_by_its_code(service, opened):
    page = drawn(opened(service, at=builders.middle(4)))
    pin_by_location(page)
    pick_category(page)
    page.get_by_label("Mô tả").fill("Nước ngập ngang bánh xe trước chợ.")
    code = send(page)
    link = page.get_by_test_id("private-link").get_attribute("href")
    assert link.startswith(f"/r/{code}#")
    page.get_by_role("link", name="Xem phản ánh").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(code)
    expect(page.get_by_text("Nước ngập ngang bánh xe trước chợ.")).to_be_visible()
    expect(page.get_by_text("với tư cách người gửi")).to_be_visible()
    expect(page.get_by_test_id("timeline").locator("li").first).to_be_visible()
    told = service.http.get(f"/api/v1/reports/{code}").json()["properties"]
    assert told["ward"]["code"] == builders.CODES[4]
    # A stranger's visit, from the address bar.
    stranger = opened(service, f"/r/{code}")
    expect(stranger.get_by_role("heading", level=1)).to_contain_text(code)
    expect(stranger.get_by_text("với tư cách người gửi")).to_have_count(0)
    assert page.complaints == []


def test_the_secret_travels_in_a_header_and_never_in_an_address(service, opened):
    page = drawn(opened(service, at=builders.middle(4)))
    pin_by_location(page)
    pick_category(page)
    send(page)
    link = page.get_by_test_id("private-link").get_attribute("href")
    secret = link.split("#")[1]
    page.get_by_role("link", name="Xem phản ánh").click()
    page.get_by_test_id("timeline").wait_for()
    sent: list[Request] = page.asked
    assert any(r.headers.get("authorization") == f"Report {secret}" for r in sent)
    for request in sent:
        assert secret not in request.url.split("#")[0]
        assert secret not in request.headers.get("referer", "")


def test_a_retry_after_a_lost_answer_is_the_same_report(service, opened):
    page = drawn(opened(service, at=builders.middle(3)))
    stored: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if stored:
            route.continue_()
            return
        stored.append(route.fetch().json()["code"])
        route.abort("connectionreset")

    page.route("**/api/v1/reports", lose_the_first_answer)
    pin_by_location(page)
    pick_category(page)
    page.get_by_label("Mô tả").fill("Câu trả lời bị mất giữa đường.")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("kept")).to_contain_text("sẽ gửi sau")
    # Even the page itself may go meanwhile: it is sent again by itself, and is no other report.
    page.reload()
    expect(page.get_by_test_id("arrived")).to_contain_text(stored[0])
    expect(page.get_by_test_id("outbox")).to_have_count(0)
    expect(page.get_by_role("button", name="Viết tiếp")).to_have_count(0)


def test_an_unfinished_report_survives_a_reload(service, opened):
    page = drawn(opened(service, at=builders.middle(1)))
    pin_by_location(page)
    pick_category(page)
    page.get_by_label("Mô tả").fill("Đang viết dở")
    page.reload()
    page.get_by_role("button", name="Viết tiếp").click()
    expect(page.get_by_label("Mô tả")).to_have_value("Đang viết dở")
    expect(page.get_by_test_id("send")).to_contain_text("Phường Chợ Nhỏ")


def test_contact_data_leave_the_device_only_when_anonymity_is_switched_off(service, opened):
    page = drawn(opened(service, at=builders.middle(1)))
    pin_by_location(page)
    pick_category(page)
    anonymous = page.get_by_role("switch", name="Gửi ẩn danh")
    expect(anonymous).to_be_checked()
    anonymous.uncheck()
    page.get_by_label("Điện thoại").fill("không phải số")
    page.get_by_test_id("send").click()
    # The service refuses it, and the page says so beside the field, in its own language.
    expect(page.locator("#reporter-phone-error")).to_contain_text("Số điện thoại chưa đúng")
    anonymous.check()
    with page.expect_request(lambda r: r.method == "POST") as posted:
        send(page)
    assert "reporter" not in posted.value.post_data_json


def test_a_question_that_must_be_answered_is_asked_before_sending(service, opened):
    page = drawn(opened(service, at=builders.middle(1)))
    pin_by_location(page)
    pick_category(page, "bus.late")
    page.get_by_test_id("send").click()
    expect(page.locator("#answer-route-error")).to_be_visible()
    assert not [r for r in page.asked if r.method == "POST"]
    page.get_by_label("Tuyến xe buýt số mấy?").fill("152")
    with page.expect_request(lambda r: r.method == "POST") as posted:
        send(page)
    assert posted.value.post_data_json["answers"] == {"route": "152"}


def test_the_language_switch_changes_every_word_and_is_remembered(service, opened):
    page = drawn(opened(service))
    assert page.locator("html").get_attribute("lang") == "vi"
    expect(page.get_by_role("heading", name="Có gì cần sửa?")).to_be_visible()
    page.get_by_role("button", name="Switch to English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="What needs fixing?")).to_be_visible()
    page.goto(f"{service.base}/?lang=vi")
    expect(page.get_by_role("heading", name="Có gì cần sửa?")).to_be_visible()


def test_switching_a_layer_off_takes_its_marks_from_the_map(service, opened):
    lon, lat = builders.middle(5)
    report = service.http.post(
        "/api/v1/reports", json=builders.a_report(lon=lon, lat=lat), headers=builders.a_key()
    ).json()
    page = drawn(opened(service, size=DESKTOP, at=(lon, lat)))
    pin_by_location(page)
    page.wait_for_load_state("networkidle")
    standing(page)
    pin = page.locator(".pin:visible").bounding_box()
    mark = pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] - 3
    page.get_by_role("button", name="Bỏ ghim").click()
    page.wait_for_load_state("networkidle")
    page.mouse.click(*mark)
    expect(page.get_by_test_id("card")).to_contain_text(report["code"])
    page.get_by_test_id("card").get_by_role("button", name="Đóng").click()

    page.get_by_role("button", name="Lớp bản đồ").click()
    page.get_by_role("switch", name="Phản ánh").uncheck()
    page.get_by_role("switch", name="Điểm nóng").uncheck()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    page.mouse.click(*mark)
    # The place is empty now: tapping it pins it.
    expect(page.locator(WARD)).to_contain_text(builders.NAMES[5])


def test_the_nearest_schools_are_listed_by_the_pin(service, opened, in_database):
    lon, lat = builders.middle(2)
    schools = [
        Facility("test", str(n), "school", lon + n * 0.001, lat, name=f"Trường số {n}")
        for n in range(1, 6)
    ]
    in_database(service, lambda conn: load.insert(conn, schools))
    page = drawn(opened(service, at=(lon, lat)))
    pin_by_location(page)
    nearby = page.get_by_test_id("nearby").locator("li")
    expect(nearby).to_have_count(3)
    expect(nearby.first).to_contain_text("Trường số 1")
    expect(nearby.first).to_contain_text("109 m")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_off_a_narrow_phone(service, opened, scheme):
    page = drawn(opened(service, at=builders.middle(0), color_scheme=scheme))

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        outside = """() => [...document.querySelectorAll('.sheet, .sheet *, header *')]
            .filter((e) => e.checkVisibility() && !e.closest('.sr-only, svg'))
            .filter((e) => e.getBoundingClientRect().right > 360.5)
            .map((e) => e.outerHTML.slice(0, 80))"""
        assert page.evaluate(outside) == []

    fits()
    pin_by_location(page)
    fits()
    pick_category(page)
    page.get_by_role("switch", name="Gửi ẩn danh").uncheck()
    fits()
    page.get_by_role("switch", name="Gửi ẩn danh").check()
    code = send(page)
    fits()
    page.goto(f"{service.base}/r/{code}")
    page.get_by_test_id("timeline").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_an_unknown_code_is_told_and_another_can_be_entered(service, opened):
    page = opened(service, "/r/KHONGCO")
    expect(page.get_by_role("heading", name="Không tìm thấy phản ánh này")).to_be_visible()
    report = service.http.post(
        "/api/v1/reports", json=builders.a_report(), headers=builders.a_key()
    ).json()
    page.get_by_label("Theo dõi phản ánh").fill(report["code"].lower())
    page.get_by_role("button", name="Xem").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(report["code"])


def test_staff_sign_in_shows_who_they_are_and_sign_out_again(service, opened, in_database):
    hashed = passwords.hashed("một-mật-khẩu-dài")
    lan = users.NewUser("lan@example.vn", "Trần Thị Lan", "ward_officer", hashed)
    in_database(service, lambda conn: users.add(conn, lan))
    page = opened(service)
    page.get_by_role("button", name="Nhân viên").click()
    page.get_by_label("Thư điện tử").fill("lan@example.vn")
    page.get_by_label("Mật khẩu").fill("sai")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("alert")).to_contain_text("chưa đúng")
    page.get_by_label("Mật khẩu").fill("một-mật-khẩu-dài")
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_role("button", name="Trần Thị Lan").click()
    expect(page.get_by_role("dialog")).to_contain_text("Cán bộ phường")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("button", name="Nhân viên")).to_be_visible()


def test_the_page_asks_nobody_but_its_own_service(service, opened):
    page = drawn(opened(service, at=builders.middle(0)))
    pin_by_location(page)
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(r.url).netloc for r in page.asked if r.url.startswith("http")}
    assert hosts == {urlsplit(service.base).netloc}
    assert page.complaints == []


def test_every_control_has_a_name_and_a_page_one_first_heading(service, opened):
    page = drawn(opened(service, at=builders.middle(0)))

    def all_named() -> None:
        nameless = """() => [...document.querySelectorAll('button, a[href], input, textarea')]
            .filter((e) => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim()
                || e.labels?.length || e.title)).map((e) => e.outerHTML)"""
        assert page.evaluate(nameless) == []
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1

    all_named()
    page.get_by_role("button", name="Lớp bản đồ").click()
    all_named()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Nhân viên").click()
    page.get_by_role("dialog").wait_for()
    all_named()
    page.keyboard.press("Escape")
    pin_by_location(page)
    all_named()
    pick_category(page)
    page.get_by_role("switch", name="Gửi ẩn danh").uncheck()
    all_named()


def test_an_empty_description_is_asked_for_before_sending(service, opened):
    page = drawn(opened(service, at=builders.middle(1)))
    pin_by_location(page)
    pick_category(page, text="  ")
    page.get_by_test_id("send").click()
    expect(page.locator("#text-error")).to_be_visible()
    assert not [r for r in page.asked if r.method == "POST"]
