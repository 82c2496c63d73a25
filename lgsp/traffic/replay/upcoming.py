"""The calls of a replay as they come due: the next one is known, those after it are not read yet."""

from __future__ import annotations

from collections.abc import Iterator

from lgsp.errors import LgspError
from lgsp.traffic.replay.plan import Planned


class Upcoming:
    """Calls by their numbers, which rise. A capture that cannot be read on ends there; `error` says why."""

    def __init__(self, calls: Iterator[Planned]) -> None:
        self._calls = calls
        self._open: dict[int, Planned] = {}
        self._read = 0
        self._over = False
        self.error: LgspError | None = None

    def __repr__(self) -> str:
        return f"<Upcoming {len(self._open)} of {self._read} read>"

    def due(self, number: int) -> float | None:
        """Seconds from the start to call `number`; `None` when there is none."""
        while not self._over and self._read <= number:
            try:
                call = next(self._calls, None)
            except LgspError as error:
                self.error = error
                return None
            if call is None:
                return None
            self._open[call.number] = call
            self._read += 1
        return None if self._over else self._open[number].due

    def stop(self) -> None:
        """There are no more, whatever comes."""
        self._over = True

    def take(self, number: int) -> Planned:
        """Call `number`, which was due."""
        return self._open.pop(number)

    def rest(self) -> int:
        """How many there are that nobody took; reads to the end."""
        left = len(self._open)
        self._open.clear()
        try:
            for _ in self._calls:
                left += 1
        except LgspError as error:
            self.error = self.error or error
        return left
