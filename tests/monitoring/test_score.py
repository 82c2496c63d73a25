from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.monitoring.drill import Window
from lgsp.monitoring.score import Raised, intervals, score

GRACE = 10.0
DOWN, BURN = "LGSPServiceDown", "LGSPErrorBudgetBurnFast"


def window(*, start: float = 100.0, end: float = 200.0, services: tuple[str, ...] = ("svc",)) -> Window:
    return Window("drill", "outage of svc", services, start, end, (DOWN,), (BURN,))


def fired(alert: str, start: float, service: str = "svc", severity: str = "page") -> Raised:
    return Raised(alert, severity, service, start, start + 5)


@pytest.mark.parametrize(
    ("raised", "delay", "false"),
    [
        ([], None, 0),
        ([fired(DOWN, 130)], 30.0, 0),
        ([fired(DOWN, 160), fired(DOWN, 130)], 30.0, 0),
        ([fired(DOWN, 99)], None, 0),  # it told of something else, before anything was to be judged
        ([fired(DOWN, 210)], 110.0, 0),  # within the grace
        ([fired(DOWN, 211)], None, 1),
        ([fired(DOWN, 130, "other")], None, 1),
        ([fired(DOWN, 130, "")], 30.0, 0),  # an alert of the whole bus
        ([fired(BURN, 130)], None, 0),  # allowed, and no detection
        ([fired("LGSPTargetDown", 130)], None, 1),
        ([fired("LGSPTargetDown", 130, severity="ticket")], None, 0),  # a ticket wakes nobody
    ],
)
def test_an_alert_tells_of_a_window_or_cries_without_one(raised: list[Raised], delay: float | None, false: int) -> None:
    judged = score([window()], raised, grace=GRACE)
    assert [verdict.delay for verdict in judged.verdicts] == [delay]
    assert len(judged.false) == false
    assert judged.is_clean == (delay is not None and not false)


def test_without_a_trouble_every_page_is_false() -> None:
    judged = score([], [fired(DOWN, 1), fired(BURN, 2)], grace=GRACE)
    assert (len(judged.false), judged.verdicts, judged.is_clean) == (2, (), False)


def test_another_name_for_a_page_is_heeded() -> None:
    assert score([], [fired(DOWN, 1, severity="critical")], grace=GRACE, page="critical").false


@pytest.mark.parametrize(
    ("times", "found"),
    [([], []), ([5.0], [(5, 5)]), ([1, 2, 3], [(1, 3)]), ([3, 1, 2], [(1, 3)]), ([1, 2, 9, 10], [(1, 2), (9, 10)])],
)
def test_a_pause_ends_an_alert(times: list[float], found: list[tuple[float, float]]) -> None:
    made = intervals([({"alertname": DOWN, "severity": "page", "service": "svc"}, times)], gap=2.0)
    assert [(each.start, each.end) for each in made] == found
    assert all((each.alert, each.severity, each.service) == (DOWN, "page", "svc") for each in made)


@given(st.lists(st.floats(0, 1_000), max_size=30), st.floats(0.5, 50))
def test_intervals_cover_every_moment_and_do_not_touch(times: list[float], gap: float) -> None:
    made = intervals([({}, times)], gap)
    assert all(any(each.start <= time <= each.end for each in made) for time in times)
    assert all(later.start - earlier.end > gap for earlier, later in pairwise(made))


@given(
    st.lists(
        st.tuples(st.sampled_from([DOWN, BURN]), st.floats(0, 400), st.sampled_from(["svc", "other", ""])), max_size=12
    ),
)
def test_a_page_is_false_exactly_when_no_window_explains_it(alerts: list[tuple[str, float, str]]) -> None:
    raised = [fired(alert, start, service) for alert, start, service in alerts]
    judged = score([window()], raised, grace=GRACE)
    explained = [each for each in raised if 100 <= each.start <= 210 and each.service != "other"]
    judgeable = [each for each in raised if each.start >= 100]
    assert len(judged.false) == len(judgeable) - len(explained)
    firsts = [each.start for each in explained if each.alert == DOWN]
    assert judged.verdicts[0].delay == (min(firsts) - 100 if firsts else None)
