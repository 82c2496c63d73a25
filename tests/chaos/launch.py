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
from pathlib import Path

import planted

from lgsp.cli import main


def tell(file: Path) -> None:
    """Tasks and live objects by type, into a file that appears whole."""
    gc.unfreeze()  # what a process spares its collector counts here all the same
    gc.collect()
    tasks = sum(not task.done() for task in gc.get_objects() if isinstance(task, asyncio.Task))
    objects = Counter(type(each).__name__ for each in gc.get_objects())
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({"tasks": tasks, "objects": dict(objects.most_common(200))}))
    draft.rename(file)


if __name__ == "__main__":
    counts, bug, *arguments = sys.argv[1:]
    signal.signal(signal.SIGUSR1, lambda *_: tell(Path(counts)))
    if bug != "-":
        planted.BUGS[bug].plant()
    sys.argv = ["lgsp", *arguments]
    main()
