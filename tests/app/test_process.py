from __future__ import annotations

import subprocess
import sys

_PROCESS = """
import gc
from lgsp.app.process import run, until_stopped

before = gc.get_threshold()[0]
run(until_stopped([], lambda: None, 0.0))
print(gc.get_freeze_count() > 10_000, gc.isenabled(), gc.get_threshold()[0] > before)
"""


def test_a_process_that_stands_shows_the_collector_only_what_is_new() -> None:
    done = subprocess.run([sys.executable, "-c", _PROCESS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3
