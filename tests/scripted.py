"""A broker's side of one connection, played by the test: what was written to it, and frames in its name."""

from __future__ import annotations

import asyncio
from typing import Any

import pamqp.frame
from pamqp import commands
from pamqp.base import Frame

from lgsp.bus.lane import LaneChannel
from lgsp.bus.message import Message
from lgsp.bus.relay import Relay
from lgsp.bus.waiting import Slot
from lgsp.clock import Clock
from lgsp.errors import DeliveryError

NUMBER = 3


class Wire(asyncio.Transport):
    """A transport that keeps what is written, one entry a write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True

    def frames(self) -> list[Any]:
        """Every frame written so far."""
        found, data = [], b"".join(self.writes)
        while data:
            size, _, frame = pamqp.frame.unmarshal(data)
            found.append(frame)
            data = data[size:]
        return found

    def names(self) -> list[str]:
        """Their names, those of methods with their tag or routing key."""
        return [_name(frame) for frame in self.frames()]


def _name(frame: Any) -> str:
    match frame:
        case commands.Basic.Publish():
            return f"publish {frame.routing_key}"
        case commands.Basic.Ack():
            return f"ack {'to ' if frame.multiple else ''}{frame.delivery_tag}"
        case commands.Basic.Reject():
            return f"reject {frame.delivery_tag}"
        case _:
            return str(frame.name)


class Behind(asyncio.Protocol):
    """aiormq's protocol, as the relay sees it."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.told: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.got.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(f"lost {exc}")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Raw:
    """An aiormq channel that does as it is told."""

    def __init__(self) -> None:
        self.number = NUMBER
        self.is_closed = False
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_consumer_cancel_callbacks: set[Any] = set()
        self.asked: list[tuple[str, str]] = []

    async def basic_consume(self, queue: str, _: Any, *, no_ack: bool, consumer_tag: str) -> None:
        del no_ack
        self.asked.append((queue, consumer_tag))

    async def basic_cancel(self, tag: str, *, nowait: bool = False) -> None:
        self.asked.append(("cancel without an answer" if nowait else "cancel", tag))


class Told:
    """An owner that remembers."""

    def __init__(self) -> None:
        self.fates: list[tuple[str, str]] = []
        self.undelivered: list[str] = []
        self.changes = 0

    def settled(self, slot: Slot, error: DeliveryError | None) -> None:
        self.fates.append((slot.id, error.reason if error else "taken"))

    def undeliverable(self, message: Message) -> None:
        self.undelivered.append(message.correlation_id)

    def changed(self) -> None:
        self.changes += 1


class Stage:
    """A hot channel on a scripted connection."""

    def __init__(self, clock: Clock, *, confirms: bool = True, life_sign: float = 5.0) -> None:
        self.wire, self.behind, self.raw, self.told = Wire(), Behind(), Raw(), Told()
        self.alarms = 0
        self.clock = clock
        self.relay = Relay(self.behind, self.wire, life_sign=life_sign, on_blocked=self._alarm)
        self.channel = LaneChannel(self.raw, self.told, clock, "me", self.relay, confirms=confirms)  # type: ignore[arg-type]  # a scripted one

    def _alarm(self) -> None:
        self.alarms += 1

    def says(self, *frames: Frame, channel: int = NUMBER) -> None:
        """The broker sends methods in one read."""
        self.relay.data_received(b"".join(pamqp.frame.marshal(frame, channel) for frame in frames))

    def publish(self, name: str, *, body: bytes = b"", seconds: float = 10.0) -> Slot:
        """A request goes out."""
        now = self.clock.now()
        slot = Slot(name, "svc", now + seconds, asyncio.get_running_loop().create_future())
        message = Message(body=body, correlation_id=name, message_id=f"{name}.1")
        self.channel.publish("lgsp.req", name, message, slot, due=slot.due)
        return slot


async def a_turn() -> None:
    """Let the loop run what it was asked to run soon."""
    await asyncio.sleep(0)
