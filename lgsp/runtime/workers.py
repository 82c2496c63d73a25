"""Who is served, who waits, and who finds no room: decisions alone, moments are arguments."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, TypeVar

T = TypeVar("T")


class Came(Enum):
    """What becomes of a call that comes."""

    SERVED = auto()
    WAITS = auto()
    FULL = auto()


class Workers(Generic[T]):
    """The workers of one provider and the line before them, first come, first served.

    `gave_up` is told of each call whose patience ended in the line, at the latest when it would have been its turn.
    """

    def __init__(self, workers: int, places: int, gave_up: Callable[[T], None]) -> None:
        self._free = workers
        self._places = places
        self._line: deque[tuple[T, float]] = deque()
        self._gave_up = gave_up

    def __repr__(self) -> str:
        return f"<Workers {self._free} free, {len(self._line)} wait>"

    def come(self, call: T, now: float, until: float) -> Came:
        """Give a call that waits until `until` at most a worker, a place in the line, or neither."""
        if self._free:
            self._free -= 1
            return Came.SERVED
        self._drop(now)
        if len(self._line) >= self._places:
            return Came.FULL
        self._line.append((call, until))
        return Came.WAITS

    def leave(self, now: float) -> T | None:
        """A call is through: its worker serves the one that is given back, or is free."""
        self._drop(now)
        if self._line:
            return self._line.popleft()[0]
        self._free += 1
        return None

    def _drop(self, now: float) -> None:
        # From the front only: patience is a service's timeout, so those who came first leave first.
        while self._line and self._line[0][1] <= now:
            self._gave_up(self._line.popleft()[0])
