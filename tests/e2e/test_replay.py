"""`lgsp replay` against running gateways: what was recorded is asked again, and the books of both sides agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import processes
import pytest
from conftest import Broker

from lgsp.capture.files import read

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
PLACES = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


def lgsp(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgsp", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY, timeout=120)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a load, lifelike, saved from the ring."""
    place = tmp_path_factory.mktemp("recorded")
    with processes.Process(["up", *PLACES, "--no-traffic", "--seed", "7"], place / "state", ready="try  ") as bus:
        admin, gateway = bus.found(r"admin +(\S+)"), bus.found(r"gateway +(\S+)")
        state = ("--state", str(bus.state))
        asked = lgsp(
            "load",
            "--to",
            gateway,
            *state,
            "--rate",
            "20",
            "--for",
            "2s",
            "--as",
            "demo",
            "--admin",
            "127.0.0.1:0",
            "--max-lag",
            "1h",
        )
        assert asked.returncode == 0, asked.stderr
        saved = lgsp("record", "save", "--last", "5m", "--name", "two-seconds", "--admin", admin, *state, "--json")
        assert saved.returncode == 0, saved.stderr
        return Path(json.loads(saved.stdout)["path"])


def test_one_and_many_in_flight_have_the_same_outcomes_to_the_byte(recorded: Path, tmp_path: Path) -> None:
    told = []
    with processes.Process(["up", *PLACES, "--no-traffic", "--seed", "7"], tmp_path / "state", ready="try  ") as bus:
        gateway, admin = bus.found(r"gateway +(\S+)"), bus.found(r"admin +(\S+)")
        here = (
            "--to",
            gateway,
            "--as",
            "demo",
            "--state",
            str(bus.state),
            "--allow-writes",
            "--max-lag",
            "1h",
            "--json",
        )
        for in_flight in ("1", "64"):
            file = tmp_path / f"{in_flight}.jsonl"
            done = lgsp(
                "replay", str(recorded), *here, "--speed", "max", "--max-in-flight", in_flight, "--outcomes", str(file)
            )
            assert done.returncode == 0, done.stderr
            told.append(json.loads(done.stdout)["books"])
        at_the_gate = sum(1 for record in read(recorded) if record.tap == "gateway")
        assert at_the_gate == 40
        assert [books["sent"] for books in told] == [40, 40]
        assert all(books["records"] == books["sent"] + sum(books["filtered"].values()) for books in told)
        counts = processes.get(f"{admin}/metrics")[1].decode()
        accepted = [
            float(line.split()[-1])
            for line in counts.splitlines()
            if line.startswith("lgsp_transactions_accepted_total")
        ]
        assert sum(accepted) == 80
    one, many = ((tmp_path / f"{in_flight}.jsonl").read_bytes() for in_flight in ("1", "64"))
    assert one == many
    assert len(one.splitlines()) == 40


def test_straight_at_the_bus_the_outcomes_are_those_of_the_gateway(
    recorded: Path, broker: Broker, tmp_path: Path
) -> None:
    totals = []
    up = ["up", *PLACES, "--no-traffic", "--seed", "7", "--broker", broker.url]
    with processes.Process(up, tmp_path / "state", ready="try  ") as bus:
        here = (
            "--as",
            "demo",
            "--state",
            str(bus.state),
            "--allow-writes",
            "--max-lag",
            "1h",
            "--speed",
            "max",
            "--json",
        )
        for to in (("--to", bus.found(r"gateway +(\S+)")), ("--to", broker.url, "--via", "bus")):
            done = lgsp("replay", str(recorded), *to, *here)
            assert done.returncode == 0, done.stderr
            totals.append(json.loads(done.stdout)["outcomes"])
    assert totals[0] == totals[1]
    assert sum(totals[0].values()) == 40


def test_without_a_word_nothing_that_writes_is_sent_and_a_dry_run_sends_nothing(recorded: Path, tmp_path: Path) -> None:
    nobody = ("--to", "http://127.0.0.1:1", "--state", str(tmp_path))
    refused = lgsp("replay", str(recorded), *nobody)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--allow-writes" in refused.stderr
    dry = lgsp("replay", str(recorded), *nobody, "--dry-run", "--speed", "2", "--json")
    assert dry.returncode == 0
    said = json.loads(dry.stdout)
    assert said["would_send"] == 40
    assert 0.9 < said["seconds"] < 1.1
    assert sum(said["asks"].values()) == 40
    away = lgsp("replay", str(recorded), "--to", "http://10.0.0.7", "--state", str(tmp_path))
    assert (away.returncode, "--allow-target 10.0.0.7" in away.stderr) == (2, True)


def test_when_nobody_answers_the_books_say_so(recorded: Path, tmp_path: Path) -> None:
    done = lgsp(
        "replay",
        str(recorded),
        "--to",
        "http://127.0.0.1:1",
        "--state",
        str(tmp_path),
        "--allow-writes",
        "--speed",
        "max",
        "--max-lag",
        "1h",
        "--json",
    )
    assert done.returncode == 1
    books = json.loads(done.stdout)["books"]
    assert (books["sent"], books["failed"]) == (0, 40)
