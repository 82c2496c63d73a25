"""Which deliveries may be acknowledged, in as few acks as are true.

took 1 2 3 4 5, done 1 2 4  -->  ack 2 with everything below; 4 waits behind 3, and goes singly once 3 is slow
"""

from __future__ import annotations

from collections.abc import Iterator

SLOW = 0.05
"""After so many seconds at the head a delivery no longer holds back those behind it."""


class Acks:
    """The deliveries of one channel, whose tags rise. A multiple ack never covers one that is still open."""

    def __init__(self) -> None:
        self._open: dict[int, float] = {}
        self._done: list[int] = []

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Acks {len(self._open)} open, {len(self._done)} done>"

    @property
    def waiting(self) -> bool:
        """Whether a finished delivery waits for a slow one before it."""
        return bool(self._done)

    def took(self, tag: int, now: float) -> None:
        """A delivery came."""
        self._open[tag] = now

    def done(self, tag: int) -> None:
        """It is finished, and may be acknowledged; a second time changes nothing."""
        if self._open.pop(tag, None) is not None:
            self._done.append(tag)

    def forget(self, tag: int) -> None:
        """It was settled in another way."""
        self._open.pop(tag, None)

    def due(self, now: float) -> Iterator[tuple[int, bool]]:
        """What to acknowledge now: tag, and whether with everything below it."""
        if not self._done:
            return
        head = next(iter(self._open), None)
        below = self._done if head is None else [tag for tag in self._done if tag < head]
        behind = [] if head is None else [tag for tag in self._done if tag > head]
        if below:
            yield max(below), len(below) > 1
        if head is not None and now - self._open[head] >= SLOW:
            for tag in behind:
                yield tag, False
            behind = []
        self._done = behind
