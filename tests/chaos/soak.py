"""The account over minutes or hours: a fault every few of them, the identity at every scrape, and nothing that grows.

python tests/chaos/soak.py MINUTES SAMPLES [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memory
from faults import schedule
from plan import Plan
from rig import Rig
from run import Result, execute, machine, report
from traffic import Story

RATE = 200.0
HURT = ("broker killed", "link reset", "broker frozen", "memory alarm", "queue deleted", "link black", "link sliced")
"""Faults that leave gateways and connectors alive: what they hold can be counted before and after."""
GROWS_BY_AT_MOST = 400
"""Live objects of one type: connections of the callers that are still warm, and rings of the last things seen, fill."""
SLOPE_AT_MOST = memory.MEGABYTE / 3600
"""Bytes a second: the bound of a process's slope, in a run of hours."""
_LOOKS, _BETWEEN = 3, 1.0
HOURS = 100.0
"""Minutes from which on a slope says something; in half an hour a megabyte an hour is the noise of an allocator."""


@dataclass
class Held:
    """What each process holds: descriptors, tasks, objects by type; the least of a few looks, as some work comes and goes."""

    descriptors: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    objects: dict[str, Counter[str]] = field(default_factory=dict)

    async def take(self, rig: Rig) -> None:
        for _ in range(_LOOKS):
            for name, part in rig.parts.items():
                counts: dict[str, Any] = await asyncio.to_thread(part.counts)
                objects = Counter(counts["objects"])
                self.tasks[name] = min(self.tasks.get(name, counts["tasks"]), counts["tasks"])
                self.objects[name] = objects & self.objects.get(name, objects)
                self.descriptors[name] = min(self.descriptors.get(name, 1 << 20), part.descriptors())
            await asyncio.sleep(_BETWEEN)


@dataclass
class Soaked:
    """What a run showed."""

    result: Result
    before: Held
    after: Held
    samples: list[memory.Sample]
    minutes: float

    def grown(self) -> list[str]:
        """What is more than it was, or grows; nothing where nothing does."""
        found = []
        for name, tasks in self.after.tasks.items():
            if tasks > self.before.tasks[name] + 2:
                found.append(f"{name}: {self.before.tasks[name]} tasks, then {tasks}")
            if self.after.descriptors[name] > self.before.descriptors[name] + 4:
                found.append(
                    f"{name}: {self.before.descriptors[name]} descriptors, then {self.after.descriptors[name]}"
                )
            for kind, count in self.after.objects[name].items():
                more = count - self.before.objects[name][kind]
                if more > GROWS_BY_AT_MOST:
                    found.append(f"{name}: {more} more of {kind}")
            slope = memory.growth(memory.second_half(self.samples, name))
            if self.minutes >= HOURS and (slope is None or slope.bound > SLOPE_AT_MOST):
                found.append(f"{name}: grows by up to {slope and slope.bound * 3600 / memory.MEGABYTE:.2f} MB an hour")
        return found


async def soak(minutes: float, directory: Path, samples: Path, seed: int = 5) -> Soaked:
    """A rig of its own for so long; what it holds is sampled into a file on the way."""
    every = 240.0 if minutes >= HOURS else 60.0 if minutes >= 5 else 30.0
    faults = schedule(seed, max(1, round(minutes * 60 / every)), HURT, rest=0.0)
    plan = Plan(seed, faults, int(RATE * 60 * minutes), RATE, every)
    warm = Plan(seed - 1, [], int(RATE * 15), RATE)
    before, after = Held(), Held()

    async def beside(rig: Rig, story: Story) -> None:
        await memory.watch(rig, story, samples)

    async with Rig(directory, seed=seed) as rig:
        result = await execute(rig, plan, warm=warm, before=before.take, after=after.take, beside=beside)
    print(report(plan, result))
    print(f"descriptors {before.descriptors} -> {after.descriptors}; tasks {before.tasks} -> {after.tasks}")
    return Soaked(result, before, after, memory.read(samples), minutes)


def main() -> int:
    """Run, print, and say by the exit code whether everything held."""
    parser = argparse.ArgumentParser(description="Hours of traffic and faults: the account holds, and nothing grows.")
    parser.add_argument("minutes", type=float)
    parser.add_argument("samples", type=Path, help="A file that a line a minute goes into.")
    parser.add_argument("--seed", type=int, default=2023)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lgsp-soak-") as directory:
        soaked = asyncio.run(soak(given.minutes, Path(directory) / "run", given.samples, given.seed))
    grown = soaked.grown()
    print(memory.table(soaked.samples), *(f"GROWS {each}" for each in grown), machine(), sep="\n")
    return 0 if soaked.result.verdict.is_green and not grown else 1


if __name__ == "__main__":
    sys.exit(main())
