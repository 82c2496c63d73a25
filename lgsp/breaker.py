"""When to stop asking what fails, and when to try it again: a service at the gateway, a real provider at its connector.

closed -- 5 failures running, or half of 20 in 10 s --> open -- its pause is over --> probing -- the probe is well --> closed
                                                         ^                                |
                                                         └---- it fails: a longer pause --┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

WINDOW = 10.0
"""Seconds that recent calls are remembered."""
PROBE_LASTS = 60.0
"""A probe that has not ended by then is given up, and the next call is one."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When a breaker opens, and for how many seconds.

    It opens after so many `failures` running, or where at least this `share` of at least so many `calls` within the
    last seconds failed. `pause` is the first one; each probe that fails doubles it, up to `longest_pause`.
    """

    failures: int = 5
    share: float = 0.5
    calls: int = 20
    pause: float = 5.0
    longest_pause: float = 60.0


USUAL = Terms()


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
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody would like to call."""


@dataclass(frozen=True, slots=True)
class Ended:
    """So many calls that were admitted in `turn` ended; `failed` is `None` where they were given up and say nothing.

    `stale`: one that was sent later had ended well by then. It counts among the recent, and not as one more running.
    """

    turn: int
    failed: bool | None
    calls: int = 1
    stale: bool = False


def decide(breaker: Breaker, event: Asked | Ended, now: float, terms: Terms = USUAL) -> tuple[Breaker, bool]:
    """The breaker after an event, and whether the call that was asked for may go (in the new breaker's turn)."""
    if isinstance(event, Asked):
        return _asked(breaker, now)
    if event.turn != breaker.turn or breaker.phase == "open":
        return breaker, False
    if breaker.phase == "probing":
        return _probed(breaker, event, now, terms), False
    return (breaker if event.failed is None else _counted(breaker, event, now, terms)), False


def _asked(breaker: Breaker, now: float) -> tuple[Breaker, bool]:
    if breaker.phase == "closed":
        return breaker, True
    if now < breaker.until:
        return breaker, False
    return replace(breaker, phase="probing", turn=breaker.turn + 1, until=now + PROBE_LASTS), True


def _probed(breaker: Breaker, probe: Ended, now: float, terms: Terms) -> Breaker:
    if probe.failed is False:
        return Breaker(turn=breaker.turn + 1)
    if probe.failed is None:  # nothing was learnt: the next call is the probe
        return replace(breaker, phase="open", until=now)
    pause = min(2 * breaker.pause, terms.longest_pause)
    return replace(breaker, phase="open", pause=pause, until=now + pause)


def _counted(breaker: Breaker, event: Ended, now: float, terms: Terms) -> Breaker:
    running = breaker.running if event.stale else breaker.running + event.calls
    recent = _with(breaker.recent, event, now)
    calls, failures = sum(part[1] for part in recent), sum(part[2] for part in recent)
    if event.failed and (running >= terms.failures or (calls >= terms.calls and failures >= terms.share * calls)):
        return Breaker("open", breaker.turn + 1, until=now + terms.pause, pause=terms.pause)
    return replace(breaker, running=running if event.failed else 0, recent=recent)


def _with(recent: tuple[tuple[int, int, int], ...], event: Ended, now: float) -> tuple[tuple[int, int, int], ...]:
    second = int(now)
    failures = event.calls if event.failed else 0
    kept = tuple(part for part in recent if part[0] > now - WINDOW)
    if kept and kept[-1][0] == second:
        _, calls, failed = kept[-1]
        return (*kept[:-1], (second, calls + event.calls, failed + failures))
    return (*kept, (second, event.calls, failures))


class Circuit:
    """A breaker in use. A call that goes well while nothing fails costs it one addition."""

    __slots__ = ("_breaker", "_good", "_second", "_well_since", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._breaker = Breaker()
        self._good = 0  # calls of this second that ended well and are not told to the breaker yet
        self._second = 0
        self._well_since = 0.0

    def __repr__(self) -> str:
        return f"<Circuit {self._breaker.phase}>"

    @property
    def is_open(self) -> bool:
        """Whether calls are held back, but for a probe."""
        return self._breaker.phase != "closed"

    def opens_in(self, now: float) -> float:
        """Seconds until another call may go; 0 when it may, and a guess while a probe is out."""
        wait = max(0.0, self._breaker.until - now) if self.is_open else 0.0
        return wait if self._breaker.phase == "open" else min(wait, self.terms.pause)  # a probe ends long before

    def admit(self, now: float) -> int | None:
        """The turn of a call that may go; `None` when it may not."""
        if self._breaker.phase == "closed":
            return self._breaker.turn
        self._breaker, goes = decide(self._breaker, Asked(), now, self.terms)
        return self._breaker.turn if goes else None

    def ended(self, turn: int, now: float, *, failed: bool | None, began: float) -> bool:
        """Note how a call ended that was admitted at `began`; whether that opened or closed the circuit."""
        if failed is False:
            self._well_since = max(self._well_since, began)
            if self._breaker.phase == "closed" and turn == self._breaker.turn and not self._breaker.running:
                if int(now) != self._second:
                    self._tell_good()
                    self._second = int(now)
                self._good += 1
                return False
        self._tell_good()
        was_open = self.is_open
        event = Ended(turn, failed, stale=began < self._well_since)
        self._breaker, _ = decide(self._breaker, event, now, self.terms)
        return self.is_open != was_open

    def _tell_good(self) -> None:
        if self._good:
            good = Ended(self._breaker.turn, failed=False, calls=self._good)
            self._breaker, _ = decide(self._breaker, good, float(self._second), self.terms)
            self._good = 0
