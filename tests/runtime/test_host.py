from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from builders import a_reply, a_request, a_rule, a_service, an_operation, nowhere
from hosts import Named, Noted

from lgsp.bus.base import Answer
from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.service import (
    Capacity,
    Catalogue,
    ErrorMix,
    Fixed,
    Form,
    Latency,
    Lognormal,
    Mixture,
    Part,
    Service,
    Uniform,
)
from lgsp.clock import ManualClock
from lgsp.errors import (
    BusUnavailable,
    CatalogueError,
    DeliveryError,
    MalformedRequest,
    ProviderError,
    SettingsError,
    TimedOut,
    UnknownService,
    Unreachable,
)
from lgsp.model import Outcome, Reply, Request, Stamps
from lgsp.runtime.connector import Stateful
from lgsp.runtime.host import Host, check_ours, load
from lgsp.runtime.replies import RepliesConnector
from lgsp.runtime.state import States


@dataclass
class Scripted:
    """A connector whose answer the test writes."""

    answer: Callable[[Request], Awaitable[Reply]]


@dataclass
class Stage:
    """A host with one connector, its clock and its watch."""

    clock: ManualClock
    watch: Noted
    answer: Answer


async def fine(request: Request) -> Reply:
    return a_reply(request)


def stage(answer: object = fine, service: Service | None = None, *, calm: bool = False) -> Stage:
    clock, watch = ManualClock(), Noted()
    service = service or a_service("svc", an_operation("GET /x"), an_operation("POST /x"))
    host = Host(
        Named(), Catalogue({service.id: service}), clock, watch, States(clock), nowhere(clock), seed=7, calm=calm
    )  # type: ignore[arg-type]  # the part of a bus that a host uses
    return Stage(clock, watch, host.answer(service, Scripted(answer)))  # type: ignore[arg-type]  # as above


def raising(error: Exception) -> Callable[[Request], Awaitable[Reply]]:
    async def answer(_: Request) -> Reply:
        raise error

    return answer


async def reply_of(answer: Answer, request: Request) -> Reply:
    reply = await answer(request)
    assert reply is not None
    return reply


@pytest.mark.parametrize(
    ("error", "outcome", "status", "reason"),
    [
        (Unreachable("provider_down"), Outcome.UNREACHABLE, 503, "provider_down"),
        (ProviderError("provider_fault"), Outcome.PROVIDER_ERROR, 503, "provider_fault"),
        (BusUnavailable("overloaded"), Outcome.BUS_ERROR, 503, "overloaded"),
        (MalformedRequest("the body is not JSON"), Outcome.REJECTED, 400, "bad_request"),
        (ZeroDivisionError("division"), Outcome.PROVIDER_ERROR, 502, "connector_exception"),
    ],
)
async def test_what_a_connector_raises_is_a_reply(error: Exception, outcome: Outcome, status: int, reason: str) -> None:
    request = a_request()
    reply = await reply_of(stage(raising(error)).answer, request)
    assert (reply.to, reply.outcome, reply.status, reply.reason) == (request.id, outcome, status, reason)


async def test_a_malformed_request_is_told_why() -> None:
    reply = await reply_of(stage(raising(MalformedRequest("thiếu số định danh"))).answer, a_request())
    assert reply.body == "thiếu số định danh".encode()
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_silence_is_no_reply() -> None:
    assert await stage(raising(TimedOut("budget_spent"))).answer(a_request()) is None


async def test_the_log_of_a_failed_connector_holds_nothing_of_the_request() -> None:
    async def stumble(request: Request) -> Reply:
        raise ValueError(f"no such citizen: {request.body!r}")

    with structlog.testing.capture_logs() as lines:
        await stage(stumble).answer(a_request(id="t-9", body=b"049123456789"))
    [line] = lines
    place = str(line.pop("at"))
    assert Path(place.partition(":")[0]) == Path(__file__)
    assert place.rpartition(":")[2] == str(stumble.__code__.co_firstlineno + 1)
    assert line == {
        "event": "connector failed",
        "log_level": "error",
        "error": "ValueError",
        "transaction": "t-9",
        "service": "svc",
        "operation": "GET /x",
    }


@pytest.mark.parametrize("reply", [None, "text", Reply("another's"), {"to": "t-9"}], ids=str)
async def test_what_is_no_reply_to_this_request_is_a_bad_reply(reply: object) -> None:
    async def answer(_: Request) -> object:
        return reply

    with structlog.testing.capture_logs() as lines:
        got = await reply_of(stage(answer).answer, a_request(id="t-9"))
    assert (got.to, got.outcome, got.status, got.reason) == ("t-9", Outcome.PROVIDER_ERROR, 502, "bad_reply")
    assert [line["log_level"] for line in lines] == ["error"]


async def test_an_operation_that_is_unknown_never_reaches_the_connector() -> None:
    reply = await reply_of(stage(raising(AssertionError())).answer, a_request(operation="DELETE /x"))
    assert (reply.outcome, reply.status, reply.reason) == (Outcome.REJECTED, 404, "unknown_operation")


