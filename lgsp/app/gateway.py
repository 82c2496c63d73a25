"""A gateway on a broker."""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog

from lgsp.app.account import account_of
from lgsp.app.broker import url_of
from lgsp.app.demo import Traffic
from lgsp.app.front import front_of
from lgsp.app.process import check, until_stopped
from lgsp.bus.control import RabbitControl
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.catalogue.live import Live, Plan
from lgsp.catalogue.service import Catalogue
from lgsp.settings import Settings

log = structlog.get_logger()


async def gateway(settings: Settings, *, traffic: Traffic | None = None) -> None:
    """A gateway on a broker, with demo traffic where that is wanted."""
    check(settings)
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(account_of(settings, "rabbitmq"))
        bus = RabbitBus(url_of(settings), settings.name, account.clock, account.metrics, answerers=settings.answerers)
        dispatcher = await stack.enter_async_context(account.dispatcher(bus))
        await stack.enter_async_context(bus)
        control = await stack.enter_async_context(RabbitControl(url_of(settings), settings.name))
        front = await stack.enter_async_context(
            front_of(account, dispatcher, bus, control, traffic, problems=bus.problems)
        )
        live = Live(account.catalogue, front.takers, _nothing_to_make)
        said = {
            "name": settings.name,
            "url": front.edge.url,
            "admin": front.admin.url,
            "services": len(account.catalogue),
        }
        jobs = [*front.jobs, account.services.run(live.take)]
        await until_stopped(jobs, lambda: log.info("gateway ready", **said))


async def _nothing_to_make(_new: Catalogue, _changes: Plan) -> None:
    """A gateway makes nothing on the broker: queues are somebody's who provisions."""
