"""`lgsp stack` as a person starts it, on free ports, and what its Prometheus says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import processes


class Installation:
    """Everything of an installation on this machine; all of it ends with the context."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        words = ["stack", "--any-port", "--json", "--state", str(state), *options]
        self._words = [sys.executable, "-m", "lgsp", *words]
        self._child: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.state.mkdir(exist_ok=True)
        out, log = self.state / "addresses.json", self.state / "stack.log"
        with out.open("w") as told, log.open("w") as said:
            self._child = subprocess.Popen(self._words, stdout=told, stderr=said, cwd=processes.REPOSITORY)
        child = self._child

        def is_up() -> bool:
            assert child.poll() is None, log.read_text()
            return out.read_text().endswith("}\n")

        try:
            processes.until(is_up, f"the stack is up; see {log}", 120)
        except BaseException:
            self.end()
            raise
        self.addresses = json.loads(out.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> int:
        """As Ctrl-C does."""
        child, self._child = self._child, None
        if child is None:
            return 0
        child.send_signal(signal.SIGINT)
        return child.wait(timeout=90)

    def pids(self) -> dict[str, int]:
        """The process that each part is now."""
        lines = [json.loads(line) for line in (self.state / "stack.log").read_text().splitlines()]
        return {line["program"]: line["pid"] for line in lines if line["event"] == "started"}

    def lgsp(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, which finds the admin token in the same state directory."""
        done = [sys.executable, "-m", "lgsp", *words, "--state", str(self.state)]
        return subprocess.run(done, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY)

    def asked(self, path: str) -> Any:
        """What its Prometheus answers."""
        return processes.get_json(self.addresses["prometheus"] + path)["data"]

    def reload(self) -> None:
        """Have Prometheus read its files again."""
        os.kill(self.pids()["prometheus"], signal.SIGHUP)
