"""Dispatcher, waiting and ledger against a model of a few lines, on a bus that does whatever it is allowed to.

Hypothesis chooses every step: what is published may be confirmed or not, returned, refused, lost, delivered, delivered
again; replies come, come twice, come late, come for nobody; callers leave, disks fill, processes die between any two
steps and between a commit and the journal's hearing of it. After each step the account holds; at the end every row is
the model's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from builders import a_service, an_operation
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from stepped import SteppedLedger
from virtual import LoopClock, VirtualLoop

from lgsp.bus.rabbitmq import _unanswered
from lgsp.bus.waiting import Waiting
from lgsp.catalogue.service import Catalogue
from lgsp.chance import uuid7
from lgsp.dispatch import Dispatcher
from lgsp.errors import BusUnavailable, LedgerUnavailable, TimedOut, Unroutable
from lgsp.ledger.files import Files
from lgsp.model import Outcome, Reply, Request

EXAMPLES = int(os.environ.get("EXAMPLES", "20000"))
BUDGET = 2.0
SERVICE = a_service("svc", an_operation("GET /x"), an_operation("POST /x"), timeout=BUDGET)
KINDS = [("svc", operation, "") for operation in SERVICE.operations]
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made there
PICK = st.integers(0, 15)
Ended = tuple[str, str]


@dataclass
class Sent:
    """A request on the bus, and what the model knows of it."""

    request: Request
    due: float
    confirmed: bool = False
    delivered: int = 0
    lost: bool = False


class Machine(RuleBasedStateMachine):
    """One gateway through all its lives."""

    kind = "hostile"

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.clock = LoopClock(self.loop)
        self.number = 0
        self.sent: dict[str, Sent] = {}
        self.replies: list[Reply] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.answered: dict[str, str] = {}
        # The model: what is open, how each ended, and how often a request that may run once ran.
        self.open: set[str] = set()
        self.ended: dict[str, Ended] = {}
        self.is_full = False
        self.executed: Counter[str] = Counter()

    @initialize()
    def start(self) -> None:
        with structlog.testing.capture_logs():
            self.ledger = SteppedLedger(Files(self.directory, "gw1"), ["svc"], self.clock, capacity=64)
            self.ledger.begin(KINDS)
        self.waiting = Waiting(_unanswered)
        self.dispatcher = Dispatcher(self, Catalogue({"svc": SERVICE}), self.ledger, [], self.clock)  # type: ignore[arg-type]  # the part of a bus that it uses
        self.loop.run_until_complete(self.dispatcher.__aenter__())
        self.is_full = False

    # The bus that the dispatcher sees

    async def request(self, request: Request, *, timeout: float) -> Reply:
        due = self.clock.now() + timeout
        slot = self.waiting.expect(request.id, request.service, due)
        slot.confirmed = False
        self.sent[request.id] = Sent(request, due)
        return await slot.future

    async def resume(self, request_id: str) -> Reply:
        future = self.waiting.resume(request_id)
        if future is None:
            raise TimedOut("budget_spent")
        return await future

    # What happens

    @rule(method=st.sampled_from(["GET", "POST"]))
    def ask(self, method: str) -> None:
        self.number += 1
        request = Request(uuid7(int(self.clock.now() * 1000), self.number), "svc", f"{method} /x", "/x")
        self.tasks[request.id] = self.loop.create_task(self._call(request))
        if not self.is_full:
            self.open.add(request.id)
        self._settle()

    async def _call(self, request: Request) -> None:
        try:
            transaction = await self.dispatcher.send(request)
        except LedgerUnavailable:
            return
        self.answered[request.id] = str(transaction.outcome)

    @rule(which=PICK)
    def confirm(self, which: int) -> None:
        if (sent := self._pick(which)) is not None:
            sent.confirmed = True
            if (slot := self.waiting.find(sent.request.id)) is not None:
                slot.confirmed = True

    @rule(which=PICK, why=st.sampled_from(["unroutable", "overloaded", "unconfirmed"]))
    def give_back(self, which: int, why: str) -> None:
        """Returned, refused, or the connection was lost under it: it may have come through all the same."""
        sent = self._pick(which)
        if sent is None or sent.confirmed or sent.lost:
            return
        error = Unroutable(why) if why == "unroutable" else BusUnavailable(why)
        sent.lost = why != "unconfirmed"
        self.waiting.fail(sent.request.id, error)
        self._end(sent.request.id, "bus_error", why)

    @rule(which=PICK)
    def lose(self, which: int) -> None:
        if (sent := self._pick(which)) is not None:
            sent.lost = True

    @rule(which=PICK, outcome=st.sampled_from([Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.PROVIDER_ERROR]))
    def deliver(self, which: int, outcome: Outcome) -> None:
        """To a connector, which may have died over it the last time."""
        sent = self._pick(which)
        if sent is None or sent.lost or self.clock.now() >= sent.due:
            return
        sent.delivered += 1
        if sent.delivered > 1 and sent.request.operation.startswith("POST"):
            self.replies.append(Reply(sent.request.id, Outcome.PROVIDER_ERROR, 502, "connector_lost"))
            return
        self.executed[sent.request.id] += 1
        self.replies.append(Reply(sent.request.id, outcome, 200, "" if outcome is Outcome.OK else "said", b"{}"))

    @rule(which=PICK, keep=st.booleans())
    def reply(self, which: int, *, keep: bool) -> None:
        """A reply arrives; where it is kept it will come again."""
        if not self.replies:
            return
        index = which % len(self.replies)
        reply = self.replies[index] if keep else self.replies.pop(index)
        self.waiting.resolve(reply)
        self._end(reply.to, str(reply.outcome), reply.reason)

    @rule(entropy=st.integers(0, 1000))
    def reply_to_nobody(self, entropy: int) -> None:
        self.waiting.resolve(Reply(uuid7(0, entropy)))
        self._settle()

    @rule(which=PICK)
    def caller_leaves(self, which: int) -> None:
        """Its transaction goes on."""
        if self.tasks:
            list(self.tasks.values())[which % len(self.tasks)].cancel()
            self._settle()

    @rule(seconds=st.sampled_from([0.01, 0.5, 1.0, 2.5]))
    def wait(self, seconds: float) -> None:
        self.loop._virtual.now += seconds
        now = self.clock.now()
        self.waiting.sweep(now)
        for id_ in list(self.open):
            # A bucket is 50 ms, and one whose time is not over as a whole waits for the next.
            if id_ in self.sent and self.waiting.find(id_) is None:
                assert now >= self.sent[id_].due
                confirmed = self.sent[id_].confirmed
                self._end(id_, *(("timeout", "budget_spent") if confirmed else ("bus_error", "unconfirmed")))
            elif id_ in self.sent:
                assert now < self.sent[id_].due + 0.1
        self._settle()

    @rule()
    def write(self) -> None:
        self.ledger.turn()

    @rule(is_full=st.booleans())
    def disk(self, *, is_full: bool) -> None:
        self.is_full = is_full
        self.ledger.fill("the disk is full" if is_full else "")

    @rule(in_commit=st.booleans())
    def die_and_start_again(self, *, in_commit: bool) -> None:
        if in_commit and not self.is_full:
            self.ledger.torn_turn()
        self.ledger.die()
        self.waiting.fail_all(BusUnavailable("dead"))
        for task in self.tasks.values():
            task.cancel()
        self._settle()
        for id_ in self.open:
            self.ended[id_] = "bus_error", "gateway_crash"
        self.open.clear()
        self.tasks.clear()
        self.start()

    # The account

    @invariant()
    def the_account_holds(self) -> None:
        if not hasattr(self, "ledger"):
            return
        totals = {str(outcome): count for (_, outcome), count in self.ledger.totals().items() if count}
        assert totals == dict(Counter(outcome for outcome, _ in self.ended.values()))
        assert self.ledger.still_open() == {"svc": len(self.open)}
        assert self.ledger.accepted() == {"svc": len(self.open) + len(self.ended)}
        assert all(self.ended[id_][0] == outcome for id_, outcome in self.answered.items())

    def teardown(self) -> None:
        try:
            if hasattr(self, "ledger"):
                self.disk(is_full=False)
                self.wait(2.5)
                assert self.open == set()
                self.write()
                self.ledger.die()
                assert self._rows() == sorted((id_, *ended) for id_, ended in self.ended.items())
                assert all(self.executed[i] for i, (outcome, _) in self.ended.items() if outcome == "ok")
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self._settle()
            self.loop.close()
            asyncio.set_event_loop(None)
            shutil.rmtree(self.directory)

    def _rows(self) -> list[tuple[str, str, str]]:
        with closing(sqlite3.connect(Files(self.directory, "gw1").book)) as db:
            months = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'tx_????_??'")]
            rows = [row for month in months for row in db.execute(f"SELECT id, outcome, reason FROM {month}")]  # noqa: S608 - the ledger's own name
            hours = dict(db.execute("SELECT outcome, sum(n) FROM hour GROUP BY 1"))
        assert hours == dict(Counter(outcome for _, outcome, _ in rows))
        return sorted((str(UUID(bytes=id_)), outcome, reason) for id_, outcome, reason in rows)

    def _pick(self, which: int) -> Sent | None:
        return list(self.sent.values())[-1 - which % len(self.sent)] if self.sent else None

    def _end(self, id_: str, outcome: str, reason: str) -> None:
        """The model's: the first end of what is open is its outcome, everything later changes nothing."""
        if id_ in self.open:
            self.open.discard(id_)
            self.ended[id_] = outcome, reason
        self._settle()

    def _settle(self) -> None:
        for _ in range(4):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()


