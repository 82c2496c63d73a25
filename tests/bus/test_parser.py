"""Streams of frames, cut anywhere, mixed, and lying."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pamqp.frame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pamqp import body, commands, header, heartbeat
from pamqp.base import Frame

from lgsp.bus import parser
from lgsp.bus.message import Message
from lgsp.bus.parser import Parser
from lgsp.bus.wire import BadFrame

HOT = 5
DELIVER = commands.Basic.Deliver("c1", 1, redelivered=False, exchange="", routing_key="")


@dataclass
class Got:
    """A hot channel that remembers."""

    seen: list[tuple[Any, ...]] = field(default_factory=list)

    def delivered(self, consumer: bytes, tag: int, message: Message, *, redelivered: bool) -> None:
        self.seen.append(("delivered", consumer, tag, redelivered, message.correlation_id, message.body))

    def returned(self, message: Message) -> None:
        self.seen.append(("returned", message.message_id, message.body))

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        self.seen.append(("confirmed", tag, multiple, taken))

    def method(self, number: tuple[int, int]) -> None:
        self.seen.append(("method", number))


def frame(what: Any, channel: int = HOT) -> bytes:
    return pamqp.frame.marshal(what, channel)


def contents(method: Frame, content: bytes, *, most: int = 100, channel: int = HOT, **properties: str) -> list[bytes]:
    head = header.ContentHeader(0, len(content), commands.Basic.Properties(**properties))
    parts = [content[start : start + most] for start in range(0, len(content), most)]
    return [frame(what, channel) for what in (method, head, *(body.ContentBody(part) for part in parts))]


def delivery(tag: int, content: bytes, *, channel: int = HOT, redelivered: bool = False) -> list[bytes]:
    method = commands.Basic.Deliver("c1", tag, redelivered, "lgsp.reply", "gw")
    return contents(method, content, channel=channel, correlation_id=f"t-{tag}")


def returned(number: int, content: bytes) -> list[bytes]:
    method = commands.Basic.Return(312, "NO_ROUTE", "lgsp.req", "svc")
    return contents(method, content, message_id=f"t-{number}.1")


def fed(data: bytes, cuts: list[int]) -> tuple[list[tuple[Any, ...]], bytes]:
    """What a hot channel saw, and what was left for others, of `data` that came in pieces cut at `cuts`."""
    got, cold = Got(), []
    walking = Parser(lambda *_: None)
    walking.heat(HOT, got)
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        cold.append(walking.feed(data[start:stop]))
    return got.seen, b"".join(cold)


STREAM = b"".join(
    [
        *delivery(1, b"x" * 250),
        frame(heartbeat.Heartbeat(), 0),
        frame(commands.Basic.Ack(4, multiple=True)),
        *delivery(2, b"", redelivered=True),
        frame(commands.Basic.Nack(6, multiple=False)),
        *returned(3, b"q"),
        frame(commands.Basic.Cancel("c1", nowait=True)),
        *delivery(9, b"not ours", channel=6),
    ]
)
SEEN = [
    ("delivered", b"c1", 1, False, "t-1", b"x" * 250),
    ("confirmed", 4, True, True),
    ("delivered", b"c1", 2, True, "t-2", b""),
    ("confirmed", 6, False, False),
    ("returned", "t-3.1", b"q"),
    ("method", parser.CANCEL),
]
COLD = (
    frame(heartbeat.Heartbeat(), 0)
    + frame(commands.Basic.Cancel("c1", nowait=True))
    + b"".join(delivery(9, b"not ours", channel=6))
)


def test_a_stream_in_one_piece_is_understood_whole() -> None:
    assert fed(STREAM, []) == (SEEN, COLD)


def test_it_may_be_cut_at_any_octet() -> None:
    for cut in range(1, len(STREAM)):
        assert fed(STREAM, [cut]) == (SEEN, COLD), cut


def test_it_may_come_octet_by_octet() -> None:
    assert fed(STREAM, list(range(1, len(STREAM)))) == (SEEN, COLD)


FRAMES = st.one_of(
    st.binary(max_size=350).map(lambda content: delivery(len(content) + 1, content)),
    st.binary(max_size=350).map(lambda content: returned(len(content), content)),
    st.integers(0, 2**63 - 1).map(lambda tag: [frame(commands.Basic.Ack(tag, bool(tag % 2)))]),
    st.integers(0, 2**63 - 1).map(lambda tag: [frame(commands.Basic.Nack(tag, bool(tag % 2)))]),
)


@given(st.lists(FRAMES, max_size=12), st.lists(st.binary(max_size=200), max_size=5), st.integers())
@example([delivery(1, b"x" * 350)], [b"", b"between"], 0)
def test_frames_of_other_channels_may_come_between_those_of_a_content(
    hot: list[list[bytes]], others: list[bytes], seed: int
) -> None:
    draw = random.Random(seed)
    ours = [one for group in hot for one in group]
    cold = [one for content in others for one in delivery(1, content, channel=9)]
    expected, _ = fed(b"".join(ours), [])
    mixed, queues = [], [ours[::-1], cold[::-1]]
    while any(queues):
        mixed.append(draw.choice([queue for queue in queues if queue]).pop())
    data = b"".join(mixed)
    cuts = sorted(draw.sample(range(1, len(data)), min(5, len(data) - 1))) if len(data) > 1 else []
    assert fed(data, cuts) == (expected, b"".join(cold))


@given(st.binary(max_size=120), st.integers(0, 400), st.integers(0, 50))
def test_garbage_is_refused_or_passed_on_and_never_anything_else(garbage: bytes, at: int, dropped: int) -> None:
    at %= len(STREAM)
    broken = STREAM[:at] + garbage + STREAM[at + dropped :]
    try:
        seen, _ = fed(broken, [])
    except BadFrame:
        return
    assert all(one[0] in {"delivered", "confirmed", "returned", "method"} for one in seen)


def test_a_channel_that_becomes_hot_within_a_content_is_left_alone_until_the_next_method() -> None:
    method, head, *parts = delivery(1, b"x" * 250)
    got, walking = Got(), Parser(lambda *_: None)
    assert walking.feed(method + head[:3]) == method
    walking.heat(HOT, got)
    rest = head + b"".join(parts)
    assert walking.feed(rest[3:] + b"".join(delivery(2, b"y"))) == rest
    assert got.seen == [("delivered", b"c1", 2, False, "t-2", b"y")]


def test_a_channel_that_cooled_is_as_any_other() -> None:
    got, walking = Got(), Parser(lambda *_: None)
    walking.heat(HOT, got)
    walking.cool(HOT)
    data = b"".join(delivery(1, b"x"))
    assert (walking.feed(data), got.seen) == (data, [])


def test_a_broker_s_own_protocol_header_is_handed_on_as_it_is() -> None:
    assert fed(b"AMQP\x00\x00\x09\x01", [2, 5]) == ([], b"AMQP\x00\x00\x09\x01")


def test_the_agreed_size_of_a_frame_is_the_one_that_the_broker_named() -> None:
    told: list[tuple[int, int]] = []
    walking = Parser(lambda number, _: told.append(number))
    tune = frame(commands.Connection.Tune(2047, 4_096, 60), 0)
    assert (walking.feed(tune), told, walking.frame_max) == (tune, [parser.TUNE], 4_096)
    walking.heat(HOT, Got())
    walking.feed(b"".join(contents(DELIVER, b"x" * 4_088, most=4_088)))
    with pytest.raises(BadFrame, match="a frame of 4089 octets; 4096 were agreed on"):
        walking.feed(b"".join(contents(DELIVER, b"x" * 4_089, most=4_089)))


METHOD_FRAME, HEAD_FRAME, BODY_FRAME = delivery(1, b"body")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (METHOD_FRAME[:-1] + b"\x00", "does not end where it says"),
        (b"\x01\x00\x05\xff\xff\xff\xff", "4294967295 octets"),
        (METHOD_FRAME[:11] + b"\xff" + METHOD_FRAME[12:], "beyond its frame|does not end where its frame does"),
        (METHOD_FRAME + METHOD_FRAME, "kind 1 where one of kind 2"),
        (METHOD_FRAME + BODY_FRAME, "kind 3 where one of kind 2"),
        (METHOD_FRAME + HEAD_FRAME + frame(body.ContentBody(b"body+")), "longer by 1 octets"),
        (
            METHOD_FRAME + HEAD_FRAME[:11] + b"\x01" + HEAD_FRAME[12:],
            "octets; 134217728 are allowed",
        ),
        (METHOD_FRAME + frame(header.ContentHeader(0, 2**40)), "134217728 are allowed"),
        (METHOD_FRAME + b"\x02\x00\x05\x00\x00\x00\x0e" + b"\x00\x3c" + b"\0" * 11 + b"\x01\xce", "no known content"),
        (
            frame(commands.Basic.Ack(1))[:3] + b"\x00\x00\x00\x05\x00\x3c\x00\x50\x00\xce",
            "does not end where its frame does",
        ),
    ],
)
def test_what_does_not_add_up_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(BadFrame, match=says):
        fed(data + b"\0" * 300, [])


def test_a_large_body_in_small_reads_is_joined_once() -> None:
    content = bytes(number % 251 for number in range(1_000)) * 2_000
    data = b"".join(contents(DELIVER, content, most=131_064))
    walking, got = Counting(), Got()
    walking.heat(HOT, got)
    for start in range(0, len(data), 4_096):
        walking.feed(data[start : start + 4_096])
    assert got.seen[0][-1] == content
    # Each octet is walked over once, and what is left over of one read is walked over again with the next.
    assert walking.walked < 1.05 * len(data)


class Counting(Parser):
    """Counts the octets that were walked over."""

    def __init__(self) -> None:
        super().__init__(lambda *_: None)
        self.walked = 0

    def _walk(self, data: bytes) -> bytes:
        self.walked += len(data)
        return super()._walk(data)


@pytest.mark.proof
@pytest.mark.timeout(200)
def test_noise_is_refused_or_passed_on_and_means_the_same_however_it_is_cut() -> None:
    draw, understood, refused = random.Random(20230524), 0, 0
    for _ in range(300_000):
        data = bytearray(STREAM)
        for _ in range(draw.randrange(4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        start = draw.randrange(len(data))
        del data[start : start + draw.choice((0, 0, 1, 7))]
        cuts = sorted(draw.sample(range(1, len(data)), 3))
        try:
            whole = fed(bytes(data), [])
        except BadFrame:
            refused += 1
            with pytest.raises(BadFrame):
                fed(bytes(data), cuts)
            continue
        understood += 1
        assert fed(bytes(data), cuts) == whole
    assert understood > 10_000
    assert refused > 10_000
