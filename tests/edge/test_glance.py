from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.edge.glance import (
    GLYPHS,
    MONTH,
    Budget,
    State,
    blamed,
    budget_of,
    line_of,
    official,
    sli,
    state_of,
    worst_first,
)
from lgsp.model import Outcome
from lgsp.taps.pulse import NOTHING, Counts, Vital, bad, counted


def counts(**of: int) -> Counts:
    return tuple(of.get(outcome, 0) for outcome in Outcome)


SOME = st.tuples(*(st.integers(0, 10_000) for _ in Outcome))


@pytest.mark.parametrize(
    ("five", "minute", "objective", "state"),
    [
        pytest.param(NOTHING, NOTHING, 0.97, State.QUIET, id="nobody called"),
        pytest.param(counts(rejected=90), NOTHING, 0.97, State.QUIET, id="callers' own mistakes are no traffic"),
        pytest.param(counts(ok=1), counts(ok=1), 0.97, State.WELL, id="one call, answered"),
        pytest.param(counts(business_fault=30), NOTHING, 0.97, State.WELL, id="a well-formed no is well"),
        pytest.param(counts(ok=3, timeout=1), counts(ok=3, timeout=1), 0.97, State.FEW, id="one of four is chance"),
        pytest.param(counts(timeout=2), counts(timeout=2), 0.97, State.FEW, id="two of two as well"),
        pytest.param(counts(timeout=3), counts(timeout=3), 0.97, State.DOWN, id="three of three are not"),
        pytest.param(counts(ok=900, unreachable=9), counts(unreachable=9), 0.97, State.DOWN, id="all of a minute"),
        pytest.param(counts(ok=900, unreachable=9), counts(ok=1, unreachable=9), 0.97, State.WELL, id="all but one"),
        pytest.param(counts(ok=500, timeout=15), NOTHING, 0.97, State.WELL, id="at its objective"),
        pytest.param(counts(ok=480, timeout=20), NOTHING, 0.97, State.BELOW, id="below it"),
        pytest.param(counts(ok=480, timeout=20), NOTHING, 0.95, State.WELL, id="another objective, another state"),
        pytest.param(counts(ok=60, bus_error=50), NOTHING, 0.97, State.BURNING, id="the budget burns"),
        pytest.param(counts(ok=960, timeout=144), NOTHING, 0.99, State.BELOW, id="just not fast enough to page"),
        pytest.param(counts(ok=100, timeout=2), NOTHING, 0.999, State.WELL, id="two failures are chance"),
    ],
)
def test_a_state_is_what_the_numbers_say(five: Counts, minute: Counts, objective: float, state: State) -> None:
    vital = Vital(five=five, minute=minute)
    assert state_of(vital, objective) is state
    assert state_of(vital, objective, disabled=True) is State.OFF


def test_every_state_has_a_shape_of_its_own() -> None:
    assert set(GLYPHS) == set(State)
    assert len(set(GLYPHS.values())) == len(State)


@given(SOME)
def test_the_two_figures_are_those_of_the_metrics(of: Counts) -> None:
    ok, no, rejected, provider, timeout, unreachable, bus = of
    assert official(of) == ok + no
    assert bad(of) == provider + timeout + unreachable + bus
    share = sli(of)
    assert (share is None) == (sum(of) == rejected)
    if share is not None:
        assert share == 1 - bad(of) / (sum(of) - rejected)


@pytest.mark.parametrize(
    ("of", "outcome"),
    [
        (NOTHING, None),
        (counts(ok=9, rejected=9, business_fault=9), None),
        (counts(timeout=1), Outcome.TIMEOUT),
        (counts(timeout=2, provider_error=3), Outcome.PROVIDER_ERROR),
        (counts(timeout=3, bus_error=3), Outcome.BUS_ERROR),
    ],
)
def test_the_largest_share_is_to_blame(of: Counts, outcome: Outcome | None) -> None:
    assert blamed(of) is outcome


@pytest.mark.parametrize(
    ("month", "hour", "budget"),
    [
        pytest.param(NOTHING, (0, 0), Budget(), id="nothing has counted"),
        pytest.param(counts(rejected=5), (0, 0), Budget(), id="nor does what callers did"),
        pytest.param(counts(ok=100), (100, 0), Budget(1.0, None), id="whole, and for ever"),
        pytest.param(counts(ok=98, timeout=2), (100, 2), Budget(0.5, MONTH / 2 / 0.5), id="half, at half the pace"),
        pytest.param(counts(ok=98, timeout=2), (0, 0), Budget(0.5, None), id="half, and nobody calls"),
        pytest.param(counts(ok=96, timeout=4), (100, 4), Budget(0.0, 0.0), id="spent"),
        pytest.param(counts(ok=92, timeout=8), (100, 0), Budget(-1.0, 0.0), id="overdrawn"),
    ],
)
def test_what_is_left_of_a_budget_and_how_long_it_lasts(month: Counts, hour: tuple[int, int], budget: Budget) -> None:
    found = budget_of(month, 0.96, *hour)
    assert found.left == (None if budget.left is None else pytest.approx(budget.left, abs=1e-9))
    assert found.lasts == (None if budget.lasts is None else pytest.approx(budget.lasts))


def a_line(service: str, month: Counts = NOTHING, **of: Counts) -> object:
    return line_of(service, Vital(**of), 0.97, month, open_now=0, year=sum(month), disabled=False)  # type: ignore[arg-type]


def test_the_worst_come_first_and_equals_stay_where_they_are() -> None:
    lines = [
        a_line("quiet"),
        a_line("well-b", counts(ok=100), five=counts(ok=100)),
        a_line("well-a", counts(ok=100), five=counts(ok=100)),
        a_line("poor", counts(ok=98, timeout=2), five=counts(ok=100)),
        a_line("down", counts(timeout=9), five=counts(timeout=9), minute=counts(timeout=9)),
        a_line("below", counts(ok=96, timeout=4), five=counts(ok=96, timeout=4)),
    ]
    found = [line.service for line in worst_first(lines)]  # type: ignore[arg-type]
    assert found == ["down", "below", "poor", "well-b", "well-a", "quiet"]


@given(st.lists(SOME, max_size=20))
def test_sorting_loses_nobody_and_knows_no_budget_that_is_no_number(all_of: list[Counts]) -> None:
    lines = [a_line(str(number), of, five=of) for number, of in enumerate(all_of)]
    found = worst_first(lines)  # type: ignore[arg-type]
    assert sorted(line.service for line in found) == sorted(str(number) for number in range(len(all_of)))
    ranks = [list(State).index(line.state) for line in found]
    assert ranks == sorted(ranks)
    assert all(line.budget.left is None or line.budget.left <= 1 for line in found)
    assert all(counted(line.vital.five) or line.state is State.QUIET for line in found)
