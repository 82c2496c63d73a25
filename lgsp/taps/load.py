"""Numbers of a load: what was asked for, what was achieved, and how late the load itself was."""

from __future__ import annotations

from collections.abc import Iterable

from lgsp.model import Outcome
from lgsp.taps.cells import Counter, Gauge, Histogram
from lgsp.taps.metrics import WHOLE, ProcessMetrics


class LoadMetrics:
    """Every label set from the start: the services that are asked, the outcomes that there are."""

    def __init__(self, process: ProcessMetrics, services: Iterable[str]) -> None:
        registry = process.registry
        requests = Counter("lgsp_load_requests_total", "Calls that ended.", ("service", "outcome"), registry=registry)
        took = Histogram(
            "lgsp_load_request_duration_seconds",
            "From the moment when a call was due to its end.",
            ("service",),
            buckets=WHOLE,
            registry=registry,
        )
        self._ended = {(name, outcome): requests.labels(name, str(outcome)) for name in services for outcome in Outcome}
        self._took = {name: took.labels(name) for name, _ in self._ended}
        self._target = Gauge("lgsp_load_target_rate", "Calls a second that are asked for.", registry=registry).labels()
        self._lag = Gauge(
            "lgsp_load_schedule_lag_seconds", "How late the last call of each second went.", registry=registry
        ).labels()
        self._users = Gauge("lgsp_load_users", "Users who ask and think in turn.", registry=registry).labels()

    def ended(self, service: str, outcome: Outcome, response: float) -> None:
        """A call ended, `response` seconds after it was due."""
        cell = self._ended.get((service, outcome))
        if cell is not None:
            cell.inc()
            self._took[service].observe(response)

    def stands(self, *, rate: float, lag: float, users: int) -> None:
        """What is asked for now, and how late the last call went."""
        self._target.set(rate)
        self._lag.set(lag)
        self._users.set(users)
