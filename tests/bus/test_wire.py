"""Our frames against pamqp's, both ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, header
from pamqp.base import Frame

from lgsp.bus import wire
from lgsp.bus.message import Message
from lgsp.errors import MalformedRequest

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda text: len(text.encode()) <= 255)
VALUES = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**63), 2**63 - 1))
MESSAGES = st.builds(
    Message,
    body=st.binary(max_size=300),
    headers=st.dictionaries(NAMES, VALUES, max_size=8),
    correlation_id=NAMES,
    message_id=NAMES,
    type=NAMES,
    app_id=NAMES,
    reply_to=NAMES,
    expiration=st.integers(0, 10**9).map(str),
    content_type=NAMES,
)
PROPERTIES = ("correlation_id", "message_id", "type", "app_id", "reply_to", "expiration", "content_type")

THEIRS = {"type": "message_type"}


def unmarshalled(data: bytes) -> list[tuple[int, Any]]:
    """Every frame in `data`, as pamqp reads it, with its channel."""
    frames = []
    while data:
        size, channel, frame = pamqp.frame.unmarshal(data)
        frames.append((channel, frame))
        data = data[size:]
    return frames


def frames_of(message: Message, *, channel: int = 3, exchange: str = "lgsp.req", frame_max: int = 131_072) -> bytes:
    content = wire.content(channel, message, "gw", frame_max)
    return b"".join([wire.publish(channel, exchange, "civil-registry"), *content])


@given(MESSAGES)
def test_pamqp_reads_our_publish_as_we_meant_it(message: Message) -> None:
    frames = unmarshalled(frames_of(message))
    assert {channel for channel, _ in frames} == {3}
    method, head, *bodies = [frame for _, frame in frames]
    assert (method.name, method.exchange, method.routing_key, method.mandatory, method.immediate) == (
        "Basic.Publish",
        "lgsp.req",
        "civil-registry",
        True,
        False,
    )
    assert head.body_size == len(message.body)
    assert b"".join(body.value for body in bodies) == message.body
    said = head.properties
    assert {name: getattr(said, THEIRS.get(name, name)) or "" for name in PROPERTIES} == {
        name: getattr(message, name) for name in PROPERTIES
    }
    assert (said.user_id, said.delivery_mode, said.headers or {}) == ("gw", 1, message.headers)


@given(MESSAGES)
def test_a_header_of_ours_reads_back_as_it_was(message: Message) -> None:
    head = b"".join(wire.content(1, message, "", 131_072)[:2])
    size, read = wire.read_header(head, 7, len(head) - 1)
    read.body = message.body
    assert (size, read) == (len(message.body), message)


@pytest.mark.parametrize(
    ("size", "frames"), [(0, 0), (1, 1), (4_088, 1), (4_089, 2), (8_176, 2), (8_177, 3), (100_000, 25)]
)
def test_a_body_is_cut_into_as_few_frames_as_hold_it(size: int, frames: int) -> None:
    body = bytes(number % 251 for number in range(size))
    _, _, *bodies = [frame for _, frame in unmarshalled(frames_of(Message(body=body), frame_max=4_096))]
    assert [len(part.value) + 8 <= 4_096 for part in bodies] == [True] * frames
    assert b"".join(part.value for part in bodies) == body


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.ack(7, 2**40, multiple=True), commands.Basic.Ack(2**40, multiple=True)),
        (wire.ack(7, 1, multiple=False), commands.Basic.Ack(1, multiple=False)),
        (wire.reject(7, 9), commands.Basic.Reject(9, requeue=False)),
    ],
)
def test_what_ends_a_delivery_is_pamqp_s_frame_octet_for_octet(ours: bytes, theirs: Frame) -> None:
    assert ours == pamqp.frame.marshal(theirs, 7)


def test_a_heartbeat_is_pamqp_s() -> None:
    assert unmarshalled(wire.HEARTBEAT)[0][1].name == "Heartbeat"


TABLES = st.dictionaries(
    st.text("lgsp-đ", max_size=40),
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.binary().map(bytearray),
        st.floats(-1e6, 1e6, width=32),
        st.decimals(min_value=Decimal(-100), max_value=Decimal(100), places=2),
        st.just(dt.datetime(2023, 5, 24, tzinfo=dt.UTC)),
        st.none(),
        st.lists(st.integers(0, 9), max_size=3),
        st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), max_size=2),
    ),
    max_size=8,
)


@given(TABLES)
def test_texts_and_whole_numbers_are_read_from_anybody_s_table(given_headers: dict[str, Any]) -> None:
    head = pamqp.frame.marshal(header.ContentHeader(0, 0, commands.Basic.Properties(headers=given_headers)), 1)
    _, message = wire.read_header(head, 7, len(head) - 1)
    assert message.headers == {name: as_read(value) for name, value in given_headers.items()}


def as_read(value: object) -> str | int:
    if isinstance(value, bytearray):
        return value.decode(errors="replace")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return value


def test_properties_of_which_we_read_nothing_are_passed_over() -> None:
    properties = commands.Basic.Properties(
        content_type="text/plain",
        content_encoding="gzip",
        delivery_mode=2,
        priority=5,
        correlation_id="c",
        timestamp=dt.datetime(2023, 5, 24, tzinfo=dt.UTC),
        user_id="somebody",
        app_id="registry",
    )
    head = pamqp.frame.marshal(header.ContentHeader(0, 12, properties), 1)
    assert wire.read_header(head, 7, len(head) - 1) == (
        12,
        Message(content_type="text/plain", correlation_id="c", app_id="registry", user="somebody"),
    )


def test_octets_that_are_no_utf_8_cost_a_name_and_not_the_connection() -> None:
    head = b"".join(wire.content(1, Message(correlation_id="AB", headers={"n": "AB"}), "", 131_072)[:2])
    _, message = wire.read_header(head.replace(b"AB", b"\xff\xfe"), 7, len(head) - 1)
    assert (message.correlation_id, message.headers["n"]) == ("\ufffd\ufffd", "\ufffd\ufffd")


@pytest.mark.parametrize("name", ["correlation_id", "message_id", "type", "app_id", "reply_to", "content_type"])
def test_a_name_longer_than_a_short_string_is_refused(name: str) -> None:
    fits = Message(**{name: "đ" * 127 + "a"})
    assert getattr(wire.read_header(_head(fits), 7, len(_head(fits)) - 1)[1], name) == getattr(fits, name)
    with pytest.raises(MalformedRequest, match="holds 255 octets; this one has 256"):
        wire.content(1, Message(**{name: "đ" * 128}), "", 131_072)


def test_headers_that_one_frame_does_not_hold_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="one frame holds 4096"):
        wire.content(1, Message(headers={"lgsp-query": "x" * 4_096}), "", 4_096)


def _head(message: Message) -> bytes:
    return b"".join(wire.content(1, message, "", 131_072)[:2])


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (lambda head: head + b"\x00", "the properties do not end where their frame does"),
        (lambda head: head[:14] + b"\x00\x00\x01\x00" + head[18:], "a header table is longer than its frame"),
        (lambda head: head[:14] + b"\x00\x00\x00\x05" + head[18:], "a header is longer than its table"),
        (lambda head: head[:20] + b"?" + head[21:], "a header of the unknown kind 63"),
        (lambda head: b"\x00\x3d" + head[2:], "a header of no known content"),
    ],
)
def test_a_header_that_does_not_add_up_is_refused(payload: Callable[[bytes], bytes], says: str) -> None:
    whole = _head(Message(headers={"n": "text"}))[7:-1]
    assert wire.read_header(whole, 0, len(whole))[1].headers == {"n": "text"}
    broken = payload(whole)
    with pytest.raises(wire.BadFrame, match=says):
        wire.read_header(broken, 0, len(broken))
