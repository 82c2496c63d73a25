"""What one sees at a glance: the state of a service, the worst first, what is left of its budget and whose fault it is.

Pure functions of numbers: the console draws what they say, and its twins in JSON and CSV say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lgsp.ledger.row import OUTCOME_CODE
from lgsp.model import Outcome
from lgsp.taps.pulse import Counts, Vital, bad, counted

PAGE = 14.4
"""The burn rate that pages somebody: at 1 the budget of a month is gone at its end."""
ENOUGH = 20
"""Calls within five minutes below which a share says little."""
SOME = 3
"""Failures below which it is chance."""
MONTH = 30 * 86_400.0
_BLAMED = (Outcome.BUS_ERROR, Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.PROVIDER_ERROR)


class State(StrEnum):
    """How a service does, the worst first."""

    DOWN = "down"
    """Every call of the last minute that counts has failed."""
    BURNING = "burning"
    """It burns its budget so fast that somebody is paged."""
    BELOW = "below"
    """Below its own objective."""
    FEW = "few"
    """Failures, of too few calls to say more."""
    WELL = "well"
    QUIET = "quiet"
    """Nobody called it for five minutes: that is no good news, and no bad one."""
    OFF = "off"
    """Disabled in the catalogue."""


GLYPHS: Mapping[State, str] = {
    State.DOWN: "✖",
    State.BURNING: "▲",
    State.BELOW: "▽",
    State.FEW: "◇",
    State.WELL: "●",
    State.QUIET: "○",
    State.OFF: "□",
}
"""A shape for each, so that colour never speaks alone."""
_RANK = {state: rank for rank, state in enumerate(State)}


def state_of(vital: Vital, objective: float, *, disabled: bool = False) -> State:
    """The state of a service with that objective."""
    if disabled:
        return State.OFF
    calls, failed = counted(vital.five), bad(vital.five)
    if not calls:
        return State.QUIET
    if failed >= SOME and counted(vital.minute) == bad(vital.minute) >= SOME:
        return State.DOWN
    if calls < ENOUGH or failed < SOME:
        return State.FEW if failed and calls < ENOUGH else State.WELL
    share = failed / calls
    if share > PAGE * (1 - objective):
        return State.BURNING
    return State.BELOW if share > 1 - objective else State.WELL


def sli(counts: Counts) -> float | None:
    """1 - what burns a budget / all that counts; `None` where nothing counts."""
    calls = counted(counts)
    return 1 - bad(counts) / calls if calls else None


def official(counts: Counts) -> int:
    """How many are official successes: answered, or with a well-formed no."""
    return counts[OUTCOME_CODE[Outcome.OK]] + counts[OUTCOME_CODE[Outcome.BUSINESS_FAULT]]


def blamed(counts: Counts) -> Outcome | None:
    """The outcome that burns most of the budget; `None` where nothing does. Of two alike the bus's own is named."""
    most = max(_BLAMED, key=lambda outcome: counts[OUTCOME_CODE[outcome]])
    return most if counts[OUTCOME_CODE[most]] else None


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a month's error budget, as a ratio (below 0: overdrawn), and how long it lasts at this pace, seconds."""

    left: float | None = None
    """`None` where nothing has counted this month."""
    lasts: float | None = None
    """`None` where it never ends at the pace of the last hour."""


def budget_of(month: Counts, objective: float, hour_counted: int, hour_bad: int) -> Budget:
    """The budget of a service with that objective, by this month's counts and the last hour's."""
    calls, allowed = counted(month), 1 - objective
    if not calls or allowed <= 0:
        return Budget()
    left = round(1 - bad(month) / calls / allowed, 9)
    if left <= 0:
        return Budget(left, 0.0)
    burn = hour_bad / hour_counted / allowed if hour_counted else 0.0
    return Budget(left, left * MONTH / burn if burn > 0 else None)


@dataclass(frozen=True, slots=True)
class Line:
    """One service as the table shows it."""

    service: str
    state: State
    vital: Vital
    sli: float | None
    objective: float
    budget: Budget
    blamed: Outcome | None
    open: int
    """Accepted and without an outcome yet."""
    year: int
    """Ended this year, by the ledger."""


def line_of(
    service: str, vital: Vital, objective: float, month: Counts, *, open_now: int, year: int, disabled: bool
) -> Line:
    """What its numbers mean."""
    return Line(
        service=service,
        state=state_of(vital, objective, disabled=disabled),
        vital=vital,
        sli=sli(vital.five),
        objective=objective,
        budget=budget_of(month, objective, vital.hour_counted, vital.hour_bad),
        blamed=blamed(vital.five),
        open=open_now,
        year=year,
    )


def worst_first(lines: Iterable[Line]) -> list[Line]:
    """The lines by state, then by budget left; what is alike stays in its order, so that rows do not dance."""
    return sorted(lines, key=lambda line: (_RANK[line.state], _left(line)))


def _left(line: Line) -> float:
    """The budget left in whole percent; where it is unknown, as if it were whole."""
    return round(line.budget.left if line.budget.left is not None else 1.0, 2)
