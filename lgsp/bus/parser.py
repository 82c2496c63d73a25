"""Finds the frames in the bytes of one connection, wherever they are cut.

bytes --> [ whole frames ] --hot channel--> content of a message, confirm --> its `Channel`
                           --any other----> back to the caller, as it came
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from lgsp.bus.message import Message
from lgsp.bus.wire import (
    ACKED,
    BODY,
    BODY_MAX,
    DELIVERED,
    END,
    FRAME_MAX,
    HEADER,
    METHOD,
    NACKED,
    OVERHEAD,
    PREFIX,
    RETURNED,
    TAG,
    BadFrame,
    read_header,
)

TUNE, BLOCKED, UNBLOCKED = (10, 30), (10, 60), (10, 61)
CHANNEL_CLOSE, CHANNEL_CLOSE_OK = (20, 40), (20, 41)
CANCEL = (60, 30)
_TUNED = struct.Struct(">HIH")
_NOTHING = Message()


class Channel(Protocol):
    """Who gets what arrives on a hot channel."""

    def delivered(self, consumer: bytes, tag: int, message: Message, *, redelivered: bool) -> None:
        """A whole message for a consumer."""
        ...

    def returned(self, message: Message) -> None:
        """A mandatory message came back: no queue took it."""
        ...

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """The broker has a publish (or, not `taken`, refused it); with `multiple` every one up to it."""
        ...

    def method(self, number: tuple[int, int]) -> None:
        """Another method passed by on this channel, on its way to whoever speaks the rest of AMQP."""
        ...


class _Hot:
    """A hot channel and the content that is on its way in."""

    __slots__ = ("channel", "consumer", "left", "message", "parts", "redelivered", "tag", "wants")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.wants = METHOD
        self.consumer: bytes | None = None  # None: a returned message
        self.tag = 0
        self.redelivered = False
        self.message = _NOTHING
        self.parts: list[bytes] = []
        self.left = 0


class Parser:
    """Walks the bytes of one connection from its first on, wherever they are cut, looking at each once.

    `control` is told of methods on channel 0: number and arguments.
    """

    def __init__(self, control: Callable[[tuple[int, int], bytes], None], *, body_max: int = BODY_MAX) -> None:
        self._control = control
        self._body_max = body_max
        self._hot: dict[int, _Hot] = {}
        self._held: list[bytes] = []
        self._missing = 0
        self._begun = False
        self._deaf = False
        self.frame_max = FRAME_MAX

    def heat(self, number: int, channel: Channel) -> None:
        """From the next frame on, what arrives on channel `number` is `channel`'s."""
        self._hot[number] = _Hot(channel)

    def cool(self, number: int) -> None:
        """From the next frame on, channel `number` is as any other."""
        self._hot.pop(number, None)

    def feed(self, data: bytes) -> bytes:
        """Take what was read; give back the frames that are nobody's here, whole, in their order. Raises `BadFrame`."""
        if self._held:
            self._held.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return b""
            data = b"".join(self._held)
            self._held.clear()
        if not self._begun and len(data) >= 4:
            self._begun = True
            # A broker that refuses the version answers with its own protocol header, which is no frame.
            self._deaf = data.startswith(b"AMQP")
        return data if self._deaf else self._walk(data)

    def _walk(self, data: bytes) -> bytes:  # noqa: C901 - one loop that looks at each frame once
        cold: list[bytes] = []
        cold_from = -1
        at, end = 0, len(data)
        missing = 0
        try:
            while at < end:
                if end - at < 7:
                    missing = 7 - (end - at)
                    break
                kind, number, size = PREFIX.unpack_from(data, at)
                after = at + size + OVERHEAD
                if size > self.frame_max - OVERHEAD:
                    raise BadFrame(f"a frame of {size} octets; {self.frame_max} were agreed on")
                if after > end:
                    missing = after - end
                    break
                if data[after - 1] != END:
                    raise BadFrame("a frame does not end where it says")
                hot = self._hot.get(number)
                if hot is None or not self._take(hot, kind, data, at + 7, after - 1):
                    if cold_from < 0:
                        cold_from = at
                    if number == 0 and kind == METHOD:
                        self._watch(data, at + 7, after - 1)
                elif cold_from >= 0:
                    cold.append(data[cold_from:at])
                    cold_from = -1
                at = after
        except (IndexError, struct.error) as error:
            raise BadFrame("a length points beyond its frame") from error
        if cold_from >= 0:
            cold.append(data[cold_from:at])
        if at < end:
            self._held.append(data[at:])
            self._missing = missing
        return cold[0] if len(cold) == 1 else b"".join(cold)

    def _watch(self, data: bytes, at: int, stop: int) -> None:
        number = (int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4]))
        arguments = data[at + 4 : stop]
        if number == TUNE:
            self.frame_max = _TUNED.unpack_from(arguments)[1] or BODY_MAX
        self._control(number, arguments)

    def _take(self, hot: _Hot, kind: int, data: bytes, at: int, stop: int) -> bool:
        """One frame of a hot channel; false when it is not for us."""
        if kind != hot.wants:
            if hot.wants == METHOD and kind in {HEADER, BODY}:
                return False  # of a content that began before the channel was hot
            raise BadFrame(f"a frame of kind {kind} where one of kind {hot.wants} is due")
        if kind == METHOD:
            return self._take_method(hot, data, at, stop)
        if kind == HEADER:
            hot.left, hot.message = read_header(data, at, stop)
            if hot.left > self._body_max:
                raise BadFrame(f"a body of {hot.left} octets; {self._body_max} are allowed")
            if hot.left:
                hot.wants = BODY
            else:
                _deliver(hot)
            return True
        _add(hot, data[at:stop])
        return True

    def _take_method(self, hot: _Hot, data: bytes, at: int, stop: int) -> bool:
        method = data[at : at + 4]
        at += 4
        if method == DELIVERED:
            start = at + 1
            at = start + data[at]
            hot.consumer = data[start:at]
            hot.tag, redelivered = TAG.unpack_from(data, at)
            hot.redelivered = bool(redelivered)
            at += 9
            at += 1 + data[at]  # exchange
            at += 1 + data[at]  # routing key
            hot.wants = HEADER
        elif method in {ACKED, NACKED}:
            if stop - at != TAG.size:
                raise BadFrame("a method does not end where its frame does")
            tag, bits = TAG.unpack_from(data, at)
            hot.channel.confirmed(tag, multiple=bool(bits & 1), taken=method == ACKED)
            return True
        elif method == RETURNED:
            hot.consumer = None
            at += 2  # reply code
            for _ in range(3):  # reply text, exchange, routing key
                at += 1 + data[at]
            hot.wants = HEADER
        else:
            hot.channel.method((int.from_bytes(method[:2]), int.from_bytes(method[2:])))
            return False
        if at != stop:
            raise BadFrame("a method does not end where its frame does")
        return True


def _add(hot: _Hot, part: bytes) -> None:
    """A piece of the body; with the last one the message is whole."""
    hot.left -= len(part)
    if hot.left < 0:
        raise BadFrame(f"a body longer by {-hot.left} octets than its header says")
    if hot.left or hot.parts:
        hot.parts.append(part)
    if not hot.left:
        hot.message.body = b"".join(hot.parts) if hot.parts else part
        hot.parts = []
        _deliver(hot)


def _deliver(hot: _Hot) -> None:
    hot.wants = METHOD
    message, hot.message = hot.message, _NOTHING
    if hot.consumer is None:
        hot.channel.returned(message)
    else:
        hot.channel.delivered(hot.consumer, hot.tag, message, redelivered=hot.redelivered)
