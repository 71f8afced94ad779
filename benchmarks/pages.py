"""The citizen's page on a cheap phone: a real browser, its processor slowed four times, its network
1.6 Mbit/s each way with 150 ms, nothing kept from before.

What Lighthouse would say, by the browser's own words (CDP, Performance API): when the page can be
used (its first button is drawn and the processor idle), what came over the wire before it without
the map's engine, when the map stands; and how long a report with two photos takes from "send" to
its code, the photos chosen the moment before.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import serving
from city import City
from city_places import HERE
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
import browsing
from playwright.sync_api import Browser, Page

RUNS = 5
SLOWER = 4
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 1_600_000 / 8,
}
BUTTON = "main .button.main"
_WATCH = """
window.seen = { long: 0, lcp: 0, cls: 0 };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.long += Math.max(0, one.duration - 50);
}).observe({ type: 'longtask', buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.lcp = one.startTime;
}).observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.seen.cls += one.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
_IDLE = "() => new Promise((done) => requestIdleCallback(() => done(performance.now())))"
_BYTES = """() => performance.getEntriesByType('resource')
  .filter(({ name }) => /\\.js$/.test(name))
  .map(({ name, encodedBodySize, startTime }) => [name, encodedBodySize, startTime])"""


def measure(place: City, runs: int = RUNS) -> list[dict[str, Any]]:
    with (
        serving.pinward(place.url) as port,
        browsing.browser() as browser,
        tempfile.TemporaryDirectory() as folder,
    ):
        photos = _photos(Path(folder))
        base = f"http://127.0.0.1:{port}"
        with _phone(browser) as page:  # the service has answered once
            page.goto(base)
            page.wait_for_selector(".map[data-ready=true] canvas", timeout=120_000)
        seen = [_opened(browser, base) for _ in range(runs)]
        sent = [_sent(browser, base, photos) for _ in range(runs)]
    worst = {name: max(one[name] for one in seen) for name in seen[0]}
    middle = {name: statistics.median(one[name] for one in seen) for name in seen[0]}
    phone = f"on a phone {SLOWER} times slower, 1.6 Mbit/s"
    return [
        _row(
            f"first page usable, {phone}",
            middle["usable_s"],
            "≤ 3 s",
            f"slowest of {runs} {worst['usable_s']:.2f} s; first paint {middle['fcp_s']:.2f} s, "
            f"largest {middle['lcp_s']:.2f} s, blocked {middle['blocked_s'] * 1000:.0f} ms, "
            f"shifts {middle['cls']:.3f}, map after {middle['map_s']:.1f} s",
        ),
        {
            **_row(
                "initial JavaScript without the map, packed",
                None,
                "≤ 120 kB",
                f"the map asked for {middle['map_after_s']:.2f} s after the first paint",
            ),
            "ours_bytes": middle["bytes"],
        },
        _row(
            f"sent with two photos chosen just before, {phone}",
            statistics.median(sent),
            "≤ 10 s",
            f"slowest of {runs} {max(sent):.1f} s",
        ),
    ]


def _row(what: str, ours_s: float | None, aim: str, note: str) -> dict[str, Any]:
    nothing = {"against": "-", "theirs_s": None, "ratio": None}
    return {"what": what, "ours_s": ours_s, "aim": aim, "note": note, **nothing}


@contextmanager
def _phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        geolocation={"longitude": HERE[0], "latitude": HERE[1], "accuracy": 20},
        permissions=["geolocation"],
    )
    context.set_default_timeout(120_000)
    context.add_init_script(_WATCH)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", NETWORK)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        yield page
    finally:
        context.close()


def _opened(browser: Browser, base: str) -> dict[str, float]:
    with _phone(browser) as page:
        page.goto(base, wait_until="commit")
        page.wait_for_selector(BUTTON)
        usable = page.evaluate(_IDLE) / 1000
        page.wait_for_selector(".map[data-ready=true] canvas")
        map_s = page.evaluate("performance.now()") / 1000
        fcp = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        scripts = page.evaluate(_BYTES)
        seen = page.evaluate("window.seen")
    engine = [one for one in scripts if "maplibre" in one[0]]
    return {
        "usable_s": usable,
        "map_s": map_s,
        "fcp_s": fcp / 1000,
        "lcp_s": seen["lcp"] / 1000,
        "blocked_s": seen["long"] / 1000,
        "cls": seen["cls"],
        "bytes": sum(
            size
            for name, size, at in scripts
            if "maplibre" not in name and at < min(begun for _, _, begun in engine)
        ),
        "map_after_s": (min(begun for _, _, begun in engine) - fcp) / 1000,
    }


def _sent(browser: Browser, base: str, photos: list[Path]) -> float:
    with _phone(browser) as page:
        page.goto(base)
        page.wait_for_selector(".map[data-ready=true] canvas")
        page.get_by_role("button", name="Vị trí của tôi").first.click()
        page.wait_for_selector("[data-testid=ward][data-state=found]")
        page.click("[data-category='drainage']")
        page.click("[data-category='drainage.flooding']")
        page.fill("#text", "Nước ngập tới bánh xe, có ảnh kèm theo.")
        page.set_input_files("input[type=file][multiple]", photos)
        page.wait_for_selector("[data-testid=send]:not([disabled])")
        began = time.perf_counter()
        page.click("[data-testid=send]")
        page.wait_for_selector("[data-testid=code]")
        return time.perf_counter() - began


def _photos(folder: Path) -> list[Path]:
    """Two of 12 megapixels with some grain, as phones take them."""
    made = []
    for n in range(2):
        slope = Image.linear_gradient("L").resize((4000, 3000))
        grain = Image.effect_noise((4000, 3000), 20 + n)
        path = folder / f"{n}.jpg"
        Image.merge("RGB", (slope, Image.blend(slope, grain, 0.15), slope)).save(path, quality=92)
        made.append(path)
    return made
