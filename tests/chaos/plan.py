"""How much of what a run does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import faults


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what: faults one after the other, and traffic until they are over and enough was sent."""

    seed: int
    faults: Sequence[faults.Fault]
    transactions: int
    rate: float = 100.0
    every: float = 0.0
    """Seconds from one fault to the next; 0: as soon as its rest is over."""
    stored: float = 0.35
    """The share of calls that are stored and forwarded."""
    rest: float = 60.0
    """Seconds within which nothing may be open any more: the bus is asked again after 30 s at most."""


QUICK = ("broker killed", "gateway killed", "connector killed")
ENDED = ("gateway ended", "connector ended")


def plan(size: str, seed: int, count: int | None = None) -> Plan:
    """The plan of a size, with `count` faults instead of its own number."""
    if size == "quick":
        return Plan(seed, faults.schedule(seed, 3, QUICK, rest=5.0), 3_000)
    if size == "long":
        return Plan(seed, faults.schedule(seed, count or 306, rest=2.5), 505_000, 180.0)
    if size == "ended":
        return Plan(seed, faults.schedule(seed, count or 200, ENDED, rest=0.3), 0)
    if size == "cluster":
        return Plan(seed, faults.schedule(seed, count or 15, tuple(faults.CLUSTER), rest=6.0), 0, 50.0, rest=90.0)
    return Plan(seed, faults.schedule(seed, count or 24), 20_500)
