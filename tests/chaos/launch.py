"""`lgsp`, as the chaos run starts it: on SIGUSR1 it tells what lives in it, and it can have a bug planted.

python launch.py COUNTS BUG lgsp's own arguments...      BUG is `-` for none
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import planted
from keeper import EFFECTS

from lgsp.cli import main
from lgsp.runtime import state

RINGS: dict[str, Callable[[Any], list[object]]] = {
    "Recorder": lambda recorder: [recorder._ring],
    "Pulse": lambda pulse: [pulse._beats, pulse._seconds, pulse._callers, pulse._ended, pulse.failures],
}
"""What keeps the last things seen, by the class that holds it: bounded, and meant to fill."""


def in_rings(everything: list[object]) -> set[int]:
    """The ids of all that rings hold, directly and through what they hold."""
    found: set[int] = set()
    waiting = [ring for each in everything for ring in RINGS.get(type(each).__name__, lambda _: [])(each)]
    while waiting:
        each = waiting.pop()
        if id(each) not in found and not isinstance(each, type | ModuleType | FunctionType):
            found.add(id(each))
            waiting += gc.get_referents(each)
    return found


def tell(file: Path) -> None:
    """Tasks and live objects by type, into a file that appears whole."""
    gc.unfreeze()  # what a process spares its collector counts here all the same
    gc.collect()
    everything = gc.get_objects()
    tasks = sum(not task.done() for task in everything if isinstance(task, asyncio.Task))
    kept = in_rings(everything)
    objects = Counter(type(each).__name__ for each in everything if id(each) not in kept)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({"tasks": tasks, "objects": dict(objects.most_common(200))}))
    draft.rename(file)


if __name__ == "__main__":
    counts, bug, *arguments = sys.argv[1:]
    signal.signal(signal.SIGUSR1, lambda *_: tell(Path(counts)))
    if bug != "-":
        planted.BUGS[bug].plant()
    # `keeper.EFFECTS` of them: a process keeps 200,000 things else.
    state.Limits = partial(state.Limits, 4 << 30, EFFECTS, 4 << 30)  # type: ignore[misc,assignment]
    sys.argv = ["lgsp", *arguments]
    main()
