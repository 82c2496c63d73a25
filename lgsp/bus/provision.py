"""Exchanges, queues and bindings made over AMQP, where the broker's user may; policies need its management API."""

from __future__ import annotations

from collections.abc import Iterable

import aio_pika

from lgsp.bus import topology
from lgsp.bus.errors import GONE
from lgsp.bus.link import absent, without_password
from lgsp.bus.secure import context
from lgsp.errors import BusUnavailable
from lgsp.trust import what_is_wrong


async def provision(url: str, services: Iterable[str]) -> None:
    """Make what the services need, and leave what is there as it is.

    Raises `BusUnavailable` when the broker is not there, does not let us in, or has something else under one of the names.
    """
    document = topology.definitions(list(services), [], salt=b"none")
    try:
        connection = await aio_pika.connect(url, timeout=5, ssl_context=context(url))
        async with connection:
            channel = await connection.channel()
            for exchange in document["exchanges"]:
                await channel.declare_exchange(exchange["name"], exchange["type"], durable=True)
            for queue in document["queues"]:
                await channel.declare_queue(queue["name"], durable=True, arguments=queue["arguments"])
            for binding in document["bindings"]:
                queue = await channel.get_queue(binding["destination"], ensure=False)
                await queue.bind(binding["source"], routing_key=binding["routing_key"])
    except (*GONE, TimeoutError) as error:
        if what_is_wrong(error):
            raise BusUnavailable("bus_unavailable", absent(url, error)) from error
        raise BusUnavailable(
            "bus_unavailable",
            f"the broker at {without_password(url)} could not be provisioned ({type(error).__name__}: {error}): "
            "give a user that may configure, or import what `lgsp bus definitions` prints",
        ) from error
