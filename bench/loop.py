"""A candidate that asks in a closed loop over the bus: an asking process, an answering process."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Round
from bench.machine import Meter, memory_mib
from bench.process import Broken, Child

WARMUP = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group of candidates meets: the broker's address and process, and a directory for files and logs."""

    url: str
    broker: int
    directory: Path


@dataclass(slots=True)
class Loop:
    """`command` is a program of `bench/peers`, `id` the stem of its services; `alone`: it needs no answering process."""

    name: str
    id: str
    command: Sequence[str]
    differs: str = ""
    services: int = 28
    mode: str = ""
    alone: bool = False
    source: Path | None = None
    """The C source of the program, which is compiled where it is missing."""
    cases: tuple[str, ...] = ("1", "64", "512")
    _children: dict[str, Child] = field(default_factory=dict)
    _place: Place | None = None

    def queues(self) -> list[str]:
        """The services whose queues it needs."""
        return [f"{self.id}-{number}" for number in range(self.services)]

    def start(self, place: Place) -> None:
        """Start its processes. Raises `Broken`."""
        self._place = place
        if self.source is not None and not Path(self.command[0]).exists():
            compile_c(self.source, Path(self.command[0]))
        for role in ("ask",) if self.alone else ("answer", "ask"):
            words = [role, place.url, self.id, str(self.services), str(place.directory), self.mode]
            self._children[role] = Child(f"{self.id}-{role}", [*self.command, *words], place.directory)

    def ready(self) -> None:
        """Wait until it is up. Raises `Broken`."""
        for child in self._children.values():
            child.ready()

    def run(self, case: str, seconds: float) -> Round:
        """One round with so many in flight. Raises `Broken` when one transaction failed."""
        if self._place is None:
            raise Broken(f"{self.name} was not started")
        parties = {party: [child.pid] for party, child in self._children.items()} | {"broker": [self._place.broker]}
        meter = Meter(parties)
        found = self._children["ask"].obey(f"{case} {WARMUP} {seconds}", seconds + 40)
        used, others = meter.read()
        if found["failed"] or not found["per_second"]:
            raise Broken(f"{found['failed']} of {found['transactions']} failed: {found['error'] or 'no answer'}")
        cpu = {party: 1e6 * value / found["transactions"] for party, value in used.items()}
        return Round(found["per_second"], found["p50_ms"], found["p99_ms"], cpu, others)

    def memory(self) -> Mapping[str, float]:
        """Peak memory by party, MiB."""
        return {party: memory_mib(child.pid).get("peak", 0.0) for party, child in self._children.items()}

    def stop(self) -> None:
        """End its processes."""
        for child in reversed(self._children.values()):
            child.end()
        self._children.clear()


def compile_c(source: Path, program: Path) -> None:
    """Compile a program that uses librabbitmq. Raises `Broken`."""
    words = ["cc", "-O2", "-o", str(program), str(source), "-lrabbitmq"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - the system's compiler
    except FileNotFoundError as error:
        raise Broken("no C compiler: `scripts/setup bench` brings one") from error
    if done.returncode:
        raise Broken(f"{source.name} does not compile (`scripts/setup bench` brings its library): {done.stderr[:300]}")
