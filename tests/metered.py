"""A process with all its metrics, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from builders import a_reply, a_request, a_service, a_transaction
from prometheus_client.parser import text_string_to_metric_families

from lgsp.bus.base import Watch as BusWatch
from lgsp.catalogue.watch import Reload
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome, Transaction
from lgsp.taps.answering import (
    BothMetrics,
    ConnectorMetrics,
)
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics

SERVICES = [
    a_service("svc", owner="stp", tier="central", route="ndxp", objective=0.99, timeout=12.0),
    a_service("off", mode="disabled"),
]
Labels = frozenset[tuple[str, str]]
Values = dict[tuple[str, Labels], float]

INFO = {"service": "svc", "owner": "stp", "tier": "central", "route": "ndxp", "mode": "simulate"}


@dataclass
class Stage:
    """Everything in one process, as `lgsp up` has it."""

    process: ProcessMetrics
    ledger: MemoryLedger
    asking: GatewayMetrics
    answering: ConnectorMetrics
    both: BusWatch

    def values(self) -> Values:
        """Every sample of ours in the exposition."""
        families = text_string_to_metric_families(self.process.hold()().decode())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith("lgsp_")
        }

    def moved(self, act: Callable[[], object]) -> dict[str, float]:
        """By how much which samples moved, buckets aside, written as in the exposition."""
        before = self.values()
        act()
        after = self.values()
        assert before.keys() <= after.keys()
        return {
            written(*key): after[key] - before.get(key, 0.0)
            for key in after
            if after[key] != before.get(key, 0.0) and not key[0].endswith("_bucket")
        }


def written(name: str, labels: Labels) -> str:
    inside = ",".join(f"{label}={value}" for label, value in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name


def stage(bus: str = "rabbitmq") -> Stage:
    process = ProcessMetrics("0.1.0", bus)
    process.reloaded(Reload("services", 1_000.0))
    ledger = MemoryLedger(service.id for service in SERVICES)
    asking = GatewayMetrics(process, SERVICES, ledger, "gw1")
    answering = ConnectorMetrics(process, SERVICES, 64)
    return Stage(process, ledger, asking, answering, BothMetrics(asking, answering))


def value(made: Stage, name: str, **labels: str) -> float:
    return made.values()[name, frozenset(labels.items())]


def ended(outcome: Outcome, service: str = "svc", *, answered: bool = True) -> Transaction:
    request = a_request(service=service, body=b"x" * 300)
    reply = a_reply(request, body=b"y" * 20) if answered else None
    return a_transaction(outcome, request=request, reply=reply, started_at=1_000.0, seconds=0.25)


def difference(before: Values, after: Values) -> dict[str, float]:
    assert before.keys() == after.keys()
    return {written(*key): after[key] - before[key] for key in after if after[key] != before[key]}


def label_sets(values: Mapping[tuple[str, Labels], float], name: str) -> set[str]:
    return {written(*key).removeprefix(name) for key in values if key[0] == name}
