"""Writing a report on the citizen's page, up to where it can be sent."""

from playwright.sync_api import Page


def ready(page: Page, text: str) -> Page:
    """Everything but the photos is filled in."""
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill(text)
    return page
