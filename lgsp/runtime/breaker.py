"""When to stop asking a provider that fails, and when to try it again.

closed -- 5 failures running, or half of 20 in 10 s --> open -- its pause is over --> probing -- the probe is well --> closed
                                                         ^                                |
                                                         └---- it fails: a longer pause --┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

RUNNING = 5
"""So many failures in a row open it."""
WINDOW, ENOUGH, PART = 10.0, 20, 0.5
"""So does this part of at least so many calls within so many seconds."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
PROBE_LASTS = 60.0
"""A probe that has not ended by then is given up, and the next call is one."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where a breaker stands.

    `turn` counts its changes: how a call ended that was admitted in an earlier turn says nothing about this one.
    `recent`: (second, calls, failures) of the last seconds. `until`: when a pause, or the patience with a probe, is over.
    """

    phase: Literal["closed", "open", "probing"] = "closed"
    turn: int = 0
    running: int = 0
    recent: tuple[tuple[int, int, int], ...] = ()
    until: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody would like to call."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that was admitted in `turn` ended; `failed` is `None` where it was given up and says nothing."""

    turn: int
    failed: bool | None


def decide(breaker: Breaker, event: Asked | Ended, now: float) -> tuple[Breaker, bool]:
    """The breaker after an event, and whether the call that was asked for may go (in the new breaker's turn)."""
    if isinstance(event, Asked):
        return _asked(breaker, now)
    if event.turn != breaker.turn or breaker.phase == "open":
        return breaker, False
    if breaker.phase == "probing":
        return _probed(breaker, event, now), False
    return (breaker if event.failed is None else _counted(breaker, failed=event.failed, now=now)), False


def _asked(breaker: Breaker, now: float) -> tuple[Breaker, bool]:
    if breaker.phase == "closed":
        return breaker, True
    if now < breaker.until:
        return breaker, False
    return replace(breaker, phase="probing", turn=breaker.turn + 1, until=now + PROBE_LASTS), True


def _probed(breaker: Breaker, probe: Ended, now: float) -> Breaker:
    if probe.failed is False:
        return Breaker(turn=breaker.turn + 1)
    if probe.failed is None:  # nothing was learnt: the next call is the probe
        return replace(breaker, phase="open", until=now)
    pause = min(2 * breaker.pause, LONGEST_PAUSE)
    return replace(breaker, phase="open", pause=pause, until=now + pause)


def _counted(breaker: Breaker, *, failed: bool, now: float) -> Breaker:
    running = breaker.running + 1 if failed else 0
    recent = _with(breaker.recent, failed=failed, now=now)
    calls, failures = sum(part[1] for part in recent), sum(part[2] for part in recent)
    if running >= RUNNING or (calls >= ENOUGH and failures >= PART * calls):
        return Breaker("open", breaker.turn + 1, until=now + FIRST_PAUSE)
    return replace(breaker, running=running, recent=recent)


def _with(recent: tuple[tuple[int, int, int], ...], *, failed: bool, now: float) -> tuple[tuple[int, int, int], ...]:
    second = int(now)
    kept = tuple(part for part in recent if part[0] > now - WINDOW)
    if kept and kept[-1][0] == second:
        _, calls, failures = kept[-1]
        return (*kept[:-1], (second, calls + 1, failures + failed))
    return (*kept, (second, 1, int(failed)))
