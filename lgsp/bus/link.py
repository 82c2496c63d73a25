"""One connection to RabbitMQ that comes back by itself, and its errors in our words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)

from lgsp.errors import BusUnavailable, Unroutable

log = structlog.get_logger()
T = TypeVar("T")

# These print whole frames, bodies included, when they are asked for details.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

GONE = (AMQPError, ChannelInvalidStateError, ConnectionError, OSError, RuntimeError)
"""What aio-pika raises when the connection or channel under a call is not there."""


class Link:
    """A robust connection for one purpose (`publish` or `consume`), and the channels on it, strongly held."""

    def __init__(self, url: str, component: str, name: str, *, retry: float, on_change: Any) -> None:  # noqa: ANN401 - (component, up) -> None
        self._url = url
        self._component = component
        self._name = name
        self._retry = retry
        self._on_change = on_change
        self._connection: AbstractRobustConnection | None = None
        self._channels: list[AbstractRobustChannel] = []

    def __repr__(self) -> str:
        return f"<Link {self._component} of {self._name}, {'up' if self.is_up else 'down'}>"

    @property
    def is_up(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._connection is not None and self._connection.connected.is_set()

    async def open(self) -> None:
        """Connect. Raises `BusUnavailable` that says what is wrong: not there, or not let in."""
        try:
            self._connection = await aio_pika.connect_robust(
                self._url,
                timeout=5,
                heartbeat=10,
                fail_fast=1,
                reconnect_interval=self._retry,
                client_properties={"connection_name": f"lgsp {self._name} {self._component}"},
            )
        except (AuthenticationError, ProbableAuthenticationError) as error:
            raise BusUnavailable(
                "bus_unavailable",
                f"the broker at {without_password(self._url)} does not let us in: check user, password and vhost",
            ) from error
        except (*GONE, TimeoutError) as error:
            raise BusUnavailable(
                "bus_unavailable",
                f"no broker answers at {without_password(self._url)} ({type(error).__name__}: {error})",
            ) from error
        self._connection.close_callbacks.add(self._went)
        self._connection.reconnect_callbacks.add(self._came)
        self._on_change(self._component, up=True)

    def _went(self, *_: object) -> None:
        self._on_change(self._component, up=False)
        log.warning("broker connection lost", component=self._component, name=self._name)

    def _came(self, *_: object) -> None:
        self._on_change(self._component, up=True)
        log.info("broker connection back", component=self._component, name=self._name)

    async def channel(self, *, confirms: bool = False, prefetch: int = 0) -> AbstractRobustChannel:
        """A channel that comes back with its connection, its queues and its consumers."""
        if self._connection is None:
            raise BusUnavailable("shutting_down", "the connection is closed")
        channel = await self._connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        if prefetch:
            await channel.set_qos(prefetch_count=prefetch)
        self._channels.append(channel)  # aio-pika itself holds its channels weakly
        return channel

    async def consumers(self, queue: str) -> int | None:
        """How many consume from a queue; `None` when there is no such queue."""
        if self._connection is None:
            return None
        # A failed look costs the channel it was asked on: a throw-away one.
        channel = aio_pika.Channel(self._connection)
        try:
            await channel.initialize()
            found = await channel.declare_queue(queue, passive=True)
        except GONE:
            return None
        finally:
            with suppress(*GONE):
                await channel.close()
        return found.declaration_result.consumer_count

    async def close(self) -> None:
        """Close, or give up after 5 s."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close_callbacks.discard(self._went)
            with suppress(*GONE, TimeoutError):
                async with asyncio.timeout(5):
                    await connection.close()
        self._channels.clear()


async def in_our_words(publish: Awaitable[T], what: str) -> T:
    """Await a publish; what aio-pika raises becomes `Unroutable` or `BusUnavailable` with its reason.

    aio-pika can raise a cancellation that nobody asked for when the connection dies under a publish: then the broker
    may or may not have the message.
    """
    try:
        return await publish
    except PublishError as error:
        raise Unroutable("unroutable", f"nobody serves {what}") from error
    except DeliveryError as error:
        raise BusUnavailable("overloaded", f"the broker refused a message for {what}: queue full") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable("unconfirmed", f"the connection was lost while publishing to {what}") from error
    except TimeoutError as error:
        raise BusUnavailable("unconfirmed", f"the broker did not confirm a message for {what} in time") from error
    except GONE as error:
        raise BusUnavailable("bus_unavailable", f"no connection to the broker for {what}") from error


def without_password(url: str) -> str:
    """An address for people: no secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
