"""Pages in Chromium that say what went wrong in them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page

from lgsp.edge.phrases import Language

SHOTS = Path(__file__).parents[2] / "build" / "console"
"""Where screenshots are kept."""


class Screen:
    """Pages of one test. `mistakes` is what their consoles said; `shot` keeps a picture."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.mistakes: list[str] = []

    def open(self, url: str, *, language: Language = "vi", dark: bool = False, height: int = 1080) -> Page:
        context = self._browser.new_context(
            viewport={"width": 1920, "height": height},
            locale={"vi": "vi-VN", "en": "en-GB"}[language],
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda said: self.mistakes.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.goto(url)
        return page

    @staticmethod
    def shot(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png")

    def close(self) -> None:
        for context in list(self._browser.contexts):
            context.close()