async def test_what_may_have_begun_once_is_not_begun_again_unless_that_does_no_harm() -> None:
    seen: list[str] = []

    async def answer(request: Request) -> Reply:
        seen.append(request.operation)
        return a_reply(request)

    made = stage(answer)
    lost = await reply_of(made.answer, a_request(operation="POST /x", redelivered=True))
    assert (lost.outcome, lost.status, lost.reason) == (Outcome.PROVIDER_ERROR, 502, "connector_lost")
    again = await reply_of(made.answer, a_request(operation="GET /x", redelivered=True))
    first = await reply_of(made.answer, a_request(operation="POST /x"))
    assert (again.outcome, first.outcome) == (Outcome.OK, Outcome.OK)
    assert seen == ["GET /x", "POST /x"]


LATENCY = Latency(distribution=Fixed(seconds=0.1))


async def moved(made: Stage, request: Request, seconds: float = 0.2) -> Reply | None:
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(answered(made, request))
        await made.clock.advance(seconds)
    return answering.result()


async def answered(made: Stage, request: Request) -> Reply | None:
    return await made.answer(request)


@pytest.mark.parametrize(
    "answer",
    [fine, raising(Unreachable("provider_down")), raising(ValueError()), raising(MalformedRequest("no"))],
    ids=["reply", "nobody there", "exception", "malformed"],
)
async def test_the_stamps_of_a_reply_rise(answer: object) -> None:
    made = stage(answer, a_service("svc", latency=LATENCY))
    reply = await moved(made, a_request(budget=30))
    assert reply is not None
    assert isinstance(reply.stamps, Stamps)
    stamps = reply.stamps
    assert 1_684_886_400_000_000_000 <= stamps.t3 <= stamps.t4 <= stamps.t5 <= stamps.t6
    took = 0.1 if answer is fine else 0.0
    assert (stamps.t5 - stamps.t4) / 1e9 == pytest.approx(took, abs=1e-5)
    assert made.watch.durations == pytest.approx([took], abs=1e-5)


async def test_silence_is_measured_too() -> None:
    made = stage(raising(TimedOut("budget_spent")))
    await made.answer(a_request())
    assert made.watch.durations == [0]


@pytest.mark.parametrize(
    "answer", [fine, raising(ValueError()), raising(TimedOut("budget_spent")), raising(Unreachable("provider_down"))]
)
async def test_who_was_busy_is_free_again(answer: object) -> None:
    made = stage(answer)
    await made.answer(a_request())
    assert made.watch.most_busy == 1
    assert made.watch.busy_now == {"svc": 0}


async def test_an_answer_that_is_cancelled_is_no_longer_busy() -> None:
    begun = asyncio.Event()

    async def hang(_: Request) -> Reply:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    made = stage(hang)
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(answered(made, a_request()))
        await begun.wait()
        assert made.watch.busy_now == {"svc": 1}
        answering.cancel()
    assert made.watch.busy_now == {"svc": 0}


ALWAYS_SLOW_AND_BROKEN = a_service(
    "svc",
    latency=Latency(distribution=Fixed(seconds=20)),
    errors=ErrorMix(rates={Outcome.PROVIDER_ERROR: 1.0}),
)


async def test_a_calm_host_makes_every_call_calm() -> None:
    made = stage(fine, ALWAYS_SLOW_AND_BROKEN, calm=True)
    assert (await reply_of(made.answer, a_request(budget=30))).outcome is Outcome.OK
    assert made.watch.durations == [0]


async def test_a_calm_request_is_calm_on_any_host() -> None:
    made = stage(fine, ALWAYS_SLOW_AND_BROKEN)
    assert (await reply_of(made.answer, a_request(budget=30, calm=True))).outcome is Outcome.OK


async def test_an_operations_own_blocks_replace_the_services() -> None:
    own = an_operation(
        "GET /own",
        latency=Latency(distribution=Fixed(seconds=0)),
        errors=ErrorMix(rates={Outcome.REJECTED: 1.0}),
    )
    service = a_service("svc", an_operation("GET /x"), own, errors=ErrorMix(rates={Outcome.UNREACHABLE: 1.0}))
    made = stage(fine, service)
    assert (await reply_of(made.answer, a_request(operation="GET /own", budget=1))).outcome is Outcome.REJECTED
    assert (await reply_of(made.answer, a_request(operation="GET /x", budget=1))).outcome is Outcome.UNREACHABLE


async def served(only: tuple[str, ...] = ()) -> set[str]:
    services = {name: a_service(name) for name in ("a", "b")} | {"off": a_service("off", mode="disabled")}
    bus = Named()
    await Host(
        bus, Catalogue(services), ManualClock(), Noted(), States(ManualClock()), nowhere(ManualClock()), seed=7
    ).serve(only)  # type: ignore[arg-type]  # the part of a bus that a host uses
    return set(bus.served)


