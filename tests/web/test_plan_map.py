"""The planner's map comes first, and what is drawn on it is what the tables tell."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import shapely
from conftest import serving
from drawn import decoded, put_hotspots
from looking import faults, shoot, small_targets, wider_than_its_window
from planned import fill
from playwright.sync_api import Page, expect
from reformed import YEAR, reform
from watching import until

import builders

pytestmark = pytest.mark.browser

CITY = "at=106.63,10.72,11.5"
SIZES = [(1280, 800), (1440, 900), (1366, 625), (1920, 1080)]
REPORTS = """() => document.querySelector('.map').engine
    .queryRenderedFeatures({ layers: ['report-point', 'report-cell'] }).length"""
DRAWN = """() => [...new Set(document.querySelector('.map').engine
    .queryRenderedFeatures({ layers: ['hotspot-hull', 'hotspot-edge', 'hotspot-ring'] })
    .map((f) => f.properties.id))].sort()"""


@pytest.fixture(scope="module", autouse=True)
def _city(service):
    fill(service.url)


@pytest.fixture(scope="module")
def reformed(clone, city_template, tmp_path_factory):
    """The service on a city after a reform."""
    folder = tmp_path_factory.mktemp("reformed")
    url = clone(city_template)
    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(reform, url, folder).result()
    hull = shapely.Point(builders.middle(1)).buffer(0.002).wkt
    put_hotspots(url, [hull], as_of=date(2024, 12, 31))
    with serving(url, folder) as made:
        yield made


def drawn(page: Page) -> Page:
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.locator(".sum[aria-busy=false]").wait_for()
    return page


def listed(page: Page) -> list[str]:
    return sorted(page.locator("[data-row]").evaluate_all("all => all.map((e) => e.dataset.row)"))


def test_hotspots_on_the_map_are_those_of_the_list_in_every_ward(service, opened):
    page = drawn(opened(service, f"/plan?{CITY}", size={"width": 1280, "height": 800}))
    page.locator("[data-row]").first.wait_for()
    everywhere = listed(page)
    assert len(everywhere) == 3
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == everywhere)
    ward = page.get_by_label("Phường, xã")
    ward.select_option("90002")
    expect(page.locator("[data-row]")).to_have_count(1)
    here = listed(page)
    # The map went to the ward; what it draws far away is asked there.
    away = """() => document.querySelector('.map').engine.jumpTo(
        { center: [106.63, 10.72], zoom: 11.5 })"""
    page.evaluate(away)
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == here)
    # Also in another language, whose style is another one, and as a link.
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator("[name=ward]")).to_have_value("90002")
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == here)
    page.reload()
    drawn(page)
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == here)
    page.locator("[name=ward]").select_option("90006")
    expect(page.get_by_text("There is no hotspot within these filters.")).to_be_visible()
    page.evaluate(away)
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == [])
    page.locator("[name=ward]").select_option("")
    until(page, lambda: page.evaluate(DRAWN), lambda found: found == everywhere)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_map_has_most_of_the_window_and_stays_there(service, opened, width, height):
    size = {"width": width, "height": height}
    page = drawn(opened(service, f"/plan?tab=wards&{CITY}", size=size))
    page.locator("[data-row='90001']").wait_for()
    shoot(page, f"plan-map-{width}x{height}")
    box = page.locator(".map").bounding_box()
    assert box["width"] > 0.55 * width
    assert box["height"] > 0.5 * height
    assert box["y"] + box["height"] < height
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    shoot(page, f"plan-map-{width}x{height}-end")
    assert page.locator(".map").bounding_box() == box
    # Whoever goes back by keyboard sees where they are, below the head that stays.
    page.locator("[name=category]").focus()
    head = page.locator("header").bounding_box()
    assert page.locator("[name=category]").bounding_box()["y"] >= head["y"] + head["height"]
    assert not wider_than_its_window(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_map_comes_first_and_filters_unfold_by_keyboard(service, opened, scheme):
    size = {"width": 360, "height": 740}
    page = drawn(opened(service, f"/plan?status=closed&{CITY}", size=size, color_scheme=scheme))
    assert page.locator(".map").bounding_box()["y"] < size["height"] / 2
    shoot(page, f"plan-phone-{scheme}")
    fold = page.get_by_role("button", name="Bộ lọc (1)")
    assert fold.get_attribute("aria-expanded") == "false"
    expect(page.get_by_label("Lĩnh vực")).to_be_hidden()
    fold.press("Enter")
    assert fold.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Tab")
    expect(page.get_by_label("Lĩnh vực")).to_be_focused()
    shoot(page, f"plan-phone-unfolded-{scheme}")
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)


@pytest.mark.parametrize("code", ["90002", "90003", "90004"])
def test_after_a_reform_the_map_holds_what_the_number_says(reformed, opened, code):
    asked = f"/plan?ward={code}&since=2024-01-01&until=2024-12-31"
    page = drawn(opened(reformed, asked, size={"width": 1280, "height": 800}))
    said = int(page.get_by_test_id("count").get_attribute("data-count"))
    assert said > 0
    query = {**YEAR, "ward": code, "wards": "today"}
    counted = reformed.http.get("/api/v1/statistics", params=query).json()["total"]["received"]
    assert said == counted

    def tiles() -> list[str]:
        return [r.url for r in page.asked if "/tiles/reports/" in r.url and ".mvt" in r.url]

    until(page, tiles, bool)
    whole = reformed.http.get("/tiles/reports/0/0/0.mvt?" + tiles()[-1].split("?")[1])
    held = sum(f["properties"]["point_count"] for f in decoded(whole.content)["reports"])
    assert held == said
    until(page, lambda: page.evaluate(REPORTS), bool)


def test_hotspots_of_a_day_before_a_reform_say_whose_wards_they_name(reformed, opened):
    size = {"width": 1280, "height": 800}
    page = drawn(opened(reformed, "/plan?ward=90002&until=2024-12-31", size=size))
    note = page.get_by_text("phường, xã trước khi sắp xếp ngày 1/7/2025")
    expect(note).to_be_visible()
    shoot(page, "plan-before-a-reform")
    # The whole city has no wards to be taken for others.
    page.get_by_label("Phường, xã").select_option("")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(note).to_be_hidden()
