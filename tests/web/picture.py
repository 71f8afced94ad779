"""Make the README's picture of the map from a running service.

`python tests/web/picture.py http://127.0.0.1:8000 docs/map.png` (after `make demo`).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import browsing

SIZE = {"width": 1280, "height": 760}


def take(base: str, path: Path) -> None:
    """Photograph the page at `base` with a pin dropped in the middle of its map."""
    with browsing.browser() as chromium:
        page = chromium.new_page(viewport=SIZE, color_scheme="light")
        page.goto(base)
        page.locator(".map[data-ready=true] canvas").wait_for()
        page.wait_for_load_state("networkidle")
        page.get_by_role("button", name="Báo sự cố ở đây").click()
        page.locator("[data-testid=ward][data-state=found]").wait_for()
        page.get_by_test_id("nearby").wait_for()
        page.wait_for_load_state("networkidle")
        # Labels fade in, and the pointer must not rest on a button.
        page.mouse.move(SIZE["width"] - 5, SIZE["height"] - 5)
        page.wait_for_timeout(1500)
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    take(sys.argv[1], Path(sys.argv[2]))
