"""The console of a gateway: where its numbers come from."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

from lgsp.app.account import Account
from lgsp.app.asking import Edge
from lgsp.edge.console import Console
from lgsp.edge.orders import Orders
from lgsp.edge.scene import Place, Scene
from lgsp.edge.search import Search


def console_of(
    account: Account, orders: Orders, edge: Edge, problems: Callable[[], list[str]]
) -> tuple[Console, Search]:
    """The console of a gateway, and its search."""
    settings, clock, catalogue, reader = account.settings, account.clock, account.catalogue, account.reader()
    place = Place(
        gateway=settings.name,
        url=edge.url,
        bus="rabbitmq" if settings.broker else "memory",
        version=importlib.metadata.version("lgsp"),
        consumers=lambda: {consumer.id: consumer.title for consumer in edge.access.consumers()},
    )
    scene = Scene(place, catalogue, account.ledger, account.pulse, orders, problems, clock)
    search = Search(reader, lambda: [service.id for service in catalogue], clock)
    return Console(scene, reader, settings.state, clock, account.metrics.watching, calm=settings.calm), search
