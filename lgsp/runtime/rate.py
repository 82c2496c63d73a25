"""How often one may ask: so many at a time, refilled evenly."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST = 10_000
"""So many callers are told apart; more do not come from one catalogue of consumers."""
_SLACK = 0.01
"""Part of one call's time: seconds since the epoch are no finer than a fraction of a microsecond."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller may still do: calls `left`, seconds until all are there again, and until one is (0: now)."""

    left: int
    full_in: float
    wait: float

    @property
    def passes(self) -> bool:
        """Whether this call is one of those it may make."""
        return self.wait == 0


@dataclass(slots=True)
class Rate:
    """A bucket for each caller: `burst` calls at once, `count` more in each `seconds`."""

    count: int
    seconds: float
    burst: int
    _spent: dict[str, float] = field(default_factory=dict)
    """The moment at which a caller's bucket is full again."""

    def ask(self, caller: str, now: float) -> Asked:
        """Count a call, where it may be made."""
        each = self.seconds / self.count
        full = max(self._spent.get(caller, now), now)
        over = full + each - now - self.burst * each
        if over > each * _SLACK:
            return Asked(0, full - now, over)
        if caller not in self._spent and len(self._spent) >= _MOST:
            self._spent = {name: moment for name, moment in self._spent.items() if moment > now}
        self._spent[caller] = full + each
        return Asked(max(0, int((self.burst * each - (full + each - now)) / each + _SLACK)), full + each - now, 0.0)
