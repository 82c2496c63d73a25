"""A gateway process that stores and forwards, in one of its lives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders import a_service, an_operation
from stepped import SteppedLedger

from lgsp.bus.base import Take
from lgsp.bus.message import Message, encode_request
from lgsp.forwarding.forwarder import Forwarder
from lgsp.ledger.files import Files
from lgsp.ledger.outbox import Outbox
from lgsp.model import Request

if TYPE_CHECKING:
    from post import Post

PATIENCE = 1.0
OPERATION = "POST /items/{nonce}"
SERVICES = tuple(
    a_service(f"s{n}", an_operation(OPERATION, delivery="store-and-forward"), timeout=PATIENCE) for n in range(2)
)
KINDS = [(service.id, OPERATION, "sim") for service in SERVICES]


class Nobody:
    """Told of everything, and keeps nothing."""

    def busy(self, service: str, change: int) -> None: ...

    def duration(self, service: str, seconds: float) -> None: ...

    def late_reply(self, service: str) -> None: ...

    def duplicate_reply(self, service: str) -> None: ...

    def parked(self, service: str, count: int) -> None: ...


@dataclass(slots=True)
class Letter:
    """A stored request on the broker."""

    message: Message
    service: str
    delivered: int = 0


class Desk:
    """One life of a gateway process that stores and forwards; also its bus."""

    kind = "simulated"

    def __init__(self, post: Post, name: str) -> None:
        self.post = post
        self.name = name
        self.take: Take | None = None
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ledger = SteppedLedger(
            Files(post.directory, name), [s.id for s in SERVICES], post.clock, copies=post.directory / "copies", capacity=512
        )  # fmt: skip
        self.ledger.begin(KINDS)
        nobody = Nobody()
        self.forwarder = Forwarder(
            self, Outbox(self.ledger, post.clock), [], nobody, nobody, post.clock, seed=post.seed, bus_forgets=False
        )  # type: ignore[arg-type]  # the part of a bus that it uses

    async def begin(self) -> None:
        self.post.spawn(self._write())
        await self.forwarder.__aenter__()

    async def _write(self) -> None:
        while not self.ledger.is_dead:
            await asyncio.sleep(self.post.chance.uniform(0.02, 0.2))
            self.ledger.turn()

    async def submit(self, request: Request, *, publish: int, age: float) -> None:
        if self.ledger.is_dead:
            await asyncio.get_running_loop().create_future()  # a dead process says nothing more
        message = encode_request(request, publish=publish, reply_to=self.name, budget=age, now=self.post.clock.now())
        await self.post.publish(Letter(message, request.service))

    async def collect(self, take: Take) -> None:
        self.take = take
