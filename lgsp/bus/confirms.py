"""What was published and not yet confirmed, by the tags that the broker counts."""

from __future__ import annotations

from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")
_NOTHING = ("", None)


class Confirms(Generic[T]):
    """The publishes of one channel in confirm mode, from its opening on; what is kept for each is given back with its fate."""

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, tuple[str, T | None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Confirms {len(self._open)} open of {self._last}>"

    def published(self, message_id: str, kept: T | None) -> None:
        """A message went out, the next in the broker's count."""
        self._last += 1
        self._open[self._last] = (message_id, kept)

    def returned(self, message_id: str) -> T | None:
        """A message came back, before its confirm, which will then say nothing new. Message ids are never used twice."""
        for tag, (known, kept) in self._open.items():
            if known == message_id:
                self._open[tag] = (known, None)
                return kept
        return None

    def confirmed(self, tag: int, *, multiple: bool) -> list[T]:
        """What a confirm is about: one publish, or every open one up to it."""
        if not multiple:
            kept = self._open.pop(tag, _NOTHING)[1]
            return [] if kept is None else [kept]
        tags = [*takewhile(tag.__ge__, self._open)]
        about = [self._open.pop(one)[1] for one in tags]
        return [kept for kept in about if kept is not None]

    def lost(self) -> list[T]:
        """Everything that was never confirmed: the broker may or may not have it."""
        open_, self._open = self._open, {}
        return [kept for _, kept in open_.values() if kept is not None]
