"""One Chromium of the system for all tests of the console."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from screens import Screen

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: as long as it is open an event loop runs, and no other test could start one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "Chromium is not installed: install the package chromium, or run `make test`"
    with sync_playwright() as playwright:
        # As root in a container Chromium has no sandbox; it opens our own pages only.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def screen(browser: Browser) -> Iterator[Screen]:
    made = Screen(browser)
    yield made
    made.close()
