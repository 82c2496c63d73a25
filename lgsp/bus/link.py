"""The connection to RabbitMQ that comes back by itself, and the channels on it, fast where that can be had."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import aio_pika
import aiormq
import aiormq.abc
import structlog
from aio_pika.exceptions import AuthenticationError, ProbableAuthenticationError

from lgsp.bus.channel import Channel, Owner
from lgsp.bus.errors import GONE
from lgsp.bus.lane import LaneChannel
from lgsp.bus.plain import PlainChannel
from lgsp.bus.relay import LaneConnection, Relay, with_relay
from lgsp.bus.secure import context
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable
from lgsp.trust import has_hung_up, what_is_wrong

log = structlog.get_logger()
HEARTBEAT = 10
_FILLERS, _AT_A_TIME = 20_000, 100  # a queue's policy holds 1,000

# These print whole frames, bodies included, when they are asked for details.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Link:
    """One robust connection. `on_change` is told when it comes or goes, and when an alarm of the broker changes.

    `heartbeat` is in seconds. `lane` false: plain channels, whatever could be had.
    """

    def __init__(
        self,
        url: str,
        name: str,
        clock: Clock,
        *,
        retry: float,
        on_change: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        heartbeat: int = HEARTBEAT,
        lane: bool = True,
    ) -> None:
        self._url = url
        self._name = name
        self._clock = clock
        self._user = unquote(urlsplit(url).username or "guest")
        self._retry = retry
        self._on_change = on_change
        self._spawn = spawn
        self._heartbeat = heartbeat
        self._lane = lane
        self._connection: aio_pika.RobustConnection | None = None
        self._looker: aiormq.abc.AbstractChannel | None = None
        self._looking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Link of {self._name}, {'up' if self.is_up else 'down'}, {self._relay or 'plain'}>"

    @property
    def user(self) -> str:
        """Who we are to the broker."""
        return self._user

    @property
    def is_up(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._connection is not None and self._connection.connected.is_set()

    @property
    def is_blocked(self) -> bool:
        """Whether the broker takes nothing because of an alarm, as far as can be seen."""
        return self._relay is not None and self._relay.blocked

    @property
    def _relay(self) -> Relay | None:
        return self._connection.relay if isinstance(self._connection, LaneConnection) else None

    async def open(self) -> None:
        """Connect. Raises `BusUnavailable` that says what is wrong: not there, or not let in."""
        kind = with_relay(self._heartbeat / 2, self._on_change) if self._lane else aio_pika.RobustConnection
        try:
            self._connection = await aio_pika.connect_robust(
                self._url,
                timeout=5,
                heartbeat=self._heartbeat,
                fail_fast=1,
                reconnect_interval=self._retry,
                client_properties={"connection_name": f"lgsp {self._name}"},
                connection_class=kind,
                ssl_context=context(self._url),
            )
        except (AuthenticationError, ProbableAuthenticationError) as error:
            raise BusUnavailable(
                "bus_unavailable",
                f"the broker at {without_password(self._url)} does not let us in: check user, password and vhost",
            ) from error
        except (*GONE, TimeoutError) as error:
            raise BusUnavailable("bus_unavailable", absent(self._url, error)) from error
        if self._lane and self._relay is None:
            log.warning(
                "fast lane not attached", name=self._name, why="this aiormq or aio-pika does not offer its place"
            )
        self._connection.close_callbacks.add(self._went)
        self._connection.reconnect_callbacks.add(self._came)
        self._on_change()

    def _went(self, *_: object) -> None:
        log.warning("broker connection lost", name=self._name)
        self._on_change()

    def _came(self, *_: object) -> None:
        log.info("broker connection back", name=self._name)
        self._on_change()

    async def channel(self, owner: Owner, *, confirms: bool = False, prefetch: int = 0) -> Channel:
        """A new channel on the connection as it stands: hot before anything is consumed on it, or plain.

        Raises one of `GONE` when the connection is not there.
        """
        connection, relay = self._connection, self._relay
        if connection is None or connection.transport is None:
            raise ConnectionError("the connection is closed")
        # A plain channel acknowledges when the reply is confirmed, and so has confirms always.
        raw = await connection.transport.connection.channel(publisher_confirms=confirms or relay is None)
        await raw.basic_qos(prefetch_count=prefetch)
        if relay is not self._relay or (relay is not None and relay.is_lost):
            raise ConnectionError("the connection was lost while a channel was opened")
        if relay is None:
            return PlainChannel(raw, owner, self._clock, self._user, self._spawn)
        return LaneChannel(raw, owner, self._clock, self._user, relay, confirms=confirms)

    async def consumers(self, queue: str) -> int | None:
        """How many consume from a queue; `None` when there is no such queue."""
        if self._connection is None or self._connection.transport is None:
            return None
        # A failed look costs the channel it was asked on, so this one does nothing else. It is aiormq's own, since each
        # channel of aio-pika leaves two observers behind on its connection, for as long as that lives.
        async with self._looking:
            try:
                connection = self._connection.transport.connection
                if self._looker is None or self._looker.is_closed or self._looker.connection is not connection:
                    self._looker = await connection.channel(publisher_confirms=False)
                found = await self._looker.queue_declare(queue, passive=True)
            except GONE:
                return None
        return found.consumer_count

    async def fill(self, exchange: str, key: str, seconds: float) -> None:
        """Publish empty messages that expire after `seconds` until the broker refuses one, or `_FILLERS` are there."""
        if self._connection is None or self._connection.transport is None:
            return
        channel = await self._connection.transport.connection.channel(publisher_confirms=True)
        try:
            properties = aiormq.spec.Basic.Properties(
                expiration=str(max(1, int(seconds * 1_000))), user_id=self._user, app_id="lgsp fault"
            )
            for _ in range(0, _FILLERS, _AT_A_TIME):
                publish = (
                    channel.basic_publish(
                        b"", exchange=exchange, routing_key=key, properties=properties, mandatory=True
                    )
                    for _ in range(_AT_A_TIME)
                )
                if any(
                    isinstance(done, BaseException) for done in await asyncio.gather(*publish, return_exceptions=True)
                ):
                    return
        finally:
            with suppress(*GONE):
                await channel.close()

    async def close(self) -> None:
        """Close, or give up after 5 s."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close_callbacks.discard(self._went)
            with suppress(*GONE, TimeoutError):
                async with asyncio.timeout(5):
                    await connection.close()


def absent(url: str, error: BaseException) -> str:
    """Why there is no connection to the address, in words."""
    wrong = what_is_wrong(error)
    if wrong:
        return f"the broker at {without_password(url)} is not connected to: {wrong}"
    hint = "; perhaps it does not take our certificate, or wants one" if _may_want_one(url, error) else ""
    return f"no broker answers at {without_password(url)} ({type(error).__name__}: {error}){hint}"


def _may_want_one(url: str, error: BaseException) -> bool:
    return url.startswith("amqps:") and has_hung_up(error)


def without_password(url: str) -> str:
    """An address for people: no secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
