"""What no pair shows by itself: that an operation became slower, that calls came in another order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lgsp.traffic.diff.comparing import Difference
from lgsp.traffic.diff.groups import SAMPLES, Compared, Group, Sample, operation_at
from lgsp.traffic.diff.latency import Pace, Times, paces
from lgsp.traffic.diff.order import OUT_OF_ORDER, Span, moved, span_of
from lgsp.traffic.diff.pairing import Pair
from lgsp.traffic.diff.view import Operation

SLOWER = "slower"


@dataclass(slots=True)
class _Line:
    """The pairs of one consumer at one tap: what each is called, of which operation, when it was on either side."""

    names: list[tuple[Operation, str]] = field(default_factory=list)
    ours: list[Span] = field(default_factory=list)
    theirs: list[Span] = field(default_factory=list)


class Beside:
    """Notes the pairs of a comparison as they pass, and tells what they show together.

    With a `limit` (0.2: a fifth) how much slower an operation may be; `ordered`: whether the order of each consumer's calls counts.
    """

    def __init__(self, limit: float | None = None, *, ordered: bool = False) -> None:
        self._limit = limit
        self._ordered = ordered
        self._times: defaultdict[Operation, Times] = defaultdict(Times)
        self._lines: defaultdict[tuple[str, str], _Line] = defaultdict(_Line)

    def seen(self, paired: Iterable[Pair]) -> Iterator[Pair]:
        """The same pairs."""
        for pair in paired:
            if pair.ours is not None and pair.theirs is not None:
                operation = operation_at(pair.ours)
                if self._limit is not None:
                    self._times[operation].note(pair.ours, pair.theirs)
                if self._ordered:
                    line = self._lines[pair.ours.tap, pair.ours.consumer]
                    line.names.append((operation, pair.called))
                    line.ours.append(span_of(pair.ours))
                    line.theirs.append(span_of(pair.theirs))
            yield pair

    def tell(self, compared: Compared) -> None:
        """Add to what was compared what the pairs show together, once all of them have passed."""
        if self._limit is not None:
            compared.paces = paces(self._times, self._limit)
            compared.groups += [_slower(pace) for pace in compared.paces if pace.slower]
        found: list[tuple[Operation, str, int]] = []
        for _, line in sorted(self._lines.items()):
            found += [(*line.names[pair], way) for pair, way in moved(line.ours, line.theirs)]
        compared.groups += out_of_order(found)


def out_of_order(found: Iterable[tuple[Operation, str, int]]) -> list[Group]:
    """A group for each operation of calls that moved by so many places."""
    groups: dict[Operation, Group] = {}
    for operation, name, way in found:
        group = groups.setdefault(operation, Group(operation, "", OUT_OF_ORDER))
        group.pairs += 1
        if len(group.samples) < SAMPLES:
            told = f"{name}, {abs(way)} {'later' if way > 0 else 'earlier'}"
            group.samples.append(Sample(told, Difference("", OUT_OF_ORDER)))
    return list(groups.values())


def _slower(pace: Pace) -> Group:
    path = f"latency.p{pace.percent}"
    ours, theirs = (f"{seconds * 1000:,.1f} ms" for seconds in (pace.ours, pace.theirs))
    sample = Sample(f"p{pace.percent} of {pace.pairs:,} pairs", Difference(path, SLOWER, ours, theirs))
    return Group(pace.operation, path, SLOWER, pace.pairs, [sample])
