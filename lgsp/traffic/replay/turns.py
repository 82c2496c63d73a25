"""Which calls wait for which: none, each for the one before it, or those that have something in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lgsp.capture.record import Record
from lgsp.traffic.replay.place import Place, Said, parse_place, values

NONE, GLOBAL = "none", "global"
_WORDS = ("consumer", "service", "operation", "tx")


@dataclass(frozen=True, slots=True)
class Turns:
    """By what calls wait for each other: a `word` of the record, what stands at a `place` of the request, or `everybody`."""

    everybody: bool = False
    word: str = ""
    place: Place | None = None

    def of(self, record: Record, asked: Said) -> str | None:
        """The turn of a call; `None` where it waits for nobody."""
        if self.everybody:
            return ""
        if self.word:
            return str(getattr(record, self.word)) or None
        found = values(self.place, asked) if self.place is not None else []
        return found[0] if found else None


def parse_turns(text: str) -> Turns:
    """What `none`, `global` or `key:EXPR` means. Raises `ValueError` in words."""
    kind, _, expression = text.partition(":")
    if text in {NONE, GLOBAL}:
        return Turns(everybody=text == GLOBAL)
    if kind != "key" or not expression:
        raise ValueError(
            f"{text!r} is no order: write none, global, or key: with {', '.join(_WORDS)} or a place in the request"
        )
    return Turns(word=expression) if expression in _WORDS else Turns(place=parse_place(expression))


class Queue:
    """The calls of each turn, one after the other in the order in which they asked for it."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Event] = {}

    def __repr__(self) -> str:
        return f"<Queue of {len(self._last)} turns>"

    @asynccontextmanager
    async def turn(self, name: str | None) -> AsyncIterator[None]:
        """Entered when the call before it in this turn has ended."""
        if name is None:
            yield
            return
        before, mine = self._last.get(name), asyncio.Event()
        self._last[name] = mine
        try:
            if before is not None:
                await before.wait()
            yield
        finally:
            mine.set()
            if self._last.get(name) is mine:
                del self._last[name]
