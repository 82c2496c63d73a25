"""The fast lane: a channel that reads and writes its hot frames itself.

    publish, answer, ack --> frames of this turn of the loop --> one write
                    full socket --> a bounded queue, in order, until there is room

A reply and the ack of its request leave on the same channel, the ack behind: the broker takes them in that order, so a
request is never done with whose reply it has not. What is on its way when the connection dies is unconfirmed, or comes
back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import aiormq.abc

from lgsp.bus import parser, wire
from lgsp.bus.acks import SLOW, Acks
from lgsp.bus.channel import Channel, Delivery, Owner
from lgsp.bus.confirms import Confirms
from lgsp.bus.message import Message
from lgsp.bus.relay import Relay
from lgsp.bus.waiting import Slot
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, Unroutable

UNCONFIRMED_AT_MOST = 2_048
HELD_AT_MOST = 1_024
HELD_BYTES_AT_MOST = 8_388_608
_FLUSH_AT = 262_144  # octets of bodies in one turn of the loop: by then the socket has its say whether it takes more


class _Held(NamedTuple):
    pieces: list[bytes]
    size: int
    message_id: str
    slot: Slot | None
    tag: int
    due: float


class LaneChannel(Channel):
    """A hot channel. With `confirms` the broker tells of each publish; without, only of what it gives back."""

    def __init__(
        self,
        raw: aiormq.abc.AbstractChannel,
        owner: Owner,
        clock: Clock,
        user: str,
        relay: Relay,
        *,
        confirms: bool,
    ) -> None:
        super().__init__(raw, owner)
        self._clock = clock
        self._user = user
        self._relay = relay
        self._number = raw.number
        self._frame_max = relay.frame_max
        self._loop = asyncio.get_running_loop()
        self._acks = Acks()
        self._confirms: Confirms[Slot] | None = Confirms() if confirms else None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._held: deque[_Held] = deque()
        self._held_bytes = 0
        self._flushing = False
        self._again: asyncio.TimerHandle | None = None
        self._stopped = False
        relay.heat(raw.number, self)

    def __repr__(self) -> str:
        return f"<LaneChannel {self._number}, {self._acks}, {self._confirms}, {len(self._held)} held>"

    @property
    def is_open(self) -> bool:
        """See `Channel.is_open`."""
        return not self._stopped

    # Out

    def publish(self, exchange: str, key: str, message: Message, slot: Slot | None, *, due: float) -> None:
        """See `Channel.publish`. Raises `BusUnavailable` `overloaded` when as much waits as may, `bus_blocked` in an alarm."""
        self._send(exchange, key, message, slot, 0, due)

    def answer(self, exchange: str, key: str, message: Message, delivery: Delivery, *, due: float) -> None:
        """See `Channel.answer`."""
        self._send(exchange, key, message, None, delivery.tag, due)

    def ack(self, delivery: Delivery) -> None:
        """See `Channel.ack`."""
        self._done(delivery.tag)

    def reject(self, delivery: Delivery) -> None:
        """See `Channel.reject`."""
        if self._stopped:
            return
        self._acks.forget(delivery.tag)
        self._write([wire.reject(self._number, delivery.tag)])

    def close(self) -> None:
        """Write what is left, held or not, and nothing more."""
        if not self._stopped:
            self._flush()
        self._stopped = True  # and still hot: what arrives now is nobody's

    def _send(self, exchange: str, key: str, message: Message, slot: Slot | None, tag: int, due: float) -> None:
        if self._stopped:
            raise BusUnavailable("bus_unavailable", "no connection to the broker")
        if self._relay.blocked:
            raise BusUnavailable("bus_blocked", "the broker takes no messages now: its memory or its disk is full")
        pieces = [
            wire.publish(self._number, exchange, key),
            *wire.content(self._number, message, self._user, self._frame_max),
        ]
        if self._held or self._relay.paused or self._window_is_full:
            self._hold(_Held(pieces, sum(map(len, pieces)), message.message_id, slot, tag, due))
        else:
            self._go(pieces, len(message.body), message.message_id, slot, tag)

    @property
    def _window_is_full(self) -> bool:
        return self._confirms is not None and len(self._confirms) >= UNCONFIRMED_AT_MOST

    def _go(self, pieces: list[bytes], size: int, message_id: str, slot: Slot | None, tag: int) -> None:
        if self._confirms is not None:
            self._confirms.published(message_id, slot)
        self._out_bytes += size
        self._write(pieces)
        if tag:
            self._acks.done(tag)
        if self._out_bytes >= _FLUSH_AT:
            self._flush()

    def _hold(self, held: _Held) -> None:
        if len(self._held) >= HELD_AT_MOST or self._held_bytes + held.size > HELD_BYTES_AT_MOST:
            raise BusUnavailable("overloaded", f"{len(self._held)} messages wait for the broker's socket already")
        self._held.append(held)
        self._held_bytes += held.size

    def _release(self) -> None:
        now = self._clock.now()
        while self._held and not self._relay.paused and not self._window_is_full:
            held = self._held.popleft()
            self._held_bytes -= held.size
            if now < held.due:
                self._go(held.pieces, held.size, held.message_id, held.slot, held.tag)
            elif held.tag:
                self._done(held.tag)

    def _done(self, tag: int) -> None:
        self._acks.done(tag)
        self._soon()

    def _write(self, pieces: list[bytes]) -> None:
        self._out += pieces
        self._soon()

    def _soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._relay.soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._stopped or self._relay.paused:
            return
        out = self._out
        if self._acks.waiting:
            out += [
                wire.ack(self._number, tag, multiple=multiple) for tag, multiple in self._acks.due(self._clock.now())
            ]
            if self._acks.waiting and self._again is None:
                self._again = self._loop.call_later(SLOW, self._flush_again)
        if out:
            data = b"".join(out)
            out.clear()
            self._out_bytes = 0
            self._relay.transport.write(data)

    def _flush_again(self) -> None:
        self._again = None
        self._soon()

    # In

    def delivered(self, consumer: bytes, tag: int, message: Message, *, redelivered: bool) -> None:
        """From the parser."""
        known = self._consumers.get(consumer.decode("ascii", "replace"))
        if known is None or not known.no_ack:
            # Whose consumer is not known is never done, so that no multiple ack covers it, and comes back.
            self._acks.took(tag, self._clock.now())
        if known is not None:
            known.deliver(Delivery(self, tag, message, redelivered))
            self._soon()  # what it gives rise to leaves in the turn that it wakes, not in the one after

    def returned(self, message: Message) -> None:
        """From the parser: before its confirm, which must not turn it into a success."""
        slot = self._confirms.returned(message.message_id) if self._confirms is not None else None
        if slot is None:
            self._owner.undeliverable(message)
        else:
            self._owner.settled(slot, Unroutable("unroutable", f"nobody serves {slot.service}"))

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """From the parser."""
        if self._confirms is None:
            return
        for slot in self._confirms.confirmed(tag, multiple=multiple):
            error = None if taken else BusUnavailable("overloaded", f"the queue of {slot.service} is full")
            self._owner.settled(slot, error)
        if self._held:
            self._release()

    def method(self, number: tuple[int, int]) -> None:
        """From the parser. A frame written to a channel that is closed would be an error of the whole connection."""
        if number in {parser.CHANNEL_CLOSE, parser.CHANNEL_CLOSE_OK}:
            self._stop()

    def resumed(self) -> None:
        """From the relay."""
        self._soon()
        self._release()

    def lost(self) -> None:
        """From the relay."""
        self._stop()

    def _stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._relay.cool(self._number)
        self._out.clear()
        self._held.clear()
        if self._again is not None:
            self._again.cancel()
        if self._confirms is not None:
            for slot in self._confirms.lost():
                self._owner.settled(slot, BusUnavailable("unconfirmed", f"the connection was lost under {slot.id}"))
        self._owner.changed()

    async def _cancel(self, tags: Sequence[str]) -> None:
        # The broker reads in order, so its answer to the last is one to all: a busy one is asked once, not forty times.
        for tag in tags[:-1]:
            await self._raw.basic_cancel(tag, nowait=True)
        for tag in tags[-1:]:
            await self._raw.basic_cancel(tag)

    async def _arrived(self, message: aiormq.abc.DeliveredMessage) -> None:
        raise RuntimeError(f"a delivery went past the lane: {message.delivery_tag} on channel {self._number}")
