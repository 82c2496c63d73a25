"""A private Prometheus that scrapes nothing: what is in it was given to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import processes

from lgsp.bus.node import free_port

CONFIGURATION = "global: {}\n"


class Prometheus:
    """One on `directory`, which it may find filled; it ends with the context."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self._directory = directory
        self._child: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        self._directory.mkdir(exist_ok=True)
        file = self._directory / "prometheus.yml"
        file.write_text(CONFIGURATION)
        options = (
            f"--config.file={file}",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        )
        with (self._directory / "log").open("w") as log:
            self._child = subprocess.Popen([program("prometheus"), *options], stdout=log, stderr=log)
        processes.until(self._is_ready, f"Prometheus is ready; see {log.name}", 30)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child
        self._child.terminate()
        self._child.wait(30)

    def _is_ready(self) -> bool:
        try:
            return processes.get(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False  # its listener is not there yet

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


def program(name: str) -> str:
    """Where a program of Prometheus's package is."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: install the package prometheus, or run `make test`"
    return found
