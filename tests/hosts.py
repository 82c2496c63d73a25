"""What a host in a test serves on, and who watches it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lgsp.bus.base import Answer, Silent


@dataclass
class Noted:
    """A watch that remembers."""

    busy_now: Counter[str] = field(default_factory=Counter)
    most_busy: int = 0
    durations: list[float] = field(default_factory=list)

    def busy(self, service: str, change: int) -> None:
        self.busy_now[service] += change
        self.most_busy = max(self.most_busy, self.busy_now[service])

    def duration(self, service: str, seconds: float) -> None:
        del service
        self.durations.append(seconds)


class Named(Silent):
    """A bus that knows who serves what on it."""

    kind = "memory"

    def __init__(self) -> None:
        self.served: dict[str, Answer] = {}

    async def serve(self, service: str, answer: Answer) -> None:
        self.served[service] = answer

    async def leave(self, service: str) -> None:
        del self.served[service]
