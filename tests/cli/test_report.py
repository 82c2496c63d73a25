from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledgers import START, a_ledger, pass_through, tampering

from lgsp.cli.report import report
from lgsp.clock import ManualClock
from lgsp.errors import SettingsError
from lgsp.model import Outcome

CONFIG = str(Path(__file__).parents[2] / "config")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    async def fill() -> None:
        async with a_ledger(tmp_path, ManualClock(START)) as ledger:
            await pass_through(ledger, 9)
            await pass_through(ledger, 1, Outcome.TIMEOUT)

    asyncio.run(fill())
    return tmp_path


def run(state: Path, *words: str) -> Result:
    days = ["--from", "2023-05-01", "--to", "2023-05-24"]
    return CliRunner().invoke(report, ["--state", str(state), "--config", CONFIG, *days, *words])


def test_it_reports_and_says_how_to_check_it(state: Path) -> None:
    done = run(state, "--lang", "vi")
    assert done.exit_code == 0, done.output
    assert "1 dịch vụ trên LGSP phát sinh 10 giao dịch, tỷ lệ thành công 90,0%" in done.stdout.replace("\n", " ")
    command = done.stdout.splitlines()[-1].split()
    assert command[:2] == ["lgsp", "report"]
    checked = CliRunner().invoke(report, ["--state", str(state), "--config", CONFIG, *command[2:]])
    assert (checked.exit_code, checked.stdout) == (0, f"as it was written: the figures are sha256:{command[-1]}\n")


def test_a_number_changed_by_hand_takes_the_evidence_away(state: Path) -> None:
    digest = json.loads(run(state, "--json").stdout)["evidence"]["digest"]
    with tampering(state) as db:
        db.execute("UPDATE hour SET n = n + 1 WHERE outcome = 'ok'")
    done = run(state, "--lang", "en")
    assert done.exit_code == 1
    assert "NO EVIDENCE" in done.stdout
    assert "sha256:" not in done.stdout
    assert "does not match its rows" in done.stdout
    assert "does not match its rows" in done.stderr
    checked = run(state, "--check", digest)
    assert checked.exit_code == 1
    assert "other figures" in checked.stdout


def test_other_figures_are_said_to_be_others(state: Path) -> None:
    done = run(state, "--check", "sha256:" + "0" * 64)
    assert done.exit_code == 1
    assert done.stdout.startswith("other figures: these are sha256:")


def test_what_was_not_verified_is_no_evidence_and_no_finding(state: Path) -> None:
    done = run(state, "--unchecked", "--lang", "en")
    assert (done.exit_code, "NOT CHECKED" in done.stdout, "sha256:" in done.stdout) == (0, True, False)
    assert run(state, "--unchecked", "--check", "0").exit_code == 1


def test_it_writes_a_file(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = run(state, "--format", "html", "--output", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no day"),
        (["--to", "2023-02-30"], "--to '2023-02-30' is no day"),
        (["--to", "2023-04-30"], "lies after --to"),
    ],
)
def test_days_that_are_none_are_refused(state: Path, words: list[str], says: str) -> None:
    error = run(state, *words).exception
    assert isinstance(error, SettingsError)
    assert says in str(error)


def test_a_directory_without_anything_is_said_to_be_that(tmp_path: Path) -> None:
    error = run(tmp_path / "nothing").exception
    assert isinstance(error, SettingsError)
    assert "neither a ledger nor a simulated past" in str(error)


@pytest.mark.real
@pytest.mark.timeout(180)
def test_the_yardstick_is_what_the_province_reported(tmp_path: Path) -> None:
    def lgsp(*words: str) -> str:
        command = [sys.executable, "-m", "lgsp", *words, "--config", CONFIG, "--state", str(tmp_path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    checked = json.loads(lgsp("history", "--check", "--json"))
    assert {fact["holds"] for fact in checked} == {True}
    came = {fact["what"]: fact["came"] for fact in checked}
    assert (came["transactions"], came["dossiers"], came["hotline-settled"], came["desks"]) == (
        "225500000",
        "197734",
        "1582",
        "18",
    )
    lgsp("history", "--as-dated")
    days = ("--from", "2023-01-01", "--to", "2023-05-24")
    text = lgsp("report", *days, "--lang", "vi")
    for figure in (
        "28 dịch vụ", "225.500.000", "99,0%", "223.245.000", "197.734", "37.710", "70.296", "89.728", "16.960", "7.928",
        "46,75%", "1.598", "1.582", "SỐ LIỆU MÔ PHỎNG", "Nông Sơn, Phước Sơn",
    ):  # fmt: skip
        assert figure in text, figure
    read = json.loads(lgsp("report", *days, "--json", "--unchecked"))
    assert (read["total"], read["official"], read["official_success"]) == (225_500_000, 223_245_000, 0.99)
    assert (len(read["services"]), read["daily_average"]) == (28, 1_565_972)
    assert {
        sum(row["total"] for row in read[name]) for name in ("services", "owners", "tiers", "consumers", "months")
    } == {225_500_000}
    assert "18" in [str(total["count"]) for name, total in read["totals"].items() if name == "places"]
