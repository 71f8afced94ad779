"""What one member of staff leaves behind for the next at the same device, and what days count."""

import pytest
from crewed import at_work, kept, open_task, press, put_crew, resolve, some_tasks, waiting
from desks import account, at_desk, row, sent
from playwright.sync_api import Page, expect
from staffed import PASSWORD

import builders

pytestmark = pytest.mark.browser


def sign_out(page: Page) -> None:
    page.locator("header .staff").click()
    page.locator("dialog[open]").get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def many(page: Page, code: str) -> None:
    """Pick a report and unfold what is done with many."""
    row(page, code).wait_for()
    page.get_by_test_id("live").wait_for()
    page.locator(f"li:has(a[data-code='{code}']) input[type=checkbox]").check()
    page.get_by_test_id("bulk").locator("button[aria-expanded]").click()
    page.locator("#bulk-inner").wait_for()


def test_words_for_many_are_not_the_next_account_s_to_read(service, opened):
    code = sent(service, 0, "Cống nghẹt trước chợ.")
    one, two = (account(service, ward=builders.CODES[0], name=f"ca-{n}") for n in (1, 2))
    page = at_desk(service, opened, one)
    many(page, code)
    page.locator("#bulk-inner").fill("Người báo là hàng xóm tôi.")
    page.reload()
    many(page, code)
    expect(page.locator("#bulk-inner")).to_have_value("Người báo là hàng xóm tôi.")
    sign_out(page)
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    page.locator("dialog[open] input[type=email]").fill(two)
    page.locator("dialog[open] input[type=password]").fill(PASSWORD)
    page.locator("dialog[open] form button").click()
    many(page, code)
    expect(page.locator("#bulk-inner")).to_have_value("")


def test_who_signs_out_on_another_page_is_not_at_work_on_the_crews_any_more(service, opened):
    email = put_crew(service, "ra-ve")
    some_tasks(service, 2)
    page = at_work(opened, service, email)
    other = page.context.new_page()
    other.goto(service.base)
    expect(other.locator("header .staff")).to_contain_text("Người Thử")
    sign_out(other)
    expect(page.get_by_test_id("tasks")).to_have_count(0)
    other.goto(service.base + "/crew")
    other.get_by_role("main").get_by_role("button", name="Đăng nhập").wait_for()
    expect(other.get_by_test_id("tasks")).to_have_count(0)


def test_undo_takes_back_what_was_said_and_never_what_waits_besides(service, opened):
    email = put_crew(service, "hoan-tac")
    with_photo, plain = some_tasks(service, 2)
    page = at_work(opened, service, email)
    page.route("**/api/v1/uploads", lambda route: route.abort())
    open_task(page, with_photo)
    resolve(page, "Đã vá xong.", photos=1)
    waiting(page, 1)
    open_task(page, plain)
    press(page, "take")
    # It went, and what is left is the other's, which has its photo to wait for.
    expect(page.get_by_test_id("pending")).to_have_count(0)
    waiting(page, 1)
    expect(page.get_by_test_id("strip").get_by_role("button", name="Hoàn tác")).to_have_count(0)
    assert kept(page, "actions") == 1
