"""What the hour does to a stand-in, on its clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lgsp.catalogue.profile import window_at
from lgsp.catalogue.service import Window
from lgsp.clock import Clock

Factor = Callable[[], float]
"""By what a thing is multiplied now."""


def steady() -> float:
    """Every hour is as the other."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Hours:
    """The profile of one service, by the clocks of its zone."""

    profile: Sequence[Window]
    zone: str
    clock: Clock

    def latency(self) -> float:
        """By what latencies are multiplied now."""
        return window_at(self.profile, self.zone, self.clock.now()).latency

    def errors(self) -> float:
        """By what the rates of errors are multiplied now."""
        return window_at(self.profile, self.zone, self.clock.now()).errors
