"""Demo traffic: a scenario, lived through by calls of a gateway's own process."""

from __future__ import annotations

from dataclasses import dataclass

from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.dispatch import Dispatcher
from lgsp.edge.access import Access
from lgsp.edge.faults import fault_of
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.welcome import DEMO
from lgsp.model import Request, Transaction
from lgsp.taps.metrics import GatewayMetrics
from lgsp.traffic.driver import Driver, Mix, Send
from lgsp.traffic.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Traffic:
    """Demo traffic: a scenario, lived through `pace` times as fast."""

    scenario: Scenario
    pace: float

    @property
    def shares(self) -> dict[str, float]:
        """The services' parts, where the scenario has its own."""
        period = self.scenario.period
        return {name: load.share for name, load in period.loads.items()} if period else {}


def mix_of(catalogue: Catalogue, seed: int, traffic: Traffic | None) -> Mix:
    """Which call comes next; it follows the catalogue."""
    return Mix(catalogue, seed, traffic.shares if traffic else None)


async def demo(
    traffic: Traffic, dispatcher: Dispatcher, metrics: GatewayMetrics, mix: Mix, access: Access, clock: Clock
) -> None:
    """Call until cancelled, as the first consumer that behaves as those in the field do."""
    consumer = next((consumer.id for consumer in access.consumers() if consumer.behaviour == "field"), DEMO)
    pacer = traffic.scenario.pacer(traffic.scenario.moment(clock.now()), traffic.pace)
    send = _witnessed(dispatcher, metrics)
    await Driver(send, mix, pacer, clock, new_id=TransactionIds(clock), consumer=consumer).run()


def _witnessed(dispatcher: Dispatcher, metrics: GatewayMetrics) -> Send:
    """A way to send without HTTP that is counted as the edge counts: the ledger's witness sees every entrance."""

    async def send(request: Request) -> Transaction:
        transaction = await dispatcher.send(request)
        reply = transaction.reply
        status = reply.status if reply else fault_of(transaction.outcome, transaction.reason).status
        metrics.http("service", request.operation.partition(" ")[0], status)
        return transaction

    return send
