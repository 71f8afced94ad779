"""The citizen's pages as axe sees them, in both languages and themes, small and large."""

import pytest
from looking import faults, shoot, small_targets, wider_than_its_window
from own import Sent
from playwright.sync_api import Page

import builders

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1440, "height": 900}
WIDE = {"width": 1920, "height": 1080}
WAYS = [
    pytest.param(lang, theme, size, id=f"{lang}-{theme}-{name}")
    for lang, theme, (name, size) in (
        ("vi", "light", ("phone", PHONE)),
        ("en", "dark", ("phone", PHONE)),
        ("en", "light", ("wide", WIDE)),
        ("vi", "dark", ("desk", DESK)),
    )
]


def fine(page: Page, name: str) -> None:
    """Nothing is wrong with the page as it stands, and its picture is kept."""
    # Colours that are on their way to others are no colours yet.
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    shoot(page, f"citizen-{name}")
    assert faults(page) == [], name
    assert small_targets(page) == [], name
    assert not wider_than_its_window(page), name


@pytest.mark.parametrize(("lang", "theme", "size"), WAYS)
def test_every_step_of_a_report_is_fine(service, opened, request, lang, theme, size):
    way = request.node.callspec.id
    page = opened(
        service,
        f"/?lang={lang}",
        size=size,
        at=builders.middle(4),
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page.locator(".map[data-ready=true] canvas").wait_for()
    fine(page, f"home-{way}")
    names = {
        "vi": ("Vị trí của tôi", "Mô tả", "Chọn phường", "Quay lại"),
        "en": ("My location", "Description", "Choose a ward", "Back"),
    }
    here, text, wards, back = names[lang]
    page.get_by_role("button", name=wards, exact=True).click()
    page.locator(".picker li").first.wait_for()
    fine(page, f"wards-{way}")
    page.get_by_role("button", name=back).click()
    page.get_by_role("button", name=here).first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    fine(page, f"place-{way}")
    page.locator("[data-category='drainage']").click()
    fine(page, f"categories-{way}")
    page.locator("[data-category='drainage.flooding']").click()
    fine(page, f"details-{way}")
    page.get_by_test_id("send").click()
    page.locator("#text-error").wait_for()
    page.get_by_role("switch").last.uncheck()
    fine(page, f"errors-{way}")
    page.get_by_role("switch").last.check()
    page.get_by_label(text).fill("Ngập.")
    page.get_by_test_id("send").click()
    page.get_by_test_id("code").wait_for()
    fine(page, f"sent-{way}")


@pytest.mark.parametrize(("lang", "theme", "size"), WAYS)
def test_a_report_s_page_is_fine_whoever_looks(service, opened, request, lang, theme, size):
    way = request.node.callspec.id
    sent = Sent(service)
    sent.becomes("status = 'resolved', resolved_at = now()")
    page = opened(
        service, f"/r/{sent.code}?lang={lang}#{sent.secret}", size=size, color_scheme=theme
    )
    page.get_by_test_id("own").wait_for()
    fine(page, f"own-{way}")
    for closed in page.get_by_test_id("own").locator(".later > li > button").all():
        closed.click()
        fine(page, f"own-open-{way}")
    new = Sent(service)
    page = opened(service, f"/r/{new.code}?lang={lang}#{new.secret}", size=size, color_scheme=theme)
    page.get_by_test_id("own").wait_for()
    for n, closed in enumerate(page.get_by_test_id("own").locator(".later > li > button").all()):
        closed.click()
        page.get_by_test_id("own").locator(".later > li > .form").wait_for()
        fine(page, f"own-new-{n}-{way}")
    stranger = opened(service, f"/r/{sent.code}?lang={lang}", size=size, color_scheme=theme)
    stranger.get_by_test_id("timeline").wait_for()
    fine(stranger, f"report-{way}")
    missing = opened(service, f"/r/KHONGCO?lang={lang}", size=size, color_scheme=theme)
    missing.get_by_role("heading", level=1).wait_for()
    fine(missing, f"missing-{way}")


def test_at_four_hundred_percent_nothing_has_to_be_scrolled_sideways(service, opened):
    """1,280 pixels at 400 % are 320 (WCAG 1.4.10)."""
    page = opened(service, size={"width": 320, "height": 256}, at=builders.middle(4))
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill("Ngập.")
    assert not wider_than_its_window(page)
    shoot(page, "citizen-details-zoomed")
    page.get_by_test_id("send").click()
    page.get_by_test_id("code").wait_for()
    assert not wider_than_its_window(page)


def test_a_report_is_sent_by_keyboard_alone_and_without_the_map(service, opened):
    page = opened(service, size=DESK)

    def press_until(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            said = page.evaluate(
                "() => { const it = document.activeElement;"
                " return (it.ariaLabel || it.labels?.[0]?.textContent || it.textContent).trim(); }"
            )
            if said.startswith(name):
                return
        raise AssertionError(f"no way by Tab to {name}")

    press_until("Bỏ qua bản đồ")
    page.keyboard.press("Enter")
    page.keyboard.type("da mau")
    page.keyboard.press("Enter")
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    press_until("Thoát nước")
    page.keyboard.press("Enter")
    # The first of the group has the focus.
    page.keyboard.press("Enter")
    press_until("Địa chỉ")
    page.keyboard.type("12 Lê Lợi")
    press_until("Mô tả")
    page.keyboard.type("Nước ngập.")
    press_until("Gửi tới")
    page.keyboard.press("Enter")
    code = page.get_by_test_id("code").inner_text()
    told = service.http.get(f"/api/v1/reports/{code}").json()["properties"]
    assert told["ward"]["name"] == "Đa Mẫu"
