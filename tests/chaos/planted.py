"""Bugs to plant into lgsp's processes: each takes one guard away, and the checker must turn red.

A check that was never seen failing proves nothing. Nothing of this is in lgsp: each bug is put over it at the start.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lgsp.bus import lane, rabbitmq, stored
from lgsp.bus.serving import Serving
from lgsp.bus.waiting import Arrival, Waiting
from lgsp.dispatch import Dispatcher
from lgsp.edge import answers, gateway
from lgsp.errors import DeliveryError, LedgerUnavailable
from lgsp.forwarding import schedule
from lgsp.ledger import outbox, sqlite
from lgsp.ledger.book import Book
from lgsp.ledger.journal import Journal
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Reply, Request, Transaction
from lgsp.runtime import state
from lgsp.runtime.host import Host


@dataclass(frozen=True, slots=True)
class Bug:
    """What is planted, under which faults it shows, and which of the checker's words may name it."""

    plant: Callable[[], None]
    reds: frozenset[str]
    faults: tuple[str, ...] = ()
    stored: bool = False
    """Whether it shows with what is stored and forwarded only."""


def _over(owner: Any, name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, made(getattr(owner, name)))


def _soon(seconds: float, work: Callable[[], Any]) -> None:
    """Do it later, if this process lives."""
    loop = asyncio.get_running_loop()
    loop.call_later(seconds, lambda: _held.append(loop.create_task(work())))


_held: list[asyncio.Task[Any]] = []


def _entered_too_late() -> None:
    """The row is written when the outcome is known, not before the request goes out."""
    pending: dict[int, bytes] = {}

    def open_(self: Journal, opened: bytes) -> int:
        number = self.free.popleft()
        pending[number] = opened
        return number

    def end(real: Callable[..., None]) -> Callable[..., None]:
        take = Journal.open.__wrapped__  # type: ignore[attr-defined]

        def ended(self: Journal, number: int, body: bytes) -> None:
            if number in pending:
                self.free.appendleft(number)
                take(self, pending.pop(number))
            real(self, number, body)

        return ended

    real_open = Journal.open
    open_.__wrapped__ = real_open  # type: ignore[attr-defined]
    Journal.open = open_  # type: ignore[method-assign]
    _over(Journal, "end", end)


def _crash_forgotten() -> None:
    """What was under way when the gateway died is dropped at the next start."""

    def recover(real: Callable[..., Any]) -> Callable[..., Any]:
        def dropped(book: Book, journal: Journal, *rest: Any) -> Any:
            journal.drop([place.number for place in journal.places() if place.state.name == "OPEN"])
            return real(book, journal, *rest)

        return dropped

    _over(sqlite, "recover", recover)


def _counted_in_memory() -> None:
    """Counters begin at zero with every process."""

    def start(real: Callable[..., None]) -> Callable[..., None]:
        def forgetful(self: SqliteLedger) -> None:
            real(self)
            self._totals = dict.fromkeys(self._totals, 0)
            self._accepted = dict.fromkeys(self._accepted, 0)

        return forgetful

    _over(SqliteLedger, "_start", start)


def _optimist() -> None:
    """Where nobody answers, the gateway says ok."""

    def conclude(real: Callable[..., Any]) -> Callable[..., Any]:
        async def hopeful(self: Dispatcher, request: Request, *told: Any) -> Transaction:
            started, sent, answer, *rest = told

            async def hoped() -> Reply:
                try:
                    return await answer
                except DeliveryError:
                    return Reply.of_json(request, {"nonce": request.path.rpartition("/")[2]})

            return await real(self, request, started, sent, hoped(), *rest)

        return hopeful

    _over(Dispatcher, "_conclude", conclude)


def _published_twice() -> None:
    """Every request goes out twice, to be on the safe side."""

    def publish(real: Callable[..., None]) -> Callable[..., None]:
        def twice(self: Any, exchange: str, key: str, message: Any, slot: Any, *, due: float) -> None:
            real(self, exchange, key, message, slot, due=due)
            if slot is not None:
                real(self, exchange, key, replace(message, message_id=f"{message.correlation_id}.2"), None, due=due)

        return twice

    _over(lane.LaneChannel, "publish", publish)


