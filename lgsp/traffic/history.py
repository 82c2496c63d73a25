"""The past: every call of a period, counted by minute, service and outcome, without sleeping.

totals (exact, by largest remainder) --> spread over the period's minutes (multinomial, so that they stay exact)

All of it is a function of scenario and seed: each service and outcome has a random stream of its own, keyed by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b, sha256

import numpy as np
from numpy.typing import NDArray

from lgsp.catalogue.profile import window_at
from lgsp.catalogue.service import Window
from lgsp.model import Outcome
from lgsp.traffic.period import Episode, Period, Stream
from lgsp.traffic.scenario import HOUR, Scenario

Counts = NDArray[np.int64]
Weights = NDArray[np.float64]
_MINUTES = 60
_WEEK = 7 * 24 * _MINUTES
_MONDAY = 4 * 86_400  # the first of all, seconds since the epoch
_PROVIDER_S = frozenset({Outcome.PROVIDER_ERROR, Outcome.REJECTED, Outcome.TIMEOUT, Outcome.UNREACHABLE})
"""What a profile makes more of."""
_THREADS = 2  # numpy draws without the interpreter's lock


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that nobody reaches for a while. `start`: seconds since the epoch, UTC; whole minutes count."""

    service: str
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """What a period came to. `start`: its first hour, seconds since the epoch, UTC.

    `hours` holds one count an hour for each service and outcome; `minutes` all calls by minute; `streams` one count a
    day, from the stream's own first day, for each stream and part. `digest` covers every minute of every service.
    """

    start: int
    hours: Mapping[tuple[str, Outcome], Counts]
    minutes: Counts
    streams: Mapping[tuple[str, str], Counts]
    digest: str

    def total(self, *outcomes: Outcome) -> int:
        """Calls that ended so; all of them without an argument."""
        return sum(int(counts.sum()) for (_, outcome), counts in self.hours.items() if outcome in (outcomes or Outcome))


def apportion(total: int, weights: Iterable[float]) -> list[int]:
    """`total` split by weight into whole numbers that add up to it: largest remainder, the earlier one first."""
    given = list(weights)
    whole = sum(given)
    if whole <= 0:
        return [0] * len(given)
    # Rounded, since 0.15 of 225.5 million is no whole number in floats: noise must not decide a remainder.
    quotas = [round(total * weight / whole, 6) for weight in given]
    parts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda number: (parts[number] - quotas[number], number))
    for number in by_remainder[: total - sum(parts)]:
        parts[number] += 1
    return parts


def totals(period: Period) -> dict[tuple[str, Outcome], int]:
    """How many calls of each service end how. They add up to the period's calls, and to its official success."""
    names = list(period.loads)
    calls = dict(zip(names, apportion(period.calls, (load.share for load in period.loads.values())), strict=True))
    failing = period.calls - round(period.calls * period.official)
    failures = apportion(failing, (calls[name] * (1 - load.official) for name, load in period.loads.items()))
    ended: dict[tuple[str, Outcome], int] = {}
    for name, failed in zip(names, failures, strict=True):
        official = calls[name] - failed
        answered_no = round(official * period.business_faults)
        ended[name, Outcome.OK] = official - answered_no
        ended[name, Outcome.BUSINESS_FAULT] = answered_no
        causes = [outcome for outcome in Outcome if outcome not in {Outcome.OK, Outcome.BUSINESS_FAULT}]
        parts = apportion(failed, (period.failures.get(cause, 0.0) for cause in causes))
        ended |= {(name, cause): part for cause, part in zip(causes, parts, strict=True)}
    return ended


