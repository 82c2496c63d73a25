"""`lgsp tour` as somebody takes it, shorter."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import processes
import pytest

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(150)]


def test_a_tour_shows_an_outage_its_blame_its_end_and_one_number() -> None:
    words = ["tour", "--seconds", "24", "--service", "e-office", "--lang", "en", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "lgsp", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=processes.REPOSITORY,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    steps = [each["says"] for each in told["steps"]]
    assert len(steps) == 9
    assert re.search(r"the console puts e-office at place 1: \w+, [1-9]\d* of \d+ calls failed", steps[3])
    assert re.search(r"whose fault: the provider's, [1-9]\d* calls were unreachable; the bus itself lost 0", steps[4])
    assert re.search(r"may fail, [1-9]\d* do: a month's error budget lasts [\d.]+ h", steps[5])
    assert re.search(r"e-office answers again, \d+ s later", steps[7])
    assert re.search(r"e-office since 1 January: [1-9]\d+ in the ledger's rows, in /metrics and on", steps[8])
