"""Telling consumers that what they stored has ended: signed, by due times, until they take it or it is given up.

ended --> owed --> due: sign, post --2xx--> made
           ^                 |
           +-- 5 s to 1 h ---+--> after 8 tries: given up, kept to be called again
"""

from __future__ import annotations

import asyncio
import heapq
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import structlog

from lgsp.catalogue.callback import Callback
from lgsp.catalogue.consumer import Consumer
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.schedule import PAUSES, spread
from lgsp.forwarding.signed import Post, SignedPost
from lgsp.ledger.calls import TRIES, Call, Calls
from lgsp.ledger.outbox import DAY

log = structlog.get_logger()
Result = Literal["delivered", "failed", "given_up", "withdrawn"]
RESULTS: tuple[Result, ...] = ("delivered", "failed", "given_up", "withdrawn")
_TICK = 0.25
_AT_ONCE = 16
_KEPT = 30 * DAY
_HEADERS = {"content-type": "application/json; charset=utf-8"}


class Watch(Protocol):
    """Told how calls end. Nothing here may block or raise."""

    def callback(self, result: Result) -> None:
        """A try was taken or failed, or a call was given up or withdrawn."""
        ...


def body_of(call: Call, status: str) -> bytes:
    """What a consumer is told: how it ended and where the result is, nothing of what was said."""
    told = {
        "transaction": call.id,
        "service": call.service,
        "state": call.state,
        "outcome": call.outcome,
        "reason": call.reason,
        "status": status,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def next_try(call: Call, now: float, chance: float) -> float | None:
    """When a call that failed once more is due again; `None` when it is given up."""
    tries = call.tries + 1
    if tries >= TRIES:
        return None
    return now + PAUSES[min(tries, len(PAUSES)) - 1] * spread(chance)


class Callbacks:
    """Makes the calls that are owed. `directory` holds the files of secrets; `path_of` says where a result is found."""

    def __init__(
        self,
        calls: Calls,
        post: Post,
        watch: Watch,
        clock: Clock,
        directory: Path,
        path_of: Callable[[str], str],
        *,
        seed: int,
    ) -> None:
        self._calls = calls
        self._post = SignedPost(post, directory, clock)
        self._watch = watch
        self._clock = clock
        self._path_of = path_of
        self._seed = seed
        self._callbacks: dict[str, Callback] = {}
        self._dues: list[tuple[float, str]] = []
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None] | None = None
        self._calling: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Callbacks {len(self._dues)} owed, {len(self._calling)} under way>"

    def replace(self, consumers: Iterable[Consumer]) -> None:
        """Put the callbacks of these consumers in force, instead of those that were."""
        self._callbacks = {each.id: each.callback for each in consumers if each.callback is not None}

    async def __aenter__(self) -> Self:
        """Go on with what is owed. The ledger is open."""
        for call in await self._calls.owed():
            self.owe(call.id, call.due)
        await self._tasks.__aenter__()
        self._keeper = self._tasks.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Call nobody any more; what is still owed is called after the next start."""
        for task in (self._keeper, *self._calling):
            if task is not None:
                task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def due(self, consumer: str, now: float) -> float | None:
        """When a consumer is to be told of what ends now; `None` where it is not."""
        return now if consumer in self._callbacks else None

    def owe(self, id_: str, due: float) -> None:
        """A call of this transaction is in the outbox, due then."""
        heapq.heappush(self._dues, (due, id_))

    async def given_up(self) -> list[Call]:
        """The calls that were given up."""
        return await self._calls.given_up()

    async def again(self, id_: str) -> bool:
        """Begin anew with a call that was given up; whether it was. Raises `LedgerUnavailable`."""
        now = self._clock.now()
        if not await self._calls.again(id_, due=now):
            return False
        self.owe(id_, now)
        return True

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.now()
            while self._dues and self._dues[0][0] <= now:
                task = self._tasks.create_task(self._call(heapq.heappop(self._dues)[1]))
                self._calling.add(task)
                task.add_done_callback(self._calling.discard)

    async def _call(self, id_: str) -> None:
        try:
            async with self._at_once:
                call = await self._calls.find(id_)
                if call is not None:
                    await self._tried(call)
        except LedgerUnavailable as error:
            log.info("callback waits", transaction=id_, why=str(error))
            self.owe(id_, self._clock.now() + PAUSES[0])

    async def _tried(self, call: Call) -> None:
        callback = self._callbacks.get(call.consumer)
        if callback is None:
            await self._calls.made(call.id)
            self._watch.callback("withdrawn")
            return
        why = await self._posted(call, callback)
        if not why:
            await self._calls.made(call.id)
            self._watch.callback("delivered")
            return
        self._watch.callback("failed")
        now = self._clock.now()
        due = next_try(call, now, draw(self._seed, call.service, "", "callback", call.id, call.tries))
        names = {"transaction": call.id, "consumer": call.consumer, "why": why, "tries": call.tries + 1}
        if due is None:
            await self._calls.give_up(call.id, keep=now + _KEPT)
            self._watch.callback("given_up")
            log.warning("callback given up", **names)
            return
        await self._calls.failed(call.id, tries=call.tries + 1, due=due)
        self.owe(call.id, due)
        log.info("callback failed", **names)

    async def _posted(self, call: Call, callback: Callback) -> str:
        body = body_of(call, self._path_of(call.id))
        return await self._post(callback.url, call.id, body, dict(_HEADERS), callback.secret_file)
