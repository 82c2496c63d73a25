"""Whoever changes something is named; what was not changed is well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ledgers import START, a_ledger, pass_through, tampering

from lgsp.clock import ManualClock
from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger.chain import Checkpoint, Signer, parse
from lgsp.ledger.files import Files
from lgsp.ledger.verify import verify
from lgsp.model import Outcome


@pytest.fixture
async def lies(tmp_path: Path) -> Path:
    """A ledger of 30 rows and two checkpoints, at row 10 and at the end."""
    directory = tmp_path / "state"
    clock = ManualClock(START)
    async with a_ledger(directory, clock) as ledger:
        await pass_through(ledger, 10, asked_as="YC-1")
        await ledger.flush()
        await pass_through(ledger, 10, Outcome.TIMEOUT)
        await ledger.flush()
        await pass_through(ledger, 10)
    return directory


def problems(directory: Path, **fields: Path) -> list[str]:
    return verify(Files(directory, "gw1"), **fields).problems


async def test_what_nobody_changed_is_well(lies: Path) -> None:
    found = verify(Files(lies, "gw1"))
    assert (found.problems, found.rows, found.after, found.checkpoints, found.copies) == ([], 30, 0, 2, 2)


async def test_an_empty_ledger_is_well(tmp_path: Path) -> None:
    async with a_ledger(tmp_path):
        pass
    found = verify(Files(tmp_path, "gw1"))
    assert (found.problems, found.rows, found.checkpoints) == ([], 0, 0)


async def test_it_is_well_while_the_gateway_writes(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        for _ in range(5):
            await pass_through(ledger, 20)
            found = await asyncio.to_thread(verify, Files(tmp_path, "gw1"))
            assert found.problems == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE tx_2023_05 SET outcome = 'ok' WHERE seq = 15", "row 15 was changed"),
        ("UPDATE tx_2023_05 SET took_us = took_us - 1 WHERE seq = 7", "row 7 was changed"),
        ("UPDATE tx_2023_05 SET fault = 'caller' WHERE seq = 15", "row 15 was changed"),
        ("UPDATE tx_2023_05 SET accepted_us = accepted_us + 1 WHERE seq = 1", "row 1 was changed"),
        ("UPDATE tx_2023_05 SET reason = 'budget_spent' WHERE seq = 12", "row 12 was changed"),
        ("UPDATE tx_2023_05 SET reason = reason || char(0) WHERE seq = 12", "row 12 cannot be read: a field cannot be one: a field has another width"),
        ("UPDATE tx_2023_05 SET hash = zeroblob(32) WHERE seq = 30", "row 30 was changed"),
        ("UPDATE tx_2023_05 SET outcome = 'fine' WHERE seq = 9", "row 9 cannot be read"),
        ("UPDATE tx_2023_05 SET kind = 99 WHERE seq = 9", "row 9 names a kind 99 that is not there"),
        ("UPDATE kind SET consumer = 'another'", "row 1 was changed"),
        ("DELETE FROM tx_2023_05 WHERE seq = 15", "row 15 is missing: row 16 stands in its place"),
        ("DELETE FROM tx_2023_05 WHERE seq > 27", "truncated: 27 rows, the journal attests 30: 3 are missing at the end"),
        ("UPDATE hour SET n = n + 1 WHERE outcome = 'ok'", "hour 468024 of svc, , ok does not match its rows"),
        ("UPDATE hour SET max_us = 1 WHERE outcome = 'timeout'", "hour 468024 of svc, , timeout does not match its rows"),
        ("DELETE FROM hour WHERE outcome = 'timeout'", "hour 468024 of svc, , timeout is missing, its rows are there"),
        ("UPDATE hour SET sketch = zeroblob(10)", "its own check"),
        ("UPDATE hour SET h = h - 1", "hour 468023 of svc, , ok does not match its rows"),
        ("DELETE FROM caller_2023_05 WHERE seq = 3", "the look-up by callers' ids of 2023_05 does not match its rows"),
        ("DELETE FROM checkpoint WHERE number = 1", "checkpoint 1 is missing"),
        ("DELETE FROM checkpoint WHERE number = 2", "checkpoint 2 of the copies, at row 30, is not in the ledger"),
        ("UPDATE checkpoint SET document = replace(document, '\"count\":30', '\"count\":29')", "checkpoint 2 is not signed"),
        ("UPDATE checkpoint SET document = replace(document, ',', ', ')", "checkpoint 1 is no checkpoint"),
    ],
)  # fmt: skip
async def test_a_change_is_named(lies: Path, statement: str, says: str) -> None:
    with tampering(lies) as db:
        assert db.execute(statement).rowcount >= 1
    assert any(says in problem for problem in problems(lies)), problems(lies)


async def test_a_chain_that_was_written_anew_disagrees_with_a_copy_of_its_checkpoints(
    lies: Path, tmp_path: Path
) -> None:
    """Somebody who has the signing key writes another history; who kept the checkpoints sees it."""
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(Files(lies, "gw1").checkpoints.read_bytes())
    Files(lies, "gw1").book.unlink()
    Files(lies, "gw1").journal.unlink()
    Files(lies, "gw1").checkpoints.unlink()
    async with a_ledger(lies) as ledger:
        await pass_through(ledger, 30)
    assert problems(lies) == []
    against = problems(lies, against=kept)
    assert (
        "row 30 has another link than the copy of checkpoint 2 attests: the rows before it were written anew" in against
    )


async def test_a_missing_tail_is_told_by_a_copy_when_the_journal_is_gone_too(lies: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(Files(lies, "gw1").checkpoints.read_bytes())
    Files(lies, "gw1").journal.unlink()
    with tampering(lies) as db:
        db.execute("DELETE FROM tx_2023_05 WHERE seq > 27")
        db.execute("DELETE FROM checkpoint WHERE number = 2")
    assert "truncated: 27 rows, the copy of checkpoint 2 attests 30: 3 are missing at the end" in problems(
        lies, against=kept
    )


async def test_another_key_signs_nothing_here(lies: Path, tmp_path: Path) -> None:
    Signer(tmp_path / "other.pem", tmp_path / "other.public.pem")
    found = problems(lies, key=tmp_path / "other.public.pem")
    assert "checkpoint 1 is not signed with this ledger's key" in found


async def test_what_it_checks_with_must_be_there(lies: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        problems(lies, against=tmp_path / "nowhere.jsonl")
    with pytest.raises(SettingsError, match="name it with --key"):
        problems(lies, key=tmp_path / "nowhere.pem")


async def over_three_months(directory: Path) -> None:
    clock = ManualClock(START)
    for _ in range(3):
        async with a_ledger(directory, clock) as ledger:
            await pass_through(ledger, 5)
            await clock.advance(31 * 86_400)
            await pass_through(ledger, 5, Outcome.TIMEOUT)
        await clock.advance(31 * 86_400)
    async with a_ledger(directory, clock) as ledger:
        await pass_through(ledger, 1)


async def test_months_that_were_dropped_are_stood_for_by_their_seal(tmp_path: Path) -> None:
    await over_three_months(tmp_path)
    found = verify(Files(tmp_path, "gw1"))
    assert (found.problems, found.after > 0, found.after + found.rows) == ([], True, 31)
    with tampering(tmp_path) as db:
        db.execute("UPDATE hour SET n = n + 1 WHERE h = (SELECT min(h) FROM hour)")
    assert any("sealed by checkpoint" in problem for problem in problems(tmp_path))


async def test_rows_lost_after_a_seal_are_missed(tmp_path: Path) -> None:
    await over_three_months(tmp_path)
    with tampering(tmp_path) as db:
        oldest = "SELECT min(seq) FROM tx_2023_08"
        first = db.execute(f"DELETE FROM tx_2023_08 WHERE seq = ({oldest}) RETURNING seq").fetchone()[0]  # noqa: S608
    assert f"row {first} is missing: row {first + 1} stands in its place" in problems(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda text: text[:-1],
        lambda _: "[]",
        lambda text: json.dumps(json.loads(text), indent=1),
        lambda text: json.dumps(json.loads(text) | {"more": 1}, sort_keys=True, separators=(",", ":")),
    ],
)
def test_a_line_that_is_no_checkpoint_is_refused_with_its_place(spoil: Callable[[str], str]) -> None:
    good = Checkpoint("gw1", 1, 2, 2, 3, "00", {"ok": 2}, "00").document()
    assert parse(good, "here").document() == good
    with pytest.raises(LedgerDamaged, match=r"^here is no checkpoint"):
        parse(spoil(good), "here")


def test_a_file_that_is_gone_or_none_is_a_finding(tmp_path: Path) -> None:
    Signer(Files(tmp_path, "gw1").private_key, Files(tmp_path, "gw1").public_key)
    Files(tmp_path, "gw1").book.write_bytes(b"x" * 5_000)
    assert "cannot be read as a ledger" in problems(tmp_path)[0]
