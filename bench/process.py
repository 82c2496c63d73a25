"""A child process: comes up, obeys orders on its standard input, is ended by its id."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


_PORTS_OF_CALLERS = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Broken(Exception):
    """A candidate is missing or does not do its work; the text says why."""


def free_port() -> int:
    """A loopback port that nobody uses, outside the range that outgoing connections take theirs from meanwhile."""
    first = int(_PORTS_OF_CALLERS.read_text().split()[0]) if _PORTS_OF_CALLERS.exists() else 32_768
    for port in random.SystemRandom().sample(range(first // 2, first), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Broken(f"no free port below {first}")


class Child:
    """One process. What it says on standard error is in its log; whoever ends the bench ends it too: its input closes."""

    def __init__(self, name: str, command: Sequence[str], directory: Path) -> None:
        self.name = name
        self._log = directory / f"{name.replace(' ', '-').replace('/', '-')}.log"
        self._rest = b""
        with self._log.open("wb") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the candidates are programs of ours
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=REPOSITORY,
                    env={**os.environ, "PYTHONPATH": str(REPOSITORY), "LGSP_TRACEBACK": "1"},
                )
            except OSError as error:
                raise Broken(f"{command[0]} cannot be started: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def line(self, seconds: float) -> str:
        """The next line that it says. Raises `Broken` when none comes in time."""
        end = time.monotonic() + seconds
        output = self._process.stdout
        while b"\n" not in self._rest:
            if output is None or not select.select([output], [], [], max(0.0, end - time.monotonic()))[0]:
                raise Broken(f"{self.name} said nothing within {seconds:g} s; {self.last_words()}")
            piece = os.read(output.fileno(), 65536)
            if not piece:
                raise Broken(f"{self.name} ended; {self.last_words()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")

    def ready(self, seconds: float = 30) -> None:
        """Wait for its word `ready`."""
        said = self.line(seconds)
        if said != "ready":
            raise Broken(f"{self.name} said {said[:200]!r} instead of that it is ready")

    def answers(self, port: int, seconds: float = 90) -> None:
        """Wait until its admin port says that it is ready. Raises `Broken` with what it says instead."""
        end = time.monotonic() + seconds
        says = "nothing"
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                says = error.read(300).decode(errors="replace").strip()
            except OSError:
                says = "nothing"
            time.sleep(0.01)  # a port that opens tells nobody
        raise Broken(f"{self.name} is not ready and says {says!r}; {self.last_words()}")

    def obey(self, order: str, seconds: float) -> Mapping[str, Any]:
        """Give an order; its answer is one line of JSON."""
        if self._process.stdin is None or self._process.poll() is not None:
            raise Broken(f"{self.name} is not running; {self.last_words()}")
        self._process.stdin.write(order.encode() + b"\n")
        self._process.stdin.flush()
        answer: Mapping[str, Any] = json.loads(self.line(seconds))
        return answer

    def end(self) -> None:
        """End it, the hard way if it has not gone after 5 s."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"its last words: {lines[-1][-300:]}" if lines else "it left no word"
