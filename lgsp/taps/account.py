"""What the ledger counts and what the services are, as metrics.

The counts of transactions are the ledger's own, rendered at scrape time: there is no second count to disagree with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lgsp.catalogue.service import Service
from lgsp.ledger.base import Ledger
from lgsp.ledger.periods import PERIODS
from lgsp.model import Outcome


class LedgerCollector(Collector):
    """The ledger's own totals as metrics."""

    def __init__(self, ledger: Ledger, name: str, services: Iterable[Service]) -> None:
        self._ledger = ledger
        self._name = name
        self.services = tuple(services)
        """Those that exist: they have a count, if 0. What is gone keeps the counts that it has."""
        self.take()

    def take(self) -> None:
        """Copy the counts in one moment: while a scrape is rendered the loop goes on, and accepted = ended + open must hold."""
        ledger = self._ledger
        self._taken = dict(ledger.totals()), dict(ledger.accepted()), dict(ledger.still_open())
        self._by_period = dict(ledger.periods())

    def collect(self) -> Iterator[Metric]:
        """What was taken, and where the ledger stands."""
        totals, accepts, opens = self._taken
        ended = CounterMetricFamily(
            "lgsp_transactions", "Transactions that ended, by outcome.", labels=("service", "outcome")
        )
        none = {(service.id, outcome): 0 for service in self.services for outcome in Outcome}
        for (service, outcome), count in (none | totals).items():
            ended.add_metric((service, str(outcome)), count)
        yield ended
        zero = {service.id: 0 for service in self.services}
        accepted = CounterMetricFamily("lgsp_transactions_accepted", "Transactions accepted.", labels=("service",))
        for service, count in (zero | accepts).items():
            accepted.add_metric((service,), count)
        yield accepted
        still_open = GaugeMetricFamily(
            "lgsp_open_transactions", "Accepted, without an outcome yet.", labels=("service",)
        )
        for service, count in (zero | opens).items():
            still_open.add_metric((service,), count)
        yield still_open
        info = GaugeMetricFamily("lgsp_ledger_info", "Which account these are.", labels=("ledger", "backend", "zone"))
        info.add_metric((self._name, self._ledger.backend, self._ledger.zone), 1)
        yield info
        yield self._periods(none)
        yield from self._standing()

    def _periods(self, none: Mapping[tuple[str, Outcome], int]) -> Metric:
        family = GaugeMetricFamily(
            "lgsp_ledger_period_transactions",
            "Transactions that ended in the period.",
            labels=("service", "outcome", "period"),
        )
        zero = {(service, outcome, period): 0 for service, outcome in none for period in PERIODS}
        for (service, outcome, period), count in (zero | self._by_period).items():
            family.add_metric((service, str(outcome), period), count)
        return family

    def _standing(self) -> Iterator[Metric]:
        standing = self._ledger.standing()
        gauges = {
            "lgsp_ledger_last_sequence": ("The last row's number.", standing.sequence),
            "lgsp_ledger_queue_depth": ("Ended, not in the tables yet.", standing.waiting),
            "lgsp_ledger_lag_seconds": ("How long the first of them waits.", standing.lag),
            "lgsp_ledger_checkpoint_sequence": ("The row up to which it is signed.", standing.checkpoint),
            "lgsp_ledger_checkpoint_root_prefix": ("48 bits of the chain's root there.", standing.root),
            "lgsp_ledger_last_verified_timestamp_seconds": ("Last verification; 0 is never.", standing.verified_at),
            "lgsp_ledger_verify_failed": ("1 when it found something.", float(standing.verify_failed)),
        }
        for name, (says, value) in gauges.items():
            yield GaugeMetricFamily(name, says, value=value)
        yield CounterMetricFamily("lgsp_ledger_write_errors", "Commits that failed.", value=standing.write_errors)
        yield CounterMetricFamily(
            "lgsp_ledger_duplicates", "Second outcomes that were refused.", value=self._ledger.duplicates
        )

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the names are in no other collector."""
        return iter(())


class FactsCollector(Collector):
    """What the services are, of those that exist."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services = tuple(services)

    def collect(self) -> Iterator[Metric]:
        """The facts of each service."""
        objective = GaugeMetricFamily("lgsp_slo_objective_ratio", "The objective of a service.", labels=("service",))
        timeout = GaugeMetricFamily("lgsp_service_timeout_seconds", "How long the gateway waits.", labels=("service",))
        info = GaugeMetricFamily(
            "lgsp_service_info", "What a service is.", labels=("service", "owner", "tier", "route", "mode")
        )
        for service in self.services:
            objective.add_metric((service.id,), service.objective)
            timeout.add_metric((service.id,), service.timeout)
            info.add_metric((service.id, service.owner, service.tier, service.route, service.mode), 1)
        yield from (objective, timeout, info)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the names are in no other collector."""
        return iter(())
