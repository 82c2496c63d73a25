"""AMQP 0-9-1 frames of the hot path as bytes, out and in: pure functions (`parser` finds the frames in a stream).

    frame    = kind (1 octet) + channel (2) + size (4) + payload + 0xCE
    a publish, deliver or return is a method frame, a header frame, and body frames until the announced size is reached

Nothing here knows a socket. Whatever a frame claims (end octet, sizes, string lengths) is checked: what does not add up
raises `BadFrame`, since after a wrong length nobody knows where the next frame starts. What was cut off makes these
functions raise `IndexError` or `struct.error`, which the parser turns into the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

from lgsp.bus.message import SHORT, Message
from lgsp.errors import MalformedRequest

END = 0xCE
METHOD, HEADER, BODY = 1, 2, 3
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
FRAME_MAX = 131_072
BODY_MAX = 134_217_728
"""RabbitMQ's own limit of a message, from 3.10 on."""
OVERHEAD = 8

_PUBLISH, _RETURN, _DELIVER, _ACK, _REJECT, _NACK = (
    number.to_bytes(2) for number in (0x28, 0x32, 0x3C, 0x50, 0x5A, 0x78)
)
_BASIC = (60).to_bytes(2)
RETURNED, DELIVERED, ACKED, NACKED = _BASIC + _RETURN, _BASIC + _DELIVER, _BASIC + _ACK, _BASIC + _NACK

PREFIX = Struct(">BHI")
_CONTENT = Struct(">HHQH")
_HEAD = Struct(">BHIHHQH")
_TAGGED = Struct(">BHI4sQBB")
TAG = Struct(">QB")
_U32 = Struct(">I")
_I64 = Struct(">q")

_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS, _DELIVERY_MODE, _PRIORITY = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800
_CORRELATION_ID, _REPLY_TO, _EXPIRATION, _MESSAGE_ID, _TIMESTAMP = 0x0400, 0x0200, 0x0100, 0x0080, 0x0040
_TYPE, _USER_ID, _APP_ID, _CLUSTER_ID, _UNKNOWN = 0x0020, 0x0010, 0x0008, 0x0004, 0x0003
_NAMES = _TYPE | _USER_ID | _APP_ID | _CLUSTER_ID
_NAMES_MAX = 4 * (1 + SHORT)
_LAST = bytes([END])
_OCTET = [bytes([number]) for number in range(256)]
_TRANSIENT, _PERSISTENT = b"\x01", b"\x02"
_LONG_STRING, _LONG_INTEGER = ord("S"), ord("l")
_LONG = frozenset(b"xAF")  # a length of four octets, then as many
_OCTETS = ord("x")
_INTEGERS = {
    ord(kind): (width, signed)
    for kind, width, signed in (
        ("b", 1, True),
        ("B", 1, False),
        ("s", 2, True),
        ("u", 2, False),
        ("I", 4, True),
        ("i", 4, False),
        ("L", 8, True),
    )
}
_SKIPPED = {ord("t"): 1, ord("f"): 4, ord("d"): 8, ord("D"): 5, ord("T"): 8, ord("V"): 0}


class BadFrame(ValueError):
    """Bytes that are no AMQP 0-9-1, or more than was agreed on: the connection cannot be read any further."""


# Out


@lru_cache(4096)
def short(text: str) -> bytes:
    """A short string. Raises `MalformedRequest` beyond 255 octets. Kept: for words that come again and again."""
    return _short(text)


def _short(text: str) -> bytes:
    data = text.encode()
    if len(data) > SHORT:
        raise MalformedRequest(f"a name on the bus holds {SHORT} octets; this one has {len(data)}: {text[:40]}...")
    return _OCTET[len(data)] + data


@lru_cache(4096)
def publish(channel: int, exchange: str, key: str) -> bytes:
    """The method frame of a mandatory publish, the same for every message to one place."""
    payload = _BASIC + _PUBLISH + b"\0\0" + short(exchange) + short(key) + b"\x01"
    return PREFIX.pack(METHOD, channel, len(payload)) + payload + _LAST