async def test_all_operations_of_a_service_share_its_workers() -> None:
    latency = Latency(distribution=Fixed(seconds=1))
    operations = (an_operation("GET /x"), an_operation("POST /x"))
    on = stage(service=a_service("svc", *operations, latency=latency, capacity=Capacity(workers=1, queue=1)))
    ended: dict[str, tuple[float, int]] = {}

    async def call(key: str, operation: str) -> None:
        reply = await reply_of(on.answer, a_request(key=key, operation=operation, budget=30))
        ended[key] = (on.clock.now() - 1_684_886_400, reply.status)

    async with asyncio.TaskGroup() as tasks:
        for key, operation in (("a", "GET /x"), ("b", "POST /x"), ("c", "GET /x")):
            tasks.create_task(call(key, operation))
        await on.clock.advance(0)
        await on.clock.advance(10)
    assert ended == {"c": (0, 500), "a": (1, 200), "b": (2, 200)}
    assert on.watch.durations == [0, 1, 2]


async def test_all_services_are_served_but_the_disabled_ones() -> None:
    assert await served() == {"a", "b"}


async def test_only_the_services_that_were_named_are_served() -> None:
    assert await served(("b", "off")) == {"b"}


async def test_a_name_that_is_no_service_is_refused() -> None:
    with pytest.raises(UnknownService):
        await served(("nobody",))


def test_a_service_without_a_module_answers_from_its_yaml() -> None:
    assert isinstance(load(a_service(), ManualClock()), RepliesConnector)


def test_a_service_with_a_sequence_remembers_its_calls() -> None:
    operation = an_operation(replies=(a_rule(Form(), Form()),))
    assert isinstance(load(a_service("svc", operation), ManualClock()), Stateful)


def test_a_service_with_a_module_is_answered_by_it() -> None:
    assert load(a_service(connector="connectors.civil_status"), ManualClock()).__name__ == "connectors.civil_status"  # type: ignore[attr-defined]  # a module


def test_a_module_that_cannot_be_loaded_is_a_mistake_of_the_catalogue_with_its_place() -> None:
    service = a_service("svc", connector="connectors.nobody", where="services.yaml:3")
    with pytest.raises(CatalogueError) as caught:
        load(service, ManualClock())
    [problem] = caught.value.problems
    assert problem.startswith("services.yaml:3: svc / connector: the module connectors.nobody cannot be loaded")


def test_a_package_that_lies_beside_ours_is_ours(tmp_path: Path) -> None:
    check_ours(tmp_path / "connectors", tmp_path / "lgsp")


def test_a_package_from_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rename it"):
        check_ours(tmp_path / "elsewhere" / "connectors", tmp_path / "lgsp")


LIFELIKE = a_service(
    "svc",
    latency=Latency(
        distribution=Mixture(
            parts=(
                Part(weight=4, distribution=Lognormal(p50=0.05, p99=0.4)),
                Part(weight=1, distribution=Uniform(low=0.2, high=3.0)),
            )
        ),
        maximum=2.5,
    ),
    errors=ErrorMix(
        rates={
            Outcome.PROVIDER_ERROR: 0.1,
            Outcome.REJECTED: 0.1,
            Outcome.UNREACHABLE: 0.05,
            Outcome.TIMEOUT: 0.05,
        }
    ),
)


async def keeps_moving(clock: ManualClock) -> None:
    while True:
        await clock.advance(0.25)


async def a_run(at_a_time: int, seed: int = 7) -> tuple[list[str], list[float]]:
    """Outcomes and seconds of 300 calls, in the order of their keys."""
    clock = ManualClock()
    slots = asyncio.Semaphore(at_a_time)

    async def call(bus: MemoryBus, key: int) -> tuple[str, float]:
        async with slots:
            try:
                reply = await bus.request(a_request(key=str(key)), timeout=3)
            except DeliveryError as error:
                return error.code, 0.0
        assert reply.stamps is not None
        return reply.outcome, (reply.stamps.t6 - reply.stamps.t3) / 1e9

    async with asyncio.TaskGroup() as tasks, MemoryBus(clock) as bus:
        mover = tasks.create_task(keeps_moving(clock))
        await Host(bus, Catalogue({"svc": LIFELIKE}), clock, Noted(), States(clock), nowhere(clock), seed=seed).serve()
        ended = await asyncio.gather(*(call(bus, key) for key in range(300)))
        mover.cancel()
    return [outcome for outcome, _ in ended], [seconds for _, seconds in ended]


async def test_outcomes_and_times_do_not_hang_on_what_else_is_in_flight() -> None:
    outcomes, seconds = await a_run(1)
    others, their_seconds = await a_run(64)
    assert outcomes == others
    assert their_seconds == pytest.approx(seconds, abs=1e-5)
    assert set(outcomes) == {"ok", "provider_error", "rejected", "unreachable", "timeout"}
    assert max(seconds) > 2


async def test_another_seed_is_another_run() -> None:
    assert (await a_run(64))[0] != (await a_run(64, seed=8))[0]


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_forced_request_ends_as_was_chosen_whatever_would_happen_to_it(outcome: Outcome) -> None:
    failing = a_service("svc", an_operation("GET /x"), errors=ErrorMix(rates={Outcome.REJECTED: 1.0}))
    reply = await stage(fine, failing).answer(a_request(service="svc", force=f"outcome={outcome}"))
    assert reply is not None
    assert (reply.outcome, reply.reason) == (outcome, "forced")
