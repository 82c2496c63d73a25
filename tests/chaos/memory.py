"""What each process holds while it runs, sampled into a file, and how fast its memory grows.

python tests/chaos/memory.py FILE      the table of a run, also of one that was cut off
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rig import Rig
    from traffic import Story

EVERY = 60.0
"""Seconds from one sample to the next: closer ones depend on each other, and a slope's bound supposes that they do not."""
MEGABYTE = 1e6
_T95 = 2.0
"""Student's t for 95 % on both sides, at 60 samples and more; for fewer it is a little too small."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, `at` seconds after the first."""

    at: float
    resident: Mapping[str, int]
    """Bytes of memory, by process."""
    descriptors: Mapping[str, int]
    calls: int
    p50: float
    """Seconds, of the calls since the last sample."""
    p99: float
    scrapes: int
    complaints: int
    load: float
    """Of the machine, over a minute."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a second, by least squares, with the upper bound of the slope at 95 %."""

    slope: float
    bound: float


def growth(points: Sequence[tuple[float, float]]) -> Growth | None:
    """Of (seconds, bytes); nothing where fewer than three points say nothing."""
    if len(points) < 3:
        return None
    times, values = zip(*points, strict=True)
    slope, intercept = statistics.linear_regression(times, values)
    left = sum((value - intercept - slope * at) ** 2 for at, value in points)
    spread = sum((at - statistics.fmean(times)) ** 2 for at in times)
    return Growth(slope, slope + _T95 * math.sqrt(left / (len(points) - 2) / spread))


def second_half(samples: Sequence[Sample], name: str) -> list[tuple[float, float]]:
    """(seconds, bytes) of a process in the second half of a run."""
    if not samples:
        return []
    middle = (samples[0].at + samples[-1].at) / 2
    return [(each.at, float(each.resident[name])) for each in samples if each.at >= middle and name in each.resident]


async def watch(rig: Rig, story: Story, file: Path, every: float = EVERY) -> None:
    """Write a line a sample until it is cancelled."""
    began, seen = time.monotonic(), len(story.calls)
    with file.open("w") as lines:
        while True:
            await asyncio.sleep(every)
            took = sorted(call.ended - call.began for call in story.calls[seen:]) or [0.0]
            seen = len(story.calls)
            # A run of hours remembers a million calls; its collector need not look at them again and again.
            gc.freeze()
            sample = Sample(
                round(time.monotonic() - began, 1),
                {name: part.resident() for name, part in rig.parts.items()},
                {name: part.descriptors() for name, part in rig.parts.items()},
                seen,
                round(took[len(took) // 2], 4),
                round(took[math.ceil(0.99 * len(took)) - 1], 4),
                story.scrapes,
                len(story.complaints),
                round(os.getloadavg()[0], 1),
            )
            lines.write(json.dumps(asdict(sample)) + "\n")
            lines.flush()


def read(file: Path) -> list[Sample]:
    """Every whole line."""
    return [Sample(**json.loads(line)) for line in file.read_text().splitlines() if line.endswith("}")]


def table(samples: Sequence[Sample]) -> str:
    """As Markdown: memory of each process, and its slope in the second half."""
    if not samples:
        return "no sample yet"
    last = samples[-1]
    lines = [
        (
            f"{last.at / 3600:.2f} hours, {last.calls:,} calls, {last.scrapes:,} scrapes, {last.complaints} complaints; "
            f"load of the machine {min(each.load for each in samples):g} to {max(each.load for each in samples):g}"
        ),
        "",
        "| process | MB after 1 min | in the middle | at the end | MB an hour, second half | at most (95 %) | descriptors |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name in samples[0].resident:
        grown = growth(second_half(samples, name))
        rate = "| too short | " if grown is None else f"| {_hourly(grown.slope):+.2f} | {_hourly(grown.bound):+.2f}"
        sizes = [samples[at].resident[name] / MEGABYTE for at in (0, len(samples) // 2, -1)]
        fds = [each.descriptors[name] for each in samples]
        told = " | ".join(f"{size:.1f}" for size in sizes)
        lines.append(f"| {name} | {told} {rate} | {min(fds)} to {max(fds)} |")
    thirds = len(samples) // 2 or 1
    for word, part in (("first", samples[:thirds]), ("second", samples[-thirds:])):
        p50, p99 = (1000 * statistics.median(each) for each in zip(*((s.p50, s.p99) for s in part), strict=True))
        lines += ["", f"{word} half: median over the minutes of p50 {p50:.1f} ms, of p99 {p99:.0f} ms"]
    return "\n".join(lines)


def _hourly(rate: float) -> float:
    return rate * 3600 / MEGABYTE


if __name__ == "__main__":
    print(table(read(Path(sys.argv[1]))))
