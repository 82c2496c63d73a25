"""A start after the worst: rows torn off, rows that do not fit, a journal cut short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ledgers import START, a_ledger, asked, killed, pass_through, rows, tampering

from lgsp.clock import ManualClock
from lgsp.errors import LedgerDamaged
from lgsp.ledger.files import Files
from lgsp.ledger.journal import SIZE
from lgsp.ledger.recovery import Findings
from lgsp.ledger.verify import verify
from lgsp.model import Outcome


def wal(directory: Path) -> Path:
    return directory / "ledger-gw1.sqlite-wal"


async def test_rows_torn_off_the_file_are_written_again_link_by_link(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 3)
        await ledger.flush()
        for _ in range(4):
            await pass_through(ledger, 2, Outcome.TIMEOUT)
            await ledger.flush()
        image = killed(tmp_path / "a", tmp_path / "image")
    whole = [row["hash"] for row in rows(tmp_path / "a")]
    log = wal(image).read_bytes()
    wal(image).write_bytes(log[: len(log) * 3 // 4])
    async with a_ledger(image) as again:
        assert again.findings.restored >= 2
        assert again.findings == Findings(restored=again.findings.restored)
        assert again.totals()["svc", Outcome.TIMEOUT] == 8
    assert [row["hash"] for row in rows(image)] == whole
    assert verify(Files(image, "gw1")).problems == []


async def test_rows_that_are_nowhere_are_counted_as_lost(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "a", capacity=4) as ledger:
        for _ in range(10):
            await pass_through(ledger, 2)
            await ledger.flush()
        image = killed(tmp_path / "a", tmp_path / "image")
    wal(image).write_bytes(wal(image).read_bytes()[: 32 + 4 * (24 + 4096)])
    async with a_ledger(image, capacity=4) as again:
        assert again.findings.lost > 0
        assert again.totals()["svc", Outcome.OK] + again.findings.lost == 20
        await pass_through(again, 1)
    lost = again.findings.lost
    assert f"{lost} rows were lost before a start, and their numbers given anew" in verify(Files(image, "gw1")).problems


async def test_rows_at_the_end_that_do_not_fit_are_set_aside_and_written_again(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 3)
        await ledger.flush()
        await pass_through(ledger, 5, Outcome.TIMEOUT)
        await ledger.flush()
        image = killed(tmp_path / "a", tmp_path / "image")
    with tampering(image) as db:
        changed = db.execute("UPDATE tx_2023_05 SET outcome = 'ok' WHERE seq = 6").rowcount
        assert changed == 1
    async with a_ledger(image, ManualClock(START)) as again:
        assert again.findings == Findings(quarantined=3, restored=3)
        assert again.totals()["svc", Outcome.TIMEOUT] == 5
    aside = [json.loads(line) for line in Files(image, "gw1").quarantine(8).read_text().splitlines()]
    assert [(row["seq"], row["outcome"]) for row in aside] == [(6, "ok"), (7, "timeout"), (8, "timeout")]
    assert verify(Files(image, "gw1")).problems == []


async def test_a_journal_cut_short_is_told(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await ledger.open(asked())
        image = killed(tmp_path / "a", tmp_path / "image")
    journal = Files(image, "gw1").journal
    journal.write_bytes(journal.read_bytes()[:-SIZE])
    async with a_ledger(image) as again:
        assert again.findings == Findings(crashed=1, torn=SIZE)


async def test_a_journal_without_its_head_is_refused(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 1)
        await ledger.flush()
        await pass_through(ledger, 1)
    journal = Files(tmp_path, "gw1").journal
    data = bytearray(journal.read_bytes())
    data[64] ^= 1
    data[128] ^= 1
    journal.write_bytes(data)
    with pytest.raises(LedgerDamaged, match="neither copy of the chain's head is whole"):
        await a_ledger(tmp_path).__aenter__()
