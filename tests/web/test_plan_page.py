"""The planner's page, as planners and everybody use it."""

import csv
import io
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from planned import counted, fill
from playwright.sync_api import Page, expect
from watching import standing, until

import builders

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 800}
COUNT = "[data-testid=count]"


@pytest.fixture(scope="module", autouse=True)
def _city(service):
    fill(service.url)


def ready(page: Page) -> Page:
    page.locator(".sum[aria-busy=false]").wait_for()
    return page


def drawn(page: Page) -> Page:
    page.locator(".map[data-ready=true] canvas").wait_for()
    return page


def asked(page: Page) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(page.url).query).items()}


def names(page: Page) -> list[str]:
    """The first column, from the top."""
    return page.locator("tbody th").all_inner_texts()


def rows(page: Page) -> list[list[str]]:
    return [
        [cell.strip() for cell in row.locator("th, td").all_inner_texts()]
        for row in page.locator("table tr").all()
    ]


def saved(page: Page, button: str, at: int = 0) -> tuple[str, bytes]:
    """Name and content of what a button gives away."""
    with page.expect_download() as caught:
        page.get_by_role("button", name=button).nth(at).click()
    return caught.value.suggested_filename, caught.value.path().read_bytes()


def test_every_view_is_a_link_that_gives_the_same_view_again(service, opened):
    page = drawn(ready(opened(service, "/plan", size=DESKTOP)))
    page.get_by_label("Lĩnh vực").select_option("drainage")
    page.get_by_label("Trạng thái").select_option("closed")
    page.get_by_label("Phường, xã").select_option("90001")
    page.get_by_label("Từ ngày").fill("2026-01-10")
    page.get_by_label("Đến hết ngày").fill("2026-05-20")
    page.get_by_label("Bản đồ cho thấy").select_option("on_time")
    page.get_by_role("tab", name="Phường, xã").click()
    page.get_by_role("button", name="Đúng hạn (%)").click()
    page.get_by_label("Tháng đang xem").fill("2")
    # Until the map has come to the ward that was chosen.
    until(page, lambda: asked(page).get("at"), bool)
    standing(page)
    expect(page.get_by_test_id("month")).to_contain_text("3/2026")
    ready(page)
    view = asked(page)
    assert {name: view[name] for name in view if name != "at"} == {
        "category": "drainage",
        "status": "closed",
        "ward": "90001",
        "since": "2026-01-10",
        "until": "2026-05-20",
        "month": "2026-03",
        "paint": "on_time",
        "tab": "wards",
        "sort": "-on_time",
    }

    def seen(one: Page) -> dict[str, object]:
        drawn(ready(one))
        one.locator("thead th").first.wait_for()
        for value in ("category] option[value=drainage", "ward] option[value='90001'"):
            one.locator(f"[name={value}]").wait_for(state="attached")
        standing(one)
        middle = "(() => { const c = document.querySelector('.map').engine.getCenter(); "
        return {
            "count": one.locator(COUNT).inner_text(),
            "filters": [one.locator(f"[name={n}]").first.input_value() for n in FIELDS],
            "sorted": one.locator("th[aria-sort]").all_inner_texts(),
            "rows": rows(one),
            "month": one.get_by_test_id("month").inner_text(),
            "tab": one.get_by_role("tab", selected=True).inner_text(),
            "at": [round(x, 3) for x in one.evaluate(middle + "return [c.lng, c.lat]; })()")],
        }

    FIELDS = ("category", "status", "ward", "since", "until", "paint")
    before = seen(page)
    stranger = opened(service, page.url.removeprefix(service.base), size=DESKTOP)
    assert seen(stranger) == before
    page.reload()
    assert seen(page) == before


def test_the_way_back_undoes_a_filter_and_the_slider_is_no_step_of_it(service, opened):
    page = ready(opened(service, "/plan", size=DESKTOP))
    everything = counted(service.url)
    page.get_by_label("Trạng thái").select_option("open")
    expect(page.locator(COUNT)).not_to_have_attribute("data-count", str(everything))
    slider = page.get_by_label("Tháng đang xem")
    slider.fill("1")
    slider.fill("0")
    expect(page.get_by_test_id("month")).to_contain_text("1/2026")
    page.go_back()
    expect(page.locator(COUNT)).to_have_attribute("data-count", str(everything))
    expect(page.get_by_label("Trạng thái")).to_have_value("")


def test_a_link_that_is_misspelt_shows_what_it_can(service, opened):
    path = "/plan?status=nonsense&since=31-01-2026&month=2026-13&tab=x&at=a,b&paint=%22&sort=no"
    page = ready(opened(service, path, size=DESKTOP))
    expect(page.locator(COUNT)).to_have_attribute("data-count", str(counted(service.url)))
    page = ready(opened(service, "/plan?ward=00000", size=DESKTOP))
    expect(page.get_by_text("nay không có nên đã được bỏ lọc")).to_be_visible()
    expect(page.locator(COUNT)).to_have_attribute("data-count", str(counted(service.url)))


