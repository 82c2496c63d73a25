"""What the calls of a running replay have given so far, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from lgsp.traffic.replay.bind import Binding, Slot
from lgsp.traffic.replay.place import Said, values

Source = tuple[str, int]
"""A binding by its name, and the number of the call whose reply gives it."""


class Live:
    """Values by their source. A call that takes one waits until its source has ended, well or not."""

    def __init__(self) -> None:
        self._came: dict[Source, asyncio.Future[str | None]] = {}

    def __repr__(self) -> str:
        return f"<Live {sum(came.done() for came in self._came.values())} of {len(self._came)} came>"

    def ended(self, number: int, giving: Iterable[Binding], reply: Said | None) -> None:
        """Call `number` has ended, with this reply or with none."""
        for binding in giving:
            found = values(binding.take, reply) if reply is not None else []
            came = self._at((binding.name, number))
            if not came.done():
                came.set_result(found[0] if found else None)

    async def of(self, slots: Iterable[Slot]) -> dict[Source, str] | Source:
        """All that these slots need; or the first source that did not give it."""
        live: dict[Source, str] = {}
        for source in (each for slot in slots for each in slot.needs):
            value = await self._at(source)
            if value is None:
                return source
            live[source] = value
        return live

    def _at(self, source: Source) -> asyncio.Future[str | None]:
        if source not in self._came:
            self._came[source] = asyncio.get_running_loop().create_future()
        return self._came[source]
