"""Server-sent events to many browsers: each event is written once, and who is slow is told of the newest alone.

producer --> frame, once a second, the same bytes for all --> per browser: two frames at most --> its connection

A browser that falls behind loses frames, never the truth: the next that it gets is a whole snapshot.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

AT_MOST = 32
"""Browsers at a time."""
QUEUE = 2
"""Frames that wait for a browser."""
HEARTBEAT = b": still here\n\n"


def frame(event: str, data: Any, number: int) -> bytes:  # noqa: ANN401 - JSON
    """One event; `number` is the last row of the ledger, so that a browser that comes back can say what it saw last."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event}\nid: {number}\ndata: {text}\n\n".encode()


def last_seen(header: str) -> int | None:
    """The number of a `Last-Event-ID`; `None` where it is none."""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 19 else None


class Watcher:
    """One browser."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._some = asyncio.Event()
        self.is_over = False
        """Nothing comes any more."""
        self.needs_all = True
        """It knows nothing yet, or has lost something."""

    def put(self, data: bytes) -> None:
        """A frame; the third that waits makes it forget all of them, and want everything anew."""
        if len(self._frames) >= QUEUE:
            self._frames.clear()
            self.needs_all = True
        elif not self.needs_all:
            self._frames.append(data)
        self._some.set()

    def all_anew(self) -> None:
        """What it knows is no longer so."""
        self._frames.clear()
        self.needs_all = True
        self._some.set()

    def end(self) -> None:
        """Nothing comes any more."""
        self.is_over = True
        self._some.set()

    async def next(self, snapshot: Callable[[], bytes], seconds: float) -> bytes:
        """What to write next: everything where it is needed, the next frame, or a heartbeat when none came in time.

        Empty when it is over.
        """
        try:
            async with asyncio.timeout(seconds):
                while not (self.is_over or self.needs_all or self._frames):
                    self._some.clear()
                    await self._some.wait()
        except TimeoutError:
            return HEARTBEAT
        if self.is_over:
            return b""
        if self.needs_all:
            self.needs_all = False
            self._frames.clear()
            return snapshot()
        return self._frames.popleft()


class Stream:
    """The browsers that watch. `count` is told how many, whenever that changes."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._watchers: set[Watcher] = set()
        self._count = count
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Stream to {len(self._watchers)} browsers>"

    def __len__(self) -> int:
        return len(self._watchers)

    def join(self) -> Watcher | None:
        """One more browser; `None` when there are enough, or when it is over."""
        if self._is_over or len(self._watchers) >= AT_MOST:
            return None
        watcher = Watcher()
        self._watchers.add(watcher)
        self._count(len(self._watchers))
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """One browser less."""
        self._watchers.discard(watcher)
        self._count(len(self._watchers))

    def put(self, data: bytes) -> None:
        """A frame for all."""
        for watcher in self._watchers:
            watcher.put(data)

    def all_anew(self) -> None:
        """Everything anew, for all."""
        for watcher in self._watchers:
            watcher.all_anew()

    def end(self) -> None:
        """Let all of them go, and nobody in."""
        self._is_over = True
        for watcher in self._watchers:
            watcher.end()