def content(channel: int, message: Message, user: str, frame_max: int) -> list[bytes]:
    """Header and body frames of a message, to be written behind a publish, in pieces to be joined."""
    flags, content_type, reply_to, names = _fixed(
        message.content_type, message.reply_to, message.type, user, message.app_id
    )
    correlation_id = expiration = message_id = b""
    if message.correlation_id:
        flags |= _CORRELATION_ID
        correlation_id = _short(message.correlation_id)
    if message.expiration:
        flags |= _EXPIRATION
        expiration = short(message.expiration)
    if message.message_id:
        flags |= _MESSAGE_ID
        message_id = _short(message.message_id)
    properties = b"".join(
        (
            content_type,
            table(message.headers),
            _PERSISTENT if message.persistent else _TRANSIENT,
            correlation_id,
            reply_to,
            expiration,
            message_id,
            names,
            _LAST,
        )
    )
    size = len(message.body)
    most = frame_max - OVERHEAD
    if len(properties) > most - _CONTENT.size:
        raise MalformedRequest(f"the headers have {len(properties)} octets; one frame holds {frame_max}")
    head = _HEAD.pack(HEADER, channel, _CONTENT.size + len(properties) - 1, 60, 0, size, flags)
    if not size:
        return [head, properties]
    if size <= most:
        return [head, properties, PREFIX.pack(BODY, channel, size), message.body, _LAST]
    pieces = [head, properties]
    for start in range(0, size, most):
        part = message.body[start : start + most]
        pieces += (PREFIX.pack(BODY, channel, len(part)), part, _LAST)
    return pieces


@lru_cache(4096)
def _fixed(content_type: str, reply_to: str, type_: str, user: str, app_id: str) -> tuple[int, bytes, bytes, bytes]:
    """What all messages of one operation and caller share: flags, content type, reply-to, and the names at the end."""
    flags = _HEADERS | _DELIVERY_MODE
    found = []
    for flag, text in (
        (_CONTENT_TYPE, content_type),
        (_REPLY_TO, reply_to),
        (_TYPE, type_),
        (_USER_ID, user),
        (_APP_ID, app_id),
    ):
        flags |= flag if text else 0
        found.append(_short(text) if text else b"")
    return flags, found[0], found[1], b"".join(found[2:])


def table(headers: Mapping[str, str | int]) -> bytes:
    """A header table: texts as long strings, numbers as signed 64 bits."""
    parts = [b""]
    for name, value in headers.items():
        if type(value) is str:
            data = value.encode()
            parts += (_named(name, b"S"), _U32.pack(len(data)), data)
        else:
            parts += (_named(name, b"l"), _I64.pack(int(value)))
    entries = b"".join(parts)
    return _U32.pack(len(entries)) + entries


@lru_cache(1024)
def _named(name: str, kind: bytes) -> bytes:
    return _short(name) + kind


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """Acknowledge a delivery; with `multiple` every one up to it."""
    return _TAGGED.pack(METHOD, channel, 13, ACKED, tag, multiple, END)


def reject(channel: int, tag: int) -> bytes:
    """Give a delivery up: it does not come back."""
    return _TAGGED.pack(METHOD, channel, 13, _BASIC + _REJECT, tag, 0, END)


# In


