import asyncio
from collections.abc import Awaitable, Callable

import pytest
from builders import a_reply, a_request, a_service

from lgsp.breaker import USUAL, Terms
from lgsp.bus.base import Silent
from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.service import Catalogue
from lgsp.clock import ManualClock
from lgsp.dispatch import Dispatcher
from lgsp.errors import BusUnavailable, DeliveryError, ProviderError, TimedOut, UnknownService, Unreachable, Unroutable
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome, Reply, Request, Transaction


class Scripted(Silent):
    """A bus whose answer the test writes."""

    kind = "memory"

    def __init__(self, answer: Callable[[Request], Awaitable[Reply]]) -> None:
        self._answer = answer
        self.budgets: list[float] = []

    async def request(self, request: Request, *, timeout: float) -> Reply:
        self.budgets.append(timeout)
        return await self._answer(request)


class Seen:
    def __init__(self) -> None:
        self.transactions: list[Transaction] = []

    def saw(self, transaction: Transaction) -> None:
        self.transactions.append(transaction)


class Broken:
    def saw(self, transaction: Transaction) -> None:
        raise RuntimeError(transaction.request.id)


CATALOGUE = Catalogue({"svc": a_service("svc", timeout=3.0), "off": a_service("off", mode="disabled")})


def a_dispatcher(
    answer: Callable[[Request], Awaitable[Reply]], *taps: object
) -> tuple[Dispatcher, MemoryLedger, Scripted]:
    bus = Scripted(answer)
    ledger = MemoryLedger(["svc", "off"])
    return Dispatcher(bus, CATALOGUE, ledger, taps, ManualClock()), ledger, bus  # type: ignore[arg-type]  # parts of a bus


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_reply_ends_the_transaction_in_its_own_outcome(outcome: Outcome) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, outcome=outcome, reason="why")

    seen = Seen()
    dispatcher, ledger, bus = a_dispatcher(answer, seen)
    transaction = await dispatcher.send(a_request())
    assert (transaction.outcome, transaction.reason) == (outcome, "why")
    assert ledger.totals()["svc", outcome] == 1
    assert sum(ledger.totals().values()) == 1
    assert seen.transactions == [transaction]
    assert bus.budgets == [3.0]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimedOut("budget_spent"), Outcome.TIMEOUT),
        (ProviderError("provider_fault"), Outcome.PROVIDER_ERROR),
        (Unreachable("provider_down"), Outcome.UNREACHABLE),
        (BusUnavailable("overloaded"), Outcome.BUS_ERROR),
        (Unroutable("unroutable"), Outcome.BUS_ERROR),
    ],
)
async def test_silence_ends_in_the_outcome_of_its_error(error: DeliveryError, outcome: Outcome) -> None:
    async def answer(_: Request) -> Reply:
        raise error

    dispatcher, ledger, _ = a_dispatcher(answer)
    transaction = await dispatcher.send(a_request())
    assert (transaction.outcome, transaction.reason, transaction.reply) == (outcome, error.reason, None)
    assert ledger.totals()["svc", outcome] == 1


async def test_a_mistake_in_a_bus_is_a_bus_error_and_no_traceback_for_the_caller() -> None:
    async def answer(_: Request) -> Reply:
        raise ZeroDivisionError

    dispatcher, ledger, _ = a_dispatcher(answer)
    transaction = await dispatcher.send(a_request())
    assert (transaction.outcome, transaction.reason) == (Outcome.BUS_ERROR, "internal")
    assert ledger.totals()["svc", Outcome.BUS_ERROR] == 1


async def test_an_unknown_service_opens_no_transaction() -> None:
    dispatcher, ledger, bus = a_dispatcher(lambda _: asyncio.sleep(0))  # type: ignore[arg-type, return-value]  # never asked
    with pytest.raises(UnknownService):
        await dispatcher.send(a_request(service="nobody"))
    assert sum(ledger.accepted().values()) == 0
    assert bus.budgets == []


async def test_a_disabled_service_is_refused_without_touching_the_bus() -> None:
    dispatcher, ledger, bus = a_dispatcher(lambda _: asyncio.sleep(0))  # type: ignore[arg-type, return-value]  # never asked
    transaction = await dispatcher.send(a_request(service="off"))
    assert (transaction.outcome, transaction.reason) == (Outcome.REJECTED, "service_blocked")
    assert ledger.totals()["off", Outcome.REJECTED] == 1
    assert bus.budgets == []


async def test_a_broken_tap_does_not_stop_the_others() -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request)

    seen = Seen()
    dispatcher, _, _ = a_dispatcher(answer, Broken(), seen)
    await dispatcher.send(a_request())
    assert len(seen.transactions) == 1
    assert dispatcher.lost_notes == 1


async def test_a_caller_that_goes_away_does_not_end_its_transaction() -> None:
    clock = ManualClock()
    ledger = MemoryLedger(["svc"])
    seen = Seen()
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        begun.set()
        await may_answer.wait()
        return a_reply(request)

    async with MemoryBus(clock) as bus, Dispatcher(bus, CATALOGUE, ledger, [seen], clock) as dispatcher:
        await bus.serve("svc", slow)
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(dispatcher.send(a_request()))
            await begun.wait()
            caller.cancel()
        assert caller.cancelled()
        assert ledger.still_open() == {"svc": 1}
        may_answer.set()
    assert [transaction.outcome for transaction in seen.transactions] == [Outcome.OK]
    assert ledger.still_open() == {"svc": 0}
    assert ledger.totals()["svc", Outcome.OK] == 1


