"""A replay: the calls of a capture, made again by one caller, and their account."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import uvloop

from lgsp.app.entrance import Entrance
from lgsp.clock import Clock, SystemClock
from lgsp.errors import DeliveryError
from lgsp.model import Outcome
from lgsp.traffic.caller import Answer
from lgsp.traffic.diff.again import Heard
from lgsp.traffic.load.account import Account
from lgsp.traffic.load.generator import Done, Generator
from lgsp.traffic.replay.bind import bound
from lgsp.traffic.replay.live import Live
from lgsp.traffic.replay.place import Said
from lgsp.traffic.replay.plan import Books, Planned
from lgsp.traffic.replay.sign import signed
from lgsp.traffic.replay.turns import Queue
from lgsp.traffic.replay.upcoming import Upcoming


@dataclass(frozen=True, slots=True)
class Target:
    """By which entrance the calls go, how many at once."""

    entrance: Callable[[Clock], Entrance]
    max_in_flight: int


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of a replay: every result in memory, by `heard` each answer, and by `going` the key of each call before it goes."""

    results: bool = False
    heard: Heard | None = None
    going: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Result:
    """What one call came to; `status` 0: nobody answered."""

    number: int
    seq: int
    service: str
    operation: str
    status: int
    outcome: Outcome


@dataclass(slots=True)
class Replayed:
    """A replay that has ended after so many `seconds`; `results` only where they were wanted."""

    account: Account
    seconds: float = 0.0
    results: list[Result] = field(default_factory=list)


def run(target: Target, calls: Iterator[Planned], books: Books, watch: Callable[[int], None], keep: Keep) -> Replayed:
    """Make the calls as they are read; `watch` is told after each how many have ended. The books say what went and what did not.

    Raises `SettingsError` where there is no token, `DeliveryError` where nobody gives one, `CaptureError` where it cannot be read on.
    """
    return uvloop.run(_run(target, calls, books, watch, keep))


async def _run(
    target: Target, calls: Iterator[Planned], books: Books, watch: Callable[[int], None], keep: Keep
) -> Replayed:
    clock = SystemClock()
    async with target.entrance(clock) as entrance:
        upcoming = Upcoming(calls)
        upcoming.due(0)  # whatever has to be read before the first call is no lateness of it
        # A replay has no end that is known: all of its calls are judged.
        replayed = Replayed(Account(clock.now(), math.inf))
        sender = _Sender(entrance, clock, books, keep, replayed)
        generator = Generator(
            lambda number: sender.send(upcoming.take(number)),
            replayed.account,
            clock,
            max_in_flight=target.max_in_flight,
            watch=lambda _: watch(replayed.account.sent),
        )

        def interrupted() -> None:
            generator.stop()
            upcoming.stop()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted)
        await generator.open(upcoming)
        books.unsent = upcoming.rest()
        if upcoming.error is not None:
            raise upcoming.error
        replayed.seconds = clock.now() - replayed.account.start
    replayed.results.sort(key=lambda result: result.number)
    return replayed


class _Sender:
    """Makes one call after the other as they come due: waits for its turn, fills it in, signs it, sends it, hears it out."""

    def __init__(self, entrance: Entrance, clock: Clock, books: Books, keep: Keep, replayed: Replayed) -> None:
        self._entrance = entrance
        self._clock = clock
        self._books = books
        self._keep = keep
        self._replayed = replayed
        self._live = Live()
        self._queue = Queue()

    async def send(self, call: Planned) -> Done | None:
        begun = self._clock.now()
        async with self._queue.turn(call.turn):
            if call.takes:
                came = await self._live.of(call.takes)
                if isinstance(came, tuple):
                    self._books.failed += 1
                    self._books.why[f"no reply gave its {came[0]!r}"] += 1
                    self._live.ended(call.number, call.gives, None)
                    return None
                call = call.saying(bound(call.said, call.takes, came))
            waited = self._clock.now() - begun if call.takes or call.turn is not None else 0.0
            for signature in call.signs:
                call = call.saying(signed(call.said, call.method, signature, self._clock.now()))
            self._keep.going(call.key)
            outcome = await self._asked(call)
        return Done(call.service, call.operation, outcome, waited)

    async def _asked(self, call: Planned) -> Outcome:
        status, answer = 0, None
        try:
            answer = await self._entrance.ask(call)
            status, outcome = answer.status, answer.outcome
            self._books.sent += 1
            if self._keep.heard is not None:
                self._keep.heard(call, answer)
        except DeliveryError as error:
            outcome = Outcome(error.code)
            self._books.failed += 1
            self._books.why[error.reason] += 1
        self._live.ended(call.number, call.gives, _said(answer))
        if self._keep.results:
            self._replayed.results.append(Result(call.number, call.seq, call.service, call.operation, status, outcome))
        return outcome


def _said(answer: Answer | None) -> Said | None:
    if answer is None:
        return None
    others = [(name, value) for name, value in answer.headers.items() if name != "set-cookie"]
    return Said((*others, *(("set-cookie", value) for value in answer.cookies)), answer.body)
