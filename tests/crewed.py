"""Crews on their page, signed in, with tasks in front of them."""

import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from PIL import Image
from playwright.sync_api import Page, expect
from staffed import PASSWORD, put_user
from tasked import organisations, put_tasks
from watching import until

import builders

LON, LAT = builders.middle(0)
STEP = 0.0009
"""About 100 m, in degrees of latitude."""
MANY = 120_000


def put_crew(service: Any, name: str) -> str:
    """A crew of the first ward; returns its address."""
    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        added = thread.submit(put_user, service.url, "crew", ward=builders.CODES[0], name=name)
        return added.result()


def some_tasks(service: Any, n: int, **columns: Any) -> list[str]:
    """Open reports of the first ward, each 100 m farther north than the one before."""
    over = "status = 'closed', closed_at = now(), waits_since = NULL, holder_id = NULL"
    ask(service, f"UPDATE reports SET {over} WHERE closed_at IS NULL")
    places = [(LON, LAT + STEP * (k + 1)) for k in range(n)]
    texts = [f"Việc số {k + 1}" for k in range(n)]
    (ward,) = ask(service, "SELECT id FROM wards WHERE code = %s", builders.CODES[0])[0]
    given = {"text": texts, "ward_id": ward, "organisation_id": organisations(service.url)[0]}
    return put_tasks(service.url, places, **{**given, **columns})


def ask(service: Any, sql: str, *values: Any) -> list[Any]:
    """Rows of plain SQL in the service's database."""
    with psycopg.connect(service.url) as db:
        found = db.execute(sql, values)
        return found.fetchall() if found.description else []


def at_work(opened: Any, service: Any, email: str, path: str = "/crew", **options: Any) -> Page:
    """The page of a crew that is signed in, at the middle of its ward, with its list."""
    page = opened(service, path, at=(LON, LAT), **options)
    sign_in(page, service, email)
    page.reload()
    page.get_by_test_id("tasks").wait_for()
    return page


def sign_in(page: Page, service: Any, email: str) -> None:
    """As the dialog does it, without it."""
    body = {"email": email, "password": PASSWORD}
    answer = page.request.post(
        f"{service.base}/api/v1/session", data=body, headers={"Pinward-Request": "1"}
    )
    assert answer.status == 200, answer.text()
    page.evaluate("localStorage.setItem('pinward.staff', 'true')")


def by_dialog(page: Page, email: str) -> None:
    """Fill the sign-in's dialog, which is open."""
    page.locator("dialog[open] input[type=email]").fill(email)
    page.locator("dialog[open] input[type=password]").fill(PASSWORD)
    page.locator("dialog[open] form button").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def row(page: Page, code: str) -> Any:
    """A task in the list."""
    return page.locator(f"[data-task='{code}']")


def open_task(page: Page, code: str) -> None:
    """Open a task, from the list, wherever the page is."""
    page.locator("[data-view=list]").click()
    row(page, code).click()
    expect(page.get_by_text(f"Mã {code}")).to_be_visible()


def press(page: Page, move: str) -> None:
    """Press the button of a move of the open task; when this returns it is in the outbox."""
    button = page.locator(f"main [data-move={move}]")
    button.click()
    if move in ("take", "start", "release"):
        expect(button).to_have_count(0)


def resolve(page: Page, text: str, photos: int = 0, inner: str = "") -> None:
    """Resolve the open task, with photos shot."""
    press(page, "resolve")
    page.get_by_label("Đã làm gì?").fill(text)
    for n in range(photos):
        shoot_one(page, n)
    if inner:
        page.get_by_label("Ghi chú nội bộ").fill(inner)
    save(page)


def save(page: Page) -> None:
    """Press the button of a form; when this returns, what it is about is in the outbox."""
    page.locator("dialog[open] button.main").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def shoot_one(page: Page, n: int) -> None:
    """A photo by the camera, the n-th (from 0) of the form."""
    camera = page.locator("dialog[open] input[capture]")
    camera.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": a_photo(n)})
    expect(page.locator("dialog[open] fieldset li")).to_have_count(n + 1)


def a_photo(n: int) -> bytes:
    """Each another one."""
    made = io.BytesIO()
    Image.new("RGB", (900, 700), (40 * n % 256, 120, 90)).save(made, "JPEG")
    return made.getvalue()


def waiting(page: Page, n: int) -> None:
    """Wait until the outbox says that so many are in it."""
    button = page.locator("[data-view=outbox]")
    if n == 0:
        expect(button.get_by_test_id("waiting")).to_have_count(0, timeout=MANY)
    else:
        expect(button.get_by_test_id("waiting")).to_have_text(re.compile(rf"^{n}!?$"), timeout=MANY)


def offline(page: Page, away: bool = True) -> None:
    """Take the signal away, or give it back."""
    page.context.set_offline(away)
    strip = page.get_by_test_id("strip")
    if away:
        expect(strip).to_contain_text("Không có sóng")
    else:
        expect(strip).not_to_contain_text("Không có sóng")


