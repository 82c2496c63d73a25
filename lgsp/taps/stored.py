"""Numbers of what is stored and forwarded: how long it took in all, and what was given up."""

from __future__ import annotations

from collections.abc import Iterable

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue, Service
from lgsp.model import Outcome, Transaction
from lgsp.taps.cells import Counter, Gauge, Histogram
from lgsp.taps.metrics import ProcessMetrics

DAYS = (1, 5, 30, 120, 600, 3_600, 14_400, 43_200, 86_400)
"""Seconds: the pauses between tries, and the maximum age."""
CALLS = ("delivered", "failed", "given_up", "withdrawn")
_ANSWERED = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT})


class StoredMetrics:
    """A tap of the forwarder, and its watch of what is parked."""

    def __init__(self, process: ProcessMetrics, services: Iterable[Service]) -> None:
        registry = process.registry
        self._took = Histogram(
            "lgsp_delivery_duration_seconds",
            "From acceptance to outcome of what was stored.",
            ("service", "result"),
            buckets=DAYS,
            registry=registry,
        )
        self._parked = Gauge(
            "lgsp_parked_transactions", "Given up, with their bodies kept.", ("service",), registry=registry
        )
        callbacks = Counter(
            "lgsp_callbacks_total", "Tries to tell a consumer that something ended.", ("result",), registry=registry
        )
        self._callbacks = {result: callbacks.labels(result) for result in CALLS}
        self._known: frozenset[str] = frozenset()
        self.prepare(Catalogue({service.id: service for service in services}))()

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: every label set of what is new; those of what is gone stay."""
        names = frozenset(service.id for service in new) | self._known
        for name in names - self._known:
            self._parked.labels(name)
            for result in ("ok", "error"):
                self._took.labels(name, result)

        def commit() -> None:
            self._known = names

        return commit

    def saw(self, transaction: Transaction) -> None:
        """Note a stored transaction that has ended."""
        service = transaction.request.service
        if service in self._known:
            result = "ok" if transaction.outcome in _ANSWERED else "error"
            self._took.labels(service, result).observe(transaction.seconds)

    def callback(self, result: str) -> None:
        """A try was taken or failed, or a call was given up or withdrawn."""
        self._callbacks[result].inc()

    def parked(self, service: str, count: int) -> None:
        """So many are parked now."""
        if service in self._known:
            self._parked.labels(service).set(count)
