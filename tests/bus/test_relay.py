"""What the relay hands on, what it keeps, and the life signs that it gives."""

from __future__ import annotations

import pamqp.frame
import pytest
from pamqp import commands
from scripted import NUMBER, Stage, a_turn

from lgsp.bus import wire
from lgsp.clock import ManualClock

CONFIRM = pamqp.frame.marshal(commands.Basic.Ack(1), NUMBER)


@pytest.fixture
async def stage() -> Stage:
    return Stage(ManualClock())


def at(stage: Stage, monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    monkeypatch.setattr(stage.relay, "_now", lambda: moment)


async def test_everything_that_happens_to_the_socket_is_handed_on(stage: Stage) -> None:
    stage.relay.pause_writing()
    stage.relay.resume_writing()
    assert stage.relay.eof_received()
    stage.relay.connection_lost(OSError("reset"))
    assert stage.behind.told == ["pause", "resume", "eof", "lost reset"]
    assert "lost" in repr(stage.relay)


async def test_frames_of_other_channels_go_to_aiormq_as_they_came(stage: Stage) -> None:
    other = pamqp.frame.marshal(commands.Basic.Ack(7), NUMBER + 1)
    stage.relay.data_received(CONFIRM + other + CONFIRM)
    assert stage.behind.got == [other]


async def test_a_busy_lane_gives_aiormq_a_life_sign_now_and_then(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = stage.relay._told
    for tenth in range(1, 161):
        at(stage, monkeypatch, begun + tenth / 10)
        stage.relay.data_received(CONFIRM)
    assert stage.behind.got == [wire.HEARTBEAT] * 3, "every 5 s of 16"


async def test_a_connection_that_is_silent_gives_no_life_sign(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    at(stage, monkeypatch, stage.relay._told + 60)
    stage.publish("a")
    await a_turn()
    assert stage.behind.got == []


async def test_what_is_no_amqp_ends_the_connection_and_everything_on_it(stage: Stage) -> None:
    stage.publish("a")
    stage.relay.data_received(CONFIRM[:-1] + b"\x00")
    assert (stage.wire.aborted, stage.told.fates, stage.channel.is_open) == (True, [("a", "unconfirmed")], False)
    stage.relay.data_received(CONFIRM)
    assert stage.behind.got == [], "aiormq hears of it by the loss of the connection"


async def test_an_alarm_is_seen_and_handed_on(stage: Stage) -> None:
    blocked = pamqp.frame.marshal(commands.Connection.Blocked("low on memory"), 0)
    stage.relay.data_received(blocked)
    assert (stage.relay.blocked, stage.alarms, stage.behind.got) == (True, 1, [blocked])
    stage.says(commands.Connection.Unblocked(), channel=0)
    assert (stage.relay.blocked, stage.alarms) == (False, 2)
