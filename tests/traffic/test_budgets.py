from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from builders import a_service

from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome
from lgsp.traffic.budgets import Spent, spending, worst
from lgsp.traffic.history import History

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CATALOGUE = Catalogue(
    {name: a_service(name, objective=objective) for name, objective in (("a", 0.9), ("b", 1.0), ("c", 0.95))}
)


def a_history(hours: int = 48, start: str = "2023-01-31", **failed: int) -> History:
    """Each hour 90 ok and 10 rejected of every service, and so many timeouts: all in the last hour."""

    def counts(outcome: Outcome, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        made = np.full(hours, {Outcome.OK: 90, Outcome.REJECTED: 10}.get(outcome, 0), dtype=np.int64)
        made[hours - 1 :] += failed[name] * (outcome is Outcome.TIMEOUT)
        return made

    by = {(name, outcome): counts(outcome, name) for name in failed for outcome in Outcome}
    begins = int(datetime.fromisoformat(start).replace(tzinfo=ZONE).timestamp())
    return History(begins, by, np.zeros(hours * 60, dtype=np.int64), {}, "")


def test_months_are_those_of_the_calendar_and_each_has_its_own_budget() -> None:
    january, february = spending(a_history(a=240), CATALOGUE, ZONE)
    assert january == Spent("a", "2023-01", 0.9, 1.0, 0.9, 0.0)
    assert (february.month, february.official) == ("2023-02", 24 * 90 / (24 * 100 + 240))
    assert february.sli == pytest.approx(24 * 90 / (24 * 90 + 240))
    assert february.spent == pytest.approx(240 / (24 * 90 + 240) / 0.1)


def test_without_hours_calls_or_a_budget_there_is_nothing_to_spend() -> None:
    assert list(spending(a_history(hours=0, a=0), CATALOGUE, ZONE)) == []
    assert list(spending(a_history(b=7), CATALOGUE, ZONE)) == []


def test_the_worst_month_of_each_service_and_who_spent_most_first() -> None:
    found = worst(spending(a_history(a=24, c=48), CATALOGUE, ZONE))
    assert [(each.service, each.month) for each in found] == [("c", "2023-02"), ("a", "2023-02")]
    assert worst([]) == []
