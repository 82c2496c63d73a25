"""The account in memory: exact while the process lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from lgsp.clock import Clock, SystemClock
from lgsp.ledger.base import Standing
from lgsp.ledger.periods import Period, Periods
from lgsp.model import Outcome, Request, Transaction


class MemoryLedger:
    """Counts in dictionaries; what is open is known by id, so an outcome is written once."""

    backend = "memory"

    def __init__(self, services: Iterable[str], clock: Clock | None = None, *, zone: str = "UTC") -> None:
        self._clock = clock or SystemClock()
        self.zone = zone
        known = list(services)
        self._totals = {(service, outcome): 0 for service in known for outcome in Outcome}
        self._accepted = dict.fromkeys(known, 0)
        self._open: dict[str, str] = {}
        self._periods = Periods(zone)
        self._periods.begin(self._clock.now(), self._totals, lambda _: {})
        self.duplicates = 0
        """Second outcomes that were refused."""

    def __repr__(self) -> str:
        return f"<MemoryLedger {sum(self._accepted.values())} accepted, {len(self._open)} open>"

    async def open(self, request: Request) -> None:
        """Accept at once."""
        self._accepted[request.service] = self._accepted.get(request.service, 0) + 1
        self._open[request.id] = request.service

    async def close(self, transaction: Transaction) -> bool:
        """Write the outcome of what is open; anything else is a second outcome."""
        service = self._open.pop(transaction.request.id, None)
        if service is None:
            self.duplicates += 1
            return False
        if (ended := transaction.started_at + transaction.seconds) >= self._periods.ends:
            self._periods.turn(ended, self._totals)
        key = (service, transaction.outcome)
        self._totals[key] = self._totals.get(key, 0) + 1
        return True

    def totals(self) -> Mapping[tuple[str, Outcome], int]:
        """Transactions ended, by service and outcome; zero where none did."""
        return self._totals

    def accepted(self) -> Mapping[str, int]:
        """Transactions accepted, by service."""
        return self._accepted

    def still_open(self) -> Mapping[str, int]:
        """Transactions without an outcome yet, by service."""
        counts = dict.fromkeys(self._accepted, 0)
        for service in self._open.values():
            counts[service] += 1
        return counts

    def periods(self) -> Mapping[tuple[str, Outcome, Period], int]:
        """Transactions ended today, this month and this year."""
        return self._periods.counts(self._clock.now(), dict(self._totals))

    def standing(self) -> Standing:
        """Nothing waits, and there is nothing to sign."""
        return Standing(sequence=sum(self._totals.values()))

    def problems(self) -> list[str]:
        """None: memory has room, or the process is gone."""
        return []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