def test_a_table_is_saved_as_it_stands_and_excel_reads_its_letters(service, opened):
    page = ready(opened(service, "/plan?tab=wards&sort=received", size=DESKTOP))
    # Of wards in which nothing happened the city's list tells.
    page.locator("[data-row='90006']").wait_for()
    shown = rows(page)
    name, body = saved(page, "Tải CSV")
    assert name == "pinward-phuong-xa.csv"
    assert body.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert len(table) == 7
    assert table[0] == [re.sub(r"\s*[▲▼↕]$", "", cell) for cell in shown[0]]
    for read, kept in zip(shown[1:], table[1:], strict=True):
        plain = ["" if cell == "quá ít" else cell.removesuffix(" %") for cell in read]
        assert [cell.replace(",", ".").removesuffix(".0") for cell in plain] == [*kept]


def test_names_that_are_formulas_are_text_in_the_file(service, opened):
    page = ready(opened(service, "/plan", size=DESKTOP))
    page.locator("[data-row] .link").first.wait_for()
    page.locator("[data-row$='-0000'] .link").click()
    page.get_by_label("Khoảng cách từ giữa").select_option("1000")
    hotspot = page.get_by_test_id("hotspot")
    expect(hotspot.locator("tbody th")).to_have_text(["=Trường 1", "Trạm y tế", "Trường 2"])
    expect(hotspot.locator("[data-key=distance]").first).to_have_text("109")
    _, body = saved(page, "Tải CSV")
    table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in table[1:]] == ["'=Trường 1", "Trạm y tế", "Trường 2"]


def test_the_services_whole_table_is_saved_too(service, opened):
    page = ready(opened(service, "/plan?tab=wards&status=closed", size=DESKTOP))
    _, body = saved(page, "Tải mọi số đo (CSV)")
    wanted = service.http.get(
        "/api/v1/statistics?by=ward&wards=today&status=closed", headers={"Accept": "text/csv"}
    )
    assert body == b"\xef\xbb\xbf" + wanted.content


@pytest.mark.parametrize("paint", ["reports", "satisfaction"])
def test_the_map_is_saved_as_a_picture_that_explains_itself(service, opened, tmp_path, paint):
    page = drawn(ready(opened(service, f"/plan?paint={paint}&at=106.63,10.72,11.5", size=DESKTOP)))
    name, body = saved(page, "Lưu ảnh bản đồ (PNG)")
    assert re.fullmatch(rf"pinward-{paint}-\d{{4}}-\d\d-\d\d\.png", name)
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    expect(page.get_by_text("Đã lưu ảnh bản đồ.")).to_be_visible()
    picture = Image.open(io.BytesIO(body)).convert("RGB")
    width, height = page.evaluate(
        "(() => { const c = document.querySelector('.map canvas'); return [c.width, c.height]; })()"
    )
    assert picture.width == width
    head = 32 + 26 + 2 * 20
    assert picture.height > height + head
    # The map itself, many colours of it, and words above and below.
    assert len(picture.crop((0, head, width, head + height)).getcolors(10**6)) > 40
    for strip in ((0, 0, width, head), (0, head + height, width, picture.height)):
        assert len(picture.crop(strip).getcolors(10**6)) > 10
    if paint == "satisfaction":
        level = page.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--seq-4').trim()"
        )
        wanted = tuple(int(level[k : k + 2], 16) for k in (1, 3, 5))
        legend = picture.crop((0, head + height, width, picture.height))
        assert any(colour == wanted for _, colour in legend.getcolors(10**6))


def test_tables_are_sorted_by_keyboard_and_say_so(service, opened):
    page = ready(opened(service, "/plan?tab=wards", size=DESKTOP))
    page.locator("[data-row='90006']").wait_for()
    heading = page.locator("thead th").nth(1)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page)[0] == "Phường Vĩnh Thử"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort]").count() == 1
    # As Vietnamese has it: Đ after C, not after V.
    assert names(page) == [f"Phường {name}" for name in builders.NAMES]
    assert asked(page)["sort"] == "ward"


def test_months_are_gone_through_by_keyboard(service, opened):
    page = ready(opened(service, "/plan?until=2026-06-30", size=DESKTOP))
    page.get_by_label("Tháng đang xem").focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("month")).to_contain_text("1/2026")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("month")).to_contain_text("2/2026")
    condition = "to_char(r.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM') = '2026-02'"
    february = str(counted(service.url, condition))
    expect(page.locator(COUNT)).to_have_attribute("data-count", february)
    assert (
        page.get_by_label("Tháng đang xem").get_attribute("aria-valuetext") == f"2/2026, {february}"
    )
    page.get_by_role("button", name="Cả thời kỳ").press("Enter")
    expect(page.locator(COUNT)).to_have_attribute("data-count", str(counted(service.url)))


