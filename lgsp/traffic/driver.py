"""Demo traffic: the catalogue's own examples, by share and weight, at a pacer's tempo."""

from __future__ import annotations

import asyncio
from bisect import bisect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue, Example, ExampleReply, ExampleRequest, Operation, Service
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.errors import LedgerUnavailable
from lgsp.model import Outcome, Request, Transaction
from lgsp.traffic.pacer import Pacer

Send = Callable[[Request], Awaitable[Transaction]]
NewId = Callable[[], str]
_RESOLUTION = 1e-6
"""Seconds since the epoch are no finer in a float: a wait that is shorter would be over before it began, again and again."""


@dataclass(frozen=True, slots=True)
class Target:
    """One example of one operation, and how often it is asked relative to the others."""

    service: str
    operation: str
    example: Example
    weight: float


FAULTS = 0.05
"""The part of an operation's calls that are well-formed questions with a "no" for an answer."""


def targets(services: Iterable[Service], shares: Mapping[str, float] | None = None) -> list[Target]:
    """What is asked and how often: a service's share, split by its operations' weights, then among their examples.

    `shares` goes before the services' own.

    Examples of refusals are left out: how often a call is refused is for the behaviour `errors` to say.
    """
    found: list[Target] = []
    for service in services:
        examples_of = examples(service)
        asked = [operation for operation in service.operations.values() if _of(examples_of[operation.name], Outcome.OK)]
        whole = sum(operation.weight for operation in asked) or 1.0
        for operation in asked:
            share = (shares or {}).get(service.id, service.share)
            part = share * operation.weight / whole
            given = examples_of[operation.name]
            good, faults = _of(given, Outcome.OK), _of(given, Outcome.BUSINESS_FAULT)
            split = ((good, 1 - FAULTS), (faults, FAULTS)) if faults else ((good, 1.0),)
            for chosen, ratio in split:
                found += [Target(service.id, operation.name, each, part * ratio / len(chosen)) for each in chosen]
    return [target for target in found if target.weight > 0]


def examples(service: Service) -> dict[str, tuple[Example, ...]]:
    """Each operation's examples. A service of the YAML alone that has none is asked plainly, with made-up parameters."""
    given = {operation.name: operation.examples for operation in service.operations.values()}
    if service.connector is not None or any(given.values()):
        return given
    return {name: _made_up(operation) for name, operation in service.operations.items()}


def _made_up(operation: Operation) -> tuple[Example, ...]:
    if operation.method not in {"GET", "HEAD"} or operation.request is not None:
        return ()
    path = operation.template.replace("{", "").replace("}", "")
    return (Example(name="made-up", request=ExampleRequest(path=path), reply=ExampleReply()),)


def _of(given: Iterable[Example], outcome: Outcome) -> list[Example]:
    return [example for example in given if example.reply.outcome is outcome]


class Mix:
    """Which call is number n: drawn by weight, the same for the same seed. `shares` goes before the services' own."""

    def __init__(self, services: Iterable[Service], seed: int, shares: Mapping[str, float] | None = None) -> None:
        self._choices = targets(services, shares)
        self._edges = list(accumulate(target.weight for target in self._choices))
        self._seed = seed
        self._shares = shares

    def __len__(self) -> int:
        return len(self._choices)

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: the targets of `new`."""
        mix = Mix(new, self._seed, self._shares)

        def commit() -> None:
            self._choices, self._edges = mix._choices, mix._edges

        return commit

    def pick(self, number: int) -> Target | None:
        """The target of call `number`; `None` where there is nothing to ask."""
        if not self._choices:
            return None
        point = draw(self._seed, "", "", "mix", str(number)) * self._edges[-1]
        return self._choices[min(bisect(self._edges, point), len(self._choices) - 1)]


def a_request(target: Target, *, new_id: str, key: str, consumer: str, calm: bool = False) -> Request:
    """The example as a request of `consumer`."""
    example = target.example.request
    return Request(
        id=new_id,
        service=target.service,
        operation=target.operation,
        path=example.path,
        query=example.query,
        consumer=consumer,
        key=key,
        body=example.body,
        headers=example.headers,
        calm=calm,
    )


class Driver:
    """Sends call after call when the pacer says so, never more than `max_in_flight` at a time."""

    def __init__(
        self,
        send: Send,
        mix: Mix,
        pacer: Pacer,
        clock: Clock,
        *,
        new_id: NewId,
        consumer: str,
        calm: bool = False,
        max_in_flight: int = 1_000,
    ) -> None:
        self._send = send
        self._mix = mix
        self._pacer = pacer
        self._clock = clock
        self._new_id = new_id
        self._consumer = consumer
        self._calm = calm
        self._slots = asyncio.Semaphore(max_in_flight)
        self._limit = max_in_flight
        self.sent = 0
        self.refused = 0
        """Calls that the ledger could not enter, and that so never happened."""

    def __repr__(self) -> str:
        return f"<Driver {self.sent} sent, {self._limit - self._slots._value} in flight>"  # noqa: SLF001 - no public count

    async def run(self) -> None:
        """Send until the pacer has nothing more; returns when the last call has its outcome."""
        start = self._clock.now()
        async with asyncio.TaskGroup() as calls:
            while (wait := self._pacer.next(self._clock.now() - start, self.sent)) is not None:
                if wait > _RESOLUTION:
                    await self._clock.sleep(wait)
                    continue
                await self._slots.acquire()
                calls.create_task(self._call(self.sent))
                self.sent += 1
                if self.sent % 64 == 0:
                    await asyncio.sleep(0)  # a late driver catches up without holding the loop

    async def _call(self, number: int) -> None:
        try:
            target = self._mix.pick(number)
            if target is not None:
                await self._send(
                    a_request(target, new_id=self._new_id(), key=str(number), consumer=self._consumer, calm=self._calm)
                )
        except LedgerUnavailable:
            self.refused += 1
        finally:
            self._slots.release()
