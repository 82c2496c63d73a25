"""What became of the calls of a load: three times, outcomes, and how both went second by second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lgsp.ledger.hours import bucket, percentile
from lgsp.model import Outcome

PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
SLICES = 600
"""Stretches of a run that are told apart at most: a chart is no wider."""
_US = 1_000_000
_BITS = 7
GOOD = (Outcome.OK, Outcome.BUSINESS_FAULT)


@dataclass(frozen=True, slots=True)
class Sent:
    """One call: when it was due, when it could go (a place among those in flight was free), when it went, when it ended."""

    service: str
    operation: str
    due: float
    free: float
    sent: float
    ended: float
    outcome: Outcome

    @property
    def response(self) -> float:
        """What a caller waited who came when the call was due."""
        return self.ended - self.due

    @property
    def service_time(self) -> float:
        """What the answer took once the call had gone."""
        return self.ended - self.sent

    @property
    def lag(self) -> float:
        """How late we were ourselves: what waited for a place in flight is the target's doing."""
        return self.sent - max(self.due, self.free)


@dataclass(slots=True)
class Times:
    """How long something took, as a sketch: percentiles within 0.8 %, mean and extremes exact."""

    n: int = 0
    total: float = 0.0
    highest: float = 0.0
    sketch: dict[int, int] = field(default_factory=dict)

    def add(self, seconds: float) -> None:
        """One more."""
        seconds = max(seconds, 0.0)
        self.n += 1
        self.total += seconds
        self.highest = max(self.highest, seconds)
        number = bucket(round(seconds * _US), _BITS)
        self.sketch[number] = self.sketch.get(number, 0) + 1

    def percentile(self, percent: float) -> float:
        """Seconds; never more than the highest that was seen. 0 of nothing."""
        found = percentile(self.sketch, percent, _BITS)
        return 0.0 if found is None else min(found / _US, self.highest)

    @property
    def mean(self) -> float:
        """Seconds; 0 of nothing."""
        return self.total / self.n if self.n else 0.0


@dataclass(slots=True)
class Line:
    """Calls that belong together: of one service, or all of them."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    response: Times = field(default_factory=Times)
    service: Times = field(default_factory=Times)

    def add(self, call: Sent) -> None:
        """One more."""
        self.outcomes[call.outcome] += 1
        self.response.add(call.response)
        self.service.add(call.service_time)

    @property
    def n(self) -> int:
        """How many."""
        return self.response.n

    @property
    def errors(self) -> float:
        """The part (0 to 1) that was no official success."""
        bad = sum(count for outcome, count in self.outcomes.items() if outcome not in GOOD)
        return bad / self.n if self.n else 0.0


@dataclass(slots=True)
class Slice:
    """A stretch of the run, by the moments when calls were due."""

    due: int = 0
    ended: int = 0
    errors: int = 0
    sketch: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """What a chart shows of a stretch that begins at `at`: rates a second, seconds."""

    at: float
    asked: float
    achieved: float
    errors: float
    p50: float
    p99: float


class Account:
    """All calls of one run. Those due in the first `warm_up` and the last `cool_down` seconds are counted, and not judged."""

    def __init__(self, start: float, seconds: float, *, warm_up: float = 0.0, cool_down: float = 0.0) -> None:
        self.start = start
        self.seconds = seconds
        self.whole = Line()
        self.services: dict[str, Line] = {}
        self.lag = Times()
        self.sent = 0
        self.cut = 0
        """Calls of the warm-up and the cool-down."""
        self.unsent = 0
        """Due calls that never went, because the run was cut short."""
        self._from, self._to = start + warm_up, start + seconds - cool_down
        self._width = max(1.0, seconds / SLICES)
        self._slices: dict[int, Slice] = {}
        self._last = start

    def __repr__(self) -> str:
        return f"<Account {self.sent} sent, {self.whole.n} judged, {self.cut} cut, {self.unsent} unsent>"

    def add(self, call: Sent) -> None:
        """A call has ended."""
        self.sent += 1
        self._slice(call.due).due += 1
        at = self._slice(call.ended)
        at.ended += 1
        at.errors += call.outcome not in GOOD
        number = bucket(round(max(call.response, 0.0) * _US), _BITS)
        at.sketch[number] = at.sketch.get(number, 0) + 1
        if not self._from <= call.due < self._to:
            self.cut += 1
            return
        self._last = max(self._last, call.ended)
        self.whole.add(call)
        line = self.services.get(call.service)
        if line is None:
            line = self.services[call.service] = Line()
        line.add(call)
        self.lag.add(call.lag)

    @property
    def rate(self) -> float:
        """Judged calls that ended, a second, from the end of the warm-up to the last of them."""
        over = self._last - self._from
        return self.whole.n / over if over > 0 else 0.0

    def points(self) -> Iterator[Point]:
        """The run from its start, stretch by stretch; of one without an end, 0 for its times."""
        for number in range(max(self._slices, default=-1) + 1):
            one = self._slices.get(number, Slice())
            p50, p99 = ((percentile(one.sketch, percent, _BITS) or 0) / _US for percent in (50, 99))
            yield Point(
                number * self._width, one.due / self._width, one.ended / self._width, one.errors / self._width, p50, p99
            )

    def _slice(self, moment: float) -> Slice:
        number = max(int((moment - self.start) / self._width), 0)
        one = self._slices.get(number)
        if one is None:
            one = self._slices[number] = Slice()
        return one