def history(service: Any, code: str) -> list[str]:
    """Kinds of a report's events, in their order."""
    found = ask(
        service,
        "SELECT e.kind FROM report_events AS e JOIN reports AS r ON r.id = e.report_id"
        " WHERE r.code = %s ORDER BY e.id",
        code,
    )
    return [kind for (kind,) in found]


def status(service: Any, code: str) -> str:
    """A report's status."""
    return ask(service, "SELECT status FROM reports WHERE code = %s", code)[0][0]


def photos(service: Any, code: str) -> int:
    """How many photos a report has."""
    counted = (
        "SELECT count(*) FROM photos AS p JOIN reports AS r ON r.id = p.report_id WHERE r.code = %s"
    )
    return ask(service, counted, code)[0][0]


def kept(page: Page, store: str) -> int:
    """How much is in a store of the device."""
    return page.evaluate(
        """store => new Promise((done, failed) => {
          const asked = indexedDB.open('pinward');
          asked.onerror = () => failed(asked.error);
          asked.onsuccess = () => {
            const counted = asked.result.transaction(store).objectStore(store).count();
            counted.onsuccess = () => { asked.result.close(); done(counted.result); };
          };
        })""",
        store,
    )


def upload(service: Any, width: int = 320) -> str:
    """A photo that a report may use; returns its id."""
    made = io.BytesIO()
    Image.new("RGB", (width, 240), (30, width % 256, 120)).save(made, "JPEG")
    files = {"file": ("a.jpg", made.getvalue(), "image/jpeg")}
    answer = service.http.post("/api/v1/uploads", files=files, timeout=120)
    return answer.json()["id"]


def give_photos(service: Any, code: str, *widths: int) -> None:
    """Photos for a report, as its sender would have sent them, so wide."""
    for width in widths:
        id_hash = hashlib.sha256(upload(service, width).encode()).digest()
        ask(
            service,
            "WITH taken AS (DELETE FROM uploads WHERE id_hash = %s RETURNING *), r AS"
            " (SELECT id FROM reports WHERE code = %s) INSERT INTO photos (report_id, n, sha256,"
            " media_type, width, height) SELECT r.id, 1 + (SELECT count(*) FROM photos WHERE"
            " report_id = r.id), sha256, media_type, width, height FROM taken, r",
            id_hash,
            code,
        )


def tell(service: Any, code: str, kind: str = "photo_boxed") -> None:
    """A line of a report's history, by which it is another version."""
    ask(
        service,
        "INSERT INTO report_events (report_id, at, kind, text_vi, text_en)"
        " SELECT id, now(), %s, 'Đã đổi.', 'Changed.' FROM reports WHERE code = %s",
        kind,
        code,
    )


def pictures(page: Page) -> list[str]:
    """What the device keeps of the photos of tasks, by report and number; makes nothing there."""
    found: list[str] = page.evaluate(
        """async () => {
          const there = await indexedDB.databases();
          if (!there.some(({ name }) => name === 'pinward-pictures')) return [];
          return new Promise((done) => {
            const asked = indexedDB.open('pinward-pictures');
            // Gone just now: it is not made here.
            asked.onupgradeneeded = () => asked.transaction.abort();
            asked.onerror = () => done([]);
            asked.onsuccess = () => {
              const store = asked.result.transaction('pictures').objectStore('pictures');
              store.getAllKeys().onsuccess = (event) => {
                asked.result.close();
                done(event.target.result);
              };
            };
          });
        }"""
    )
    return found


def sign_out(page: Page) -> None:
    """By the dialog."""
    page.locator("header .staff").click()
    page.locator("dialog[open]").get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def worker_ready(page: Page) -> None:
    """Wait until the page is on the device."""
    page.evaluate("navigator.serviceWorker.register('/sw.js')")
    until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"), bool, 60)


def note(page: Page, said: str, photos: int = 0) -> None:
    """Write a note to the open task, with photos shot."""
    press(page, "note")
    page.locator("dialog[open] textarea").fill(said)
    for n in range(photos):
        shoot_one(page, n)
    save(page)


def hold(page: Page) -> None:
    """From now on what is done has to wait for the device, as for slow memory, until `let_go`."""
    page.evaluate(
        """() => new Promise((done) => {
          const asked = indexedDB.open('pinward');
          asked.onsuccess = () => {
            const actions = asked.result.transaction('actions', 'readwrite').objectStore('actions');
            window.letGo = false;
            const on = () => {
              done();
              if (window.letGo) asked.result.close();
              else actions.count().onsuccess = on;
            };
            actions.count().onsuccess = on;
          };
        })"""
    )


def let_go(page: Page) -> None:
    """What had to wait is written down."""
    page.evaluate("() => void (window.letGo = true)")
