"""How the desk looks and is used by whoever sees, hears or reaches less; on a phone; on paper."""

from pathlib import Path

import pytest
from desks import WIDE, account, at_desk, begin, done, opens, row, sent
from hostile import drawn, written
from looking import faults, shoot, small_targets, wider_than_its_window
from own import Sent
from playwright.sync_api import Page, expect

import builders

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def codes(service) -> list[str]:
    return [
        sent(service, 0, "Đèn đường tắt cả dãy, tối rất nguy hiểm.", category="lighting.lamp_out"),
        sent(service, 0, "Nước ngập ngang bánh xe trước chợ.", east=0.001),
        sent(service, 0, "Ngập nước trước chợ, xe chết máy.", east=0.0012),
        sent(service, 0, "Cây đổ chắn nửa đường.", east=0.002, category="trees.fallen"),
    ]


def check(page: Page, name: str, shot: str) -> None:
    shoot(page, f"desk-{name}-{shot}")
    assert faults(page) == [], name
    assert small_targets(page) == [], name
    assert not wider_than_its_window(page), name


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["360", "1280"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_nothing_is_in_anybody_s_way(service, opened, codes, lang, scheme, size):
    shot = f"{lang}-{scheme}-{size['width']}"
    # A colour on its way to another is neither.
    look = {"color_scheme": scheme, "reduced_motion": "reduce"}
    door = opened(service, f"/desk?lang={lang}", size=size, **look)
    door.locator(".door .button.main").wait_for()
    check(door, "door", shot)

    email = account(service, ward=builders.CODES[0], name=shot)
    path = f"/desk?lang={lang}"
    page = at_desk(service, opened, email, path, size=size, **look)
    row(page, codes[1]).wait_for()
    check(page, "list", shot)
    page.locator("[aria-controls=filters]").click()
    page.get_by_test_id("filters").wait_for()
    check(page, "filters", shot)
    page.locator("[aria-controls=filters]").click()

    page.locator(".pick input").first.check()
    page.keyboard.press("b")
    page.locator("#bulk-move").wait_for()
    check(page, "bulk", shot)
    page.locator(".pick input").first.uncheck()

    opens(page, codes[1])
    page.locator(".small canvas").wait_for()
    check(page, "task", shot)
    begin(page, "resolve")
    page.get_by_test_id("send").click()
    page.locator("#answer-text-wrong").wait_for()
    page.locator("#answer-text").scroll_into_view_if_needed()
    check(page, "form", shot)
    begin(page, "assign")
    check(page, "assign", shot)
    begin(page, "merge")
    page.get_by_role("radio", name=codes[2]).check()
    page.get_by_test_id("sides").wait_for()
    page.get_by_test_id("sides").scroll_into_view_if_needed()
    check(page, "merge", shot)

    page.goto(f"{service.base}/desk?lang={lang}&templates")
    page.get_by_test_id("templates").locator(".button").first.click()
    page.locator("#t-vi").wait_for()
    check(page, "templates", shot)
    page.goto(f"{service.base}/desk?lang={lang}")
    row(page, codes[0]).wait_for()
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    check(page, "keys", shot)
    assert page.complaints == []


@pytest.fixture(scope="module")
def held(service) -> list[Sent]:
    lon, lat = builders.middle(3)
    at = {"lon": lon, "lat": lat}
    files = {"file": ("a.jpg", written(drawn(320, 240), "JPEG"))}
    ids = [service.http.post("/api/v1/uploads", files=files).json()["id"] for _ in range(2)]
    made = [
        Sent(service, text="Vay nhanh tại https://spam.example/vay, không thế chấp.", **at),
        Sent(service, text="Xem www.example.vn để biết chỗ ngập.", photos=ids, **at),
    ]
    made[1].done("POST", "additions", {"text": "Nước đã ngập tới cửa nhà số 12."})
    return made


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["360", "1280"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_is_withheld_is_in_nobody_s_way(service, opened, held, lang, scheme, size):
    shot = f"{lang}-{scheme}-{size['width']}"
    email = account(service, ward=builders.CODES[3], name=f"duyet-{shot}")
    path = f"/desk?lang={lang}"
    look = {"size": size, "color_scheme": scheme, "reduced_motion": "reduce"}
    page = at_desk(service, opened, email, path, **look)
    page.get_by_test_id("waiting").wait_for()
    check(page, "waiting", shot)
    row(page, held[1].code).click()
    page.locator(".held a").wait_for()
    check(page, "withheld", shot)
    page.locator(".held a").click()
    card = page.locator(f"[data-held='{held[1].code}']")
    expect(card.locator("h3")).to_be_focused()
    check(page, "held", shot)
    card.locator("[data-do=hide]").click()
    card.get_by_test_id("decide").click()
    card.locator(".error").wait_for()
    check(page, "held-form", shot)
    # Its sender corrects it meanwhile.
    held[1].done("PATCH", body={"text": f"Xem www.example.vn, chỗ ngập ({shot})."})
    card.locator("textarea").fill("quảng cáo")
    card.get_by_test_id("decide").click()
    page.get_by_test_id("held-stale").wait_for()
    check(page, "held-stale", shot)
    page.goto(f"{service.base}/desk?lang={lang}&withheld=hidden")
    page.get_by_test_id("held").locator(":scope > p:not(.hint, .sr-only)").wait_for()
    check(page, "held-empty", shot)
    page.route("**/api/v1/moderation/**", lambda route: route.abort())
    page.reload()
    page.get_by_test_id("held").get_by_role("alert").wait_for()
    check(page, "held-failed", shot)
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_changed_is_laid_beside_what_is_written(service, opened, scheme):
    code = sent(service, 2, "Bảng hiệu sắp rơi.", category="other")
    email = account(service, ward=builders.CODES[2], name=f"song-song-{scheme}")
    page = at_desk(service, opened, email, color_scheme=scheme)
    opens(page, code)
    begin(page, "wait")
    page.locator("#answer-text").fill("Chờ đội kỹ thuật.")
    other = at_desk(service, opened, account(service, ward=builders.CODES[2], name=f"x-{scheme}"))
    opens(other, code)
    begin(other, "start")
    done(other)
    page.bring_to_front()
    page.get_by_test_id("send").click()
    page.get_by_test_id("stale").wait_for()
    check(page, "stale", f"vi-{scheme}-1280")
    page.set_viewport_size(PHONE)
    check(page, "stale", f"vi-{scheme}-360")


def test_twice_as_large_it_still_fits(service, opened, codes):
    # As a browser does it at 200 %: half as many pixels of CSS.
    email = account(service, ward=builders.CODES[0], name="to")
    size = {"width": 640, "height": 400}
    page = at_desk(service, opened, email, size=size, device_scale_factor=2)
    opens(page, codes[1])
    begin(page, "resolve")
    assert not wider_than_its_window(page)
    page.get_by_role("button", name="Về danh sách").click()
    expect(row(page, codes[1])).to_be_focused()
    assert not wider_than_its_window(page)


def test_on_paper_are_the_words_and_no_controls(service, opened, codes, tmp_path):
    email = account(service, ward=builders.CODES[0], name="giay")
    path = "/desk?status=received,assigned&q=cho"
    page = at_desk(service, opened, email, path, color_scheme="dark")
    row(page, codes[1]).wait_for()
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(row(page, codes[2])).to_be_visible()
    # Which list it is can be read there.
    expect(page.locator(".on-paper")).to_contain_text("“cho”")
    seen = "each => each.checkVisibility()"
    for control in ("header", "[role=search]", ".pick", ".quick", ".work", ".foot"):
        assert not page.locator(control).first.evaluate(seen), control
    white = "getComputedStyle(document.querySelector('.inbox')).backgroundColor"
    assert page.evaluate(white) == "rgb(255, 255, 255)"
    shoot(page, "desk-print-list")
    page.emulate_media(media="screen")
    opens(page, codes[1])
    begin(page, "notes")
    page.locator("#answer-inner").fill("Chưa gửi.")
    page.locator(".small canvas").wait_for()
    page.emulate_media(media="print")
    for control in ("header", ".answer", ".contact", ".bar", ".list"):
        assert not page.locator(control).first.evaluate(seen), control
    expect(page.get_by_test_id("history")).to_be_visible()
    expect(page.get_by_test_id("task").locator(".text").first).to_contain_text("Nước ngập")
    shoot(page, "desk-print-task")
    kept = page.pdf(path=tmp_path / "task.pdf", format="A4")
    assert kept[:5] == b"%PDF-"
    assert Path(tmp_path / "task.pdf").stat().st_size > 10_000
