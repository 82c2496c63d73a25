"""Which operations became slower, and whether there are records enough to say so.

A percentile is known as well as its neighbours among the ordered times are near to it, however the times are distributed:

  l = n p - z s   the l-th and the u-th of n times, s = sqrt(n p (1 - p)), are z deviations of the percentile away from it
  u = n p + z s

Of twenty comparisons of the same with the same one at most has an operation that is called slower, however many it has.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, hypot, log, sqrt
from statistics import NormalDist

from lgsp.capture.record import Record
from lgsp.traffic.diff.view import Operation

PERCENTS = (50, 95)
_BY_CHANCE = 0.05


@dataclass(slots=True)
class Times:
    """How long the two halves of each pair of an operation took, in nanoseconds."""

    ours: array[int] = field(default_factory=lambda: array("q"))
    theirs: array[int] = field(default_factory=lambda: array("q"))

    def note(self, ours: Record, theirs: Record) -> None:
        """One pair more, where both say how long they took."""
        one, other = ours.times.get("total", 0), theirs.times.get("total", 0)
        if one > 0 and other > 0:
            self.ours.append(one)
            self.theirs.append(other)


@dataclass(frozen=True, slots=True)
class Pace:
    """A percentile of one operation in A and in B, in seconds, of so many `pairs`. Fewer than `needs` of them tell nothing."""

    operation: Operation
    percent: int
    ours: float
    theirs: float
    pairs: int
    needs: int
    slower: bool

    @property
    def told(self) -> bool:
        """Whether there are records enough."""
        return self.pairs >= self.needs


def paces(times: Mapping[Operation, Times], limit: float) -> list[Pace]:
    """Each percentile of each operation; `slower` where B is slower by more than `limit` (0.2: a fifth), and that is not by chance."""
    z = NormalDist().inv_cdf(1 - _BY_CHANCE / max(1, len(PERCENTS) * len(times)))
    return list(_judged(times, limit, z))


def _judged(times: Mapping[Operation, Times], limit: float, z: float) -> Iterator[Pace]:
    for operation, both in sorted(times.items()):
        ours, theirs = sorted(both.ours), sorted(both.theirs)
        for percent in PERCENTS:
            one, other, needs = _at(ours, percent), _at(theirs, percent), enough(percent, z)
            slower = len(ours) >= needs and other > one * (1 + limit) and _surely(ours, theirs, percent, z)
            yield Pace(operation, percent, one / 1e9, other / 1e9, len(ours), needs, slower)


def _surely(ours: Sequence[int], theirs: Sequence[int], percent: int, z: float) -> bool:
    """Whether B's percentile is further above A's than both can be from their true places."""
    one, other = _at(ours, percent), _at(theirs, percent)
    _, above = _around(ours, percent, z)
    below, _ = _around(theirs, percent, z)
    return log(other / one) > hypot(log(above / one), log(other / below))


def enough(percent: int, z: float) -> int:
    """So many times there have to be for `l` and `u` to be among them."""
    rarer = min(percent, 100 - percent) / 100
    return ceil(z * z * (1 - rarer) / rarer) + 1


def _at(ordered: Sequence[int], percent: int) -> int:
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else 0


def _around(ordered: Sequence[int], percent: int, z: float) -> tuple[int, int]:
    """The l-th and the u-th."""
    n, p = len(ordered), percent / 100
    off = z * sqrt(n * p * (1 - p))
    return ordered[max(0, floor(n * p - off) - 1)], ordered[min(n, ceil(n * p + off) + 1) - 1]