async def test_what_is_open_when_the_bus_closes_ends_once_as_a_bus_error() -> None:
    clock = ManualClock()
    ledger = MemoryLedger(["svc"])
    begun = asyncio.Event()

    async def never(_: Request) -> None:
        begun.set()
        await asyncio.Event().wait()

    bus = MemoryBus(clock, drain=0)
    async with (
        Dispatcher(bus, CATALOGUE, ledger, [], clock) as dispatcher,
        asyncio.TaskGroup() as tasks,
        bus,
    ):
        await bus.serve("svc", never)
        caller = tasks.create_task(dispatcher.send(a_request()))
        await begun.wait()
    assert (caller.result().outcome, caller.result().reason) == (Outcome.BUS_ERROR, "shutting_down")
    assert ledger.totals()["svc", Outcome.BUS_ERROR] == 1
    assert ledger.still_open() == {"svc": 0}


class Circuits:
    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def circuit(self, service: str, *, is_open: bool) -> None:
        self.told.append((service, is_open))


FAILURES = [
    (TimedOut("budget_spent"), True),
    (ProviderError("provider_fault"), True),
    (Unreachable("provider_down"), True),
    (Unreachable("suspended"), False),
    (BusUnavailable("overloaded"), False),
    (Unroutable("unroutable"), False),
]


@pytest.mark.parametrize(("error", "opens"), FAILURES)
async def test_a_service_is_suspended_after_failures_that_are_its_own(error: DeliveryError, opens: bool) -> None:  # noqa: FBT001 - a row of the table
    async def answer(_: Request) -> Reply:
        raise error

    clock, bus, ledger, seen = ManualClock(), Scripted(answer), MemoryLedger(["svc"]), Circuits()
    dispatcher = Dispatcher(bus, CATALOGUE, ledger, [], clock, seen)  # type: ignore[arg-type]  # parts of a bus
    ended = [await dispatcher.send(a_request()) for _ in range(USUAL.failures + 1)]
    assert ended[-1].reason == ("suspended" if opens else error.reason)
    assert (ended[-1].outcome is Outcome.UNREACHABLE) == (opens or error.code == "unreachable")
    assert len(bus.budgets) == USUAL.failures + (not opens)
    assert seen.told == [("svc", False), ("svc", True)][: 1 + opens]
    assert sum(ledger.totals().values()) == USUAL.failures + 1
    assert dispatcher.opens_in("svc") == (USUAL.pause if opens else 0)


async def test_a_suspended_service_is_asked_again_by_itself() -> None:
    fate = [TimedOut("budget_spent")] * USUAL.failures

    async def answer(request: Request) -> Reply:
        if fate:
            raise fate.pop()
        return a_reply(request)

    clock, bus, seen = ManualClock(), Scripted(answer), Circuits()
    dispatcher = Dispatcher(bus, CATALOGUE, MemoryLedger(["svc"]), [], clock, seen)  # type: ignore[arg-type]  # parts
    for _ in range(USUAL.failures):
        await dispatcher.send(a_request())
    assert (await dispatcher.send(a_request())).reason == "suspended"
    await clock.advance(USUAL.pause)
    assert [(await dispatcher.send(a_request())).outcome for _ in range(2)] == [Outcome.OK] * 2
    assert seen.told == [("svc", False), ("svc", True), ("svc", False)]


@pytest.mark.parametrize("fields", [{"calm": True}, {"force": "outcome=timeout"}, {"origin": "replay"}])
async def test_what_is_calm_forced_or_replayed_neither_opens_a_breaker_nor_heeds_it(fields: dict[str, object]) -> None:
    async def answer(_: Request) -> Reply:
        raise TimedOut("budget_spent")

    dispatcher, _, bus = a_dispatcher(answer)
    for _ in range(2 * USUAL.failures):
        assert (await dispatcher.send(a_request(**fields))).reason == "budget_spent"
    for _ in range(USUAL.failures):
        assert (await dispatcher.send(a_request())).reason == "budget_spent"
    assert (await dispatcher.send(a_request())).reason == "suspended"
    assert (await dispatcher.send(a_request(**fields))).reason == "budget_spent"
    assert len(bus.budgets) == 3 * USUAL.failures + 1


async def test_other_terms_begin_anew_and_the_same_ones_go_on() -> None:
    async def answer(_: Request) -> Reply:
        raise TimedOut("budget_spent")

    catalogue = Catalogue({"svc": a_service("svc")})
    dispatcher = Dispatcher(Scripted(answer), catalogue, MemoryLedger(["svc"]), [], ManualClock())  # type: ignore[arg-type]  # parts
    for _ in range(USUAL.failures):
        await dispatcher.send(a_request())
    catalogue.swap(Catalogue({"svc": a_service("svc", breaker=Terms())}))
    assert (await dispatcher.send(a_request())).reason == "suspended"
    catalogue.swap(Catalogue({"svc": a_service("svc", breaker=Terms(failures=7))}))
    assert (await dispatcher.send(a_request())).reason == "budget_spent"
    catalogue.swap(Catalogue({"svc": a_service("svc", breaker=None)}))
    assert (await dispatcher.send(a_request())).reason == "budget_spent"
