"""A candidate that is to send at an even rate; whoever is called notes when each call came, and that judges it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Round
from bench.loop import Place
from bench.process import REPOSITORY, Broken, Child, free_port
from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Record

_SECONDS = 2.0
"""The least that a round lasts: the start of a program is no part of it."""
_PATIENCE = 30.0

Words = Callable[[str, int, int, Path], Sequence[str]]
"""The command that asks a URL so many times a second, so many times in all, with a directory for its files."""


@dataclass(slots=True)
class Paced:
    """`words` is the program; `cases` are rates. A round's times are how late the calls came, not how long they took."""

    name: str
    id: str
    words: Words
    differs: str = ""
    cases: tuple[str, ...] = ("1000", "5000")
    _target: Child | None = None
    _place: Place | None = None
    _port: int = field(default_factory=free_port)

    def queues(self) -> Sequence[str]:
        """It needs none."""
        return ()

    def start(self, place: Place) -> None:
        """Start what it will call. Raises `Broken`."""
        self._place = place
        command = [sys.executable, "-m", "bench.peers.arrivals", str(self._port)]
        self._target = Child(f"{self.id}-target", command, place.directory)

    def ready(self) -> None:
        """Wait until it may be called. Raises `Broken`."""
        self._called().ready()

    def run(self, case: str, seconds: float) -> Round:
        """One round at a rate. Raises `Broken` where calls are missing."""
        target, place, rate = self._called(), self._place, int(case)
        count = round(rate * max(seconds, _SECONDS))
        target.obey("forget", _PATIENCE)
        words = self.words(f"http://127.0.0.1:{self._port}/", rate, count, place.directory if place else Path())
        try:
            done = subprocess.run(  # noqa: S603 - the candidates
                words, capture_output=True, text=True, check=False, timeout=_PATIENCE + count / rate
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Broken(f"{words[0]}: {error}") from error
        came = target.obey("tell", _PATIENCE)["arrivals"]
        if len(came) < count:
            raise Broken(f"{len(came)} of {count} calls came; it said {done.stderr.strip()[-300:]!r}")
        late = lateness(came[:count], rate)
        return Round(1e9 * (count - 1) / (came[count - 1] - came[0]), late[count // 2], late[count * 99 // 100])

    def memory(self) -> Mapping[str, float]:
        """Not of interest: the program is gone when it has asked."""
        return {}

    def stop(self) -> None:
        """End what was called."""
        if self._target is not None:
            self._target.end()
            self._target = None

    def _called(self) -> Child:
        if self._target is None:
            raise Broken(f"{self.name} was not started")
        return self._target


def lateness(arrivals: Sequence[int], rate: float) -> list[float]:
    """Milliseconds that each call came behind an even schedule which nobody is ahead of, the least first.

    `arrivals`: nanoseconds of any clock, in order. A program that begins with a burst is late with all the others.
    """
    behind = [at - number * 1e9 / rate for number, at in enumerate(arrivals)]
    first = min(behind, default=0.0)
    return sorted((each - first) / 1e6 for each in behind)


def replayed(url: str, rate: int, count: int, directory: Path) -> Sequence[str]:
    """`lgsp replay` of a capture that is made for it."""
    capture = directory / f"even-{count}.lgsp.jsonl"
    if not capture.exists():
        with Writer.create(capture, {}) as writer:
            asked = Asked("GET", "/")
            writer.write(*(Record(number * 1_000_000, tx=f"t{number}", request=asked) for number in range(count)))
    asks = ["replay", str(capture), "--to", url, "--rate", str(rate), "--state", str(directory / "state-even")]
    return [sys.executable, "-m", "lgsp", *asks]


def autocannon(url: str, rate: int, count: int, directory: Path) -> Sequence[str]:
    """The load tool of the node world, over as many connections as `wrk` has here."""
    del directory
    program = REPOSITORY / "bench" / "node_modules" / "autocannon" / "autocannon.js"
    return [
        "node",
        str(program),
        "--connections",
        "64",
        "--overallRate",
        str(rate),
        "--amount",
        str(count),
        "--json",
        url,
    ]
