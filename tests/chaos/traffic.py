"""The callers: what is asked, of whom, at which rate; and the story of a run as they remember it."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace

import faults
from caller import Broken, Caller, Way, call, token_of
from checker import ANSWERED, OPEN, Call, Pause
from follow import Follower
from plan import Plan
from rig import GATEWAYS, KEEPERS, SERVICES, Rig
from scrape import Scrape

_RENEW = 600.0
_HEALED = 10.0
_AGAIN = 0.5
_ASKED_AT_MOST = 24
PLAIN = tuple(service for service in SERVICES if service not in KEEPERS)
SYNCHRONOUS = (*((service, Way("GET")) for service in SERVICES), *((service, Way("POST")) for service in PLAIN))
STORED = (
    *((service, Way("POST", stored=True, waits=waits)) for service in KEEPERS for waits in (True, True, False)),
    *((service, Way("GET", stored=True, waits=False)) for service in PLAIN[:8]),
)
"""What can be asked. Of what is plainly synchronous only reading may run again, so only that is asked with `Prefer`."""


@dataclass
class Story:
    """What happened on the way."""

    calls: list[Call] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    scrapes: int = 0
    inflicted: list[tuple[float, float, faults.Fault]] = field(default_factory=list)
    broker_back: list[float] = field(default_factory=list)
    exits: list[tuple[int, float]] = field(default_factory=list)
    last: dict[str, Scrape] = field(default_factory=dict)
    requeued: dict[str, str] = field(default_factory=dict)


@dataclass
class Traffic:
    """The callers: where they ask, with which tokens, and what they remember."""

    rig: Rig
    caller: Caller
    story: Story

    def __post_init__(self) -> None:
        self._tokens: dict[str, tuple[float, str]] = {}
        self._asking = {gateway: asyncio.Lock() for gateway in GATEWAYS}
        self.follower = Follower(self.caller, lambda gateway: self.rig.parts[gateway].url, self.token)

    async def token(self, gateway: str) -> str | None:
        """Of a gateway, new from time to time, for all callers the same; `None` where it gives none."""
        async with self._asking[gateway]:
            since, token = self._tokens.get(gateway, (0.0, ""))
            if not token or time.monotonic() - since > _RENEW:
                part = self.rig.parts[gateway]
                try:
                    token = await token_of(self.caller, part.url, part.secret("chaos"))
                except Broken:
                    return None
                self._tokens[gateway] = time.monotonic(), token
            return token

    async def one(self, gateway: str, service: str, way: Way, nonce: str) -> Call | None:
        """One call, remembered, and followed to its end; nothing where there is not even a token.

        What has a key is asked again under it where the connection broke.
        """
        token = await self.token(gateway)
        if token is None:
            return None
        for asked in range(1, _ASKED_AT_MOST + 1 if way.stored else 2):
            url = self.rig.parts[gateway].url
            made = await call(self.caller, url, token, gateway=gateway, service=service, way=way, nonce=nonce)
            made = replace(made, asked=asked)
            if made.status:
                break
            await asyncio.sleep(_AGAIN)
        self.story.calls.append(made)
        if made.outcome == OPEN:
            self.follower.add(made)
        return made

    async def run(self, plan: Plan, done: asyncio.Event) -> None:
        """Calls at an even rate, whatever becomes of them, until the faults are over and there were enough."""
        chance = random.Random(plan.seed)
        for gateway in GATEWAYS:
            await self.one(gateway, SERVICES[0], Way("GET"), _nonce(chance))
        began, sent = time.monotonic(), 0
        async with asyncio.TaskGroup() as calls:
            while not done.is_set() or sent < plan.transactions:
                await asyncio.sleep(max(began + sent / plan.rate - time.monotonic(), 0))
                service, way = chance.choice(STORED if chance.random() < plan.stored else SYNCHRONOUS)
                calls.create_task(self.one(chance.choice(GATEWAYS), service, way, _nonce(chance)))
                sent += 1


def _nonce(chance: random.Random) -> str:
    return f"{chance.getrandbits(128):032x}"


async def probe(traffic: Traffic, story: Story) -> None:
    """After the last fault everybody serves again: each service is asked at each gateway until it answers, or too long."""
    end = time.monotonic() + _HEALED
    chance = random.Random(f"probe {len(story.calls)}")

    async def until_it_answers(gateway: str, service: str) -> None:
        while time.monotonic() < end:
            asked = await traffic.one(gateway, service, Way("GET"), _nonce(chance))
            if asked is not None and asked.outcome in ANSWERED:
                return
            await asyncio.sleep(0.2)
        story.complaints.append(f"{gateway}: {service} did not answer within {_HEALED:g} s of the last fault")

    async with asyncio.TaskGroup() as asking:
        for gateway in GATEWAYS:
            for service in SERVICES:
                asking.create_task(until_it_answers(gateway, service))
