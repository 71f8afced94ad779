"""The crews' page for everybody: what axe finds, by the keyboard alone, in any size."""

import itertools

import pytest
from crewed import (
    LAT,
    LON,
    ask,
    at_work,
    by_dialog,
    history,
    open_task,
    put_crew,
    row,
    save,
    some_tasks,
    waiting,
)
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
SIZES = {"phone": PHONE, "desktop": DESKTOP}
LOOKS = list(itertools.product(("vi", "en"), ("light", "dark"), SIZES))


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def well(page, name):
    """Nothing to mend, and a picture to look at."""
    shoot(page, f"crew-{name}")
    assert faults(page) == [], name
    assert small_targets(page) == [], name
    assert not wider_than_its_window(page), name


@pytest.mark.parametrize(("lang", "theme", "size"), LOOKS)
def test_every_state_is_fit_for_everybody(service, opened, crew, lang, theme, size):
    ago, soon, later = "now() - interval '3 hours'", "now() + interval '1 hour'", "'2100-01-01'"
    codes = some_tasks(
        service,
        5,
        category_code=[
            *("drainage.flooding", "lighting.lamp_out", "traffic.pothole"),
            *("trees.fallen", "waste.dumping"),
        ],
        priority=[2, 1, 2, 2, 3],
        text=[
            "Nước ngập ngang bánh xe trước chợ, tràn vào nhà dân.",
            "Ba bóng đèn đầu hẻm không sáng.",
            "Ổ gà sâu giữa đường, xe máy dễ té.",
            "Cây đổ chắn nửa đường.",
            "Rác đổ trộm ở bãi đất trống.",
        ],
    )
    for code, until in zip(codes, (ago, soon, later, later, "NULL"), strict=True):
        ask(service, f"UPDATE reports SET due_at = {until} WHERE code = %s", code)
    moved = "UPDATE reports SET status = 'waiting', waits_since = now() WHERE code = %s"
    ask(service, moved, codes[3])
    tag = f"{lang}-{theme}-{size}"
    page = at_work(
        opened,
        service,
        crew,
        f"/crew?lang={lang}",
        size=SIZES[size],
        color_scheme=theme,
        reduced_motion="reduce",
    )
    expect(page.get_by_test_id("tasks").locator("a")).to_have_count(5)
    if size == "desktop":
        page.locator(".map [data-ready=true]").wait_for()
        page.wait_for_load_state("networkidle")
    well(page, f"list-{tag}")
    row(page, codes[0]).click()
    page.get_by_test_id("history").wait_for()
    well(page, f"task-{tag}")
    page.context.set_offline(True)
    page.locator("main [data-move=take]").click()
    waiting(page, 1)
    well(page, f"taken-offline-{tag}")
    page.locator("main [data-move=resolve]").click()
    page.locator("dialog[open] textarea").first.wait_for()
    well(page, f"form-{tag}")
    page.locator("dialog[open] textarea").first.fill("Đã thông cống")
    page.locator("dialog[open] button.main").click()
    waiting(page, 2)
    page.locator("[data-view=outbox]").click()
    page.get_by_test_id("outbox").wait_for()
    well(page, f"outbox-{tag}")
    page.context.set_offline(False)
    waiting(page, 0)
    well(page, f"outbox-empty-{tag}")
    page.locator("[data-view=trip]").click()
    for box in page.locator("main input[type=checkbox]").all()[:3]:
        box.check()
    page.locator("main button.go").click()
    page.get_by_test_id("stops").wait_for()
    well(page, f"trip-{tag}")
    if size == "phone":
        page.locator("[data-view=map]").click()
        page.locator(".map [data-ready=true]").wait_for()
        page.wait_for_load_state("networkidle")
        well(page, f"map-{tag}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_who_is_not_signed_in_finds_the_door(service, opened, theme):
    page = opened(service, "/crew", color_scheme=theme)
    page.locator("main button").wait_for()
    well(page, f"door-vi-{theme}-phone")
    page.locator("main button").click()
    well(page, f"sign-in-vi-{theme}-phone")


def test_everything_is_done_by_the_keyboard_alone(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = opened(service, "/crew", at=(LON, LAT))
    page.locator("main button").focus()
    page.keyboard.press("Enter")
    by_dialog(page, crew)
    row(page, code).wait_for()

    def tab_to(selector):
        for _ in range(40):
            if page.evaluate("it => document.activeElement.matches(it)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not come to {selector}")

    page.evaluate("document.activeElement.blur()")
    tab_to(f"[data-task='{code}']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Về danh sách")).to_be_focused()
    tab_to("[data-move=take]")
    page.keyboard.press("Enter")
    expect(page.locator("[data-move=start]")).to_be_visible()
    tab_to("[data-move=resolve]")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    tab_to("dialog textarea")
    page.keyboard.type("Xong")
    tab_to("dialog form > button.main")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken", "resolved"]


def test_what_a_key_asks_for_while_the_device_still_writes_has_its_turn(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    keys = "moves => { for (const m of moves) document.querySelector(`[data-move=${m}]`).click() }"
    # The same again is no other: it was done then.
    page.evaluate(keys, ["take", "take", "resolve", "note"])
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_role("heading")).to_have_text("Báo xong")
    dialog.locator("textarea").first.fill("Xong rồi.")
    save(page)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken", "resolved"]
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_key_held_down_is_one_press(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    take, start = (page.locator(f"main [data-move={move}]") for move in ("take", "start"))
    take.focus()
    page.keyboard.down("Enter")
    expect(start).to_be_focused()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    waiting(page, 0)
    expect(start).to_be_visible()
    assert history(service, code) == ["assigned", "taken"]
    page.keyboard.press("Enter")
    expect(start).to_have_count(0)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken", "in_progress"]


def test_at_twice_the_size_nothing_is_cut_off(service, opened, crew):
    """As a window of 640 by 360 sees it, and one of 320."""
    (code,) = some_tasks(service, 1)
    for size in ({"width": 640, "height": 360}, {"width": 320, "height": 480}):
        page = at_work(opened, service, crew, size=size)
        assert not wider_than_its_window(page)
        open_task(page, code)
        page.locator("main [data-move=take]").scroll_into_view_if_needed()
        expect(page.locator("main [data-move=take]")).to_be_in_viewport(ratio=1)
        assert not wider_than_its_window(page)
        shoot(page, f"crew-zoomed-{size['width']}")


def test_on_a_wide_screen_list_and_map_stand_beside_each_other(service, opened, crew):
    some_tasks(service, 3)
    page = at_work(opened, service, crew, size={"width": 1920, "height": 1080})
    page.locator(".map [data-ready=true]").wait_for()
    assert not wider_than_its_window(page)
    shoot(page, "crew-wide-1920")
