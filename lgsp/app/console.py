"""The console of a gateway: where its numbers come from."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.access import Access
from lgsp.edge.console import Console
from lgsp.edge.orders import Orders
from lgsp.edge.scene import Place, Scene
from lgsp.edge.search import Search
from lgsp.ledger.base import Ledger
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.settings import Settings
from lgsp.taps.metrics import GatewayMetrics
from lgsp.taps.pulse import Pulse


def console_of(
    settings: Settings,
    metrics: GatewayMetrics,
    catalogue: Catalogue,
    ledger: Ledger,
    pulse: Pulse,
    orders: Orders,
    access: Access,
    url: str,
    problems: Callable[[], list[str]],
    clock: Clock,
) -> tuple[Console, Search]:
    """The console of the gateway at `url`, and its search."""
    reader = Reader(Files(settings.state, settings.name))
    place = Place(
        gateway=settings.name,
        url=url,
        bus="rabbitmq" if settings.broker else "memory",
        version=importlib.metadata.version("lgsp"),
        consumers=lambda: {consumer.id: consumer.title for consumer in access.consumers()},
    )
    scene = Scene(place, catalogue, ledger, pulse, orders, problems, clock)
    search = Search(reader, lambda: [service.id for service in catalogue], clock)
    return Console(scene, reader, settings.state, clock, metrics.watching, calm=settings.calm), search
