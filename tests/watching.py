"""A page's map watched from outside: what is drawn on it, and when."""

import base64
import time

import psycopg
from playwright.sync_api import Page, Request

import builders

DESKTOP = {"width": 1280, "height": 800}
LIST = "/api/v1/reports"
# A change is to be on every open map within a second or two of its commit; other tests run beside.
SOON_S = 30.0
LON, LAT = builders.middle(4)

RENDERED = """([code]) => document.querySelector('.map').engine
    .queryRenderedFeatures({ layers: ['report-point'] })
    .filter((f) => f.properties.code === code)
    .map((f) => ({ ...f.properties, at: f.geometry.coordinates }))"""
CELLS = """() => {
    const engine = document.querySelector('.map').engine;
    const seen = new Map();
    for (const f of engine.queryRenderedFeatures({ layers: ['report-cell'] })) {
        const { x, y } = engine.project(f.geometry.coordinates);
        seen.set(f.properties.cell, { ...f.properties, x, y });
    }
    return [...seen.values()];
}"""
DIFFERENT = """async ([one, two]) => {
    const [a, b] = await Promise.all([one, two].map(async (png) => {
        const image = new Image();
        image.src = `data:image/png;base64,${png}`;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height).data;
    }));
    let n = 0;
    for (let i = 0; i < a.length; i += 4) {
        const far = (channel) => Math.abs(a[i + channel] - b[i + channel]);
        if (far(0) + far(1) + far(2) > 40) n += 1;
    }
    return n;
}"""


def drawn(page: Page) -> Page:
    page.locator(".map[data-ready=true] canvas").wait_for()
    return page


def looking_at(page: Page, lon: float, lat: float, zoom: float) -> Page:
    """The map stands there, listens, and has drawn everything."""
    drawn(page)
    page.evaluate(
        "([center, zoom]) => document.querySelector('.map').engine.jumpTo({ center, zoom })",
        [[lon, lat], zoom],
    )
    page.locator(".map[data-live=live]").wait_for()
    settled(page)
    # The second look at what changed before the stream began is over.
    page.wait_for_timeout(3_000)
    settled(page)
    return page


def settled(page: Page) -> None:
    until_true(
        page,
        "((map) => map.loaded() && map.areTilesLoaded())(document.querySelector('.map').engine)",
    )
    until_true(page, "!document.querySelector('.map .sign')")
    page.wait_for_timeout(400)


def until_true(page: Page, expression: str) -> None:
    """Wait until JavaScript says so. (Playwright's own way evaluates text within the page, which
    the page's policy forbids.)"""
    until(page, lambda: page.evaluate(expression), bool, 60.0)


def standing(page: Page) -> None:
    """Wait until the map does not move any more."""
    until_true(page, "!document.querySelector('.map').engine.isMoving()")


def send(service, **changes) -> str:
    answer = service.http.post(LIST, json=builders.a_report(**changes), headers=builders.a_key())
    assert answer.status_code == 201, answer.text
    return answer.json()["code"]


def change(service, code: str, sets: str) -> None:
    with psycopg.connect(service.url) as db:
        db.execute(f"UPDATE reports SET {sets} WHERE code = %s", (code,))


def until(page: Page, ask, wanted, within_s: float = SOON_S) -> float:
    """Seconds until `ask()` answers as wanted; fails when it takes longer."""
    began = time.monotonic()
    while True:
        answer = ask()
        took = time.monotonic() - began
        if wanted(answer):
            return took
        assert took < within_s, f"after {took:.1f} s: {answer}"
        page.wait_for_timeout(40)


def picture(page: Page, lon: float, lat: float) -> bytes:
    """60 x 60 pixels about a place."""
    x, y = page.evaluate(
        "(at) => { const p = document.querySelector('.map').engine.project(at); "
        "return [p.x, p.y]; }",
        [lon, lat],
    )
    clip = {"x": x - 30, "y": y - 30, "width": 60, "height": 60}
    return page.screenshot(clip=clip)


def different(page: Page, one: bytes, two: bytes) -> int:
    """Pixels that differ between two pictures."""
    blank = page.context.new_page()
    packed = [base64.b64encode(each).decode() for each in (one, two)]
    n = blank.evaluate(DIFFERENT, packed)
    blank.close()
    return n


def loads(page: Page) -> int:
    return sum(r.is_navigation_request() for r in page.asked)


def streams(page: Page) -> list[Request]:
    return [r for r in page.asked if "/api/v1/live?" in r.url]
