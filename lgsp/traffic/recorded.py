"""What Prometheus would have recorded of a past: rates, shares and budgets by rule name, and the ledger's period gauges.

Prometheus does not run its rules over what is loaded into it afterwards, so these series are written beside the counters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from lgsp.catalogue.service import Catalogue
from lgsp.ledger.periods import PERIODS, begins
from lgsp.model import Outcome
from lgsp.traffic.history import Counts, History
from lgsp.traffic.scenario import HOUR

Values = NDArray[np.float64]
BAD = (Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.BUS_ERROR)
PERIOD_GAUGE = "lgsp_ledger_period_transactions"


@dataclass(frozen=True, slots=True)
class Names:
    """What the rules call their series; `windows` are their seconds by name, of which `short` and `long` stand for the bus."""

    windows: Mapping[str, int]
    rate: Callable[[str], str]
    errors: Callable[[str], str]
    ratio: Callable[[str], str]
    budget: str
    burn: str
    left: str
    info: str
    owner_rate: str
    owner_ratio: str
    bus_rate: str
    bus_ratio: Callable[[str], str]
    lost: Callable[[str], str]
    short: str = "5m"
    long: str = "1h"


@dataclass(frozen=True, slots=True)
class Series:
    """One series: a value at each full hour of the past, NaN where there is none."""

    metric: str
    labels: str
    values: Values | Counts


def rising(history: History) -> dict[tuple[str, Outcome], Counts]:
    """Each counter at each full hour, from 0 on."""
    return {key: np.concatenate([[0], np.cumsum(counts)]) for key, counts in history.hours.items()}


def recorded(history: History, catalogue: Catalogue, names: Names, zone: ZoneInfo) -> Iterator[Series]:
    """The rules' series of every service, of the whole bus and of owners; those of one metric one after the other."""
    counters = rising(history)
    services = list(dict.fromkeys(name for name, _ in counters))
    counted = {each: _total([counters[each, o] for o in Outcome if o is not Outcome.REJECTED]) for each in services}
    bad = {each: _total([counters[each, o] for o in BAD]) for each in services}
    budget = {each: 1 - catalogue.find(each).objective for each in services}
    for window, seconds in names.windows.items():
        rates = {each: _rate(counted[each], seconds) for each in services}
        errors = {each: _rate(bad[each], seconds) for each in services}
        yield from (Series(names.rate(window), f'service="{each}"', rates[each]) for each in services)
        yield from (Series(names.errors(window), f'service="{each}"', errors[each]) for each in services)
        yield from (
            Series(names.ratio(window), f'service="{each}"', share(errors[each], rates[each])) for each in services
        )
        whole = _total([*rates.values()])
        if window == names.short:
            yield Series(names.bus_rate, "", whole)
            yield from _of_owners(catalogue, names, rates, errors)
        if window in {names.short, names.long}:
            lost = _rate(_total([counters[each, Outcome.BUS_ERROR] for each in services]), seconds)
            yield Series(names.bus_ratio(window), "", share(_total([*errors.values()]), whole))
            yield Series(names.lost(window), "", share(lost, whole))
        if window == names.long:
            burning = {each: share(errors[each], rates[each]) / budget[each] for each in services}
            yield from (Series(names.burn, f'service="{each}"', burning[each]) for each in services)
    length = len(history.minutes) // 60 + 1
    yield from (Series(names.budget, f'service="{each}"', np.full(length, round(budget[each], 9))) for each in services)
    month = _since_began(history.start, length, zone)["month"]
    for each in services:
        spent = share(bad[each] - bad[each][month], counted[each] - counted[each][month]) / budget[each]
        yield Series(names.left, f'service="{each}"', 1 - spent)
    for each in services:
        service = catalogue.find(each)
        labels = f'service="{each}",owner="{service.owner}",tier="{service.tier}"'
        yield Series(names.info, labels, np.ones(length))


def _of_owners(
    catalogue: Catalogue, names: Names, rates: Mapping[str, Values], errors: Mapping[str, Values]
) -> Iterator[Series]:
    """The same for every agency, over all that it owns in one tier."""
    owned: dict[str, list[str]] = {}
    for each in rates:
        service = catalogue.find(each)
        owned.setdefault(f'owner="{service.owner}",tier="{service.tier}"', []).append(each)
    whole = {labels: _total([rates[each] for each in of]) for labels, of in owned.items()}
    failed = {labels: _total([errors[each] for each in of]) for labels, of in owned.items()}
    yield from (Series(names.owner_rate, labels, whole[labels]) for labels in owned)
    yield from (Series(names.owner_ratio, labels, share(failed[labels], whole[labels])) for labels in owned)


def period_gauges(history: History, zone: ZoneInfo) -> Iterator[Series]:
    """What had ended since each day, month and year began, as the ledger would have told it."""
    began = _since_began(history.start, len(history.minutes) // 60 + 1, zone)
    for (service, outcome), counts in rising(history).items():
        for period in PERIODS:
            labels = f'service="{service}",outcome="{outcome}",period="{period}"'
            yield Series(PERIOD_GAUGE, labels, counts - counts[began[period]])


def share(part: Values, whole: Values) -> Values:
    """A share; NaN where there is nothing to share."""
    shared: Values = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shared


def _rate(counter: Values, seconds: int) -> Values:
    """A second, over the last so many seconds; a window of less than an hour has its hour's rate."""
    hours = max(round(seconds / HOUR), 1)
    before = np.concatenate([np.zeros(min(hours, len(counter)), dtype=counter.dtype), counter[:-hours]])
    rate: Values = (counter - before) / (hours * HOUR)
    return rate


def _total(of: Sequence[Counts] | Sequence[Values]) -> Values:
    total: Values = np.sum(np.array(of, dtype=np.float64), axis=0)
    return total


def _since_began(start: int, length: int, zone: ZoneInfo) -> dict[str, Counts]:
    """For each full hour the number of the hour in which its day, month and year began; the first one where that was before."""
    found: dict[str, list[int]] = {period: [] for period in PERIODS}
    for number in range(length):
        at = begins(zone, datetime.fromtimestamp(start + number * HOUR, UTC).timestamp())
        for period in PERIODS:
            found[period].append(max(int((at[period] - start) // HOUR), 0))
    return {period: np.array(numbers) for period, numbers in found.items()}
