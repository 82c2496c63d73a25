from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledgers import START, a_ledger, asked, fail, pass_through, tampering

from lgsp.cli import lgsp
from lgsp.clock import ManualClock
from lgsp.ledger.files import Files
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 3, asked_as="YC-1")
        await ledger.flush()
        await fail(ledger, asked(), Outcome.PROVIDER_ERROR, "bad_reply")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lgsp, ["ledger", *arguments])


def test_a_ledger_that_is_well_says_so(state: Path) -> None:
    found = run("verify", "--state", str(state))
    assert found.exit_code == 0
    assert found.stdout == "ledger gw1: as it was written (4 rows, 0 events, 2 checkpoints, 2 copies)\n"
    assert Files(state, "gw1").read_verified().well


def test_the_first_bad_row_is_named_and_the_exit_is_a_finding(state: Path) -> None:
    with tampering(state) as db:
        db.execute("UPDATE tx_2023_05 SET took_us = 1 WHERE seq = 2")
    found = run("verify", "--state", str(state))
    assert found.exit_code == 1
    assert found.stdout.startswith("row 2 was changed")
    assert not Files(state, "gw1").read_verified().well
    told = json.loads(run("verify", "--state", str(state), "--json").stdout)
    assert (told["well"], told["rows"]) == (False, 1)


def test_a_missing_tail_is_named_against_checkpoints_kept_elsewhere(state: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(Files(state, "gw1").checkpoints.read_bytes())
    with tampering(state) as db:
        db.execute("DELETE FROM tx_2023_05 WHERE seq = 4")
    found = run("verify", "--state", str(state), "--against", str(kept))
    assert found.exit_code == 1
    assert "truncated: 3 rows, the copy of checkpoint 2 attests 4: 1 are missing at the end" in found.stdout


def test_an_export_is_one_row_a_line_in_either_form(state: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in run("export", "--jsonl", "--state", str(state)).stdout.splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4]
    assert (lines[3]["outcome"], lines[3]["fault"], lines[3]["provider_ms"]) == ("provider_error", "connector", 80.0)
    table = list(csv.DictReader(io.StringIO(run("export", "--csv", "--state", str(state)).stdout)))
    assert [row["id"] for row in table] == [line["id"] for line in lines]
    assert table[3]["took_ms"] == "100.0"
    assert table[0]["provider_ms"] == ""
    file = tmp_path / "out.csv"
    assert run("export", "--csv", "--since", "2023-05-25", "--output", str(file), "--state", str(state)).exit_code == 0
    assert file.read_text() == ""


async def test_a_backup_is_taken_while_the_gateway_runs_and_is_well(tmp_path: Path) -> None:
    source, copy = tmp_path / "state", tmp_path / "copy"
    async with a_ledger(source) as ledger:
        (request,) = await pass_through(ledger, 1, asked_as="YC-9")
        await pass_through(ledger, 20)
        await ledger.flush()
        made = run("backup", str(copy), "--state", str(source))
        await pass_through(ledger, 5)
    assert made.exit_code == 0, made.output
    assert run("verify", "--state", str(copy)).stdout.startswith("ledger gw1: as it was written (21 rows")
    shown = CliRunner().invoke(lgsp, ["transaction", "show", "YC-9", "--state", str(copy), "--json"])
    assert json.loads(shown.stdout)[0]["id"] == request.id
    assert not Files(copy, "gw1").private_key.exists()
    assert "is there already" in str(run("backup", str(copy), "--state", str(source)).exception)


async def test_of_several_ledgers_one_is_chosen_by_name(state: Path) -> None:
    async with SqliteLedger(Files(state, "gw2"), ["svc"], ManualClock(START), capacity=64) as other:
        await pass_through(other, 2)
    assert "choose one with --name" in str(run("verify", "--state", str(state)).exception)
    assert "(2 rows" in run("verify", "--name", "gw2", "--state", str(state)).stdout
    assert "there are gw1, gw2" in str(run("verify", "--name", "gw3", "--state", str(state)).exception)


def test_a_directory_without_a_ledger_says_so(tmp_path: Path) -> None:
    assert "name the state directory" in str(run("verify", "--state", str(tmp_path)).exception)
