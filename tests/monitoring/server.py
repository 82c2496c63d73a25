"""A Prometheus of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import processes
import yaml

from lgsp.bus.node import free_port


@contextmanager
def running(directory: Path, config: Mapping[str, Any] | None = None) -> Iterator[str]:
    """A Prometheus of our own; gives its host and port."""
    program = shutil.which("prometheus")
    assert program, "prometheus is not installed: install the package prometheus, or run `make test`"
    where = f"127.0.0.1:{free_port()}"
    (directory / "prometheus.yml").write_text(yaml.safe_dump(dict(config or {})))
    options = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    with (directory / "log").open("a") as log:
        words = [program, *options, f"--web.listen-address={where}", "--storage.tsdb.retention.time=10y"]
        server = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        processes.until(lambda: _is_ready(where), "Prometheus is ready", 30)
        yield where
    finally:
        server.terminate()
        server.wait()


def _is_ready(where: str) -> bool:
    try:
        return processes.get(f"http://{where}/-/ready")[0] == 200
    except OSError:
        return False  # its listener is not there yet
