"""Where connectors live: takes requests from the bus, runs behaviours and connector, never raises."""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import structlog

from lgsp.bus.base import Answer, Odd, Served
from lgsp.catalogue.live import Commit, same
from lgsp.catalogue.service import Catalogue, Service
from lgsp.clock import Clock
from lgsp.errors import CatalogueError, DeliveryError, MalformedRequest, SettingsError, TimedOut
from lgsp.fault import Kind
from lgsp.model import Outcome, Reply, Request, Stamps, Tap, Transaction
from lgsp.runtime.behaviours import behaviours_of
from lgsp.runtime.behaviours.capacity import CapacityBehaviour
from lgsp.runtime.connector import Connector, Forward, Stateful, chain
from lgsp.runtime.faults import Faults, Refuse, refusing, suffer
from lgsp.runtime.follows import Follows
from lgsp.runtime.inbox import Inbox
from lgsp.runtime.provider import Upstreams
from lgsp.runtime.recorded import Recorded
from lgsp.runtime.replies import connector_of
from lgsp.runtime.state import States

log = structlog.get_logger()
_NS = 1_000_000_000
_SKEW = 5.0
"""Seconds by which another process may see a change later than this one."""


class Watch(Protocol):
    """Told of what the host does. Nothing here may block or raise."""

    def busy(self, service: str, change: int) -> None:
        """A request began (+1) or ended (-1)."""
        ...

    def duration(self, service: str, seconds: float) -> None:
        """A connector took `seconds`, behaviours included."""
        ...


def load(service: Service, clock: Clock) -> Connector | Stateful:
    """The connector of a service: its module, or the replies of its own YAML. Raises `CatalogueError` for a bad module."""
    if service.connector is None:
        return connector_of(service, clock)
    try:
        return cast("Connector | Stateful", importlib.import_module(service.connector))
    except Exception as error:
        why = f"the module {service.connector} cannot be loaded: {type(error).__name__}: {error}"
        raise CatalogueError([f"{service.where}: {service.id} / connector: {why}"]) from error


def check_ours(connectors: Path, lgsp: Path) -> None:
    """Raise `SettingsError` when the package `connectors` does not lie beside the package `lgsp`: it is somebody else's."""
    if connectors.parent.resolve() != lgsp.parent.resolve():
        raise SettingsError(
            f"the package `connectors` in {connectors} is not lgsp's (that lies beside {lgsp}): "
            "rename it, or start from another directory"
        )


@dataclass(slots=True)
class _Version:
    """A service as it was loaded, and the version before it, which answers until `until` what only it knew."""

    service: Service
    answer: Answer
    before: _Version | None = None
    until: float = 0.0

    def of(self, request: Request, now: float) -> Answer:
        """What answers a request that was accepted by this version, or by one before it."""
        if request.operation in self.service.operations or self.before is None or now > self.until:
            return self.answer
        return self.before.of(request, now)


