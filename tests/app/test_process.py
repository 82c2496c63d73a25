from __future__ import annotations

import subprocess
import sys

_SECRETS = """
import os
from pathlib import Path
from lgsp.app.process import run
from lgsp.catalogue.secret import hashed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

async def hash_some():
    hashed("warm", bytes(16))
    before = resident()
    for number in range(4):
        hashed(f"secret {number}", bytes(16))
    print(resident() - before < 8)

run(hash_some())
"""

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


def test_what_hashing_secrets_took_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", _SECRETS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]
