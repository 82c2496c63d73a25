"""The pictures of `docs/operations.md`: a bus with traffic, then an outage of one service. `make pictures` takes them anew."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

import processes

PICTURES = processes.REPOSITORY / "docs" / "pictures"
OUT = "e-office"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Take them: at rest, in an outage, and what is known of the service that is out."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lgsp-pictures-") as place, sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)))
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        state = Path(place) / "state"
        with _up(state) as process:
            admin = process.found(r"admin +(http://\S+)")
            processes.until(lambda: _twin(admin)["year"]["all"] > 3_000, "traffic for a minute", 120)
            page = _open(browser, f"{admin}/?lang=en")
            _take(page, "console-well")
            _order(admin, state)
            processes.until(lambda: _line(admin)["failed"] > 150, "an outage that shows", 60)
            _take(page, "console-outage")
            page.locator(f'#rows tr[data-service="{OUT}"]').click()
            page.locator("#drawer .slowest li").first.wait_for()
            _take(page, "console-service")
            _take(
                _open(browser, f"{admin}/transactions?service={OUT}&outcome=unreachable&from=5m&lang=en"),
                "console-search",
            )
        browser.close()


def _up(state: Path) -> processes.Process:
    day = str(processes.REPOSITORY / "config" / "scenarios" / "even.yaml")
    places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    return processes.Process(["up", *places, "--scenario", day], state, ready="try  ")


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="light").new_page()
    page.goto(url)
    return page


def _take(page: Page, name: str) -> None:
    time.sleep(3)  # three seconds of the stream, so that what moves stands where it belongs
    page.screenshot(path=PICTURES / f"{name}.png")


def _twin(admin: str) -> Any:
    return processes.get_json(f"{admin}/?format=json")


def _line(admin: str) -> Any:
    return next(line for line in _twin(admin)["services"] if line["service"] == OUT)


def _order(admin: str, state: Path) -> None:
    token = (state / "secrets" / "admin-token").read_text().strip()
    body = json.dumps({"service": OUT, "kind": "outage", "seconds": 300}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    status, said = processes.send(urllib.request.Request(f"{admin}/lgsp/v1/faults", data=body, headers=headers))
    assert status < 300, said


if __name__ == "__main__":
    main()
