"""The ledger against broken disks: 10,000 flipped bits, every truncation, and what it costs."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import a_transaction
from ledgers import START, a_ledger, asked, killed, pass_through, rows

from lgsp.clock import ManualClock
from lgsp.errors import LgspError
from lgsp.ledger import schema
from lgsp.ledger.book import Book
from lgsp.ledger.chain import Signer
from lgsp.ledger.files import Files
from lgsp.ledger.journal import Head
from lgsp.ledger.links import follow
from lgsp.ledger.row import ended_of, kind_digest, opened_of
from lgsp.ledger.verify import verify
from lgsp.model import Outcome

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

FLIPS = 10_000


async def a_full_one(directory: Path) -> Files:
    async with a_ledger(directory) as ledger:
        for number in range(50):
            await pass_through(
                ledger, 4, list(Outcome)[number % 7], asked_as=f"YC-{number}", consumer=f"c-{number % 3}"
            )
            await ledger.flush()
    return Files(directory, "gw1")


def content(book: Path) -> list[tuple[object, ...]]:
    """Everything that the tables hold; what cannot be read raises."""
    db = sqlite3.connect(book)
    try:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [(table.lower(), *row) for table in tables for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - our own names
    finally:
        db.close()


async def test_of_10_000_flipped_bits_none_changes_the_account_in_silence(tmp_path: Path) -> None:
    files = await a_full_one(tmp_path / "a")
    whole, told = files.book.read_bytes(), content(files.book)
    chance = random.Random(20230524)
    verdicts: Counter[str] = Counter()
    for _ in range(FLIPS):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        files.book.write_bytes(data)
        if verify(files).problems:
            verdicts["found"] += 1
        elif _same(files.book, told):
            verdicts["in unused bytes: the account reads the same"] += 1
        else:
            verdicts["silent"] += 1
    print(f"{FLIPS} flipped bits in {len(whole):,} bytes: {dict(verdicts)}")
    assert verdicts["silent"] == 0
    assert verdicts["found"] > FLIPS / 3  # more than half of so small a file is unused space of its pages


def _same(book: Path, told: list[tuple[object, ...]]) -> bool:
    try:
        return content(book) == told
    except (sqlite3.Error, UnicodeDecodeError):
        return False


async def test_every_truncation_of_the_file_is_found(tmp_path: Path) -> None:
    files = await a_full_one(tmp_path / "a")
    whole = files.book.read_bytes()
    silent = []
    for length in range(0, len(whole), 101):
        files.book.write_bytes(whole[:length])
        if not verify(files).problems:
            silent.append(length)
    print(f"{len(range(0, len(whole), 101))} truncations of {len(whole):,} bytes: {len(silent)} silent")
    assert silent == []


async def test_a_start_after_a_cut_at_every_byte_of_the_last_records_counts_the_same(tmp_path: Path) -> None:
    """The write-ahead log cut anywhere within its last three commits: nothing is lost, nothing counted twice."""
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 5)
        await ledger.flush()
        sizes = []
        for _ in range(3):
            sizes.append((tmp_path / "a" / "ledger-gw1.sqlite-wal").stat().st_size)
            await pass_through(ledger, 1, Outcome.TIMEOUT)
            await ledger.flush()
        await ledger.open(asked())
        image = killed(tmp_path / "a", tmp_path / "image")
    links = [row["hash"] for row in rows(tmp_path / "a")]
    log = (image / "ledger-gw1.sqlite-wal").read_bytes()
    cuts = sorted({*range(sizes[0], len(log), 211), *(at + by for at in sizes for by in range(-5, 30)), len(log) - 1})
    for cut in cuts:
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        shutil.copytree(image, tmp_path / "cut")
        (tmp_path / "cut" / "ledger-gw1.sqlite-wal").write_bytes(log[:cut])
        async with a_ledger(tmp_path / "cut", ManualClock(START)) as again:
            counted = again.totals()["svc", Outcome.OK], again.totals()["svc", Outcome.TIMEOUT], again.findings.lost
            assert (*counted, again.totals()["svc", Outcome.BUS_ERROR]) == (5, 3, 0, 1), cut
        assert [row["hash"] for row in rows(tmp_path / "cut")][:8] == links[:8], cut
    print(f"{len(cuts)} cuts: 0 lost, 0 counted twice")


async def test_a_journal_cut_or_flipped_anywhere_in_its_last_records_invents_nothing(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "a") as ledger:
        await pass_through(ledger, 2)
        await ledger.flush()
        for _ in range(2):
            await ledger.open(asked())
        image = killed(tmp_path / "a", tmp_path / "image")
    journal = Files(image, "gw1").journal.read_bytes()
    refused = 0
    places = [*range(0, 200, 3), *range(4096, 4096 + 6 * 160, 5)]
    for at in places:
        for spoil in ("cut", "flip"):
            shutil.rmtree(tmp_path / "now", ignore_errors=True)
            shutil.copytree(image, tmp_path / "now")
            data = bytearray(journal)
            if spoil == "cut":
                del data[at:]
            else:
                data[at] ^= 0x04
            Files(tmp_path / "now", "gw1").journal.write_bytes(data)
            try:
                async with a_ledger(tmp_path / "now", ManualClock(START)) as again:
                    found, ended = again.findings, again.totals()
                    assert ended["svc", Outcome.OK] == 2, (spoil, at)
                    crashed = ended["svc", Outcome.BUS_ERROR]
                    assert crashed == 2 or found.torn > 0 or spoil == "flip", (spoil, at, found)
                    assert crashed <= 2, (spoil, at)
            except LgspError:
                refused += 1
    print(f"{2 * len(places)} spoilt journals: {refused} refused with a sentence, nothing invented")


async def test_what_a_row_costs(tmp_path: Path) -> None:
    """Prints rates; asserts none, since a busy machine is no mistake of the code."""
    files = Files(tmp_path, "gw1")
    bodies, book = _filled(files)
    with _timed("chained rows written", len(bodies)):
        for at in range(0, len(bodies), 2_000):
            book.write(bodies[at : at + 2_000], int(START * 1e6))
    book.copy_checkpoints()
    book.close()
    with _timed("rows verified: chain alone", len(bodies)):
        assert _followed(files) == len(bodies)
    with _timed("rows verified: chain, hours, checkpoints, structure", len(bodies)):
        found = verify(files)
    assert (found.problems, found.rows) == ([], len(bodies))
    async with a_ledger(tmp_path / "hot", capacity=32_768) as ledger:
        await pass_through(ledger, 1)
        requests = [asked() for _ in range(20_000)]
        transactions = [a_transaction(request=request) for request in requests]
        with _timed("opened", len(requests)):
            for request in requests:
                await ledger.open(request)
        with _timed("closed", len(requests)):
            for transaction in transactions:
                await ledger.close(transaction)


@contextmanager
def _timed(what: str, count: int) -> Iterator[None]:
    wall, own = time.perf_counter(), time.thread_time()
    yield
    wall, own = time.perf_counter() - wall, time.thread_time() - own
    print(
        f"{what}: {count / wall:,.0f}/s, {count / own:,.0f} a second of processor time ({own / count * 1e6:.1f} µs each)"
    )


def _filled(files: Files) -> tuple[list[bytes], Book]:
    book = Book(files.book, "gw1", Signer(files.private_key, files.public_key), files.checkpoints)
    kinds = [(f"s-{n}", "GET /x", f"c-{n % 3}") for n in range(28)]
    book.write([], 0, kinds=kinds)
    bodies = []
    for number in range(200_000):
        request = asked()
        transaction = a_transaction(request=request, seconds=0.001 * (number % 500))
        bodies.append(opened_of(request, book.kinds[kinds[number % 28]], START, b"k") + ended_of(transaction))
    return bodies, book


def _followed(files: Files) -> int:
    db = schema.connect(files.book, readonly=True)
    kinds = db.execute("SELECT id, service, operation, consumer FROM kind")
    digests = {number: kind_digest((service, operation, consumer)) for number, service, operation, consumer in kinds}
    head, _ = follow(db.execute("SELECT * FROM tx_2023_05 ORDER BY seq"), Head(), digests)
    db.close()
    return head.sequence