class Host:
    """Serves services on a bus. `states` holds what stateful ones were told; with `calm` every call is calm.

    `faults` are the troubles that somebody injected; they hit calm calls as well. `recorded` answers what it can.
    `follows` sends what follows an answer; without it nothing does.

    A request is answered whole by the version of its service that was in force when it came here.
    """

    def __init__(
        self,
        bus: Served,
        catalogue: Catalogue,
        clock: Clock,
        watch: Watch,
        states: States,
        upstreams: Upstreams,
        *,
        seed: int,
        calm: bool = False,
        faults: Faults | None = None,
        taps: Sequence[Tap] = (),
        recorded: Recorded | None = None,
        follows: Follows | None = None,
    ) -> None:
        self._bus = bus
        self._began = follows.began if follows is not None else _nothing
        self._taps = taps
        self._recorded = recorded
        self._catalogue = catalogue
        self._clock = clock
        self._watch = watch
        self._states = states
        self._upstreams = upstreams
        self._seed = seed
        self._calm = calm
        self._faults = faults or Faults(seed)
        self._inbox = Inbox(states)
        self._one_at_a_time: dict[str, asyncio.Lock] = {}
        self._only: frozenset[str] = frozenset()
        self._versions: dict[str, _Version] = {}
        self._serving: set[str] = set()
        self._leaving: dict[str, float] = {}
        self._busy = 0

    def __repr__(self) -> str:
        return f"<Host {len(self._serving)} services, {self._busy} busy>"

    async def serve(self, only: Collection[str] = ()) -> None:
        """Serve the services named, or all; those whose mode is `disabled` are left out. Raises `UnknownService`."""
        for name in only:
            self._catalogue.find(name)
        self._only = frozenset(only)
        self.prepare(self._catalogue)()
        await self.follow(self._catalogue)

    def serves(self) -> list[str]:
        """The services that are served here."""
        return list(self._versions)

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: connectors and chains of what is new or changed; the rest stays as it is."""
        versions = {service.id: self._version(service) for service in new if self._is_ours(service)}

        def commit() -> None:
            now = self._clock.now()
            gone = self._versions.keys() - versions.keys()
            for name in gone:
                self._leaving.setdefault(name, now + self._versions[name].service.timeout + _SKEW)
            for name in versions:
                self._leaving.pop(name, None)
            # What is gone answers what was accepted before, until it is left.
            self._versions = {name: self._versions[name] for name in gone} | versions

        return commit

    async def follow(self, new: Catalogue) -> None:
        """Begin to serve what `new` has and was not served yet."""
        for service in new:
            if self._is_ours(service) and service.id not in self._serving:
                self._serving.add(service.id)
                await self._bus.serve(service.id, partial(self._begin, service.id))

    async def tend(self) -> None:
        """Leave the services that are gone once nobody can wait for an answer of theirs any more."""
        while True:
            await self._clock.sleep(_SKEW)
            now = self._clock.now()
            for name in [name for name, due in self._leaving.items() if now >= due]:
                del self._leaving[name], self._versions[name]
                self._serving.discard(name)
                await self._bus.leave(name)

    def _is_ours(self, service: Service) -> bool:
        return service.mode != "disabled" and (not self._only or service.id in self._only)

    def _version(self, service: Service) -> _Version:
        old = self._versions.get(service.id)
        if old is not None and same(old.service, service):
            return old
        now = self._clock.now()
        if old is not None and now > old.until:
            old = replace(old, before=None)
        until = now + old.service.timeout + _SKEW if old is not None else 0.0
        return _Version(service, self.answer(service, load(service, self._clock)), old, until)

    def _begin(self, name: str, request: Request) -> Awaitable[Reply | Odd | None]:
        version = self._versions.get(name)
        if version is None:  # it is being put into force at this moment
            return _unknown(request)
        return version.of(request, self._clock.now())(request)

    def answer(self, service: Service, connector: Connector | Stateful) -> Answer:
        """What answers the requests of a service: one prepared chain an operation."""
        answered = (
            self._states.answering(service.id, connector) if isinstance(connector, Stateful) else connector.answer
        )
        capacity = None
        if service.capacity is not None:
            capacity = CapacityBehaviour(service.id, service.capacity, self._clock, connector)
        chains: dict[str, tuple[Forward, bool]] = {
            name: (
                chain(
                    behaviours_of(
                        service,
                        operation,
                        connector,
                        self._clock,
                        self._seed,
                        self._upstreams,
                        capacity,
                        self._recorded,
                    ),
                    answered,
                ),
                operation.idempotent,
            )
            for name, operation in service.operations.items()
        }

        refuse = refusing(connector)

        async def answer(request: Request) -> Reply | Odd | None:
            stamps = Stamps(t3=int(self._clock.now() * _NS))
            self._watch.busy(service.id, 1)
            self._busy += 1
            try:
                if service.id in self._faults:
                    await self._slowed(request)
                reply: Reply | Odd | None
                if request.stored:
                    answered = partial(self._answered, service, chains, refuse, stamps=stamps)
                    reply = await self._inbox.answer(service, request, answered)
                else:
                    reply = await self._answered(service, chains, refuse, request, stamps)
            finally:
                self._busy -= 1
                self._watch.busy(service.id, -1)
            stamps.t6 = int(self._clock.now() * _NS)
            if isinstance(reply, Reply):
                reply.stamps = stamps
                if self._taps:
                    self._tell(request, reply, stamps)
            return reply

        return answer

    def _tell(self, request: Request, reply: Reply, stamps: Stamps) -> None:
        seconds = (stamps.t6 - stamps.t3) / _NS
        transaction = Transaction(request, reply, reply.outcome, reply.reason, stamps.t3 / _NS, seconds)
        for tap in self._taps:
            try:
                tap.saw(transaction)
            except Exception as error:
                log.exception("tap failed", tap=type(tap).__name__, error=type(error).__name__)

    async def _slowed(self, request: Request) -> None:
        """Take the calls of a slow consumer one after the other."""
        slow = self._faults.whole(request.service, self._clock.now()).get(Kind.SLOW_CONSUMER)
        if slow is not None:
            async with self._one_at_a_time.setdefault(request.service, asyncio.Lock()):
                await self._clock.sleep(slow.value)

    async def _answered(
        self,
        service: Service,
        chains: dict[str, tuple[Forward, bool]],
        refuse: Refuse,
        request: Request,
        stamps: Stamps,
    ) -> Reply | Odd | None:
        """The reply, or `None` where nobody answers."""
        forward, idempotent = chains.get(request.operation, (None, True))
        if forward is None:
            return _refused(request, Outcome.REJECTED, 404, "unknown_operation")
        if request.redelivered and not idempotent:
            # Somebody may have begun it: at most once.
            return _refused(request, Outcome.PROVIDER_ERROR, 502, "connector_lost")
        if self._calm and not request.calm:
            request = replace(request, calm=True)
        troubles = self._faults.on(request, self._clock.now())
        hit = partial(suffer, troubles, forward=forward, refuse=refuse, clock=self._clock) if troubles else forward
        try:
            reply = await self._measured(service, hit, request, stamps)
        except TimedOut:
            return None
        except DeliveryError as error:
            return _refused(request, Outcome(error.code), 503, error.reason)
        except MalformedRequest as error:
            return _refused(request, Outcome.REJECTED, 400, "bad_request", str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, one call fails and not the host
            names = {"transaction": request.id, "service": service.id, "operation": request.operation}
            log.error("connector failed", error=type(error).__name__, at=_place(error), **names)  # noqa: TRY400 - the exception's own text may hold a person's data
            return _refused(request, Outcome.PROVIDER_ERROR, 502, "connector_exception")
        if isinstance(reply, Odd):
            return reply
        if not isinstance(reply, Reply) or reply.to != request.id:
            log.error("reply is none of this request's", transaction=request.id, service=service.id)
            return _refused(request, Outcome.PROVIDER_ERROR, 502, "bad_reply")
        self._began(service, request, reply)
        return reply

    async def _measured(
        self, service: Service, forward: Callable[[Request], Awaitable[Reply | Odd]], request: Request, stamps: Stamps
    ) -> Reply | Odd:
        """What the chain gives or raises, with its times noted either way."""
        start = self._clock.now()
        stamps.t4 = int(start * _NS)
        try:
            return await forward(request)
        finally:
            ended = self._clock.now()
            stamps.t5 = int(ended * _NS)
            self._watch.duration(service.id, ended - start)


def _nothing(_service: Service, _request: Request, _reply: Reply) -> None:
    """Nothing follows."""


async def _unknown(request: Request) -> Reply:
    return _refused(request, Outcome.REJECTED, 404, "unknown_operation")


def _place(error: Exception) -> str:
    """`file:line` where it was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_code.co_filename}:{line}"


def _refused(request: Request, outcome: Outcome, status: int, reason: str, says: str = "") -> Reply:
    return Reply(request.id, outcome, status, reason, says.encode(), {"content-type": "text/plain; charset=utf-8"})
