"""Files that are read again when they change. The last good reading stays in force until a better one has taken its place.

look --> changed, and still for one look more --> read --> take
              a mistake on the way: noted, and what was in force stays
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from lgsp.clock import Clock
from lgsp.errors import CatalogueError, LgspError

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int, int], ...]
log = structlog.get_logger()
EVERY = 0.25
_AGAIN = 5.0


@dataclass(frozen=True, slots=True)
class Reload:
    """How the last reading of `what` went, and when. `problems` is empty where it is in force."""

    what: str
    at: float
    problems: tuple[str, ...] = ()

    @property
    def successful(self) -> bool:
        """Whether what was read is in force."""
        return not self.problems


def stamp(directory: Path, patterns: Iterable[str]) -> Stamp:
    """What tells one state of the files from another without reading them; a file that is just going is left out."""
    found = []
    for pattern in patterns:
        for file in directory.glob(pattern):
            try:
                facts = file.stat()
            except FileNotFoundError:
                continue
            found.append((str(file.relative_to(directory)), facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return tuple(sorted(found))


class Watcher(Generic[T]):
    """One reading of some files of a directory: at first, and after each change of any of them.

    `told` hears of every reading; those after the first happen off the event loop.
    """

    def __init__(
        self,
        what: str,
        directory: Path,
        patterns: Iterable[str],
        read: Callable[[Path], T],
        clock: Clock,
        told: Callable[[Reload], None],
    ) -> None:
        self._what = what
        self._directory = directory
        self._patterns = tuple(patterns)
        self._read = read
        self._clock = clock
        self._told = told
        self._in_force: Stamp | None = None
        self._last_seen: Stamp | None = None
        self._again_at: float | None = None
        self.last = Reload(what, clock.now())

    def __repr__(self) -> str:
        return f"<Watcher {self._what}: {len(self._in_force or ())} files, {len(self.last.problems)} problems>"

    def first(self) -> T:
        """The first reading. Raises what `read` raises."""
        self._in_force = self._last_seen = self._stamp()
        read = self._read(self._directory)
        self._told(self.last)
        return read

    def notes(self) -> list[str]:
        """Why what stands in the files is not in force, in words for `/readyz`; empty when it is."""
        if self.last.successful:
            return []
        return [f"the {self._what} in the files are not in force: {problem}" for problem in self.last.problems]

    async def run(self, take: Callable[[T], Awaitable[None]]) -> None:
        """Look again and again; what was read is given to `take`, which raises an `LgspError` where it cannot have it."""
        while True:
            await self._clock.sleep(EVERY)
            await self.look(take)

    async def look(self, take: Callable[[T], Awaitable[None]]) -> bool:
        """Look once; true when something was read. A file that is being written is left until it has come to rest."""
        seen = await asyncio.to_thread(self._stamp)
        at_rest, self._last_seen = seen == self._last_seen, seen
        due = self._again_at is not None and self._clock.now() >= self._again_at
        if not at_rest or (seen == self._in_force and not due):
            return False
        self._in_force, self._again_at = seen, None
        problems = await self._problems(take)
        self.last = Reload(self._what, self._clock.now(), problems)
        if problems:
            log.warning("reload refused", what=self._what, problems=list(problems))
        else:
            log.info("reloaded", what=self._what, files=len(seen))
        self._told(self.last)
        return True

    async def _problems(self, take: Callable[[T], Awaitable[None]]) -> tuple[str, ...]:
        """What stood in the way of a reading; what may go away by itself is tried again."""
        try:
            await take(await asyncio.to_thread(self._read, self._directory))
        except CatalogueError as error:
            return tuple(error.problems)
        except (LgspError, OSError) as error:
            self._again_at = self._clock.now() + _AGAIN
            return (str(error),)
        except Exception as error:
            log.exception("reload failed", what=self._what, error=type(error).__name__)
            return (f"internal error ({type(error).__name__}): the log has it",)
        return ()

    def _stamp(self) -> Stamp:
        return stamp(self._directory, self._patterns)
