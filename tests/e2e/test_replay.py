"""`lgsp replay` against running gateways: what was recorded is asked again, and the books of both sides agree."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import ClassVar

import processes
import pytest
from conftest import Broker

from lgsp.capture.files import Writer, read
from lgsp.capture.record import Asked, Record

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


def test_straight_at_the_bus_or_the_stand_ins_the_outcomes_are_those_of_the_gateway(
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
        straight = ("--via", "connector", "--seed", "7")
        for to in (("--to", bus.found(r"gateway +(\S+)")), ("--to", broker.url, "--via", "bus"), straight):
            done = lgsp("replay", str(recorded), *to, *here)
            assert done.returncode == 0, done.stderr
            totals.append(json.loads(done.stdout)["outcomes"])
    assert totals[0] == totals[1] == totals[2]
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


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers, counts who came, and tells when there were sixty."""

    came: ClassVar[Counter[str]] = Counter()
    sixty = threading.Event()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.came[self.path] += 1
        if self.came.total() >= 60:
            self.sixty.set()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_after_a_kill_nothing_goes_twice(tmp_path: Path) -> None:
    capture, journal = tmp_path / "all.lgsp.jsonl", tmp_path / "journal"
    with Writer.create(capture, {}) as writer:
        writer.write(*(Record(t=n, request=Asked("GET", f"/{n}")) for n in range(300)))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        words = [
            "replay",
            str(capture),
            "--to",
            f"http://127.0.0.1:{server.server_port}",
            "--rate",
            "100",
            "--max-lag",
            "1h",
        ]
        words += ["--max-in-flight", "4", "--resume", str(journal), "--state", str(tmp_path), "--json"]
        first = subprocess.Popen(
            [sys.executable, "-m", "lgsp", *words], stdout=subprocess.DEVNULL, cwd=processes.REPOSITORY
        )
        assert Counting.sixty.wait(60)
        first.kill()
        first.wait()
        again = lgsp(*words)
        server.shutdown()
    books = json.loads(again.stdout)["books"]
    before = books["filtered"]["went in an earlier run"]
    assert (again.returncode, books["sent"] + before) == (0, 300)
    assert 60 <= before < 300
    assert max(Counting.came.values()) == 1
    assert 300 - 4 <= len(Counting.came) <= 300  # what the kill caught in flight may not have gone
