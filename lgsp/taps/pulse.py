"""What ends, second by second, for a console that people watch: the last minute, five minutes and hour of each service."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lgsp.clock import Clock
from lgsp.ledger.hours import bucket, merged, percentile
from lgsp.ledger.row import OUTCOME_CODE, Segment, segment_at_fault
from lgsp.model import Outcome, Stamps, Transaction

HOUR, FIVE_MINUTES, MINUTE, NOW = 3_600, 300, 60, 10
"""How far back it remembers, seconds."""
FAILURES, SLOWEST, SERVICES = 50, 8, 500
"""How many it remembers: failures in all, slow calls of a service, and services whose hour is kept second by second."""
Counts = tuple[int, ...]
"""So many ended, by outcome in the order of `Outcome`."""
NOTHING: Counts = (0,) * len(Outcome)
_OFFICIAL = (OUTCOME_CODE[Outcome.OK], OUTCOME_CODE[Outcome.BUSINESS_FAULT])
_REJECTED = OUTCOME_CODE[Outcome.REJECTED]


def bad(counts: Counts) -> int:
    """How many of them burn an error budget: neither answered nor the caller's own doing."""
    return sum(counts) - counts[_REJECTED] - sum(counts[code] for code in _OFFICIAL)


def counted(counts: Counts) -> int:
    """How many of them count for the SLI: all but what was the caller's own doing."""
    return sum(counts) - counts[_REJECTED]


@dataclass(frozen=True, slots=True)
class Failure:
    """A transaction that ended neither answered nor with a well-formed no."""

    number: int
    """Counts the failures of this process from 1."""
    id: str
    at: float
    service: str
    consumer: str
    outcome: Outcome
    reason: str
    segment: Segment
    seconds: float


@dataclass(frozen=True, slots=True)
class Slow:
    """A slow call and where its time went, seconds: edge and way to the bus, queue, connector, provider, way back."""

    id: str
    at: float
    outcome: Outcome
    seconds: float
    parts: tuple[float, ...]
    """Empty where no connector told."""


@dataclass(frozen=True, slots=True)
class Vital:
    """How a service does. Times in seconds, `None` where nothing tells; `last_*` 0 is never since this process began."""

    rate: float = 0.0
    """A second, over the last ten."""
    peak: float = 0.0
    """The highest that rate was since the day began or this process did."""
    minute: Counts = NOTHING
    five: Counts = NOTHING
    hour_counted: int = 0
    hour_bad: int = 0
    p50: float | None = None
    p95: float | None = None
    """Of official successes within a minute: fast failures would hide slow answers."""
    wait: float | None = None
    """The 95th percentile of the time in the queue within a minute."""
    last_official: float = 0.0
    last_failure: float = 0.0


@dataclass(slots=True)
class _Second:
    at: int
    counts: list[int]
    took: dict[int, int] = field(default_factory=dict)
    waits: dict[int, int] = field(default_factory=dict)


class _Hour:
    """Counts of an hour, a place a second; `counted` and `bad` add up what stands in it."""

    __slots__ = ("bad", "bads", "counted", "counts", "p95s")

    def __init__(self) -> None:
        self.counts, self.bads, self.p95s = (array("I", bytes(4 * HOUR)) for _ in range(3))
        self.counted = self.bad = 0

    def put(self, at: int, counts: Counts, p95_us: int) -> None:
        place = at % HOUR
        self.counted += counted(counts) - self.counts[place]
        self.bad += bad(counts) - self.bads[place]
        self.counts[place], self.bads[place] = counted(counts), bad(counts)
        self.p95s[place] = min(p95_us, 0xFFFF_FFFF)


