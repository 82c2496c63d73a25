"""What a provider sends of itself a while after it answered: by HTTP, in its own time, tried a few times, bounded.

answered --> owed --> due: post --taken--> sent
              ^                |
              +-- 5 s .. 2 min +--> after 4 tries: gave up
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol, Self

import structlog

from lgsp.catalogue.service import FollowUp, Service
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.latency import sample
from lgsp.runtime.replies import Compiled, compile_form
from lgsp.runtime.rules import hold
from lgsp.runtime.template import CANNOT, MAX_READ, values_of

log = structlog.get_logger()
Result = Literal["sent", "failed", "gave_up", "refused", "dropped"]
RESULTS: tuple[Result, ...] = ("sent", "failed", "gave_up", "refused", "dropped")
"""A try that `failed` is tried again; each of the others is an end."""
PAUSES = (5.0, 30.0, 120.0)
"""Seconds before the second, third and fourth try; a fifth there is not."""
_SPREAD = 0.2
_AT_ONCE = 16
_REMEMBERED = 20_000


class Watch(Protocol):
    """Told of what follows. Nothing here may block or raise."""

    def owed(self, service: str, change: int) -> None:
        """Something is to be sent (+1), or has come to its end (-1)."""
        ...

    def follow_up(self, service: str, result: Result) -> None:
        """How a try or the whole of it ended."""
        ...


class Send(Protocol):
    """Posts a body to an address; with a `secret_file` it is signed."""

    async def __call__(self, url: str, id_: str, body: bytes, headers: dict[str, str], secret_file: str) -> str:
        """Why it was not taken; nothing where it was."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be owed at a time: things, and bytes of their bodies."""

    items: int = 10_000
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Owed:
    """One thing that is to be sent, ready as it will be."""

    id: str
    service: str
    operation: str
    key: str
    follow: FollowUp
    after: float
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Follows:
    """Sends what follows the answers of this process. Each id, `<transaction>.<n>`, is begun once.

    `refusal` says why an address may not be called, nothing where it may.

    Lifetime: `async with`; at its end what is being posted is finished, and what is not due yet is dropped.
    """

    def __init__(
        self,
        send: Send,
        refusal: Callable[[str], str],
        clock: Clock,
        watch: Watch,
        *,
        seed: int,
        limits: Limits | None = None,
    ) -> None:
        self._send = send
        self._refusal = refusal
        self._clock = clock
        self._watch = watch
        self._seed = seed
        self._limits = limits or Limits()
        self._compiled: dict[int, tuple[FollowUp, Compiled]] = {}
        self._begun: dict[str, None] = {}
        self._count = 0
        self._bytes = 0
        self._is_full = False
        self._troubled: set[str] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._tasks = asyncio.TaskGroup()
        self._is_open = False

    def __repr__(self) -> str:
        return f"<Follows {self._count} owed>"

    async def __aenter__(self) -> Self:
        """Ready to send."""
        await self._tasks.__aenter__()
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being posted, and drop the rest."""
        self._is_open = False
        if self._waiting:
            log.info("what should follow is dropped", count=len(self._waiting))
        for task in list(self._waiting):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def began(self, service: Service, request: Request, reply: Reply) -> None:
        """A stand-in answered: what follows is owed from now on."""
        operation = service.operations.get(request.operation)
        if operation is None or not operation.follows or reply.outcome is not Outcome.OK or service.mode != "simulate":
            return  # a real provider sends its own
        now = self._clock.now()
        for number, follow in enumerate(operation.follows, 1):
            if f"{request.id}.{number}" not in self._begun:
                self._begin(service, request, reply, follow, number, now)

    def _begin(
        self, service: Service, request: Request, reply: Reply, follow: FollowUp, number: int, now: float
    ) -> None:
        id_, key = f"{request.id}.{number}", f"{request.key}.{number}"
        after = sample(
            follow.after, lambda purpose: draw(self._seed, service.id, request.operation, f"follow.{purpose}", key)
        )
        # As of the moment when it is sent: a notice carries its own time.
        values = values_of(request, service, now + after)
        if not hold(follow.when, values, service.data):
            return
        self._remember(id_)
        try:
            values["reply"] = _fields(reply)
            headers, body = self._compile(follow, service).said(values)
        except CANNOT as error:
            log.warning("follow-up cannot be made", transaction=request.id, at=follow.where, why=type(error).__name__)
            self._watch.follow_up(service.id, "dropped")
            return
        if self._has_room(service.id, len(body)):
            self._owe(_Owed(id_, service.id, request.operation, key, follow, after, headers, body))

    def _has_room(self, service: str, size: int) -> bool:
        is_full = self._count >= self._limits.items or self._bytes + size > self._limits.bytes
        if is_full and not self._is_full:
            log.warning("what follows has no room: it is dropped", owed=self._count)
        self._is_full = is_full
        if is_full or not self._is_open:
            self._watch.follow_up(service, "dropped")
            return False
        return True

    def _owe(self, owed: _Owed) -> None:
        self._count += 1
        self._bytes += len(owed.body)
        self._watch.owed(owed.service, 1)
        self._tasks.create_task(self._carry(owed))

    async def _carry(self, owed: _Owed) -> None:
        result: Result = "dropped"
        try:
            result = await self._ended(owed)
        finally:
            self._count -= 1
            self._bytes -= len(owed.body)
            self._watch.owed(owed.service, -1)
            self._watch.follow_up(owed.service, result)

    async def _ended(self, owed: _Owed) -> Result:
        with self._may_be_dropped():
            await self._clock.sleep(owed.after)
        refused = self._refusal(owed.follow.post)
        if refused:
            self._note(owed, refused)
            return "refused"
        for tries, pause in enumerate((*PAUSES, None), 1):
            if not await self._sent(owed):
                return "sent"
            if pause is None:
                break
            self._watch.follow_up(owed.service, "failed")
            chance = draw(self._seed, owed.service, owed.operation, "follow.pause", owed.key, tries)
            with self._may_be_dropped():
                await self._clock.sleep(pause * (1 + _SPREAD * (2 * chance - 1)))
        return "gave_up"

    async def _sent(self, owed: _Owed) -> str:
        """Why it was not taken; nothing where it was."""
        follow = owed.follow
        with self._may_be_dropped():
            await self._at_once.acquire()
        try:
            why = await self._send(follow.post, owed.id, owed.body, dict(owed.headers), follow.secret_file)
        except Exception as error:
            log.exception("follow-up broke", at=follow.where, error=type(error).__name__)
            why = type(error).__name__
        finally:
            self._at_once.release()
        self._note(owed, why)
        return why

    @contextmanager
    def _may_be_dropped(self) -> Iterator[None]:
        """A wait that is given up when the process ends."""
        task = asyncio.current_task()
        if task is None or not self._is_open:
            raise asyncio.CancelledError
        self._waiting.add(task)
        try:
            yield
        finally:
            self._waiting.discard(task)

    def _note(self, owed: _Owed, why: str) -> None:
        """Name what is wrong with an address once, and that it is well again."""
        url = owed.follow.post
        if why and url not in self._troubled:
            self._troubled.add(url)
            log.warning("follow-ups do not arrive", service=owed.service, at=owed.follow.where, url=url, why=why)
        elif not why and url in self._troubled:
            self._troubled.discard(url)
            log.info("follow-ups arrive again", service=owed.service, url=url)

    def _compile(self, follow: FollowUp, service: Service) -> Compiled:
        # By identity, with the thing itself held: no other can have its number.
        known = self._compiled.get(id(follow))
        if known is None:
            if len(self._compiled) >= _REMEMBERED:  # many a catalogue later
                self._compiled.clear()
            known = self._compiled[id(follow)] = follow, compile_form(follow.form, service.data)
        return known[1]

    def _remember(self, id_: str) -> None:
        self._begun[id_] = None
        if len(self._begun) > _REMEMBERED:
            del self._begun[next(iter(self._begun))]


def _fields(reply: Reply) -> object:
    """What was answered, as expressions see it: the fields of a JSON body, none of any other."""
    if not reply.body or len(reply.body) > MAX_READ:
        return {}
    try:
        return Request(reply.to, "", "", "", body=reply.body).json
    except MalformedRequest:
        return {}
