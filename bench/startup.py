"""How long lgsp's processes take to come up, and what they weigh then: each is started and ended in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

from bench.figures import Started, turns
from bench.groups import embedded, lgsp
from bench.loop import Place
from bench.machine import memory_mib
from bench.process import REPOSITORY, Broken, Child, free_port
from bench.web import Server, wait_for

_CONFIG = REPOSITORY / "config"

KINDS: Mapping[str, Callable[[Place, int], Server]] = {
    "lgsp gateway": lambda place, port: lgsp(place, port, _CONFIG, name="start")[-1],
    "lgsp connectors": lambda place, port: lgsp(place, port, _CONFIG, name="start")[0],
    "lgsp up": lambda place, port: embedded(place, port, _CONFIG)[0],
}
"""The shipped services, each kind of process by itself."""


def started(place: Place, rounds: int, tell: Callable[[str, int], None]) -> list[Started]:
    """Start and end each kind so often; one that does not come up has its reason instead of figures."""
    seconds: dict[str, list[float]] = {name: [] for name in KINDS}
    memory: dict[str, list[float]] = {name: [] for name in KINDS}
    broken: dict[str, str] = {}
    for number, name in turns(list(KINDS), rounds):
        tell(f"start-up: {name}, round {number + 1} of {rounds}", 1)
        if name in broken:
            continue
        try:
            taken, mib = _one(name, place)
        except Broken as error:
            broken[name] = str(error)
        else:
            seconds[name].append(taken)
            memory[name].append(mib)
    return [
        Started(name, broken=broken[name])
        if name in broken
        else Started(name, tuple(seconds[name]), statistics.median(memory[name]))
        for name in KINDS
    ]


def _one(name: str, place: Place) -> tuple[float, float]:
    """Seconds until it is ready, and MiB then. Raises `Broken`."""
    server = KINDS[name](place, free_port())
    began = time.monotonic()
    child = Child(f"start-{name}".replace(" ", "-"), server.command, place.directory)
    try:
        wait_for(server, child)
        return time.monotonic() - began, memory_mib(child.pid).get("now", 0.0)
    finally:
        child.end()
