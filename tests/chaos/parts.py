"""lgsp's processes under fire: started, killed, frozen, starved of disk, and looked at from outside."""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_READY = 60.0


@dataclass
class Part:
    """One process, with the same name and state directory through all its lives; what it says is kept in `own`."""

    name: str
    arguments: list[str]
    own: Path
    state: Path
    executions: Path
    bug: str = "-"
    exits: list[tuple[int, float]] = field(default_factory=list)
    """Code and seconds of each end that was asked for by SIGTERM."""
    _child: subprocess.Popen[str] | None = None
    _ready: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return str(self._ready.get("url", ""))

    @property
    def admin(self) -> str:
        return str(self._ready.get("admin", ""))

    @property
    def pid(self) -> int:
        assert self._child
        return self._child.pid

    def start(self) -> None:
        """Return when it says that it is ready."""
        self.own.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        launched = [str(_HERE / "launch.py"), str(self.own / "counts.json"), self.bug]
        self._child = subprocess.Popen(
            [sys.executable, *launched, *self.arguments, "--state", str(self.state)],
            stdout=subprocess.PIPE,  # a pipe: a process that may not write files can still say so
            stderr=subprocess.STDOUT,
            text=True,
            cwd=_HERE.parents[1],
            env=os.environ | {"PYTHONPATH": str(_HERE), "CHAOS_EXECUTIONS": str(self.executions)},
        )
        ready: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, args=(self._child, ready), daemon=True).start()
        try:
            line = ready.get(timeout=_READY)
        except queue.Empty:
            line = None
        assert line is not None, f"{self.name} did not come up; its log: {(self.own / 'output.log').read_text()}"
        self._ready = json.loads(line)

    def _read(self, child: subprocess.Popen[str], ready: queue.Queue[str | None]) -> None:
        assert child.stdout
        with child.stdout, (self.own / "output.log").open("a") as log:
            for line in child.stdout:
                log.write(line)
                log.flush()
                if '"gateway ready"' in line or '"connectors ready"' in line:
                    ready.put(line)
        ready.put(None)

    def secret(self, consumer: str) -> str:
        """Of a consumer of its own."""
        return (self.state / "secrets" / "consumers" / consumer).read_text()

    @property
    def admin_token(self) -> str:
        """What changing something on the admin port wants."""
        return (self.state / "secrets" / "admin-token").read_text().strip()

    def kill(self) -> None:
        """At once, and nothing of it is left."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        child, self._child = self._child, None
        if child is not None:
            began = time.monotonic()
            child.terminate()
            self.exits.append((child.wait(timeout=60), time.monotonic() - began))

    def fill_disk(self) -> None:
        """Nothing more goes into its files."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (4_096, hard))

    def empty_disk(self) -> None:
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def resident(self) -> int:
        """Bytes of memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def starved(self) -> tuple[int, float]:
        """Its pid, and the seconds in which it was ready to run and had no core, as the kernel counts them; 0 where it is gone."""
        child = self._child
        try:
            return (0, 0.0) if child is None else (child.pid, _waited(child.pid))
        except (OSError, IndexError):
            return 0, 0.0

    def counts(self) -> dict[str, Any]:
        """Tasks and live objects by type, as the process itself tells them."""
        file = self.own / "counts.json"
        file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        end = time.monotonic() + 20
        while not file.exists():
            assert time.monotonic() < end, f"{self.name} does not tell its counts"
            time.sleep(0.02)  # another process has no event to wait for
        counts: dict[str, Any] = json.loads(file.read_text())
        return counts


def _waited(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
