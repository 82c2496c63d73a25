"""What every simulated world has: one seed and its dice, a clock, faults that are on, tasks, and a digest of all that happened."""

from __future__ import annotations

import asyncio
import random
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import structlog
from virtual import LoopClock, VirtualLoop, run

P = TypeVar("P", bound="Played")


@dataclass
class Played(ABC):
    """One seed, one history. `faults` counts those that came, `complaints` what did not agree while it ran."""

    seed: int
    directory: Path
    loop: VirtualLoop
    faults: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.clock = LoopClock(self.loop)
        self._on: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[Any]] = []
        self._digest = sha256()

    @property
    def digest(self) -> str:
        """Stands for the whole history."""
        return self._digest.hexdigest()

    def note(self, what: str, about: str) -> None:
        self._digest.update(f"{self.loop.time():.9f} {what} {about}\n".encode())

    def is_on(self, fault: str) -> bool:
        return self._on[fault] > 0

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(work)
        self._tasks.append(task)
        return task

    @abstractmethod
    async def live(self) -> None:
        """From the first call to rest."""


def lived(kind: type[P], seed: int, directory: Path) -> P:
    """One seed from beginning to rest, in a directory of its own. What went wrong in the simulation itself is raised."""
    place = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=directory))
    with structlog.testing.capture_logs():
        return _history(kind, seed, place)


def _history(kind: type[P], seed: int, directory: Path) -> P:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    world = kind(seed, directory, loop)
    try:
        run(world.live(), loop)
    finally:
        asyncio.set_event_loop(None)
    for task in world._tasks:
        if task.done() and not task.cancelled():
            task.result()
    return world
