"""A replay: the calls of a capture, made again by one caller, and their account."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import uvloop

from lgsp.clock import SystemClock
from lgsp.errors import DeliveryError
from lgsp.model import Outcome
from lgsp.traffic.caller import Answer, Caller, Credentials
from lgsp.traffic.diff.again import Heard
from lgsp.traffic.load.account import Account
from lgsp.traffic.load.arrivals import Trace
from lgsp.traffic.load.generator import Done, Generator
from lgsp.traffic.replay.bind import bound
from lgsp.traffic.replay.live import Live
from lgsp.traffic.replay.place import Said
from lgsp.traffic.replay.plan import Books, Planned
from lgsp.traffic.replay.sign import signed

_PATIENCE = 65.0
"""Seconds until a target that does not answer is given up: longer than any service's timeout."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the calls go, as whom, how many at once."""

    url: str
    credentials: Credentials | None
    trust: ssl.SSLContext | None
    max_in_flight: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one call came to; `status` 0: nobody answered."""

    seq: int
    service: str
    operation: str
    status: int
    outcome: Outcome


@dataclass(slots=True)
class Replayed:
    """A replay that has ended."""

    account: Account
    results: list[Result] = field(default_factory=list)


def run(
    target: Target,
    planned: Sequence[Planned],
    books: Books,
    watch: Callable[[int], None],
    heard: Heard | None = None,
) -> Replayed:
    """Make the calls; `watch` is told after each how many have ended, `heard` of each answer. The books say what went and what did not.

    Raises `SettingsError` where there is no token, `DeliveryError` where nobody gives one.
    """
    return uvloop.run(_run(target, planned, books, watch, heard))


async def _run(
    target: Target, planned: Sequence[Planned], books: Books, watch: Callable[[int], None], heard: Heard | None
) -> Replayed:
    clock = SystemClock()
    async with Caller(target.url, clock, credentials=target.credentials, trust=target.trust) as caller:
        await caller.begin()
        replayed = Replayed(Account(clock.now(), planned[-1].due + 1e-6 if planned else 0.0))

        live = Live()

        async def send(number: int) -> Done | None:
            call, begun = planned[number], clock.now()
            if call.takes:
                came = await live.of(call.takes)
                if isinstance(came, tuple):
                    books.failed += 1
                    books.why[f"no reply gave its {came[0]!r}"] += 1
                    live.ended(number, call.gives, None)
                    return None
                call = call.saying(bound(call.said, call.takes, came))
            waited = clock.now() - begun if call.takes else 0.0
            for signature in call.signs:
                call = call.saying(signed(call.said, call.method, signature, clock.now()))
            headers = {**call.headers, "x-lgsp-key": str(call.seq)}
            status, outcome, answer = 0, Outcome.UNREACHABLE, None
            try:
                answer = await caller.ask(call.method, call.target, headers=headers, body=call.body, timeout=_PATIENCE)
                status, outcome = answer.status, answer.outcome
                books.sent += 1
                if heard is not None:
                    heard(call, answer)
            except DeliveryError as error:
                outcome = Outcome(error.code)
                books.failed += 1
                books.why[error.reason] += 1
            live.ended(number, call.gives, _said(answer))
            replayed.results.append(Result(call.seq, call.service, call.operation, status, outcome))
            return Done(call.service, call.operation, outcome, waited)

        account = replayed.account
        generator = Generator(
            send, account, clock, max_in_flight=target.max_in_flight, watch=lambda _: watch(account.sent)
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, generator.stop)
        await generator.open(Trace([call.due for call in planned]))
        books.unsent = account.unsent
    replayed.results.sort(key=lambda result: result.seq)
    return replayed


def _said(answer: Answer | None) -> Said | None:
    if answer is None:
        return None
    others = [(name, value) for name, value in answer.headers.items() if name != "set-cookie"]
    return Said((*others, *(("set-cookie", value) for value in answer.cookies)), answer.body)
