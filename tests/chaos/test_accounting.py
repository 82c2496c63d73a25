"""The account over minutes: a fault a minute, the identity at every scrape, and nothing that grows."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faults import schedule
from rig import Rig
from run import Plan, execute, report

pytestmark = [
    pytest.mark.real,
    pytest.mark.proof,
    # A link that is cut leaves sockets half open, which nobody is left to close.
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

MINUTES = float(os.environ.get("MINUTES", "2"))
RATE = 200.0
HURT = ("broker killed", "link reset", "broker frozen", "memory alarm", "queue deleted", "link black", "link sliced")
"""Faults that leave gateways and connectors alive: what they hold can be counted before and after."""
GROWS_BY_AT_MOST = 400
"""Live objects of one type: connections of the callers that are still warm, and rings of the last things seen, fill."""


@dataclass
class Held:
    """What each process holds: descriptors, tasks, objects by type."""

    descriptors: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    objects: dict[str, Counter[str]] = field(default_factory=dict)

    async def take(self, rig: Rig) -> None:
        for name, part in rig.parts.items():
            counts: dict[str, Any] = await asyncio.to_thread(part.counts)
            self.tasks[name] = counts["tasks"]
            self.objects[name] = Counter(counts["objects"])
            self.descriptors[name] = part.descriptors()


@pytest.mark.timeout(int(MINUTES * 60) + 300)
def test_the_account_holds_at_every_scrape_and_nothing_grows(tmp_path: Path) -> None:
    every = 60.0 if MINUTES >= 5 else 30.0
    faults = schedule(5, max(1, round(MINUTES * 60 / every)), HURT, rest=0.0)
    plan = Plan(5, faults, int(RATE * 60 * MINUTES), RATE, every)
    warm = Plan(4, [], int(RATE * 15), RATE)
    before, after = Held(), Held()

    async def run() -> Any:
        async with Rig(tmp_path / "run", seed=5) as rig:
            result = await execute(rig, plan, warm=warm, before=before.take, after=after.take)
            print(report(plan, result))
            return result

    result = asyncio.run(run())
    grown = {
        (name, kind): count - before.objects[name][kind]
        for name, objects in after.objects.items()
        for kind, count in objects.items()
        if count - before.objects[name][kind] > GROWS_BY_AT_MOST
    }
    print(f"descriptors {before.descriptors} -> {after.descriptors}; tasks {before.tasks} -> {after.tasks}")
    assert result.verdict.is_green, result.verdict.examples
    assert result.story.scrapes >= MINUTES * 60
    for name in after.tasks:
        assert after.tasks[name] <= before.tasks[name] + 2
        assert after.descriptors[name] <= before.descriptors[name] + 4
    assert grown == {}
