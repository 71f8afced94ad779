"""Looking at a page: what axe finds on it, and its picture for people to look at."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 at level AA, and what is good practice beyond it.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands: rule, element, what to mend."""
    # Evaluated, not added as a script: the page's own policy allows none but ours.
    page.evaluate(AXE.read_text())
    options = {"runOnly": {"type": "tag", "values": _RULES}}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def small_targets(page: Page, least_px: int = 24) -> list[str]:
    """What can be pressed and is smaller than so many pixels (WCAG 2.2, 2.5.8); links inside of
    sentences are exempt."""
    found: list[str] = page.evaluate(
        """least => [...document.querySelectorAll('button, input, select, textarea, a[href]')]
          .filter((each) => each.checkVisibility() && !each.closest('p, .maplibregl-ctrl'))
          .filter((each) => {
            const box = (each.closest('label') ?? each).getBoundingClientRect();
            return box.width > 0 && (box.width < least || box.height < least);
          })
          .map((each) => each.outerHTML.slice(0, 200))""",
        least_px,
    )
    return found


def wider_than_its_window(page: Page) -> bool:
    """Whether one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


def shoot(page: Page, name: str) -> None:
    """Keep a picture where `PINWARD_SHOTS` says; without it, none is made."""
    folder = os.environ.get("PINWARD_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")
