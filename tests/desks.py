"""Somebody at a desk: their account, their browser, and what came in for them."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from playwright.sync_api import Locator, Page, expect
from staffed import PASSWORD, put_user

import builders

WIDE = {"width": 1280, "height": 800}


def account(service: Any, role: str = "ward_officer", **scope: Any) -> str:
    """The e-mail address of a fresh account; `put_user` in a thread, as the browser's own loop
    runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(put_user, service.url, role, **scope).result()


def at_desk(
    service: Any, opened: Any, email: str, path: str = "/desk", size: Any = None, **options: Any
) -> Page:
    """A browser of its own, signed in, at a view of the desk."""
    page: Page = opened(service, "/favicon.svg", size=size or WIDE, **options)
    said = {"email": email, "password": PASSWORD}
    answer = page.request.post(
        f"{service.base}/api/v1/session", data=said, headers={"Pinward-Request": "1"}
    )
    assert answer.ok, answer.text()
    page.evaluate("localStorage.setItem('pinward.staff', 'true')")
    page.goto(service.base + path)
    page.get_by_test_id("live").wait_for(state="attached")
    return page


def sent(service: Any, ward: int, text: str, east: float = 0, **changes: Any) -> str:
    """The code of a report that came in for a ward, `east` degrees from its middle."""
    lon, lat = builders.middle(ward)
    body = builders.a_report(lon=lon + east, lat=lat, text=text, **changes)
    answer = service.http.post("/api/v1/reports", json=body, headers=builders.a_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


def meanwhile(service: Any, opened: Any, path: str, said: Any, ward: int, name: str) -> Any:
    """What a colleague of the ward is answered who asks this of the service, from another desk."""
    email = account(service, ward=builders.CODES[ward], name=name)
    other: Page = opened(service, "/favicon.svg")
    headers = {"Pinward-Request": "1"}
    signed = {"email": email, "password": PASSWORD}
    other.request.post(f"{service.base}/api/v1/session", data=signed, headers=headers)
    answer = other.request.post(f"{service.base}{path}", data=said, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def words(service: Any, code: str) -> str:
    """All that the history of a report says, to the public and within."""
    with psycopg.connect(service.url) as db:
        found = db.execute(
            "SELECT text_vi FROM report_events e JOIN reports r ON r.id = e.report_id"
            " WHERE r.code = %s ORDER BY e.id",
            (code,),
        )
        return "\n".join(line for (line,) in found)


def row(page: Page, code: str) -> Locator:
    """The link of a line of the inbox."""
    return page.locator(f"a[data-code='{code}']")


def listed(page: Page) -> list[str]:
    """The codes of the inbox, as they stand."""
    found: list[str] = page.eval_on_selector_all(
        "a[data-code]", "all => all.map((each) => each.dataset.code)"
    )
    return found


def opens(page: Page, code: str) -> Locator:
    """Open a report of the inbox; its pane."""
    row(page, code).click()
    pane = page.get_by_test_id("task")
    expect(pane.locator("#task-title")).to_contain_text(code)
    pane.get_by_test_id("history").wait_for()
    return pane


def begin(page: Page, move: str) -> None:
    """Press what is to be done with the report that is open."""
    page.locator(f"[data-move='{move}']").click()


def done(page: Page) -> None:
    """Send, and wait until it was taken."""
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("send")).to_have_count(0)
    expect(page.locator("[data-testid=task] .done")).to_have_text(re.compile("Đã gửi|Sent"))
