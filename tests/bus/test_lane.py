"""A hot channel against a scripted broker: what is written when, and what each publish comes to."""

from __future__ import annotations

import asyncio

import pamqp.frame
import pytest
from pamqp import commands, header
from scripted import NUMBER, Stage, a_turn

from lgsp.bus import lane
from lgsp.bus.channel import Delivery
from lgsp.bus.message import Message
from lgsp.clock import ManualClock
from lgsp.errors import BusUnavailable, MalformedRequest


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def stage(clock: ManualClock) -> Stage:
    return Stage(clock)


def refused(stage: Stage, name: str = "t", **fields: bytes) -> str:
    with pytest.raises(BusUnavailable) as caught:
        stage.publish(name, **fields)  # type: ignore[arg-type]  # a body
    return caught.value.reason


def a_delivery(tag: int, consumer: str = "c1", name: str = "t", *, redelivered: bool = False) -> bytes:
    method = commands.Basic.Deliver(consumer, tag, redelivered=redelivered, exchange="lgsp.req", routing_key="svc")
    head = header.ContentHeader(0, 0, commands.Basic.Properties(correlation_id=f"{name}-{tag}"))
    return b"".join(pamqp.frame.marshal(frame, NUMBER) for frame in (method, head))


def returned(name: str) -> bytes:
    method = commands.Basic.Return(312, "NO_ROUTE", "lgsp.req", "svc")
    properties = commands.Basic.Properties(message_id=f"{name}.1", correlation_id=name)
    return b"".join(pamqp.frame.marshal(frame, NUMBER) for frame in (method, header.ContentHeader(0, 0, properties)))


async def consuming(stage: Stage) -> list[Delivery]:
    came: list[Delivery] = []
    await stage.channel.consume("q.sync.svc", came.append)
    return came


def answer(stage: Stage, delivery: Delivery, *, seconds: float = 10.0) -> None:
    message = Message(correlation_id=delivery.message.correlation_id, message_id="r")
    stage.channel.answer("lgsp.reply", f"to {delivery.tag}", message, delivery, due=stage.clock.now() + seconds)


# Out


async def test_what_one_turn_of_the_loop_holds_leaves_in_one_write(stage: Stage) -> None:
    stage.publish("a", body=b"1")
    stage.publish("b")
    assert stage.wire.writes == []
    await a_turn()
    assert len(stage.wire.writes) == 1
    assert stage.wire.names() == ["publish a", "ContentHeader", "ContentBody", "publish b", "ContentHeader"]


async def test_an_ack_is_written_behind_its_reply_in_the_same_write(stage: Stage) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1) + a_delivery(2) + a_delivery(3))
    answer(stage, came[1])
    answer(stage, came[0])
    await a_turn()
    assert len(stage.wire.writes) == 1
    assert stage.wire.names() == ["publish to 2", "ContentHeader", "publish to 1", "ContentHeader", "ack to 2"]


async def test_what_a_read_gives_rise_to_leaves_in_the_turn_that_it_wakes(stage: Stage) -> None:
    loop, woken = asyncio.get_running_loop(), list[asyncio.Handle]()
    await stage.channel.consume("q.sync.svc", lambda delivery: woken.append(loop.call_soon(answer, stage, delivery)))
    stage.relay.data_received(a_delivery(1) + a_delivery(2))
    await a_turn()
    assert len(stage.wire.writes) == 1
    assert stage.wire.names() == ["publish to 1", "ContentHeader", "publish to 2", "ContentHeader", "ack to 2"]


async def test_behind_a_slow_head_what_is_done_is_acknowledged_singly(stage: Stage, clock: ManualClock) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1) + a_delivery(2) + a_delivery(3))
    stage.channel.ack(came[1])
    await a_turn()
    assert stage.wire.names() == []
    await clock.advance(2 * lane.SLOW)
    stage.channel.ack(came[2])
    await a_turn()
    assert stage.wire.names() == ["ack 2", "ack 3"]


async def test_what_waits_behind_a_slow_head_needs_no_further_traffic_to_be_acknowledged(clock: ManualClock) -> None:
    stage = Stage(clock)
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1) + a_delivery(2))
    stage.channel.ack(came[1])
    await clock.advance(2 * lane.SLOW)
    async with asyncio.timeout(5):
        while not stage.wire.writes:
            await a_turn()
    assert stage.wire.names() == ["ack 2"]


