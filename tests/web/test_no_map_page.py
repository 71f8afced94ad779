"""What the map shows is there in words, for who sees no map and for phones that cannot draw one."""

import pytest
import shapely
from drawn import put_hotspots
from looking import faults, shoot, small_targets
from own import Sent
from playwright.sync_api import Page, expect
from watching import DESKTOP, LAT, LON, looking_at

import builders

pytestmark = pytest.mark.browser

# As on a phone whose graphics are off the browser's list.
NO_WEBGL = """
    const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest);
    };
"""


def without_map(opened, service, path: str = "/", **options: object) -> Page:
    page = opened(service, "/api/v1/wards", **options)
    page.add_init_script(NO_WEBGL)
    page.goto(service.base + path)
    expect(page.locator(".failed")).to_be_visible()
    return page


def hotspots(page: Page, lang: str = "vi") -> Page:
    name = {"vi": "Điểm nóng trong khung bản đồ", "en": "Hotspots in sight on the map"}[lang]
    page.get_by_role("button", name=name).click()
    page.get_by_test_id("hotspots").wait_for()
    return page


def test_hotspots_in_sight_are_a_list_that_opens_them_and_leads_back(service, opened):
    near = shapely.Point(LON, LAT).buffer(0.002)
    far = shapely.Point(LON + 0.2, LAT).buffer(0.002)
    put_hotspots(service.url, [near.wkt, far.wkt], trend="persistent")
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 14)
    entries = hotspots(page).get_by_test_id("hotspots").locator("li button")
    expect(entries).to_have_count(1)
    expect(entries).to_contain_text("Ngập nước, phường Mẫu")
    expect(entries).to_contain_text("rất chắc chắn · kéo dài")
    expect(page.get_by_role("status").filter(has_text="1 điểm nóng")).to_be_visible()
    entries.press("Enter")
    card = page.get_by_test_id("hotspot-card")
    expect(card).to_contain_text("10 phản ánh.")
    expect(card.get_by_role("button", name="Quay lại")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entries).to_be_focused()


def test_where_there_is_none_that_is_said(service, opened):
    put_hotspots(service.url, [])
    page = looking_at(opened(service, size=DESKTOP), LON + 0.5, LAT, 14)
    expect(hotspots(page).get_by_test_id("hotspots")).to_contain_text("Không có điểm nóng nào")


def test_a_list_that_did_not_come_can_be_asked_for_again(service, opened):
    put_hotspots(service.url, [shapely.Point(LON, LAT).buffer(0.002).wkt])
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 14)
    page.route("**/api/v1/hotspots?*", lambda route: route.abort())
    hotspots(page).get_by_role("alert").wait_for()
    page.unroute("**/api/v1/hotspots?*")
    page.get_by_role("button", name="Thử lại").click()
    expect(page.get_by_test_id("hotspots").locator("li")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_without_a_map_the_lists_are_of_the_whole_city(service, opened, lang, theme):
    sent = Sent(service, text="Đèn hỏng ở cuối ngõ.")
    spots = [shapely.Point(LON + n, LAT).buffer(0.002).wkt for n in (0, 0.2)]
    put_hotspots(service.url, spots)
    size = {"width": 360, "height": 740}
    page = without_map(opened, service, f"/?lang={lang}", size=size, color_scheme=theme)
    expect(hotspots(page, lang).get_by_test_id("hotspots").locator("li").nth(1)).to_be_visible()
    heading = page.get_by_role("heading", name="thành phố" if lang == "vi" else "city")
    expect(heading).to_be_focused()
    shoot(page, f"citizen-hotspots-{lang}-{theme}-phone")
    assert faults(page) == []
    assert small_targets(page) == []
    page.get_by_role("button", name="Đóng" if lang == "vi" else "Close").click()
    name = {"vi": "Phản ánh trong khung bản đồ", "en": "Reports in sight on the map"}[lang]
    page.get_by_role("button", name=name).click()
    page.locator(f"[data-code='{sent.code}']").click()
    expect(page.get_by_test_id("card")).to_contain_text("Đèn hỏng ở cuối ngõ.")


def test_without_a_map_a_ward_that_was_looked_for_shows_its_reports(service, opened):
    (lon, lat), (x, y) = builders.middle(0), builders.middle(2)
    here = Sent(service, text="Ở phường được tìm.", lon=lon, lat=lat)
    there = Sent(service, text="Ở phường khác.", lon=x, lat=y)
    page = without_map(opened, service)
    page.get_by_role("searchbox").fill("ben thu")
    page.locator("[data-testid=found] button").first.click()
    page.locator(f"[data-code='{here.code}']").wait_for()
    expect(page.locator(f"[data-code='{there.code}']")).to_have_count(0)
    page.locator(f"[data-code='{here.code}']").click()
    expect(page.get_by_test_id("card")).to_contain_text("Ở phường được tìm.")


def test_what_was_taken_down_meanwhile_is_told_in_the_reader_s_language(service, opened):
    gone = Sent(service, text="Sắp bị gỡ.")
    page = without_map(opened, service)
    page.get_by_role("button", name="Phản ánh trong khung bản đồ").click()
    page.locator(f"[data-code='{gone.code}']").wait_for()
    gone.becomes("withheld = 'review'")
    page.locator(f"[data-code='{gone.code}']").click()
    said = page.get_by_test_id("card").locator(".note.bad")
    expect(said).to_have_text("Không tìm thấy; có thể đã bị gỡ hoặc địa chỉ chưa đúng.")


def test_where_the_map_went_is_told_to_who_does_not_see_it_move(service, opened):
    page = opened(service)
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.get_by_role("searchbox").fill("ben thu")
    page.locator("[data-testid=found] button").first.click()
    expect(
        page.get_by_role("status").filter(has_text="Bản đồ đang ở Phường Bến Thử")
    ).to_have_count(1)
