"""The place where the fast lane is attached: between aiormq and its socket, through aiormq's own `transport_factory`.

socket --> relay --frames of hot channels--> the lane         messages and confirms
                 --all other frames--------> aiormq           as they came
socket <-------------------------------------both             whole frames each
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

import aio_pika
import aiormq
import aiormq.connection
import aiormq.exceptions
import structlog

from lgsp.bus import parser
from lgsp.bus.parser import Parser
from lgsp.bus.wire import HEARTBEAT, BadFrame
from lgsp.trust import what_is_wrong

log = structlog.get_logger()
_HIGH_WATER = 1_048_576  # some ticks' writes: below it a pause would be the normal case, and say nothing


class Hot(parser.Channel, Protocol):
    """A hot channel: it gets its frames, and is told of what happens to the connection under it."""

    def resumed(self) -> None:
        """The transport takes more again."""
        ...

    def lost(self) -> None:
        """The connection is gone, and everything that was under way on it."""
        ...


class Relay(asyncio.Protocol):
    """Stands before aiormq's protocol on one transport. `on_blocked` is told when an alarm of the broker changes.

    aiormq takes a connection for dead on which it gets no frame; RabbitMQ sends no heartbeat while it sends anything.
    So that a busy hot channel does not starve it, aiormq gets a heartbeat of our making at most every `life_sign`
    seconds, while data arrive and only then.
    """

    def __init__(
        self,
        behind: asyncio.Protocol,
        transport: asyncio.Transport,
        *,
        life_sign: float,
        on_blocked: Callable[[], None],
    ) -> None:
        self.transport = transport
        self.paused = False
        self.blocked = False
        self.is_lost = False
        self._behind = behind
        self._life_sign = life_sign
        self._on_blocked = on_blocked
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._told = self._now()
        self._parser = Parser(self._watch)
        self._hot: dict[int, Hot] = {}
        self._reading = False
        self._after: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        state = "lost" if self.is_lost else "blocked" if self.blocked else "paused" if self.paused else "open"
        return f"<Relay {state}, hot {sorted(self._hot)}>"

    @property
    def frame_max(self) -> int:
        """The size of a frame that was agreed on."""
        return self._parser.frame_max

    def heat(self, number: int, channel: Hot) -> None:
        """From now on the channel `number` is the lane's whole.

        Before anything is consumed on it: what aiormq is delivered, the next multiple ack would cover, unhandled.
        """
        self._hot[number] = channel
        self._parser.heat(number, channel)

    def cool(self, number: int) -> None:
        """What still arrives on channel `number` is aiormq's again."""
        self._hot.pop(number, None)
        self._parser.cool(number)

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` in the loop's next turn; behind everything that is woken by what is being read, if anything is."""
        if self._reading:
            self._after.append(work)
        else:
            self._loop.call_soon(work)

    def data_received(self, data: bytes) -> None:
        """From the socket. Bytes that are no AMQP end the connection: aio-pika makes a new one."""
        if self.is_lost:
            return
        self._reading = True
        try:
            cold = self._parser.feed(data)
        except BadFrame as error:
            log.error("connection given up", why=f"the broker sent what is no AMQP: {error}")  # noqa: TRY400 - the bytes are not ours
            self._lose()
            self.transport.abort()
            return
        finally:
            self._reading = False
            for work in self._after:
                self._loop.call_soon(work)
            self._after.clear()
        now = self._now()
        if not cold and now - self._told >= self._life_sign:
            cold = HEARTBEAT
        if cold:
            self._told = now
            self._behind.data_received(cold)

    def eof_received(self) -> bool | None:
        """From the socket."""
        return self._behind.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """From the socket."""
        self._lose()
        self._behind.connection_lost(exc)

    def pause_writing(self) -> None:
        """From the socket: its buffer is full."""
        self.paused = True
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """From the socket: there is room again."""
        self.paused = False
        self._behind.resume_writing()
        for channel in list(self._hot.values()):
            channel.resumed()

    def _watch(self, method: tuple[int, int], _: bytes) -> None:
        if method in {parser.BLOCKED, parser.UNBLOCKED}:
            self.blocked = method == parser.BLOCKED
            self._on_blocked()

    def _lose(self) -> None:
        self.is_lost = True
        hot, self._hot = self._hot, {}
        for channel in hot.values():
            channel.lost()


class _Factory(aiormq.TransportFactory):
    """Opens what aiormq would open, and puts a relay in front. `relay` is that of the newest connection."""

    def __init__(self, life_sign: float, on_blocked: Callable[[], None]) -> None:
        self.relay: Relay | None = None
        self._life_sign = life_sign
        self._on_blocked = on_blocked
        self._said = ""

    def _say(self, host: str | None, wrong: str) -> None:
        """Name what is wrong with a certificate, once: it is tried again every few seconds."""
        if wrong and wrong != self._said:
            log.warning("broker not trusted", host=host, why=wrong)
        self._said = wrong

    async def create(self, url: Any, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # noqa: ANN401 - aiormq's own signature
        """See aiormq: plain text or TLS, as the scheme says."""
        secure = url.scheme == "amqps"
        stock = aiormq.connection.TLSTransportFactory() if secure else aiormq.connection.TCPTransportFactory()
        try:
            reader, writer = await stock.create(url, **kwargs)
        except aiormq.exceptions.AMQPConnectionError as error:
            self._say(url.host, what_is_wrong(error))
            raise
        self._said = ""
        transport = cast("asyncio.Transport", writer.transport)
        behind = cast("asyncio.Protocol", transport.get_protocol())
        self.relay = Relay(behind, transport, life_sign=self._life_sign, on_blocked=self._on_blocked)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        transport.set_protocol(self.relay)
        return reader, writer


class LaneConnection(aio_pika.RobustConnection):
    """aio-pika's robust connection, over a transport with a relay. Where it cannot be had, `relay` is `None`."""

    factory: _Factory | None = None

    @property
    def relay(self) -> Relay | None:
        """The relay under this connection as it stands now."""
        return self.factory.relay if self.factory else None


def with_relay(life_sign: float, on_blocked: Callable[[], None]) -> type[LaneConnection]:
    """A class of connections for `connect_robust`, which takes classes only."""

    class Connection(LaneConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - aio-pika's own
            super().__init__(*args, **kwargs)
            self.factory = _Factory(life_sign, on_blocked)
            self.kwargs["transport_factory"] = self.factory

    return Connection