def simulate(
    scenario: Scenario,
    period: Period,
    seed: int,
    *,
    outages: Iterable[Outage] = (),
    profiles: Mapping[str, Sequence[Window]] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> History:
    """The history of the period. `progress` is called once a service, from any thread.

    `profiles`, by service, move failures of providers into the hours at which they fail more, and change no total.
    During an outage every call of its service ends as `unreachable`; its calls are as many as without.
    """
    troubles = list(outages)
    start = scenario.midnight(period.first)
    hours = (scenario.midnight(period.last + timedelta(days=1)) - start) // int(HOUR)
    profile = _profile(scenario, period, start, hours)
    ended = totals(period)
    worse = {name: _worse(scenario, windows, start, hours) for name, windows in (profiles or {}).items() if windows}

    def one(service: str) -> dict[Outcome, Counts]:
        found = {}
        for outcome in Outcome:
            weights = profile * _factors(scenario, period.episodes, service, outcome, start, hours)
            if outcome in _PROVIDER_S and service in worse:
                weights = _moved(weights, worse[service])
            found[outcome] = _spread(ended[service, outcome], weights, seed, service, str(outcome))
        for trouble in troubles:
            if trouble.service == service:
                _put_out(found, trouble, start)
        progress()
        return found

    by_hour: dict[tuple[str, Outcome], Counts] = {}
    minutes: Counts = np.zeros(hours * _MINUTES, dtype=np.int64)
    digest = sha256()
    with ThreadPoolExecutor(_THREADS) as threads:
        for service, found in zip(period.loads, threads.map(one, period.loads), strict=True):
            for outcome, counts in found.items():
                digest.update(f"{service}\x1f{outcome}\x1f".encode() + counts.astype("<i4").tobytes())
                by_hour[service, outcome] = counts.reshape(-1, _MINUTES).sum(axis=1)
                minutes += counts
    streams = {
        (stream.name, part): _spread(number, _daily(scenario, stream), seed, stream.name, part)
        for stream in period.streams
        for part, number in stream.parts.items()
    }
    return History(start, by_hour, minutes, streams, digest.hexdigest())


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random stream of its own for what the names say."""
    key = blake2b("\x1f".join((str(seed), *names)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(key, "big")))


def _spread(total: int, weights: Weights, seed: int, *names: str) -> Counts:
    """`total` events that fall by weight, each where chance puts it: exactly so many in all."""
    return generator(seed, "history", *names).multinomial(total, weights / weights.sum())


def _put_out(counts: Mapping[Outcome, Counts], outage: Outage, start: int) -> None:
    """End the calls of some minutes as `unreachable`, in place."""
    begin = max(int((outage.start - start) // _MINUTES), 0)
    end = max(int((outage.start + outage.seconds - start) // _MINUTES), 0)
    lost = counts[Outcome.UNREACHABLE]
    for outcome, of in counts.items():
        if outcome is not Outcome.UNREACHABLE:
            lost[begin:end] += of[begin:end]
            of[begin:end] = 0


def _profile(scenario: Scenario, period: Period, start: int, hours: int) -> Weights:
    """How busy each minute is, relative to the others."""
    by_hour = np.array([scenario.rate(start + number * HOUR) for number in range(hours)])
    within = np.full(_MINUTES, (_MINUTES - period.busiest_minute) / (_MINUTES - 1))
    within[0] = period.busiest_minute
    return np.outer(by_hour, within).ravel()


def _factors(
    scenario: Scenario, episodes: Iterable[Episode], service: str, outcome: Outcome, start: int, hours: int
) -> Weights:
    """How many times as often as else an outcome comes, minute by minute."""
    factors = np.ones(hours * _MINUTES)
    for episode in episodes:
        if service in episode.services:
            begin, end = _minutes_of(scenario, episode.first, episode.last, start)
            factors[max(begin, 0) : max(end, 0)] *= episode.times.get(outcome, 1.0)
    return factors


def _worse(scenario: Scenario, windows: Sequence[Window], start: int, hours: int) -> Weights:
    """How many times as often as else a provider fails, minute by minute."""
    week = np.array([window_at(windows, "UTC", _MONDAY + minute * 60.0).errors for minute in range(_WEEK)])
    begins = (datetime.fromtimestamp(start + number * HOUR, scenario.zone) for number in range(hours))
    first = np.array([(at.weekday() * 24 + at.hour) * _MINUTES + at.minute for at in begins])
    return week[(first[:, np.newaxis] + np.arange(_MINUTES)).ravel() % _WEEK]


def _moved(weights: Weights, factors: Weights) -> Weights:
    """The weights times the factors; as they are where the factors leave nothing, since what failed did at some time."""
    product = weights * factors
    return product if product.sum() > 0 else weights


def _minutes_of(scenario: Scenario, first: date, last: date, start: int) -> tuple[int, int]:
    begin, end = scenario.midnight(first), scenario.midnight(last + timedelta(days=1))
    return (begin - start) // _MINUTES, (end - start) // _MINUTES


def _daily(scenario: Scenario, stream: Stream) -> Weights:
    days = (stream.first + timedelta(days=number) for number in range((stream.last - stream.first).days + 1))
    part = scenario.parts.get(stream.follows)
    return np.array([part.factor(each) if part else 1.0 for each in days])
