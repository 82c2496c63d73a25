r"""When calls are due: a rate over time, turned into moments.

rate ^     ____            The area below is how many calls are due until then. Evenly: call n is due where the area is n.
     |    /    \___        As by chance (Poisson): where it is the sum of n draws of the exponential law.
     |___/         |
     +-------------------> elapsed
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from lgsp.catalogue.units import parse_duration
from lgsp.chance import draw
from lgsp.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate that goes straight from point to point: `(seconds, calls a second)`, the first at 0, none going back.

    Two points at one moment are a step. After the last point nothing is due.
    """

    points: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        return self.points[-1][0]

    def rate(self, elapsed: float) -> float:
        """Calls a second at that moment; of a step, what comes after it."""
        at = bisect_right(self.points, elapsed, key=lambda point: point[0])
        if at == 0 or elapsed >= self.seconds:
            return 0.0
        (begin, low), (end, high) = self.points[at - 1], self.points[at]
        return low + (high - low) * (elapsed - begin) / (end - begin)

    def areas(self) -> list[float]:
        """How many calls are due until each point."""
        return list(
            accumulate(((b - a) * (low + high) / 2 for (a, low), (b, high) in pairwise(self.points)), initial=0.0)
        )


def constant(rate: float, seconds: float) -> Curve:
    """The same rate for so long."""
    return Curve(((0.0, rate), (seconds, rate)))


def bursts(rate: float, seconds: float, on: float, off: float) -> Curve:
    """`rate` on average, all of it within the `on` seconds of each turn of `on` and `off`."""
    high = rate * (on + off) / on
    points: list[tuple[float, float]] = []
    begin = 0.0
    while begin < seconds:
        end, again = min(begin + on, seconds), min(begin + on + off, seconds)
        points += [(begin, high), (end, high), (end, 0.0), (again, 0.0)]
        begin += on + off
    return Curve(tuple(points))


def stages(given: Sequence[tuple[float, float]], start: float = 0.0) -> Curve:
    """From `start` straight to each rate in its time: `(seconds, rate)` by `(seconds, rate)`."""
    ends = accumulate(seconds for seconds, _ in given)
    return Curve(((0.0, start), *((end, rate) for end, (_, rate) in zip(ends, given, strict=True))))


class Arrivals:
    """A pacer along a curve. With a `seed` by chance, else evenly, the first at once; `sent` may only rise from call to call."""

    def __init__(self, curve: Curve, seed: int | None = None) -> None:
        self.curve = curve
        self._seed = seed
        self._areas = curve.areas()
        self._whole = self._areas[-1]
        self._drawn = 0
        self._area = 0.0

    def __repr__(self) -> str:
        return f"<Arrivals {self._whole:.0f} in {self.curve.seconds:g} s>"

    def due(self, number: int) -> float | None:
        """Seconds from the start to call `number` (from 0); `None` when the curve is over before it."""
        area = float(number) if self._seed is None else self._by_chance(self._seed, number)
        # A sum of floats: the last of 1,000 calls must not fall away for its last digit.
        if area >= self._whole - 1e-6:
            return None
        at = bisect_left(self._areas, area, lo=1)
        # Of a stretch without calls, its end: the next call belongs to what comes after it.
        while self._areas[at] == self._areas[at - 1] or (self._areas[at] == area and at + 1 < len(self._areas)):
            at += 1
        (begin, low), (end, high) = self.curve.points[at - 1], self.curve.points[at]
        return begin + _into(area - self._areas[at - 1], low, (high - low) / (end - begin))

    def next(self, elapsed: float, sent: int) -> float | None:
        """See `Pacer`."""
        due = self.due(sent)
        return None if due is None else max(0.0, due - elapsed)

    def rate(self, elapsed: float) -> float:
        """See `Pacer`."""
        return self.curve.rate(elapsed)

    def _by_chance(self, seed: int, number: int) -> float:
        while self._drawn <= number:
            self._area -= math.log(1.0 - draw(seed, "", "", "arrival", str(self._drawn)))
            self._drawn += 1
        return self._area


class Traced:
    """A pacer with the pauses between `moments` (seconds, none going back, one at least), again and again for so many seconds.

    They are stretched to `rate` calls a second on average; the pause before a new round is an average one.
    """

    def __init__(self, moments: Sequence[float], rate: float, seconds: float) -> None:
        self.seconds = seconds
        self._rate = rate
        self._round = len(moments) / rate
        length = moments[-1] - moments[0]
        stretch = (len(moments) - 1) / rate / length if length else 0.0
        self._due = [(moment - moments[0]) * stretch for moment in moments]

    def __repr__(self) -> str:
        return f"<Traced {self._rate:g} a second on average for {self.seconds:g} s>"

    def due(self, number: int) -> float | None:
        """Seconds from the start to call `number` (from 0); `None` when the time is over before it."""
        rounds, at = divmod(number, len(self._due))
        moment = rounds * self._round + self._due[at]
        return moment if moment < self.seconds else None

    def rate(self, elapsed: float) -> float:
        """Calls a second at that moment, on average."""
        return self._rate if elapsed < self.seconds else 0.0


def _into(area: float, low: float, slope: float) -> float:
    """How far into a stretch that begins with the rate `low` the area is reached."""
    if area <= 0:
        return 0.0
    if abs(slope) < 1e-12:
        return area / low
    # low t + slope t^2 / 2 = area, in the form that loses no digits where the slope is slight
    return 2 * area / (low + math.sqrt(max(0.0, low * low + 2 * slope * area)))


def parse_stages(text: str) -> list[tuple[float, float]]:
    """`30s:100,2m:100,30s:0`: in 30 seconds to 100 a second, two minutes there, in 30 seconds to none. Raises `SettingsError`."""
    found = []
    for part in text.split(","):
        length, colon, rate = part.strip().partition(":")
        try:
            found.append((parse_duration(length), float(rate.removesuffix("/s"))))
        except ValueError:
            colon = ""
        if not colon or found[-1][1] < 0 or not math.isfinite(found[-1][1]):
            raise SettingsError(
                f"--stages {part.strip()!r} is no stage: write 30s:100, its length and the rate at its end"
            )
    if not any(rate for _, rate in found):
        raise SettingsError("--stages that never rise above 0 send nothing")
    return found
