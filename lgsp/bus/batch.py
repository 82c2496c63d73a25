"""Tasks for what comes in batches: one for all that end at once, one more for each that has to wait.

begin a, b, c  -->  a task runs a, b, c          b waits  -->  the task stays with b, and c gets its own
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

Work = Coroutine[Any, Any, None]


class Batch:
    """Begins each work in the loop's next turn, in order. `spawn` makes a task that somebody holds; no work may raise."""

    def __init__(self, spawn: Callable[[Work], None]) -> None:
        self._spawn = spawn
        self._begun: deque[Work] = deque()

    def begin(self, work: Work) -> None:
        """Run it; it may share its task, and with it the task's context, with others."""
        self._begun.append(work)
        if len(self._begun) == 1:
            self._spawn(self._run())
            asyncio.get_running_loop().call_soon(self._spread)

    async def _run(self) -> None:
        while self._begun:
            await self._begun.popleft()

    def _spread(self) -> None:
        # Behind the first step of the task: what is left here would wait for what the task waits for.
        while self._begun:
            self._spawn(self._begun.popleft())
