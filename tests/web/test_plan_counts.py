"""The planner's numbers are those of the database, whatever is filtered, and of the tiles."""

import re
from urllib.parse import urlsplit

import pytest
from drawn import decoded
from planned import ENDED, HIDDEN, HIDDEN_REPORTS, counted, fill
from playwright.sync_api import Page, expect
from watching import until

import builders

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 800}
OPEN = "r.status IN ('received', 'assigned', 'in_progress', 'waiting')"
LAMP = "r.category_code = 'lighting.lamp_out'"
WARD = "r.ward_id = (SELECT id FROM wards WHERE code = "
LOCAL = "(r.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"


@pytest.fixture(scope="module", autouse=True)
def _city(service):
    fill(service.url)


def count(page: Page) -> int:
    """The number shown, once it is that of the filters."""
    page.locator(".sum[aria-busy=false]").wait_for()
    return int(page.get_by_test_id("count").get_attribute("data-count"))


def tiles_asked(page: Page) -> list[str]:
    return [r.url for r in page.asked if re.search(r"/tiles/reports/\d", r.url)]


def in_tiles(service, query: str) -> int:
    """All reports of zoom 0, which is one tile."""
    answer = service.http.get(f"/tiles/reports/0/0/0.mvt?{query}")
    if answer.status_code == 204:
        return 0
    return sum(f["properties"]["point_count"] for f in decoded(answer.content)["reports"])


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", "true"),
        ("category=drainage", "r.category_code LIKE 'drainage.%'"),
        ("category=lighting.lamp_out&status=open", f"{LAMP} AND {OPEN}"),
        ("status=closed&ward=90002", f"r.status='closed' AND {WARD}'90002')"),
        ("since=2026-02-01&until=2026-03-31", f"{LOCAL} BETWEEN '2026-02-01' AND '2026-03-31'"),
        (
            "category=drainage&status=settled&since=2026-01-15&ward=90001",
            f"r.category_code LIKE 'drainage.%' AND NOT {OPEN} AND {LOCAL} >= '2026-01-15'"
            f" AND {WARD}'90001')",
        ),
        ("month=2026-04", f"{LOCAL} BETWEEN '2026-04-01' AND '2026-04-30'"),
        ("month=2026-04&since=2026-04-10", f"{LOCAL} BETWEEN '2026-04-10' AND '2026-04-30'"),
        ("ward=90006", f"{WARD}'90006')"),
    ],
)
def test_the_count_is_that_of_the_database_and_of_the_tiles(service, opened, query, condition):
    page = opened(service, f"/plan?{query}", size=DESKTOP)
    expected = counted(service.url, condition)
    assert count(page) == expected
    page.locator(".map[data-ready=true] canvas").wait_for()
    until(page, lambda: tiles_asked(page), bool)
    assert in_tiles(service, urlsplit(tiles_asked(page)[-1]).query) == expected
    assert page.complaints == []


def test_filters_that_are_chosen_change_count_table_and_map_together(service, opened):
    page = opened(service, "/plan?tab=wards", size=DESKTOP)
    before = count(page)
    assert before == counted(service.url)
    page.locator(".map[data-ready=true] canvas").wait_for()
    with page.expect_request(re.compile(r"/tiles/reports/.*category=drainage")):
        page.get_by_label("Lĩnh vực").select_option("drainage")
    expect(page.get_by_text("Thoát nước").first).to_be_attached()
    wanted = counted(service.url, "r.category_code LIKE 'drainage.%'")
    expect(page.get_by_test_id("count")).to_have_attribute("data-count", str(wanted))
    cells = page.locator("[data-row] [data-key=received]").all_inner_texts()
    assert sum(int(each) for each in cells) == wanted


def test_a_hidden_category_is_neither_offered_nor_counted_nor_named(service, opened):
    page = opened(service, f"/plan?category={HIDDEN}&tab=categories", size=DESKTOP)
    # The link is told to be of no use, and no number of it shows.
    expect(page.get_by_text("không công khai nên đã được bỏ lọc")).to_be_visible()
    everything = counted(service.url)
    expect(page.get_by_test_id("count")).to_have_attribute("data-count", str(everything))
    assert page.locator(f"option[value='{HIDDEN}']").count() == 0
    assert page.locator(f"[data-row='{HIDDEN}']").count() == 0
    page.locator("[data-row='drainage.flooding']").wait_for()
    assert "Cờ bạc" not in page.locator("main").inner_text()
    with_hidden = everything + HIDDEN_REPORTS
    assert in_tiles(service, "") == everything != with_hidden


def test_each_wards_rates_are_those_of_the_database_and_too_few_say_so(service, opened):
    page = opened(service, "/plan?tab=wards", size=DESKTOP)
    page.locator("[data-row='90001']").wait_for()
    for k, (ended, in_time, rating) in enumerate(ENDED):
        row = page.locator(f"[data-row='{builders.CODES[k]}']")
        expect(row.locator("[data-key=due]")).to_have_text(str(ended))
        share = f"{round(100 * in_time / ended)} %" if ended >= 10 else "quá ít"
        expect(row.locator("[data-key=on_time]")).to_have_text(share)
        rated = ended if rating else 0
        expect(row.locator("[data-key=ratings]")).to_have_text(str(rated))
        mean = f"{rating},0" if rating and rated >= 5 else "quá ít"
        expect(row.locator("[data-key=satisfaction]")).to_have_text(mean)


def test_the_map_colours_each_ward_by_the_tables_number(service, opened):
    page = opened(service, "/plan?tab=wards&paint=on_time&at=106.63,10.72,11.5", size=DESKTOP)
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.locator("[data-row='90001']").wait_for()
    bounds = (0.5, 0.7, 0.8, 0.9)
    wanted = {}
    for k, (ended, in_time, _) in enumerate(ENDED):
        if ended >= 10:
            wanted[builders.CODES[k]] = sum(in_time / ended >= each for each in bounds)
    painted = """() => {
        const engine = document.querySelector('.map').engine;
        if (!engine.getLayer('plan-wards')) return null;
        const style = getComputedStyle(document.documentElement);
        const levels = [0, 1, 2, 3, 4].map((n) => style.getPropertyValue(`--seq-${n}`).trim());
        const colours = engine.getPaintProperty('plan-wards', 'fill-color')[1][1][2][1];
        return Object.fromEntries(
            Object.entries(colours).map(([code, colour]) => [code, levels.indexOf(colour)]));
    }"""
    until(page, lambda: page.evaluate(painted), lambda found: found == wanted)
    hatched = """() => [...new Set(document.querySelector('.map').engine
        .queryRenderedFeatures({ layers: ['plan-few'] }).map((f) => f.properties.code))].sort()"""
    until(page, lambda: page.evaluate(hatched), lambda found: found == ["90003", "90006"])
    # The number itself, by pressing the ward.
    at = page.evaluate(
        "(at) => { const p = document.querySelector('.map').engine.project(at); "
        "return [p.x, p.y]; }",
        list(builders.middle(1)),
    )
    box = page.locator(".map").bounding_box()
    page.mouse.click(box["x"] + at[0] + 20, box["y"] + at[1] + 20)
    expect(page.get_by_test_id("told")).to_contain_text("45 % (n = 20)")