async def test_a_rejected_delivery_does_not_come_back_and_holds_nothing_back(stage: Stage) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1) + a_delivery(2))
    stage.channel.reject(came[0])
    stage.channel.ack(came[1])
    await a_turn()
    assert stage.wire.names() == ["reject 1", "ack 2"]


async def test_a_delivery_for_a_consumer_that_we_do_not_know_is_never_acknowledged(stage: Stage) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1, consumer="whose") + a_delivery(2))
    assert [delivery.tag for delivery in came] == [2]
    stage.channel.ack(came[0])
    await a_turn()
    assert stage.wire.names() == []


async def test_replies_that_need_no_ack_are_given_on_and_not_kept(stage: Stage) -> None:
    came: list[Delivery] = []
    await stage.channel.consume("q.reply.gw", came.append, no_ack=True)
    stage.relay.data_received(a_delivery(1) + a_delivery(2))
    assert [delivery.message.correlation_id for delivery in came] == ["t-1", "t-2"]
    assert "0 open" in repr(stage.channel)


async def test_a_message_that_has_no_place_in_amqp_is_refused_and_nothing_is_written(stage: Stage) -> None:
    with pytest.raises(MalformedRequest, match="255 octets"):
        stage.channel.publish("lgsp.req", "svc", Message(reply_to="x" * 256), None, due=stage.clock.now() + 1)
    await a_turn()
    assert stage.wire.writes == []


# What each publish comes to


async def test_confirms_settle_their_publishes_and_refusals_too(stage: Stage) -> None:
    for name in "abcd":
        stage.publish(name)
    stage.says(commands.Basic.Ack(2, multiple=True), commands.Basic.Nack(3), commands.Basic.Ack(4))
    assert stage.told.fates == [("a", "taken"), ("b", "taken"), ("c", "overloaded"), ("d", "taken")]


async def test_a_return_before_its_ack_is_unroutable_and_stays_so(stage: Stage) -> None:
    stage.publish("a")
    stage.publish("b")
    stage.relay.data_received(returned("a"))
    stage.says(commands.Basic.Ack(2, multiple=True))
    assert stage.told.fates == [("a", "unroutable"), ("b", "taken")]


async def test_a_reply_that_comes_back_is_undeliverable(clock: ManualClock) -> None:
    stage = Stage(clock, confirms=False)
    stage.relay.data_received(returned("t-1"))
    assert (stage.told.undelivered, stage.told.fates) == (["t-1"], [])


async def test_more_unconfirmed_than_may_be_wait_until_there_is_a_confirm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "UNCONFIRMED_AT_MOST", 2)
    for name in "abc":
        stage.publish(name)
    await a_turn()
    assert stage.wire.names()[::2] == ["publish a", "publish b"]
    stage.says(commands.Basic.Ack(1))
    await a_turn()
    assert stage.wire.names()[::2] == ["publish a", "publish b", "publish c"]
    stage.says(commands.Basic.Ack(3, multiple=True))
    assert [name for name, _ in stage.told.fates] == ["a", "b", "c"]


# Back-pressure


async def test_a_full_socket_holds_what_is_published_and_lets_it_go_in_order(stage: Stage) -> None:
    stage.relay.pause_writing()
    stage.publish("a")
    stage.publish("b")
    await a_turn()
    assert stage.wire.writes == []
    stage.relay.resume_writing()
    stage.publish("c")
    await a_turn()
    assert stage.wire.names()[::2] == ["publish a", "publish b", "publish c"]


async def test_a_turn_that_holds_much_asks_the_socket_before_it_ends(stage: Stage) -> None:
    for name in "abc":
        stage.publish(name, body=b"x" * 100_000)
    assert [len(one) > 300_000 for one in stage.wire.writes] == [True]
    stage.publish("d")
    await a_turn()
    assert [name for name in stage.wire.names() if name.startswith("publish")][-1] == "publish d"


async def test_what_was_written_in_the_turn_of_the_pause_waits_too(stage: Stage) -> None:
    stage.publish("a")
    stage.relay.pause_writing()
    stage.publish("b")
    await a_turn()
    assert stage.wire.writes == []
    stage.relay.resume_writing()
    await a_turn()
    assert stage.wire.names()[::2] == ["publish a", "publish b"]


