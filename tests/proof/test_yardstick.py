"""The yardstick through a real broker: its own shares and success, and one total wherever it is read."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import processes
import pytest

from lgsp.model import Outcome
from lgsp.traffic.scenario import read_scenario

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(240)]
SCENARIO = processes.REPOSITORY / "config" / "scenarios" / "quang-nam-2023.yaml"
CALLS = 6_000
ONE, ALL_28 = 2.576, 3.58
"""How many standard deviations hold 99 % of the cases: of one figure, and of 28 at once."""


def up(directory: Path, *arguments: str) -> processes.Process:
    any_port = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    return processes.Process(["up", *any_port, *arguments], directory, ready="try  ")


def ended(process: processes.Process) -> Counter[tuple[str, str]]:
    text = processes.get(process.found(r"admin +(http://\S+)") + "/metrics")[1].decode()
    rows = re.findall(r'lgsp_transactions_total\{outcome="(\w+)",service="([\w-]+)"\} ([\d.e+]+)', text)
    return Counter({(service, outcome): int(float(count)) for outcome, service, count in rows})


def test_a_fast_hour_has_the_scenario_s_shares_and_success_and_one_total(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    period = read_scenario(SCENARIO).period
    assert period
    with up(tmp_path, "--broker", "local", "--scenario", str(SCENARIO), "--pace", "20") as process:
        enough = "190 calls a second at least, at 20 times the pace"
        processes.until(lambda: ended(process).total() >= CALLS, enough, 120)
        counted = ended(process)
        assert process.end(signal.SIGTERM) == 0
    whole = counted.total()
    for service, load in period.loads.items():
        seen = sum(counted[service, outcome] for outcome in Outcome)
        # What is still under way belongs to the slow services: a little less of them has ended.
        bound = ALL_28 * math.sqrt(load.share * (1 - load.share) * whole) + 20 * load.share * whole / 1_000 + 3
        assert abs(seen - load.share * whole) <= bound, (service, seen, load.share * whole)
    official = sum(count for (_, outcome), count in counted.items() if outcome in {"ok", "business_fault"}) / whole
    assert abs(official - period.official) <= ONE * math.sqrt(0.99 * 0.01 / whole) + 0.003

    command = [sys.executable, "-m", "lgsp", "ledger", "export", "--jsonl", "--state", str(tmp_path)]
    rows = subprocess.run(command, capture_output=True, text=True, check=True, cwd=processes.REPOSITORY).stdout
    of_ledger = Counter((row["service"], row["outcome"]) for row in map(json.loads, rows.splitlines()))
    with up(tmp_path, "--no-traffic") as again:
        assert +ended(again) == of_ledger
    with capsys.disabled():
        print(f"\n{whole} calls at pace 20: official success {official:.2%}; ledger and /metrics: {of_ledger.total()}")
