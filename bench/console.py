"""What a console costs: the gateway's throughput while browsers watch, and how long one browser paints and draws."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Drawn
from bench.loop import Place
from bench.process import REPOSITORY, Broken, Child, free_port
from bench.web import Server, Web, wait_for

_EVENTS = "/lgsp/v1/console/events"
_CLIENTS = "lgsp_console_clients "
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS, _OPENINGS = 12, 5


@dataclass(slots=True)
class Watched(Web):
    """A server whose console is open so many times: streams that are read as they come, by nobody who draws."""

    watchers: int = 0
    _readers: list[Child] = field(default_factory=list)

    def ready(self) -> None:
        """Wait until it is up and every watcher is there. Raises `Broken`."""
        Web.ready(self)
        port = self.admin()
        for number in range(self.watchers):
            words = ["curl", "--silent", "--no-buffer", "--output", "/dev/null", f"http://127.0.0.1:{port}{_EVENTS}"]
            self._readers.append(Child(f"{self.id}-watcher-{number}", words, self.directory()))
        end = time.monotonic() + 10
        while (there := _watching(port)) != self.watchers:
            if time.monotonic() > end:
                raise Broken(f"{there} of {self.watchers} consoles are open")
            time.sleep(0.05)  # a stream that is open tells nobody

    def stop(self) -> None:
        """End the watchers, then its processes."""
        for reader in self._readers:
            reader.end()
        self._readers.clear()
        Web.stop(self)


def _watching(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return next((int(float(line.removeprefix(_CLIENTS))) for line in lines if line.startswith(_CLIENTS)), -1)


def drawn(place: Place) -> Drawn:
    """What Chromium says of the console of the shipped services at 60 calls a second; or why it says nothing."""
    if importlib.util.find_spec("playwright") is None:
        return Drawn(broken="playwright is not installed: `scripts/setup dev` brings it")
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        return Drawn(broken="Chromium is not installed: `scripts/setup system` brings it")
    server = _shipped(place.directory)
    child = Child("console-drawn", server.command, place.directory)
    try:
        wait_for(server, child)
        return _drawn(found, f"http://127.0.0.1:{server.admin}/")
    except Broken as error:
        return Drawn(broken=str(error))
    finally:
        child.end()


def _shipped(directory: Path) -> Server:
    admin = free_port()
    config = REPOSITORY / "config"
    where = ["--listen", f"127.0.0.1:{free_port()}", "--admin", f"127.0.0.1:{admin}", "--config", str(config)]
    day = ["--scenario", str(config / "scenarios" / "even.yaml"), "--state", str(directory / "state-drawn")]
    return Server("up", [sys.executable, "-m", "lgsp", "up", *where, *day], admin)


def _drawn(chromium: str, url: str) -> Drawn:
    """Each opening paints once; the last one then draws for some seconds."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only development has it

    paints: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for number in range(_OPENINGS):
            page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
            page.goto(url)
            page.wait_for_selector("#rows tr")
            page.wait_for_timeout(_SECONDS * 1_000 if number == _OPENINGS - 1 else 500)
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            updates = page.evaluate("performance.getEntriesByName('update').map(entry => entry.duration)")
            rows = page.locator("#rows tr").count()
            page.context.close()
        browser.close()
    return Drawn(statistics.median(paints), statistics.median(updates), max(updates), len(updates), rows)
