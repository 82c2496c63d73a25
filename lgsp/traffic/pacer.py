r"""When: functions of elapsed time.

rate ^        _        _            the area below is the number of sends that are due;
     |      _/ \__ __/ \_           a pacer inverts it: when is send number n due?
     |_____/             \____
     +-------------------------> elapsed
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Pacer(Protocol):
    """Says when to send; it has no clock of its own."""

    def next(self, elapsed: float, sent: int) -> float | None:
        """Seconds until the next send is due, 0 when it is late, `None` when nothing more is due."""
        ...

    def rate(self, elapsed: float) -> float:
        """Intended sends a second at that moment."""
        ...


class Constant:
    """The same rate all the time."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second

    def __repr__(self) -> str:
        return f"<Constant {self._per_second:g}/s>"

    def next(self, elapsed: float, sent: int) -> float | None:
        """Evenly spaced, the first at once."""
        if self._per_second <= 0:
            return None
        return max(0.0, sent / self._per_second - elapsed)

    def rate(self, elapsed: float) -> float:  # noqa: ARG002 - the same at every moment
        """The constant."""
        return self._per_second


class Stepped:
    """A rate that holds for a step of fixed length and then changes, as the hours of a day do.

    `rate_at(n)` is the rate of step n (0, 1, 2 ...), sends a second of elapsed time; it must not be 0 for ever.
    `skip` seconds of step 0 lie in the past already.
    """

    def __init__(self, step: float, rate_at: Callable[[int], float], *, skip: float = 0.0) -> None:
        self._step = step
        self._rate_at = rate_at
        self._skip = skip
        self._begun = 0
        self._before = -rate_at(0) * skip

    def __repr__(self) -> str:
        return f"<Stepped every {self._step:g} s, {self._before:.0f} due before step {self._begun}>"

    def next(self, elapsed: float, sent: int) -> float | None:
        """Seconds until send number `sent` (from 0) is due. `sent` may only rise from call to call."""
        while True:
            rate = self._rate_at(self._begun)
            if self._before + rate * self._step > sent:
                due = self._begun * self._step - self._skip + (sent - self._before) / rate
                return max(0.0, due - elapsed)
            self._before += rate * self._step
            self._begun += 1

    def rate(self, elapsed: float) -> float:
        """The rate of the step that `elapsed` lies in."""
        return self._rate_at(int((elapsed + self._skip) // self._step))
