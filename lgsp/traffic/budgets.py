"""What a past does to error budgets, month by month, and which month of a service was its worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome
from lgsp.traffic.history import History
from lgsp.traffic.recorded import BAD
from lgsp.traffic.scenario import HOUR


@dataclass(frozen=True, slots=True)
class Spent:
    """One month of one service, `2023-03`: its official success, its SLI, and the part of its error budget that went (1 is all)."""

    service: str
    month: str
    official: float
    sli: float
    objective: float
    spent: float


def spending(history: History, catalogue: Catalogue, zone: ZoneInfo) -> Iterator[Spent]:
    """Every month of every service that has a budget, where anything counted."""
    months = _months(history, zone)
    for service in dict.fromkeys(name for name, _ in history.hours):
        objective = catalogue.find(service).objective
        for month, hours in months.items() if objective < 1 else ():
            counts = {outcome: int(history.hours[service, outcome][hours].sum()) for outcome in Outcome}
            whole = sum(counts.values())
            counted, bad = whole - counts[Outcome.REJECTED], sum(counts[outcome] for outcome in BAD)
            if counted:
                official = (counts[Outcome.OK] + counts[Outcome.BUSINESS_FAULT]) / whole
                yield Spent(service, month, official, 1 - bad / counted, objective, bad / counted / (1 - objective))


def worst(months: Iterable[Spent]) -> list[Spent]:
    """Of each service the month in which it spent most; who spent most comes first."""
    found: dict[str, Spent] = {}
    for each in months:
        if each.service not in found or each.spent > found[each.service].spent:
            found[each.service] = each
    return sorted(found.values(), key=lambda each: (-each.spent, each.service))


def _months(history: History, zone: ZoneInfo) -> dict[str, slice]:
    """The hours of each month of the calendar."""
    found: dict[str, slice] = {}
    for number in range(len(history.minutes) // 60):
        at = datetime.fromtimestamp(history.start + number * HOUR, UTC).astimezone(zone)
        begin = found.setdefault(f"{at:%Y-%m}", slice(number, number)).start
        found[f"{at:%Y-%m}"] = slice(begin, number + 1)
    return found
