"""The planner's page for everybody: both languages and themes, narrow and wide, staff and not."""

import pytest
from looking import faults, shoot, small_targets, wider_than_its_window
from planned import counted, fill
from playwright.sync_api import Page, expect
from staffed import PASSWORD, put_user

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
VIEWS = {
    "hotspots": "/plan?",
    "wards": "/plan?tab=wards&paint=on_time&at=106.63,10.72,11&",
    "categories": "/plan?tab=categories&month=2026-03&",
    "compare": "/plan?tab=compare&since=2026-04-01&until=2026-06-30&paint=satisfaction&",
    "empty": "/plan?ward=90006&",
}


@pytest.fixture(scope="module", autouse=True)
def _city(service):
    fill(service.url)


def settled(page: Page) -> Page:
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.locator(".sum[aria-busy=false]").wait_for()
    page.locator("#tab-panel tbody tr, #tab-panel p[role=status]").first.wait_for()
    idle = """() => new Promise((done) => {
        const engine = document.querySelector('.map').engine;
        if (engine.loaded() && engine.areTilesLoaded()) done();
        else engine.once('idle', () => done());
    })"""
    page.evaluate(idle)
    return page


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["360", "1280"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_nothing_is_in_anybodys_way(service, opened, lang, scheme, size):
    for name, path in VIEWS.items():
        page = settled(opened(service, f"{path}lang={lang}", size=size, color_scheme=scheme))
        if name == "wards":
            page.locator("#tab-panel details summary").first.click()
            page.locator(".time summary").click()
        shoot(page, f"plan-{name}-{lang}-{scheme}-{size['width']}")
        assert faults(page) == []
        assert small_targets(page) == []
        assert not wider_than_its_window(page)
        if name == "hotspots":
            page.locator("[data-row$='-0000'] .link").click()
            page.get_by_test_id("hotspot").locator("tbody tr").first.wait_for()
            page.get_by_test_id("hotspot").locator("summary").first.click()
            shoot(page, f"plan-hotspot-{lang}-{scheme}-{size['width']}")
            assert faults(page) == []
            assert small_targets(page) == []
            assert not wider_than_its_window(page)
        assert page.complaints == []
        page.context.close()


@pytest.mark.parametrize("width", [360, 640, 1100, 1920])
def test_no_width_makes_one_scroll_sideways_and_every_filter_is_in_sight(service, opened, width):
    page = settled(opened(service, VIEWS["wards"], size={"width": width, "height": 720}))
    if width < 640:
        page.get_by_role("button", name="Bộ lọc").click()
    shoot(page, f"plan-width-{width}")
    assert not wider_than_its_window(page)
    for name in ("category", "status", "ward", "since", "until", "paint"):
        box = page.locator(f"[name={name}]").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_everything_can_be_reached_and_done_by_keyboard(service, opened):
    page = settled(opened(service, VIEWS["hotspots"], size=DESKTOP))
    reached = set()
    page.keyboard.press("Tab")
    for _ in range(60):
        named = (
            "(() => { const e = document.activeElement; return e.name || e.id || e.type || ''; })()"
        )
        reached.add(page.evaluate(named))
        page.keyboard.press("Tab")
    assert {"category", "status", "ward", "since", "until", "paint", "range"} <= reached
    page.locator("#tab-hotspots").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-wards")).to_be_focused()
    expect(page.get_by_role("heading", name="Số liệu theo phường, xã")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", selected=True)).to_have_text("So sánh")


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Thư điện tử").locator("visible=true").fill(email)
    page.get_by_label("Mật khẩu").locator("visible=true").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()


def account(service, role: str) -> str:
    """Made aside: the browser's own loop runs in this thread."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(put_user, service.url, role).result()


def test_only_a_planner_is_let_ask_for_a_run_and_all_others_read_on(service, opened):
    page = settled(opened(service, "/plan?category=drainage.flooding", size=DESKTOP))
    page.get_by_text("Tính lại điểm nóng").click()
    page.get_by_role("button", name="Đăng nhập để yêu cầu").click()
    sign_in(page, account(service, "crew"))
    expect(page.get_by_text("không có quyền yêu cầu tính lại")).to_be_visible()
    here = counted(service.url, "r.category_code = 'drainage.flooding'")
    expect(page.get_by_test_id("count")).to_have_attribute("data-count", str(here))

    other = settled(opened(service, "/plan?category=drainage.flooding", size=DESKTOP))
    other.get_by_text("Tính lại điểm nóng").click()
    other.get_by_role("button", name="Đăng nhập để yêu cầu").click()
    sign_in(other, account(service, "planner"))
    with other.expect_response(lambda r: r.url.endswith("/hotspots/runs")) as caught:
        other.get_by_role("button", name="Tính lại Ngập nước").click()
    assert caught.value.status == 202
    assert caught.value.json()["category"] == "drainage.flooding"
    shown = other.locator(".runs li").first
    expect(shown).to_contain_text("đang chờ")
