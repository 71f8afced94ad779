"""A cell of the map tells what is in it."""

import re

import numpy as np
import pytest
from drawn import put_reports
from playwright.sync_api import Page, expect
from watching import CELLS, DESKTOP, LIST, looking_at, send, settled, until

import builders

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def crowd(service):
    """A thousand reports about the middle of ward 2, some blurred, some hidden."""
    rng = np.random.default_rng(8)
    lon, lat = builders.middle(1)
    places = [(lon + x, lat + y) for x, y in rng.normal(0, 0.003, (1000, 2)).tolist()]
    names = ("drainage.flooding", "noise.neighbours", "order.drugs", "traffic.pothole")
    return put_reports(
        service.url,
        places,
        category_code=[names[n] for n in rng.integers(0, 4, 1000)],
        status=[("received", "closed")[n] for n in rng.integers(0, 2, 1000)],
    )


def listed(service, cell: int) -> list[str]:
    url, codes = f"{LIST}?cell={cell}&limit=1000", []
    while url:
        body = service.http.get(url).json()
        codes += [feature["id"] for feature in body["features"]]
        url = body["next"]
    return codes


def shown(page: Page) -> list[str]:
    return page.locator("[data-testid=list] [data-code]").evaluate_all(
        "all => all.map((each) => each.dataset.code)"
    )


def a_cell(page: Page, least: int, most: int) -> dict:
    """A cell beside the panel that counts so many."""
    cells = [c for c in page.evaluate(CELLS) if least <= c["point_count"] <= most and c["x"] > 450]
    assert cells, page.evaluate(CELLS)
    return cells[0]


def test_a_tapped_cell_lists_exactly_its_reports_page_by_page(service, opened, crowd):
    lon, lat = builders.middle(1)
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 12)
    cell = a_cell(page, 41, 400)
    page.mouse.click(cell["x"], cell["y"])
    title = page.get_by_role("heading", level=2, name=re.compile("phản ánh ở đây"))
    expect(title).to_have_text(f"{cell['point_count']} phản ánh ở đây")
    expect(page.get_by_test_id("list")).to_contain_text(f"{cell['open_count']} đang xử lý")
    expected = listed(service, cell["cell"])
    assert len(expected) == cell["point_count"]
    page.locator("[data-testid=list] [data-code]").first.wait_for()
    while (more := page.get_by_role("button", name="Xem thêm")).count():
        n = len(shown(page))
        more.click()
        expect(page.locator("[data-testid=list] [data-code]").nth(n)).to_be_visible()
        expect(page.locator("[data-testid=list] [aria-busy=true]")).to_have_count(0)
    assert shown(page) == expected
    assert page.complaints == []


def test_a_list_leads_to_a_card_and_back_to_where_one_was(service, opened, crowd):
    lon, lat = builders.middle(1)
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 12)
    cell = a_cell(page, 41, 400)
    page.mouse.click(cell["x"], cell["y"])
    page.locator("[data-testid=list] [data-code]").first.wait_for()
    code = shown(page)[7]
    # All by the keyboard.
    page.locator(f"[data-code='{code}']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("card")).to_contain_text(code)
    link = page.get_by_test_id("card").get_by_role("link", name="Xem chi tiết")
    assert link.get_attribute("href") == f"/r/{code}"
    expect(page.get_by_role("button", name="Quay lại")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-code='{code}']")).to_be_focused()


def test_a_cell_can_be_gone_into(service, opened, crowd):
    lon, lat = builders.middle(1)
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 11)
    zoom = "document.querySelector('.map').engine.getZoom()"
    before = page.evaluate(zoom)
    cell = a_cell(page, 41, 1000)
    page.mouse.click(cell["x"], cell["y"])
    page.get_by_role("button", name="Phóng to vùng này").click()
    until(page, lambda: page.evaluate(zoom), lambda now: now >= before + 1)


def test_a_cell_is_reached_by_the_keyboard_alone(service, opened, crowd):
    lon, lat = builders.middle(1)
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 12)
    cell = a_cell(page, 20, 400)
    page.evaluate(
        "([x, y]) => { const e = document.querySelector('.map').engine; "
        "e.jumpTo({ center: e.unproject([x, y]) }); }",
        [cell["x"], cell["y"]],
    )
    settled(page)
    page.locator(".map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("list")).to_contain_text(f"{cell['point_count']} phản ánh ở đây")
    expect(page.get_by_test_id("list").get_by_role("heading")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Phóng to vùng này")).to_be_focused()


def test_reports_at_one_and_the_same_place_open_as_a_list(service, opened):
    lon, lat = builders.middle(5)
    codes = set(put_reports(service.url, [(lon, lat)] * 3))
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 17)
    at = page.evaluate(
        "(at) => { const p = document.querySelector('.map').engine.project(at); "
        "return [p.x, p.y]; }",
        [lon, lat],
    )
    page.mouse.click(*at)
    expect(page.get_by_role("heading", level=2)).to_have_text("3 phản ánh ở đây")
    assert set(shown(page)) == codes


def test_an_open_list_follows_what_happens_in_its_cell(service, opened, crowd):
    lon, lat = builders.middle(1)
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 12)
    cell = a_cell(page, 30, 400)
    page.mouse.click(cell["x"], cell["y"])
    page.locator("[data-testid=list] [data-code]").first.wait_for()
    there = service.http.get(f"{LIST}?cell={cell['cell']}&category=traffic.pothole&limit=1").json()
    at = there["features"][0]["geometry"]["coordinates"]
    code = send(service, lon=at[0], lat=at[1])
    expect(page.locator("[data-testid=list] [data-code]").first).to_have_attribute(
        "data-code", code
    )
    expect(page.get_by_test_id("list").get_by_role("heading")).to_have_text(
        f"{cell['point_count'] + 1} phản ánh ở đây"
    )


def test_what_is_in_sight_is_listed_without_the_map(service, opened, crowd):
    page = looking_at(opened(service, size={"width": 360, "height": 740}), *builders.middle(1), 14)
    page.get_by_role("button", name="Phản ánh trong khung bản đồ").click()
    page.locator("[data-testid=list] [data-code]").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert len(shown(page)) == 20
