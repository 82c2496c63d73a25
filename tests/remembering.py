"""What stands in for the kept state where a test asks a connector alone: dictionaries, and the same promises."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from lgsp.model import Reply, Request
from lgsp.runtime.connector import Kept, Stateful

NOW = 1_684_886_400.0
Things = dict[tuple[str, str], tuple[str, float]]


class Remembered:
    """A `State` of dictionaries."""

    def __init__(self, kinds: Mapping[str, Kept], things: Things | None = None, now: float = NOW) -> None:
        self.kinds = kinds
        self.things: Things = {} if things is None else things
        self.now = now

    def get(self, kind: str, key: str) -> Any | None:
        text, expires = self.things.get((kind, key), ("null", self.now))
        return json.loads(text) if expires > self.now else None

    def put(self, kind: str, key: str, value: object) -> None:
        self.things[kind, key] = json.dumps(value), self.now + self.kinds[kind].seconds

    def remove(self, kind: str, key: str) -> None:
        self.things.pop((kind, key), None)

    def each(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for of, key in sorted(self.things):
            if of == kind and key.startswith(prefix) and self.things[of, key][1] > self.now:
                yield key, json.loads(self.things[of, key][0])


def answering(connector: ModuleType, now: Callable[[], float] = lambda: NOW) -> Callable[[Request], Awaitable[Reply]]:
    """What answers for a connector in a world of its own: nothing was told before."""
    if not isinstance(connector, Stateful):
        answer: Callable[[Request], Awaitable[Reply]] = connector.answer
        return answer
    told: dict[str, Things] = {}

    async def answer_remembering(request: Request) -> Reply:
        state = Remembered(connector.STATE, dict(told.get(request.consumer, {})), now())
        reply = connector.answer_with(request, state)
        told[request.consumer] = state.things
        return reply

    return answer_remembering
