"""A hotspot on the map says what it is when it is tapped, in the language of the page."""

import pytest
import shapely
from drawn import put_hotspots
from playwright.sync_api import expect
from watching import DESKTOP, LAT, LON, looking_at, until

pytestmark = pytest.mark.browser

HULLS = """() => document.querySelector('.map').engine
    .queryRenderedFeatures({ layers: ['hotspot-hull'] }).length"""


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "vi",
            ["Ngập nước, phường Mẫu", "gấp 5 lần so với xung quanh", "rất chắc chắn", "kéo dài"],
        ),
        ("en", ["Flooding, Mẫu Ward", "5 times the surroundings", "very certain", "persistent"]),
    ],
)
def test_a_tapped_hotspot_says_what_it_is(service, opened, lang, said):
    hull = shapely.Point(LON, LAT).buffer(0.002)
    put_hotspots(service.url, [hull.wkt], trend="persistent", months=[9, 10])
    page = looking_at(opened(service, f"/?lang={lang}", size=DESKTOP), LON, LAT, 14)
    until(page, lambda: page.evaluate(HULLS), lambda found: found > 0, 60)
    at = page.evaluate(
        "(at) => { const p = document.querySelector('.map').engine.project(at); "
        "return [p.x, p.y]; }",
        [LON, LAT],
    )
    page.mouse.click(*at)
    card = page.get_by_test_id("hotspot-card")
    for words in said:
        expect(card).to_contain_text(words)
    expect(card).to_contain_text("tháng 9, tháng 10" if lang == "vi" else "September, October")
    assert page.complaints == []
