"""Writing a report on the citizen's page, up to where it can be sent."""

from typing import Any

import psycopg
from playwright.sync_api import Page

# Says where the device is only once the test calls `tell`.
LATE = """
    const ask = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
    navigator.geolocation.getCurrentPosition = (done, ...rest) => {
      window.tell = () => ask(done, ...rest);
    };
"""


def ready(page: Page, text: str) -> Page:
    """Everything but the photos is filled in."""
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill(text)
    return page


def stored(service: Any, text: str) -> list[tuple[str, int]]:
    """Code and number of photos of each report with this text."""
    with psycopg.connect(service.url) as db:
        return db.execute(
            "SELECT r.code, (SELECT count(*) FROM photos p WHERE p.report_id = r.id)"
            " FROM reports r WHERE text = %s",
            [text],
        ).fetchall()
