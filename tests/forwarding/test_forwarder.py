from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_reply
from ledgers import START, a_ledger, asked, rows

from lgsp.bus.base import Silent, Take
from lgsp.clock import ManualClock
from lgsp.errors import BusUnavailable, DeliveryError, LedgerUnavailable
from lgsp.forwarding.alive import Terms
from lgsp.forwarding.forwarder import Forwarder, Receipt
from lgsp.forwarding.schedule import RETRY
from lgsp.ledger.outbox import Conflict, Outbox, State
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import EXECUTING, Outcome, Reply, Request, Transaction


@dataclass
class Bus(Silent):
    """A bus that does as it is told: it takes what it is given, or not, and answers when the test says so."""

    kind = "memory"
    refuses: DeliveryError | None = None
    took: list[tuple[Request, int]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    take: Take | None = None

    async def submit(self, request: Request, *, publish: int, age: float) -> None:
        assert age > 0
        self.took.append((request, publish))
        async with self.changed:
            self.changed.notify_all()
        if self.refuses is not None:
            raise self.refuses

    async def collect(self, take: Take) -> None:
        self.take = take

    async def published(self, number: int) -> Request:
        """The request of the publish that is the n-th in all, once it was made."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.took) >= number)
        return self.took[number - 1][0]

    async def answers(self, number: int, **fields: Any) -> bool:
        """The n-th publish in all is answered."""
        assert self.take
        request, publish = self.took[number - 1]
        return await self.take(a_reply(request, **fields), publish)


@dataclass
class Seen:
    transactions: list[Transaction] = field(default_factory=list)
    late: int = 0
    duplicate: int = 0
    on_shelf: dict[str, int] = field(default_factory=dict)

    def saw(self, transaction: Transaction) -> None:
        self.transactions.append(transaction)

    def late_reply(self, service: str) -> None:
        self.late += service == "svc"

    def parked(self, service: str, count: int) -> None:
        self.on_shelf[service] = count

    def duplicate_reply(self, service: str) -> None:
        self.duplicate += service == "svc"


@dataclass
class Stage:
    forwarder: Forwarder
    bus: Bus
    seen: Seen
    ledger: SqliteLedger
    clock: ManualClock
    tasks: asyncio.TaskGroup

    def send(self, request: Request | None = None, wait: float = 30.0) -> asyncio.Task[Receipt]:
        given = asked(operation="POST /x", body=b"body") if request is None else request
        return self.tasks.create_task(self.forwarder.send(given, wait=wait))

    async def until(self, is_so: Callable[[], bool], seconds: float = 0.25) -> None:
        """Move the clock on, tick by tick, until something is so that a writer on its thread brings about."""
        for _ in range(2_000):
            if is_so():
                return
            await self.clock.advance(seconds)
            await self.ledger.commit(lambda _: None)
        raise AssertionError("it never came about")

    def balance(self) -> tuple[int, int, int]:
        """Accepted, ended, open."""
        ledger = self.ledger
        return ledger.accepted()["svc"], sum(ledger.totals().values()), ledger.still_open()["svc"]


@asynccontextmanager
async def stage(directory: Path, clock: ManualClock | None = None, **options: Any) -> AsyncIterator[Stage]:
    clock = clock or ManualClock(START)
    bus, seen = Bus(), Seen()
    given: dict[str, Any] = {"seed": 7, "bus_forgets": False} | options
    async with a_ledger(directory, clock) as ledger:
        forwarder = Forwarder(bus, Outbox(ledger, clock), [seen], seen, seen, clock, **given)  # type: ignore[arg-type]  # the parts of a bus that are asked
        async with forwarder, asyncio.TaskGroup() as tasks:
            yield Stage(forwarder, bus, seen, ledger, clock, tasks)
            forwarder.release()


async def test_the_intent_is_on_disk_before_the_bus_has_it_and_the_answer_comes_in_time(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        sent = made.send()
        request = await made.bus.published(1)
        assert made.balance() == (1, 0, 1)
        kept = await made.forwarder.find(request.id)
        assert kept is not None
        assert (kept.has_body, kept.outcome, kept.standing.publishes) == (True, None, 1)
        await made.bus.answers(1, body=b"received", status=201)
        receipt = await sent
        assert receipt.transaction is not None
        assert receipt.transaction.reply is not None
        assert (receipt.transaction.reply.status, receipt.transaction.reply.body) == (201, b"received")
        assert made.balance() == (1, 1, 0)
        assert [t.outcome for t in made.seen.transactions] == [Outcome.OK]
    [row] = rows(tmp_path)
    assert (row["outcome"], row["attempts"], row["request_bytes"], row["reply_bytes"]) == ("ok", 1, 4, 8)


async def test_what_does_not_end_in_time_goes_on_without_its_caller(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        sent = made.send(wait=30.0)
        request = await made.bus.published(1)
        await made.until(sent.done)
        assert sent.result() == Receipt(request.id, None)
        assert made.balance() == (1, 0, 1)
        await made.bus.answers(1)
        assert made.balance() == (1, 1, 0)
        kept = await made.forwarder.find(request.id)
        assert kept is not None
        assert kept.reply is not None
        assert (kept.standing.state, kept.has_body, kept.reply.body) == (State.ENDED, False, b"answer")


async def test_who_looks_sees_that_a_connector_is_at_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        receipt = await made.send(wait=0)
        await made.bus.published(1)
        executing = {"outcome": EXECUTING[0], "status": EXECUTING[1], "reason": EXECUTING[2]}
        assert await made.bus.answers(1, **executing)
        kept = await made.forwarder.find(receipt.id)
        assert kept is not None
        assert (kept.standing.state, kept.outcome) == (State.EXECUTING, None)
        assert await made.bus.answers(1)
        assert await made.bus.answers(1, **executing)  # a word that came late is no late reply
        assert (made.balance(), made.seen.late) == ((1, 1, 0), 0)


async def test_an_operation_may_have_a_maximum_age_of_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        receipt = await made.forwarder.send(asked(operation="POST /x", body=b"b"), wait=0, age=60.0)
        await made.bus.published(1)
        await made.until(lambda: made.balance() == (1, 1, 0))
        assert 60 <= made.clock.now() - START <= 62
        kept = await made.forwarder.find(receipt.id)
        assert kept is not None
        assert (kept.standing.state, kept.outcome, kept.reason) == (State.PARKED, Outcome.TIMEOUT, "max_age")
        again = await made.forwarder.requeue(receipt.id, asked().id)
        assert again is not None
        kept = await made.forwarder.find(again)
        assert kept is not None
        assert kept.standing.expires - kept.standing.accepted == pytest.approx(60.0)


async def test_what_lies_there_counts_after_a_restart_too(tmp_path: Path) -> None:
    async with stage(tmp_path, terms=Terms(bytes_at_most=4)) as made:
        await made.send(wait=0)
        assert made.forwarder.refusal("svc") == "overloaded"
    async with stage(tmp_path, terms=Terms(bytes_at_most=4)) as made:
        assert made.forwarder.refusal("svc") == "overloaded"
    async with stage(tmp_path, terms=Terms(bytes_at_most=5)) as made:
        assert made.forwarder.refusal("svc") == ""


async def test_nobody_waits_who_did_not_want_to(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        receipt = await made.send(wait=0)
        assert receipt.transaction is None
        await made.bus.published(1)


async def test_what_the_bus_does_not_take_is_published_again_under_another_number(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        made.bus.refuses = BusUnavailable("bus_unavailable")
        made.send(wait=0)
        await made.until(lambda: len(made.bus.took) == 3)
        made.bus.refuses = None
        await made.until(lambda: len(made.bus.took) == 4)
        assert [(publish, request.attempt) for request, publish in made.bus.took] == [(1, 1), (2, 1), (3, 1), (4, 1)]
        await made.bus.answers(2)
        assert made.balance() == (1, 1, 0)


async def test_a_connector_asks_for_another_try_until_it_answers(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        sent = made.send(wait=30.0)
        await made.bus.published(1)
        assert await made.bus.answers(1, outcome=Outcome.UNREACHABLE, reason=RETRY, body=b"")
        assert await made.bus.answers(1, outcome=Outcome.UNREACHABLE, reason=RETRY, body=b"")
        assert made.seen.duplicate == 1
        begun = made.clock.now()
        await made.until(lambda: len(made.bus.took) == 2)
        assert 4.0 <= made.clock.now() - begun <= 6.5
        assert (made.bus.took[1][0].attempt, made.bus.took[1][1]) == (2, 2)
        await made.bus.answers(2)
        receipt = await sent
        assert receipt.transaction is not None
        assert receipt.transaction.request.attempt == 2
    assert [row["attempts"] for row in rows(tmp_path)] == [2]


async def test_after_eight_such_answers_it_is_parked_and_can_be_requeued(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        receipt = await made.send(wait=0)
        for number in range(1, 9):
            await made.until(lambda number=number: len(made.bus.took) == number, seconds=60.0)
            await made.bus.answers(number, outcome=Outcome.UNREACHABLE, reason=RETRY, body=b"")
        [parked] = await made.forwarder.list_parked()
        assert (parked.standing.id, parked.outcome, parked.reason, parked.has_body) == (
            receipt.id,
            Outcome.UNREACHABLE,
            "gave_up",
            True,
        )
        assert made.forwarder.parked == made.seen.on_shelf == {"svc": 1}
        assert made.balance() == (1, 1, 0)
        new_id = asked().id
        assert await made.forwarder.requeue(receipt.id, new_id) == new_id
        assert made.seen.on_shelf == {"svc": 0}
        assert (await made.bus.published(9)).body == b"body"
        await made.bus.answers(9)
        assert made.balance() == (2, 2, 0)
        assert await made.forwarder.requeue(receipt.id, asked().id) is None


async def test_nothing_outlives_its_maximum_age(tmp_path: Path) -> None:
    async with stage(tmp_path, terms=Terms(age=100.0)) as made:
        receipt = await made.send(wait=0)
        await made.until(lambda: bool(made.seen.transactions), seconds=10.0)
        [transaction] = made.seen.transactions
        assert (transaction.outcome, transaction.reason) == (Outcome.TIMEOUT, "max_age")
        assert 100.0 <= transaction.seconds <= 111.0
        assert await made.bus.answers(1)
        assert made.seen.late == 1
        assert made.balance() == (1, 1, 0)
        assert await made.forwarder.drop(receipt.id)
        assert not await made.forwarder.drop(receipt.id)
        assert await made.forwarder.find(receipt.id) is None


async def test_a_second_result_changes_nothing_but_its_count(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await made.send(wait=0)
        await made.bus.published(1)
        assert await asyncio.gather(*(made.bus.answers(1, body=bytes([n])) for n in range(5))) == [True] * 5
        assert await made.bus.answers(1, outcome=Outcome.PROVIDER_ERROR)
        assert made.balance() == (1, 1, 0)
        assert len(made.seen.transactions) == 1
        assert made.ledger.duplicates == 0
    assert [row["outcome"] for row in rows(tmp_path)] == ["ok"]


async def test_the_next_start_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with stage(tmp_path, clock) as made:
        stored, queued = await made.send(wait=0), await made.send(wait=0)
        await made.bus.published(2)
        made.bus.refuses = BusUnavailable("unconfirmed")
        third = await made.send(wait=0)
        await made.bus.published(3)
    async with stage(tmp_path, clock) as made:
        assert made.balance() == (3, 0, 3)
        await made.until(lambda: len(made.bus.took) == 1)
        [(request, publish)] = made.bus.took
        assert (request.id, publish) == (third.id, 2)
        assert made.bus.take
        for receipt in (stored, queued, third):
            await made.bus.take(Reply(receipt.id), 1)
        assert made.balance() == (3, 3, 0)
    async with stage(tmp_path, clock) as made:
        assert made.balance() == (3, 3, 0)


async def test_a_bus_that_forgets_is_given_everything_again_at_start(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with stage(tmp_path, clock) as made:
        receipt = await made.send(wait=0)
        await made.bus.published(1)
    async with stage(tmp_path, clock, bus_forgets=True) as made:
        await made.until(lambda: len(made.bus.took) == 1)
        assert [(request.id, publish) for request, publish in made.bus.took] == [(receipt.id, 2)]


async def test_one_key_is_one_transaction_even_fifty_times_at_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        headers = {"idempotency-key": "a-1"}
        several = [made.send(asked(operation="POST /x", body=b"b", headers=headers)) for _ in range(50)]
        await made.bus.published(1)
        await made.bus.answers(1, body=b"once")
        receipts = [await task for task in several]
        assert len({receipt.id for receipt in receipts}) == 1
        assert {receipt.transaction.reply.body for receipt in receipts} == {b"once"}  # type: ignore[union-attr]  # it came
        assert len(made.bus.took) == 1
        assert made.balance() == (1, 1, 0)
        again = await made.send(asked(operation="POST /x", body=b"b", headers=headers))
        assert again.id == receipts[0].id
        assert again.transaction is not None
        assert again.transaction.reply == Reply(again.id, body=b"once")
        assert made.balance() == (1, 1, 0)


@pytest.mark.parametrize(
    ("change", "is_another"),
    [({"body": b"other"}, 0), ({"consumer": "somebody else"}, 1), ({"operation": "POST /y"}, 1)],
)
async def test_one_key_for_something_else_is_a_conflict(
    tmp_path: Path, change: dict[str, Any], is_another: int
) -> None:
    async with stage(tmp_path) as made:
        first = asked(operation="POST /x", body=b"b", headers={"idempotency-key": "a-1"})
        await made.send(first, wait=0)
        second = replace(first, id=asked().id, **change)
        if is_another:
            assert (await made.forwarder.send(second, wait=0)).id == second.id
        else:
            with pytest.raises(Conflict):
                await made.forwarder.send(second, wait=0)
        assert made.balance()[0] == 1 + is_another


async def test_more_than_is_allowed_is_refused_and_says_why(tmp_path: Path) -> None:
    async with stage(tmp_path, terms=Terms(of_service_at_most=2)) as made:
        assert made.forwarder.refusal("svc") == ""
        for _ in range(2):
            await made.send(wait=0)
        assert made.forwarder.refusal("svc") == "overloaded"
        assert made.forwarder.refusal("other") == ""
        await made.bus.published(2)
        await made.bus.answers(1)
        assert made.forwarder.refusal("svc") == ""
        made.forwarder.release()
        assert made.forwarder.refusal("svc") == "shutting_down"


async def test_who_waits_when_the_gateway_goes_down_is_told_where_to_look(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        sent = made.send(wait=30.0)
        request = await made.bus.published(1)
        made.forwarder.release()
        assert await sent == Receipt(request.id, None)


async def no_room(*_: object) -> None:
    raise LedgerUnavailable("no room")


async def test_a_ledger_that_cannot_be_written_leaves_the_result_with_the_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as made:
        await made.send(wait=0)
        await made.bus.published(1)
        with monkeypatch.context() as full:
            full.setattr(made.ledger, "_ask", no_room)
            assert not await made.bus.answers(1)
            assert made.balance() == (1, 0, 1)
        assert await made.bus.answers(1)
        assert made.balance() == (1, 1, 0)


async def test_a_result_of_another_services_connector_changes_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        sent = made.send()
        await made.bus.published(1)
        for outcome, reason in ((Outcome.OK, ""), (Outcome.OK, EXECUTING[2]), (Outcome.PROVIDER_ERROR, "retry")):
            assert await made.bus.answers(1, service="another", outcome=outcome, reason=reason, body=b"wrong")
        assert made.balance() == (1, 0, 1)
        await made.bus.answers(1, service="svc", body=b"right")
        receipt = await sent
        assert receipt.transaction is not None
        assert receipt.transaction.reply is not None
        assert receipt.transaction.reply.body == b"right"
