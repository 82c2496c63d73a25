"""The yardstick through a real broker: its own shares and success, and one total wherever it is read."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import processes
import pytest

from lgsp.model import Outcome
from lgsp.traffic.scenario import read_scenario

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(240)]
SCENARIO = processes.REPOSITORY / "config" / "scenarios" / "quang-nam-2023.yaml"
CALLS = 6_000
SLOWEST = 31
"""Seconds: nothing that is answered took longer; of the calls that wait a minute, what is cut off would have failed as well."""
ERROR = 0.01
"""Of all cases, those that the bounds leave out: of success, and of the shares together."""


def up(directory: Path, *arguments: str) -> processes.Process:
    any_port = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    return processes.Process(["up", *any_port, *arguments], directory, ready="try  ")


def ended(process: processes.Process) -> Counter[tuple[str, str]]:
    text = processes.get(process.found(r"admin +(http://\S+)") + "/metrics")[1].decode()
    rows = re.findall(r'lgsp_transactions_total\{outcome="(\w+)",service="([\w-]+)"\} ([\d.e+]+)', text)
    return Counter({(service, outcome): int(float(count)) for outcome, service, count in rows})


def chance_of_less(seen: int, calls: int, part: float) -> float:
    """How probable it is that at most so many of `calls` fall into a `part` of all: the binomial distribution, summed."""
    if seen < 0:
        return 0.0
    logs = (
        math.lgamma(calls + 1)
        - math.lgamma(number + 1)
        - math.lgamma(calls - number + 1)
        + number * math.log(part)
        + (calls - number) * math.log1p(-part)
        for number in range(seen + 1)
    )
    return math.fsum(map(math.exp, logs))


def is_chance(seen: int, calls: int, part: float, error: float) -> bool:
    """Whether a count lies where all but `error` of the cases lie."""
    return chance_of_less(seen, calls, part) > error / 2 and 1 - chance_of_less(seen - 1, calls, part) > error / 2


@pytest.mark.parametrize(
    ("seen", "calls", "part", "error", "chance"),
    [
        (0, 1, 0.5, 0.01, True),
        (0, 10, 0.5, 0.01, False),
        (1, 10, 0.5, 0.01, True),
        (50, 100, 0.5, 0.01, True),
        (63, 100, 0.5, 0.01, True),
        (64, 100, 0.5, 0.01, False),
        (36, 100, 0.5, 0.01, False),
    ],
)
def test_the_bounds_are_those_of_the_binomial_distribution(
    seen: int,
    calls: int,
    part: float,
    error: float,
    chance: bool,  # noqa: FBT001 - a row
) -> None:
    assert is_chance(seen, calls, part, error) is chance


def test_a_fast_hour_has_the_scenario_s_shares_and_success_and_one_total(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    period = read_scenario(SCENARIO).period
    assert period
    with up(tmp_path, "--broker", "local", "--scenario", str(SCENARIO), "--pace", "20") as process:
        enough = "190 calls a second at least, at 20 times the pace"
        processes.until(lambda: ended(process).total() >= CALLS, enough, 120)
        full = time.monotonic()
        processes.until(lambda: time.monotonic() > full + SLOWEST, "what was under way then has ended by itself", 40)
        assert process.end(signal.SIGTERM) == 0
    # Every accepted call has an outcome by now. Shares are of all; success is of those that the stop cannot have cut off.
    command = [sys.executable, "-m", "lgsp", "ledger", "export", "--jsonl", "--state", str(tmp_path)]
    rows = subprocess.run(command, capture_output=True, text=True, check=True, cwd=processes.REPOSITORY).stdout
    told = [json.loads(line) for line in rows.splitlines()]
    counted = Counter((row["service"], row["outcome"]) for row in told)
    with up(tmp_path, "--no-traffic") as again:
        assert +ended(again) == counted
        console = processes.get_json(again.found(r"admin +(http://\S+)") + "/?format=json")
        assert console["year"]["all"] == counted.total()
        by_service = {row["service"]: row["year"] for row in console["services"]}
        assert by_service == {name: sum(counted[name, outcome] for outcome in Outcome) for name in by_service}
        assert set(by_service) >= {service for service, _ in counted}
    whole = counted.total()
    for service, load in period.loads.items():
        seen = sum(counted[service, outcome] for outcome in Outcome)
        assert is_chance(seen, whole, load.share, ERROR / len(period.loads)), (service, seen, load.share * whole)
    begun = {row["id"]: datetime.fromisoformat(row["accepted_at"]).timestamp() for row in told}
    until = max(begun.values()) - SLOWEST
    whole_lived = [row for row in told if begun[row["id"]] < until]
    official = sum(row["outcome"] in {"ok", "business_fault"} for row in whole_lived)
    assert len(whole_lived) > CALLS / 2
    assert is_chance(official, len(whole_lived), period.official, ERROR), (
        official,
        Counter(r["outcome"] for r in whole_lived),
    )
    with capsys.disabled():
        print(
            f"\n{whole} calls at pace 20: ledger, /metrics and console agree; {official} of {len(whole_lived)} are official successes"
        )