def test_months_play_until_they_are_stopped_or_over(service, opened):
    page = ready(opened(service, "/plan?until=2026-04-30", size=DESKTOP))
    page.get_by_role("button", name="Chạy qua các tháng").click()
    month = page.get_by_test_id("month")
    expect(month).to_contain_text("1/2026")
    expect(month).to_contain_text("2/2026")
    page.get_by_role("button", name="Dừng").click()
    expect(page.get_by_role("button", name="Chạy qua các tháng")).to_be_visible()
    page.get_by_label("Tháng đang xem").fill("2")
    page.get_by_role("button", name="Chạy qua các tháng").click()
    expect(month).to_contain_text("4/2026")
    expect(page.get_by_role("button", name="Chạy qua các tháng")).to_be_visible()


def test_nothing_plays_where_less_motion_is_wanted(service, opened):
    page = drawn(ready(opened(service, "/plan", size=DESKTOP, reduced_motion="reduce")))
    assert page.get_by_role("button", name="Chạy qua các tháng").count() == 0
    page.get_by_role("button", name="Tháng sau").click()
    expect(page.get_by_test_id("month")).to_contain_text("1/2026")
    duration = "document.querySelector('.map').engine.getStyle().transition.duration"
    assert page.evaluate(duration) == 0


def test_two_periods_are_compared_by_what_the_database_counts(service, opened):
    path = "/plan?tab=compare&since=2026-04-01&until=2026-06-30"
    page = ready(opened(service, path, size=DESKTOP))
    expect(page.locator("[name=two-since]")).to_have_value("2025-12-31")
    page.locator("[name=two-since]").fill("2026-01-01")
    expect(page.locator("[data-row='all'] [data-key=two]")).not_to_have_text("0")
    local = "(r.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date BETWEEN"
    wards = [
        (code, f"r.ward_id = (SELECT id FROM wards WHERE code = '{code}') AND ")
        for code in builders.CODES[:5]
    ]
    for code, ward in [("all", ""), *wards]:
        one = counted(service.url, f"{ward}{local} '2026-04-01' AND '2026-06-30'")
        two = counted(service.url, f"{ward}{local} '2026-01-01' AND '2026-03-31'")
        row = page.locator(f"[data-row='{code}']")
        expect(row.locator("[data-key=one]")).to_have_text(str(one))
        expect(row.locator("[data-key=two]")).to_have_text(str(two))
        change = f"{one - two:+d}" if one != two else "0"
        expect(row.locator("[data-key=change]")).to_have_text(change)
    assert asked(page)["vs_since"] == "2026-01-01"
    page.locator("[name=by]").select_option("category")
    expect(page.locator("[data-row='lighting.lamp_out']")).to_be_visible()
    page.locator("[name=measure]").select_option("on_time")
    expect(page.locator("[data-row='all'] [data-key=one]")).to_contain_text("%")


def test_a_hotspot_says_what_it_claims_and_who_is_near(service, opened):
    page = drawn(ready(opened(service, "/plan", size=DESKTOP)))
    page.locator("[data-row$='-0000'] .link").press("Enter")
    hotspot = page.get_by_test_id("hotspot")
    expect(hotspot.get_by_role("heading", level=2)).to_be_focused()
    for words in (
        "Ngập nước, phường Mẫu", "rất chắc chắn", "đang tăng", "10 phản ánh.",
        "trong 1.000.000 thành phố như vậy", "Trường Mẫu",
    ):  # fmt: skip
        expect(hotspot).to_contain_text(words)
    page.get_by_text("Con số này được tính thế nào?").click()
    expect(hotspot.get_by_text("phép thử nhị thức")).to_be_visible()
    line = """() => document.querySelector('.map').engine.getSource('plan-chosen')
        .serialize().data.features.length"""
    until(page, lambda: page.evaluate(line), lambda n: n == 1)
    page.get_by_role("button", name="Danh sách điểm nóng").click()
    assert page.locator("[data-row]").count() == 3
    page.get_by_label("Phường, xã").select_option("90002")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_where_the_map_cannot_be_drawn_the_tables_say_everything(service, opened):
    page = opened(service, "/plan", size=DESKTOP)
    page.route("**/styles/**", lambda route: route.abort())
    page.reload()
    ready(page)
    expect(page.get_by_text("Mọi số liệu đều có trong các bảng")).to_be_visible()
    expect(page.locator(COUNT)).to_have_attribute("data-count", str(counted(service.url)))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Bỏ qua bản đồ")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tables")).to_be_focused()


def test_numbers_that_did_not_come_are_asked_for_again(service, opened):
    page = ready(opened(service, "/plan", size=DESKTOP))
    page.route("**/api/v1/statistics**", lambda route: route.abort())
    page.get_by_label("Trạng thái").select_option("open")
    expect(page.get_by_role("alert").first).to_contain_text("Chưa tải được số liệu")
    page.unroute("**/api/v1/statistics**")
    page.get_by_role("alert").first.get_by_role("button").click()
    few = str(counted(service.url, "r.status = 'received'"))
    expect(page.locator(COUNT)).to_have_attribute("data-count", few)
