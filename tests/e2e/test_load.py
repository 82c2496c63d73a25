"""`lgsp load` against a running gateway: what it counted is what the gateway counted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import processes
import pytest

from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Record

KPI = "/ioc-feed/v1.0.0/kpi/ho-so-dung-han"
pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def load(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgsp", "load", *words, "--admin", "127.0.0.1:0"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY, timeout=90)


def test_a_load_and_the_gateway_count_the_same_calls(tmp_path: Path) -> None:
    places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--no-traffic", "--calm"]
    with processes.Process(["up", *places], tmp_path / "state", ready="try ") as bus:
        admin = bus.found(r"admin +(\S+)")
        here = ("--to", bus.found(r"gateway +(\S+)"), "--state", str(bus.state))
        # However slow the machine is, the books must agree: what it takes is judged in virtual time elsewhere.
        patient = ("--max-lag", "1h", "--service", "population", "--warm-up", "500ms")
        done = load(*here, *patient, "--rate", "40", "--for", "2s", "--json", "--report", str(tmp_path / "page.html"))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["sent"], told["judged"], told["cut"], told["unsent"]) == (80, 60, 20, 0)
        assert sum(told["outcomes"].values()) == 60
        assert set(told["services"]) == {"population"}
        counts = re.findall(
            r'(?m)^lgsp_transactions_total\{.*service="population"\} (\S+)',
            processes.get(f"{admin}/metrics")[1].decode(),
        )
        assert sum(map(float, counts)) == 80
        assert "<svg" in (tmp_path / "page.html").read_text("utf-8")

        recorded = tmp_path / "asked.lgsp.jsonl"
        with Writer.create(recorded, {}) as writer:
            at = 1_000_000_000
            writer.write(*(Record(n * at, request=Asked("GET", url)) for n, url in enumerate((KPI, KPI, "/nobody"))))
        mix = ("--mix", str(recorded), "--max-lag", "1h", "--rate", "20", "--for", "1s", "--json")
        for arrivals in ("even", "trace"):
            again = load(*here, *mix, "--arrivals", arrivals)
            assert again.returncode == 0, again.stderr
            assert "1 records of" in again.stderr
            told = json.loads(again.stdout)
            assert (told["sent"], told["outcomes"], set(told["services"])) == (20, {"ok": 20}, {"ioc-feed"})

        broken = load(
            *here, *patient, "--users", "2", "--think", "10ms", "--for", "1s", "--fail", "p50<0.001ms,errors<=100%"
        )
        assert broken.returncode == 1
        assert "BROKEN p50<0.001ms" in broken.stdout
        assert "kept   errors<=100%" in broken.stdout
        # No clock is so fine that a call leaves within 0.001 ms of its moment.
        late = load(*here, "--rate", "40", "--for", "1s", "--fail", "lag_max<0.001ms")
        assert late.returncode == 4
        assert "inconclusive" in late.stderr


def test_a_load_on_nobody_is_a_sentence_and_exit_3(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("any")
    done = load(
        "--to",
        "http://127.0.0.1:1",
        "--rate",
        "5",
        "--for",
        "1s",
        "--secret-file",
        str(secret),
        "--state",
        str(tmp_path),
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "nobody answers at http://127.0.0.1:1" in done.stderr