class _Beat:
    """One service."""

    __slots__ = ("five", "five_sum", "hour", "last_failure", "last_official", "minute", "peak", "slowest")

    def __init__(self, *, with_hour: bool) -> None:
        self.minute: deque[_Second] = deque()
        self.five: deque[_Second] = deque()
        self.five_sum = [0] * len(Outcome)
        self.hour = _Hour() if with_hour else None
        self.slowest: list[Slow] = []
        self.peak = self.last_official = self.last_failure = 0.0

    def turn(self, at: int, second: _Second | None) -> None:
        """The second `at` is over; `second` is what ended in it."""
        if second is not None:
            self.minute.append(second)
            self.five.append(second)
            self.five_sum = [have + more for have, more in zip(self.five_sum, second.counts, strict=True)]
        while self.minute and self.minute[0].at <= at - MINUTE:
            self.minute.popleft()
        while self.five and self.five[0].at <= at - FIVE_MINUTES:
            gone = self.five.popleft().counts
            self.five_sum = [have - less for have, less in zip(self.five_sum, gone, strict=True)]
        if self.hour is not None:
            counts, took = (tuple(second.counts), second.took) if second else (NOTHING, {})
            self.hour.put(at, counts, percentile(took, 95) or 0 if took else 0)
        self.peak = max(self.peak, self.rate(at))
        if any(slow.at < at - HOUR for slow in self.slowest):
            self.slowest = [slow for slow in self.slowest if slow.at >= at - HOUR]

    def rate(self, at: int) -> float:
        recent = 0
        for second in reversed(self.minute):
            if second.at <= at - NOW:
                break
            recent += sum(second.counts)
        return recent / NOW

    def vital(self, at: int) -> Vital:
        took = merged([second.took for second in self.minute])
        return Vital(
            rate=self.rate(at),
            peak=self.peak,
            minute=tuple(map(sum, zip(*(second.counts for second in self.minute), strict=True))) or NOTHING,
            five=tuple(self.five_sum),
            hour_counted=self.hour.counted if self.hour else 0,
            hour_bad=self.hour.bad if self.hour else 0,
            p50=_seconds(took, 50),
            p95=_seconds(took, 95),
            wait=_seconds(merged([second.waits for second in self.minute]), 95),
            last_official=self.last_official,
            last_failure=self.last_failure,
        )


def _seconds(sketch: Mapping[int, int], percent: float) -> float | None:
    found = percentile(sketch, percent) if sketch else None
    return None if found is None else found / 1e6


_Ended = tuple[str, Outcome, float, str, float, float, Stamps | None, str, bool]


