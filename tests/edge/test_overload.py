"""What is beyond the room there is: calls, waiting consumers, bodies and answers in memory."""

from __future__ import annotations

import asyncio

import pytest
from builders import a_reply
from gateways import Forwards, Stage, blocked, raising, stage, until

from lgsp.edge import bodies
from lgsp.errors import (
    TimedOut,
    Unreachable,
)
from lgsp.model import Outcome, Reply, Request


async def test_what_is_beyond_our_capacity_is_shed_as_our_own_error() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer, max_in_flight=1) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask())
        await begun.wait()
        assert made.watch.in_flight == {"svc": 1}
        shed = await made.ask()
        assert (shed.status, shed.fault["reason"], shed.headers["Retry-After"]) == (503, "overloaded", "2")
        assert shed.headers["X-Lgsp-Outcome"] == "bus_error"
        assert made.watch.sheds == ["inflight"]
        assert len(made.bus.arrived) == 1
        may_answer.set()
    assert first.result().status == 200
    assert made.watch.in_flight == {"svc": 0}
    assert (made.ledger.totals()["svc", Outcome.OK], made.ledger.totals()["svc", Outcome.BUS_ERROR]) == (1, 1)


async def test_a_service_that_is_full_leaves_the_others_their_room() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask(path="/narrow/x"))
        await begun.wait()
        second = await made.ask(path="/narrow/x", as_="demo")
        may_answer.set()
        assert (second.status, second.fault["code"], second.fault["reason"]) == (503, 900801, "service_busy")
        assert (second.headers["Retry-After"], second.headers["X-Lgsp-Outcome"]) == ("2", "bus_error")
        assert (await made.ask(as_="demo")).status == 200
    assert first.result().status == 200
    assert made.watch.sheds == ["inflight"]


async def test_a_consumer_that_waits_for_too_much_leaves_the_others_their_room() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask(as_="modest"))
        await begun.wait()
        second = await made.ask(as_="modest")
        may_answer.set()
        assert (second.status, second.fault["code"], second.fault["reason"]) == (429, 900803, "throttled_in_flight")
        assert (second.headers["Retry-After"], second.headers["X-Lgsp-Outcome"]) == ("1", "rejected")
        assert (await made.ask(as_="demo")).status == 200
    assert first.result().status == 200
    assert made.watch.sheds == ["quota"]
    assert made.gateway.room.calls == 0


async def test_what_is_stored_does_not_wait_for_a_service_that_is_full() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer, Forwards(ends=False)) as made, asyncio.TaskGroup() as tasks:
        tasks.create_task(made.ask(path="/narrow/x"))
        await begun.wait()
        later = await made.ask(path="/narrow/x", headers={"Prefer": "respond-async"})
        may_answer.set()
        assert (later.status, [wait for _, wait in made.forwarder.sent]) == (202, [0.0])


async def test_a_suspended_service_says_when_to_ask_again() -> None:
    async with stage(raising(Unreachable("provider_down"))) as made:
        assert (await made.ask(path="/narrow/x", as_="demo")).fault["code"] == 101503
        held = await made.ask(path="/narrow/x", as_="demo")
        assert (held.status, held.fault["code"], held.headers["Retry-After"]) == (503, 303001, "7")
        assert held.headers["X-Lgsp-Outcome"] == "unreachable"
        assert len(made.bus.arrived) == 1


async def test_many_who_dribble_their_bodies_hold_their_own_part_of_the_memory_and_no_call() -> None:
    head = "POST /svc/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 900\r\n\r\n"
    async with stage(max_in_flight=1, max_held=20_000) as made:
        slow = [await asyncio.open_connection("127.0.0.1", made.port) for _ in range(40)]
        for _, writer in slow:
            writer.write(head.format(made.token()).encode() + b"x" * 600)
        await until(lambda: len(made.watch.sheds) == 31)  # nine hold a quarter; whoever comes after them is refused
        assert (made.gateway.room.held, made.gateway.room.calls) == (5_400, 0)
        late = await made.ask("POST", "/svc/x", data=b"y" * 900)
        assert (late.status, late.fault["reason"], late.headers["Retry-After"]) == (429, "throttled_in_flight", "1")
        assert set(made.watch.sheds) == {"quota"}
        other = [await made.ask("POST", "/svc/x", data=b"y" * 900, as_="demo") for _ in range(3)]
        assert [each.status for each in other] == [200] * 3
        for _, writer in slow:
            writer.close()
        await until(lambda: made.gateway.room.held == 0)
    assert made.ledger.totals()["svc", Outcome.REJECTED] == 32


async def test_bodies_of_many_consumers_together_are_refused_before_memory_grows() -> None:
    head = "POST /svc/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 900\r\n\r\n"
    async with stage(max_held=2_000) as made:
        slow = []
        for consumer in ("demo", "tester", "modest", "fourth"):
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
            slow.append(writer)
            writer.write(head.format(made.token(consumer)).encode() + b"x" * 501)
        await until(lambda: made.gateway.room.held == 2_004)
        late = await made.ask("POST", "/svc/x", data=b"y", as_="fifth")
        assert (late.status, late.fault["reason"], late.headers["Retry-After"]) == (503, "overloaded", "2")
        assert (late.headers["X-Lgsp-Outcome"], made.watch.sheds) == ("bus_error", ["memory"])
        for writer in slow:
            writer.close()
        await until(lambda: made.gateway.room.held == 0)


async def unread(made: Stage) -> asyncio.StreamWriter:
    """Somebody asks for a large answer and does not read it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", made.port, limit=1_024)
    asked = f"GET /svc/x/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {made.token()}\r\n\r\n"
    writer.write(asked.encode())
    await reader.read(1)
    return writer


async def large(request: Request) -> Reply:
    return a_reply(request, body=b"z" * 16_000_000 if request.operation.startswith("GET") else b"small")


async def test_who_does_not_read_its_answer_holds_its_own_part_of_the_memory_and_no_call() -> None:
    async with stage(large, max_in_flight=1, max_held=64_000_000) as made:
        writer = await unread(made)
        assert (made.gateway.room.calls, made.gateway.room.held) == (0, 16_000_000)
        writers = [writer, await unread(made)]
        assert (await made.ask("POST", "/svc/x", data=b"b")).status == 429
        assert (await made.ask("POST", "/svc/x", data=b"b", as_="demo")).status == 200
        for each in writers:
            each.transport.abort()
        await until(lambda: made.gateway.room.held == 0)


async def test_a_reader_that_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SEND_RATE", 1e12)
    monkeypatch.setattr(bodies, "_SEND_SECONDS", 0.05)
    async with stage(large) as made:
        writer = await unread(made)
        await until(lambda: made.gateway.room.held == 0)
        writer.transport.abort()
        assert made.watch.answered == [("service", "GET", 200)]


async def test_a_large_answer_that_is_read_goes_through_whole() -> None:
    body = bytes(range(256)) * 4_000

    async def answer(request: Request) -> Reply:
        return a_reply(request, body=body)

    async with stage(answer) as made:
        assert [(await made.ask()).body == body for _ in range(2)] == [True, True]
        assert made.gateway.room.held == 0


async def test_a_call_that_fails_gives_its_place_back() -> None:
    async with stage(raising(TimedOut("budget_spent")), max_in_flight=1) as made:
        assert [(await made.ask()).status for _ in range(3)] == [504, 504, 504]
        assert made.watch.in_flight == {"svc": 0}
        assert made.watch.sheds == []