def read_header(data: bytes, at: int, stop: int) -> tuple[int, Message]:  # noqa: C901 - each property once, in AMQP's order
    """Body size and message (its body still to come) of the header frame's payload `data[at:stop]`."""
    class_id, _, size, flags = _CONTENT.unpack_from(data, at)
    if class_id != 60 or flags & _UNKNOWN:
        raise BadFrame("a header of no known content")
    at += _CONTENT.size
    content_type = correlation_id = reply_to = expiration = message_id = ""
    headers: dict[str, str | int] = {}
    if flags & _CONTENT_TYPE:
        start, at = at + 1, at + 1 + data[at]
        content_type = text(data[start:at])
    if flags & _CONTENT_ENCODING:
        at += 1 + data[at]
    if flags & _HEADERS:
        headers, at = read_table(data, at, stop)
    if flags & _DELIVERY_MODE:
        at += 1
    if flags & _PRIORITY:
        at += 1
    if flags & _CORRELATION_ID:
        start, at = at + 1, at + 1 + data[at]
        correlation_id = _text(data[start:at])
    if flags & _REPLY_TO:
        start, at = at + 1, at + 1 + data[at]
        reply_to = text(data[start:at])
    if flags & _EXPIRATION:
        start, at = at + 1, at + 1 + data[at]
        expiration = text(data[start:at])
    if flags & _MESSAGE_ID:
        start, at = at + 1, at + 1 + data[at]
        message_id = _text(data[start:at])
    if flags & _TIMESTAMP:
        at += 8
    if not 0 <= stop - at <= _NAMES_MAX:
        raise BadFrame("the properties do not end where their frame does")
    type_, user, app_id = _names(flags & _NAMES, data[at:stop])
    return size, Message(
        b"", headers, correlation_id, message_id, type_, app_id, reply_to, expiration, content_type, user=user
    )


@lru_cache(4096)
def _names(flags: int, data: bytes) -> tuple[str, str, str]:
    """Type, user and app id, from the properties at the end. Kept: one operation's and caller's come again and again."""
    at = 0
    type_ = user = app_id = ""
    if flags & _TYPE:
        start, at = at + 1, at + 1 + data[at]
        type_ = _text(data[start:at])
    if flags & _USER_ID:
        start, at = at + 1, at + 1 + data[at]
        user = _text(data[start:at])
    if flags & _APP_ID:
        start, at = at + 1, at + 1 + data[at]
        app_id = _text(data[start:at])
    if flags & _CLUSTER_ID:
        at += 1 + data[at]
    if at != len(data):
        raise BadFrame("the properties do not end where their frame does")
    return type_, user, app_id


def _text(data: bytes) -> str:
    # Somebody else's bytes: what is no UTF-8 is no name of ours either, and no reason to lose the connection.
    return str(data, "utf-8", "replace")


@lru_cache(4096)
def text(data: bytes) -> str:
    """A text from outside. Kept: for words that come again and again."""
    return _text(data)


def read_table(data: bytes, at: int, stop: int) -> tuple[dict[str, str | int], int]:
    """A header table's texts and whole numbers, and where it ends; a value of another kind is the empty text."""
    end = at + 4 + _U32.unpack_from(data, at)[0]
    if end > stop:
        raise BadFrame("a header table is longer than its frame")
    at += 4
    headers: dict[str, str | int] = {}
    while at < end:
        start, at = at + 1, at + 1 + data[at]
        name = text(data[start:at])
        kind = data[at]
        if kind == _LONG_STRING:
            start, at = at + 5, at + 5 + _U32.unpack_from(data, at + 1)[0]
            headers[name] = str(data[start:at], "utf-8", "replace")
        elif kind == _LONG_INTEGER:
            headers[name] = _I64.unpack_from(data, at + 1)[0]
            at += 9
        else:
            headers[name], at = _other(kind, data, at + 1)
        if at > end:
            raise BadFrame("a header is longer than its table")
    if at != end:
        raise BadFrame("a header table does not end where it says")
    return headers, at


def _other(kind: int, data: bytes, at: int) -> tuple[str | int, int]:
    """A value that is not of the two kinds that we write, and where it ends."""
    if kind in _INTEGERS:
        width, signed = _INTEGERS[kind]
        return int.from_bytes(data[at : at + width], signed=signed), at + width
    if kind in _LONG:
        start, at = at + 4, at + 4 + _U32.unpack_from(data, at)[0]
        return _text(data[start:at]) if kind == _OCTETS else "", at
    if kind in _SKIPPED:
        return "", at + _SKIPPED[kind]
    raise BadFrame(f"a header of the unknown kind {kind}")