def _executed_again() -> None:
    """A connector does not look whether somebody may have begun the request before."""

    def answered(real: Callable[..., Any]) -> Callable[..., Any]:
        async def careless(self: Host, service: Any, chains: Any, refuse: Any, request: Request, stamps: Any) -> Any:
            return await real(self, service, chains, refuse, replace(request, redelivered=False), stamps)

        return careless

    _over(Host, "_answered", answered)


def _wrong_gateway() -> None:
    """Replies go to the gateway's neighbour."""

    def encode(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda request, **told: real(
            request, **told | {"reply_to": "gw1" if told["reply_to"] == "gw2" else "gw2"}
        )

    _over(rabbitmq, "encode_request", encode)


def _next_in_line() -> None:
    """A reply goes to whoever has waited longest, not to whom it answers."""

    def resolve(real: Callable[..., Any]) -> Callable[..., Any]:
        def queue_like(self: Waiting, reply: Reply) -> tuple[Arrival, Any]:
            return real(self, replace(reply, to=next(iter(self._slots), reply.to)))

        return queue_like

    _over(Waiting, "resolve", resolve)


def _no_deadline() -> None:
    """Nobody ends a wait whose budget is spent."""
    Waiting.sweep = lambda self, now: None  # type: ignore[method-assign]  # noqa: ARG005 - the shape is given


def _deaf_after_reconnect() -> None:
    """A connectors process consumes once, and not again after its connection came back."""
    seen: set[str] = set()

    def consume(real: Callable[..., Any]) -> Callable[..., Any]:
        async def once(self: Serving, service: str, answer: Any) -> None:
            if service not in seen:
                seen.add(service)
                await real(self, service, answer)

        return once

    _over(Serving, "consume", consume)


def _never_acknowledged() -> None:
    """Requests are answered and stay on the broker."""
    lane.LaneChannel._done = lambda self, tag: None  # type: ignore[method-assign]  # noqa: ARG005 - the shape is given
    _over(
        lane.LaneChannel,
        "answer",
        lambda _: (
            lambda self, exchange, key, message, delivery, *, due: self.publish(  # noqa: ARG005
                exchange, key, message, None, due=due
            )
        ),
    )


def _fails_open() -> None:
    """What the ledger cannot take is served all the same."""

    def open_(real: Callable[..., Any]) -> Callable[..., Any]:
        async def trusting(self: SqliteLedger, request: Request) -> None:
            with suppress(LedgerUnavailable):
                await real(self, request)

        return trusting

    _over(SqliteLedger, "open", open_)


def _hours_apart() -> None:
    """Rows and hours are not written together."""

    def write(real: Callable[..., None]) -> Callable[..., None]:
        turns = iter(range(1_000_000))

        def sometimes(self: Book, touched: Any) -> None:
            if next(turns) % 5 != 4:
                real(self, touched)
            else:
                self._hours.clear()

        return sometimes

    _over(Book, "_write_hours", write)


def _status_of_its_own() -> None:
    """What failed is told with HTTP 200."""

    def answer_of(real: Callable[..., Any]) -> Callable[..., Any]:
        def kindly(transaction: Transaction, accept: str) -> Any:
            response = real(transaction, accept)
            if response.status >= 500:
                response.set_status(200)
            return response

        return kindly

    _over(answers, "answer_of", answer_of)
    gateway.answer_of = answers.answer_of  # type: ignore[attr-defined]


def _dies_at_sigterm() -> None:
    """SIGTERM is not waited out."""

    def stopped(real: Callable[..., Any]) -> Callable[..., Any]:
        async def at_once(*told: Any) -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(0.1, loop.add_signal_handler, signal.SIGTERM, os._exit, 1)
            await real(*told)

        return at_once

    _over(importlib.import_module("lgsp.app.gateway"), "until_stopped", stopped)


def _answered_too_early() -> None:
    """Whoever stores something is told 202 before it is on disk."""

    def store(real: Callable[..., Any]) -> Callable[..., Any]:
        async def trusting(self: SqliteLedger, request: Request, put: Any) -> None:
            _soon(1.0, lambda: real(self, request, put))

        return trusting

    _over(SqliteLedger, "store", store)


def _inbox_forgotten() -> None:
    """A stored request that comes again has its effect again; and it comes soon, where nobody answers at once."""
    state._noted = lambda *_: None
    state._note = lambda *_: None
    schedule.SILENCE = 0.5


def _sent_unconfirmed() -> None:
    """What is stored counts as sent, whether the broker has it or not."""

    def submit(real: Callable[..., Any]) -> Callable[..., Any]:
        async def hopeful(self: Any, request: Request, **told: Any) -> None:
            with suppress(DeliveryError):
                await real(self, request, **told)

        return hopeful

    _over(rabbitmq.RabbitBus, "submit", submit)


def _result_thrown_away() -> None:
    """A result is acknowledged when it is read, not when it is written."""

    def collect(real: Callable[..., None]) -> Callable[..., None]:
        def careless(self: stored.Results, take: Any) -> None:
            async def taken(reply: Reply, number: int) -> bool:
                await take(reply, number)
                return True

            real(self, taken)

        return careless

    _over(stored.Results, "collect", collect)


def _key_forgotten() -> None:
    """Nobody looks whether a request was sent before under the same key."""
    outbox.repeat_of = lambda _: None


def _parked_forgotten() -> None:
    """What is given up is not kept."""

    def end(real: Callable[..., Any]) -> Callable[..., Any]:
        async def tidy(self: outbox.Outbox, transaction: Transaction, **told: Any) -> Any:
            return await real(self, transaction, **told | {"park": False})

        return tidy

    _over(outbox.Outbox, "end", end)


def _red(*names: str) -> frozenset[str]:
    return frozenset(names)


BUGS: dict[str, Bug] = {
    "entered too late": Bug(_entered_too_late, _red("phantom"), ("gateway killed",) * 2),
    "crash forgotten": Bug(_crash_forgotten, _red("phantom"), ("gateway killed",) * 2),
    "counted in memory": Bug(_counted_in_memory, _red("complaint", "uncounted"), ("gateway killed",)),
    "optimist": Bug(_optimist, _red("false ok"), ("broker killed",)),
    "published twice": Bug(_published_twice, _red("doubled")),
    "executed again": Bug(_executed_again, _red("doubled"), ("connector killed",) * 2),
    "wrong gateway": Bug(_wrong_gateway, _red("complaint")),
    "next in line": Bug(_next_in_line, _red("crossed")),
    "no deadline": Bug(_no_deadline, _red("hanging"), ("broker killed",)),
    "deaf after reconnect": Bug(_deaf_after_reconnect, _red("complaint"), ("broker killed",)),
    "never acknowledged": Bug(_never_acknowledged, _red("left behind")),
    "fails open": Bug(_fails_open, _red("phantom", "lost"), ("ledger disk full",) * 2),
    "hours apart": Bug(_hours_apart, _red("uncounted")),
    "status of its own": Bug(_status_of_its_own, _red("contradicted"), ("broker killed",)),
    "dies at SIGTERM": Bug(_dies_at_sigterm, _red("complaint")),
    "answered too early": Bug(_answered_too_early, _red("lost"), ("gateway killed",) * 2, stored=True),
    "inbox forgotten": Bug(_inbox_forgotten, _red("doubled"), ("connector frozen",), stored=True),
    "sent unconfirmed": Bug(_sent_unconfirmed, _red("hanging"), ("broker killed",), stored=True),
    "result thrown away": Bug(_result_thrown_away, _red("hanging"), ("results into a full disk",) * 2, stored=True),
    "key forgotten": Bug(_key_forgotten, _red("doubled"), ("gateway killed",) * 2, stored=True),
    "parked forgotten": Bug(_parked_forgotten, _red("lost"), stored=True),
}
"""By name, as `launch.py` takes it."""