def explore(examples: int, *, planted: bool = False) -> None:
    """Random stories; where a bug was planted, always the same ones, and no shorter one is looked for."""
    chosen = settings(
        max_examples=examples,
        derandomize=planted or settings().derandomize,
        stateful_step_count=30,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if planted else [Phase.generate, Phase.shrink],
    )
    run_state_machine_as_test(Machine, settings=chosen)  # type: ignore[no-untyped-call]


@pytest.mark.timeout(90)
def test_the_model_and_the_ledger_agree() -> None:
    explore(25)


@pytest.mark.proof
@pytest.mark.timeout(1_500)
def test_they_agree_in_twenty_thousand_stories() -> None:
    explore(EXAMPLES)


@pytest.mark.timeout(90)
def test_an_outcome_that_can_be_written_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def twice(self: Dispatcher, *told: object) -> object:
        self._ledger._totals["svc", Outcome.OK] += 1  # type: ignore[attr-defined]
        return await real(self, *told)  # type: ignore[arg-type]

    real = Dispatcher._finish
    monkeypatch.setattr(Dispatcher, "_finish", twice)
    with pytest.raises((AssertionError, ExceptionGroup)):
        explore(60, planted=True)


@pytest.mark.timeout(90)
def test_a_crash_that_is_forgotten_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from lgsp.ledger import sqlite
    from lgsp.ledger.book import Book
    from lgsp.ledger.journal import Journal, State

    def forgetful(book: Book, journal: Journal, now: float, quarantine: Path) -> object:
        journal.drop([place.number for place in journal.places() if place.state is State.OPEN])
        return real(book, journal, now, quarantine)

    real = sqlite.recover
    monkeypatch.setattr(sqlite, "recover", forgetful)
    with pytest.raises((AssertionError, ExceptionGroup)):
        explore(200, planted=True)
