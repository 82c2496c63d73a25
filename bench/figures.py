"""What a round is, and what many rounds say: medians, spreads, ratios, turns."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Key:
    """Which row: `bus`, `lgsp`, `64`."""

    group: str
    candidate: str
    case: str


@dataclass(frozen=True, slots=True)
class Round:
    """One short measurement. `cpu`: microseconds of CPU a transaction by party; `others`: cores that strangers used."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu: Mapping[str, float] = field(default_factory=dict)
    others: float = 0.0

    @property
    def cost(self) -> float:
        """CPU a transaction of all parties together, microseconds."""
        return sum(self.cpu.values())


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one candidate in one case, in order; or why there are none."""

    key: Key
    rounds: tuple[Round, ...] = ()
    differs: str = ""
    """What this candidate does not do that lgsp does."""
    broken: str = ""
    memory: Mapping[str, float] = field(default_factory=dict)
    """Peak resident MiB by party."""


@dataclass(frozen=True, slots=True)
class Page:
    """One `/metrics`: how long it takes, how large it is."""

    name: str
    ms: float
    kilobytes: float
    series: int


@dataclass(frozen=True, slots=True)
class Started:
    """One kind of process: the seconds from its start until it is ready, round by round, and its memory then; or why not."""

    name: str
    seconds: tuple[float, ...] = ()
    mib: float = 0.0
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A console in a browser: first paint, and the scripting of an update of so many rows, median and slowest; or why not."""

    paint_ms: float = 0.0
    update_ms: float = 0.0
    slowest_ms: float = 0.0
    updates: int = 0
    rows: int = 0
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of a row; `spread`: from lowest to highest rate, relative to the median."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu: Mapping[str, float]
    others: float
    spread: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of a ratio over the rounds, its lowest and its highest."""

    value: float
    low: float
    high: float


def turns(candidates: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Each candidate once a round; every round begins with the next one, so that nobody always follows the same."""
    for number in range(rounds):
        first = number % len(candidates) if candidates else 0
        for candidate in (*candidates[first:], *candidates[:first]):
            yield number, candidate


def spread(values: Sequence[float]) -> float:
    """From lowest to highest, relative to the median; 0 for one value."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def figures(rounds: Sequence[Round]) -> Figures:
    """The medians of some rounds, one at least."""
    parties = dict.fromkeys(party for one in rounds for party in one.cpu)
    return Figures(
        per_second=statistics.median(one.per_second for one in rounds),
        p50_ms=statistics.median(one.p50_ms for one in rounds),
        p99_ms=statistics.median(one.p99_ms for one in rounds),
        cpu={party: statistics.median(one.cpu.get(party, 0.0) for one in rounds) for party in parties},
        others=statistics.median(one.others for one in rounds),
        spread=spread([one.per_second for one in rounds]),
        rounds=len(rounds),
    )


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio | None:
    """The ratio round by round, its median and its ends; rounds that only one of the two has are left out."""
    pairs = [a / b for a, b in zip(above, below, strict=False) if b]
    return Ratio(statistics.median(pairs), min(pairs), max(pairs)) if pairs else None
