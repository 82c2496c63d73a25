"""A private Prometheus that scrapes nothing: what is in it was given to it, and is asked here."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import processes
from monitoring.server import running


class Prometheus:
    """One on `directory`, which it may find filled; it ends with the context."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self.url = ""
        self._directory = directory
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._directory.mkdir(exist_ok=True)
        self.url = f"http://{self._stack.enter_context(running(self._directory))}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, query: str, moment: float) -> dict[str, float]:
        """The values of an instant query by service, or by owner."""
        found = self.asked("query", query=query, time=moment)
        return {
            each["metric"].get("service", each["metric"].get("owner", "")): float(each["value"][1]) for each in found
        }

    def asked(self, path: str, **words: object) -> list[dict[str, Any]]:
        """What it answers to a query, or to a `query_range`."""
        told = processes.get_json(f"{self.url}/api/v1/{path}?{urlencode(words)}")
        assert told["status"] == "success", told
        found: list[dict[str, Any]] = told["data"]["result"]
        return found


def promtool() -> str:
    """Where `promtool` is."""
    found = shutil.which("promtool")
    assert found, "promtool is not installed: install the package prometheus, or run `make test`"
    return found
