"""What happens next to a stored request: one pure function of where it stands and what was seen.

stored --confirmed--> queued --begun--> executing --answered "retry"--> waiting --due--> stored ...
  |                     |                  |                              |
  +-- due: published again, under its next number -----------------------+--> after 8 such answers, or at its maximum age: given up
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lgsp.ledger.outbox import State, Stored
from lgsp.model import Outcome

PAUSES = (5.0, 30.0, 120.0, 600.0, 3_600.0)
"""Seconds before the next try after the first, second ... answer that asks for one; the last from then on."""
SPREAD = 0.2
ATTEMPTS = 8
UNTAKEN = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a message is published again that the bus did not take for certain."""
SILENCE = 600.0
"""A message that the bus has and nobody answers for so long is published again: its queue may have been deleted."""
RETRY = "retry"
"""The reason with which a connector asks for another try."""
_ANSWERED = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.REJECTED})


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The bus has publish `number` for good."""

    number: int


@dataclass(frozen=True, slots=True)
class Untaken:
    """The bus did not take publish `number`, or nobody knows."""

    number: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A connector is at publish `number`, and says so because it takes a while."""

    number: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A connector answered publish `number` (0: it does not say which)."""

    number: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """Its time has come, or passed."""


Event = Confirmed | Untaken | Begun | Answered | Due


class Step(Enum):
    """What is to be done. `END` and `PARK` are final: with its answer, or given up with its body kept."""

    NOTHING = "nothing"
    NOTE = "note"
    PUBLISH = "publish"
    END = "end"
    PARK = "park"
    EXPIRE = "expire"


def decide(standing: Stored, event: Event, now: float, chance: float) -> tuple[Stored, Step]:
    """Where it stands after `event`, and what is to be done. `chance`, from 0 to 1, spreads the pauses."""
    match event:
        case Confirmed() | Untaken() | Begun() if not _matters(standing, event):
            return standing, Step.NOTHING
        case Confirmed():
            return _until(standing, State.QUEUED, now + SILENCE), Step.NOTE
        case Untaken():
            pause = UNTAKEN[min(standing.publishes - standing.answered, len(UNTAKEN)) - 1]
            return _until(standing, State.STORED, now + pause * spread(chance)), Step.NOTE
        case Begun():
            return _until(standing, State.EXECUTING, now + SILENCE), Step.NOTE
        case Answered(_, outcome, reason) if reason != RETRY:
            return standing, Step.END if outcome in _ANSWERED else Step.PARK
        case Answered(number):
            return _again(standing, number or standing.publishes, now, chance)
        case Due():
            if now >= standing.expires:
                return standing, Step.EXPIRE
            if now < standing.due:
                return standing, Step.NOTHING
            return replace(standing, state=State.STORED, publishes=standing.publishes + 1, due=now), Step.PUBLISH


def _matters(standing: Stored, event: Confirmed | Untaken | Begun) -> bool:
    """Whether something is told of the last publish, and was not known."""
    if isinstance(event, Begun):
        return standing.state in {State.STORED, State.QUEUED} and event.number in {0, standing.publishes}
    return standing.state is State.STORED and event.number == standing.publishes


def spread(chance: float) -> float:
    """The factor by which a pause is longer or shorter."""
    return 1 + SPREAD * (2 * chance - 1)


def _again(standing: Stored, number: int, now: float, chance: float) -> tuple[Stored, Step]:
    if number <= standing.answered or number > standing.publishes:
        return standing, Step.NOTHING  # the same answer once more, or to nothing that was asked
    standing = replace(standing, attempts=standing.attempts + 1, answered=number)
    if standing.attempts >= ATTEMPTS:
        return standing, Step.PARK
    pause = PAUSES[min(standing.attempts, len(PAUSES)) - 1]
    return _until(standing, State.WAITING, now + pause * spread(chance)), Step.NOTE


def _until(standing: Stored, state: State, due: float) -> Stored:
    return replace(standing, state=state, due=min(due, standing.expires))