class Pulse:
    """A tap. `turn` once a second; between two turns it only notes what ends, at most a second's worth."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: list[_Ended] = []
        self._beats: dict[str, _Beat] = {}
        self._at = int(clock.now())
        self._callers: deque[dict[str, int]] = deque(maxlen=NOW)
        self._seconds: deque[tuple[int, int]] = deque(maxlen=2 * MINUTE)
        self.failures: deque[Failure] = deque(maxlen=FAILURES)
        """The newest last."""
        self.failed = 0
        """Failures since this process began."""

    def __repr__(self) -> str:
        return f"<Pulse of {len(self._beats)} services, {self.failed} failures>"

    def saw(self, transaction: Transaction) -> None:
        """Note what ended, and copy it where it failed."""
        request, reply = transaction.request, transaction.reply
        started, seconds, outcome = transaction.started_at, transaction.seconds, transaction.outcome
        stamps, sent = reply.stamps if reply is not None else None, transaction.sent_at
        stored = request.stored
        self._ended.append(
            (request.service, outcome, seconds, request.consumer, started, sent, stamps, request.id, stored)
        )
        if outcome is not Outcome.OK and outcome is not Outcome.BUSINESS_FAULT:
            self.failed += 1
            segment = segment_at_fault(outcome, transaction.reason)
            self.failures.append(
                Failure(
                    self.failed,
                    request.id,
                    started + seconds,
                    request.service,
                    request.consumer,
                    outcome,
                    transaction.reason,
                    segment,
                    seconds,
                )
            )

    def turn(self, new_day: bool = False) -> int:  # noqa: FBT001, FBT002 - one word, once a second
        """Count what ended since the last turn as the second that is over; returns that second. Peaks begin with a day."""
        now = max(int(self._clock.now()), self._at + 1)
        ended, self._ended = self._ended, []
        found: dict[str, _Second] = {}
        callers: dict[str, int] = {}
        for each in ended:
            second = found.get(each[0])
            if second is None:
                second = found[each[0]] = _Second(now, [0] * len(Outcome))
                if each[0] not in self._beats:
                    self._beats[each[0]] = _Beat(with_hour=len(self._beats) < SERVICES)
            callers[each[3]] = callers.get(each[3], 0) + 1
            _count(second, self._beats[each[0]], each)
        for service, beat in self._beats.items():
            for passed in range(max(self._at + 1, now - HOUR), now):
                beat.turn(passed, None)
            beat.peak = 0.0 if new_day else beat.peak
            beat.turn(now, found.get(service))
        for _ in range(min(max(now - self._at - 1, 0), NOW)):
            self._callers.append({})
        self._callers.append(callers)
        self._seconds.append((len(ended), sum(bad(tuple(second.counts)) for second in found.values())))
        self._at = now
        return now

    def vital(self, service: str) -> Vital:
        """How a service does; all zero for one that nobody called."""
        beat = self._beats.get(service)
        return beat.vital(self._at) if beat else Vital()

    def whole(self) -> tuple[float | None, float | None]:
        """The median and the 95th percentile of all official successes within a minute, seconds."""
        took = merged([second.took for beat in self._beats.values() for second in beat.minute])
        return _seconds(took, 50), _seconds(took, 95)

    def callers(self) -> dict[str, float]:
        """Calls a second by consumer, over the last ten seconds, the busiest first."""
        whole: dict[str, int] = {}
        for second in self._callers:
            for consumer, count in second.items():
                whole[consumer] = whole.get(consumer, 0) + count
        return {consumer: whole[consumer] / NOW for consumer in sorted(whole, key=lambda name: (-whole[name], name))}

    def seconds(self) -> list[tuple[int, int]]:
        """How many ended in each of the last two minutes' seconds, and how many of them burn a budget; the newest last."""
        return list(self._seconds)

    def hour(self, service: str) -> Iterator[tuple[int, int, int, float]]:
        """The seconds of the last hour with calls, the oldest first: when, counted, bad, and the 95th percentile in seconds."""
        beat = self._beats.get(service)
        hour = beat.hour if beat else None
        if hour is None:
            return
        for at in range(self._at - HOUR + 1, self._at + 1):
            place = at % HOUR
            if hour.counts[place]:
                yield at, hour.counts[place], hour.bads[place], hour.p95s[place] / 1e6

    def slowest(self, service: str) -> list[Slow]:
        """The slowest calls of the last hour, the slowest first."""
        beat = self._beats.get(service)
        return sorted(beat.slowest, key=lambda slow: -slow.seconds) if beat else []

    def spread(self, service: str) -> dict[float, int]:
        """How long the last minute's official successes took: upper ends, seconds, a doubling apart, each with its count."""
        beat = self._beats.get(service)
        found: dict[float, int] = {}
        for second in beat.minute if beat else ():
            for number, count in second.took.items():
                end = 2.0 ** math.ceil(math.log2(max(percentile({number: 1}, 100) or 1, 1_000) / 1_000)) / 1_000
                found[end] = found.get(end, 0) + count
        return dict(sorted(found.items()))


def _count(second: _Second, beat: _Beat, ended: _Ended) -> None:
    _, outcome, seconds, _, started, sent, stamps, name, stored = ended
    code = OUTCOME_CODE[outcome]
    second.counts[code] += 1
    if code in _OFFICIAL:
        beat.last_official = started + seconds
    else:
        beat.last_failure = started + seconds
    if stored:  # its hours are no waiting of a caller's
        return
    if code in _OFFICIAL:
        number = bucket(int(seconds * 1e6))
        second.took[number] = second.took.get(number, 0) + 1
    if stamps is not None and sent:
        number = bucket(max(int((stamps.t3 * 1e-9 - sent) * 1e6), 0))
        second.waits[number] = second.waits.get(number, 0) + 1
    slowest = beat.slowest
    if len(slowest) < SLOWEST or seconds > slowest[-1].seconds:
        slowest.append(Slow(name, started + seconds, outcome, seconds, _parts(started, sent, seconds, stamps)))
        slowest.sort(key=lambda slow: -slow.seconds)
        del slowest[SLOWEST:]


def _parts(started: float, sent: float, seconds: float, stamps: Stamps | None) -> tuple[float, ...]:
    """Where the time went, by two clocks; what comes out negative counts as 0."""
    if stamps is None or not sent:
        return ()
    provider = (stamps.t5 - stamps.t4) * 1e-9
    parts = (
        sent - started,
        stamps.t3 * 1e-9 - sent,
        (stamps.t6 - stamps.t3) * 1e-9 - provider,
        provider,
        started + seconds - stamps.t6 * 1e-9,
    )
    return tuple(max(part, 0.0) for part in parts)