async def test_what_expired_while_it_waited_is_not_written_and_does_not_count(stage: Stage, clock: ManualClock) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1))
    stage.relay.pause_writing()
    stage.publish("short", seconds=1.0)
    stage.publish("long", seconds=10.0)
    answer(stage, came[0], seconds=1.0)
    await clock.advance(2.0)
    stage.relay.resume_writing()
    await a_turn()
    assert stage.wire.names() == ["publish long", "ContentHeader", "ack 1"]
    stage.says(commands.Basic.Ack(1))
    assert stage.told.fates == [("long", "taken")]


async def test_as_much_as_may_waits_and_more_is_overload(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "HELD_AT_MOST", 3)
    monkeypatch.setattr(lane, "HELD_BYTES_AT_MOST", 10_000)
    stage.relay.pause_writing()
    stage.publish("a", body=b"x" * 9_000)
    assert refused(stage, "b", body=b"x" * 2_000) == "overloaded"
    stage.publish("b")
    stage.publish("c")
    assert refused(stage, "d") == "overloaded"
    stage.relay.resume_writing()
    await a_turn()
    assert [name for name in stage.wire.names() if name.startswith("publish")] == [
        "publish a",
        "publish b",
        "publish c",
    ]
    stage.relay.pause_writing()
    stage.publish("e", body=b"x" * 9_000)


async def test_an_alarm_refuses_at_once_until_it_ends(stage: Stage) -> None:
    stage.says(commands.Connection.Blocked("low on memory"), channel=0)
    assert (refused(stage), stage.alarms) == ("bus_blocked", 1)
    stage.says(commands.Connection.Unblocked(), channel=0)
    stage.publish("b")
    await a_turn()
    assert (stage.wire.names()[0], stage.alarms) == ("publish b", 2)


# Ends


async def test_nothing_is_written_to_a_channel_that_the_broker_closed(stage: Stage) -> None:
    came = await consuming(stage)
    stage.relay.data_received(a_delivery(1))
    stage.publish("a")
    close = commands.Channel.Close(404, "NOT_FOUND", 60, 20)
    stage.says(close)
    stage.channel.ack(came[0])
    stage.channel.reject(came[0])
    await a_turn()
    assert stage.wire.writes == []
    assert (stage.told.fates, refused(stage)) == ([("a", "unconfirmed")], "bus_unavailable")
    assert stage.behind.got == [pamqp.frame.marshal(close, NUMBER)], "aiormq answers it"
    assert (stage.channel.is_open, stage.told.changes) == (False, 1)


async def test_a_lost_connection_leaves_its_publishes_unconfirmed(stage: Stage) -> None:
    stage.publish("a")
    stage.publish("b")
    stage.says(commands.Basic.Ack(1))
    stage.relay.connection_lost(None)
    await a_turn()
    assert stage.told.fates == [("a", "taken"), ("b", "unconfirmed")]
    assert (stage.channel.is_open, stage.wire.writes) == (False, [])


async def test_closing_writes_what_is_left_and_then_nothing(stage: Stage) -> None:
    stage.publish("a")
    stage.channel.close()
    assert stage.wire.names() == ["publish a", "ContentHeader"]
    assert refused(stage) == "bus_unavailable"


async def test_the_broker_is_asked_once_when_nothing_is_consumed_any_more(stage: Stage) -> None:
    for service in ("a", "b", "c"):
        await stage.channel.consume(f"q.sync.{service}", lambda _: None)
    stage.raw.asked.clear()
    await stage.channel.cancel("q.sync.b")
    assert stage.raw.asked == [("cancel", "c2")]
    stage.raw.asked.clear()
    await stage.channel.cancel()
    assert stage.raw.asked == [("cancel without an answer", "c1"), ("cancel", "c3")]
    assert not any(stage.channel.consumes(f"q.sync.{service}") for service in ("a", "b", "c"))
    await stage.channel.cancel()


async def test_a_consumer_that_the_broker_cancelled_is_known_to_be_gone(stage: Stage) -> None:
    await consuming(stage)
    assert stage.channel.consumes("q.sync.svc")
    [cancelled] = stage.raw.on_consumer_cancel_callbacks
    cancelled(commands.Basic.Cancel("c1"))
    assert (stage.channel.consumes("q.sync.svc"), stage.told.changes) == (False, 1)
